/* SPDX-License-Identifier: Apache-2.0 */
/* test_api_accounts.c - /api/v1/accounts, and their metrics. */
#include "collector/api/api_int.h"
#include "tests/support/test.h"
#include <stdlib.h>

static struct stream one_stream;
static const struct api_view view = { .name = "c" };

void
streams_each(struct streams *s UNUSED, void (*fn)(void *arg, struct stream *st), void *arg)
{
	fn(arg, &one_stream);
}

/* Of 9 opens 5 came, 3 were dropped, and one is missing. */
static void
setup_accounts(void)
{
	const uint64_t delivered[EV_TYPE_MAX] = { [EV_OPEN] = 5 };
	Wire__Account open = WIRE__ACCOUNT__INIT, *row = &open;
	Wire__Drop full = WIRE__DROP__INIT, *drop = &full;
	Wire__Batch batch = WIRE__BATCH__INIT;

	open.event = full.event = EV_OPEN;
	open.generated = 9;
	open.emitted = 5;
	full.cause = DROP_RING_FULL;
	full.count = 3;
	batch.real_ns = 44;
	batch.accounts = &row;
	batch.drops = &drop;
	batch.n_accounts = batch.n_drops = 1;
	(void) accounts_set(&one_stream.accounts, &batch, delivered);
}

static void
test_accounts(void **state)
{
	static const struct {
		const char *node, *cluster, *json;
	} asked[] = {
		{ "n\"1\\", "k",
		    "{\"nodes\":[{\"cluster\":\"k\",\"node\":\"n\\\"1\\\\\",\"at\":44,"
		    "\"generated\":9,"
		    "\"delivered\":5,\"undelivered\":0,\"unaccounted\":1,\"dropped\":{\"ring_"
		    "full\":3},"
		    "\"types\":[{\"type\":\"open\",\"generated\":9,\"delivered\":5,\"undelivered\":"
		    "0,"
		    "\"unaccounted\":1,\"dropped\":{\"ring_full\":3}}]}]}\n" },
		{ NULL, NULL,
		    "{\"nodes\":[{\"cluster\":\"k\",\"node\":\"n\\\"1\\\\\",\"at\":44,"
		    "\"generated\":9,"
		    "\"delivered\":5,\"undelivered\":0,\"unaccounted\":1,\"dropped\":{\"ring_"
		    "full\":3}}]}\n" },
		{ "n", NULL, "{\"nodes\":[]}\n" },
		{ NULL, "n", "{\"nodes\":[]}\n" },
	};

	(void) state;
	(void) snprintf(one_stream.id.node, sizeof(one_stream.id.node), "n\"1\\");
	(void) snprintf(one_stream.id.cluster, sizeof(one_stream.id.cluster), "k");
	accounts_init(&one_stream.accounts);
	setup_accounts();
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		struct buf out CLEANUP(buf_fini) = BUF_INIT;

		api_accounts(&view, asked[i].node, asked[i].cluster, &out);
		buf_char(&out, '\0');
		assert_int_equal(0, buf_ok(&out));
		assert_string_equal(asked[i].json, out.p);
	}
}

/* What is 0 by type and cause has no line. */
static void
test_metrics(void **state)
{
	static const char *const samples[] = {
		"\nmews_node_generated_total{cluster=\"k\",node=\"n\\\"1\\\\\"} 9\n",
		"\nmews_node_delivered_total{cluster=\"k\",node=\"n\\\"1\\\\\"} 5\n",
		"\nmews_node_undelivered_total{cluster=\"k\",node=\"n\\\"1\\\\\"} 0\n",
		"\nmews_node_unaccounted_total{cluster=\"k\",node=\"n\\\"1\\\\\"} 1\n",
		("\nmews_node_type_lost_total{cluster=\"k\",node=\"n\\\"1\\\\\",type=\"open\","
		 "cause=\"ring_"
		 "full\"} "
		 "3\n"
		 "mews_node_type_lost_total{cluster=\"k\",node=\"n\\\"1\\\\\",type=\"open\",cause="
		 "\"unaccounted\"} "
		 "1\n"),
	};
	struct buf out CLEANUP(buf_fini) = BUF_INIT;
	size_t lines = 0;

	(void) state;
	metrics_accounts(&view, &out);
	buf_char(&out, '\0');
	assert_int_equal(0, buf_ok(&out));
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		assert_non_null(strstr(out.p, samples[i]));
	for (const char *s = out.p; (s = strstr(s, "mews_node_type_lost_total{")) != NULL; s++)
		lines++;
	assert_int_equal(2, lines);
	accounts_fini(&one_stream.accounts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
