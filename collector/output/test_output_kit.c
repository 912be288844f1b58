/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/test_output_kit.h"
#include "tests/support/test.h"
#include <errno.h>

char bench_path[64];

void
bench_ended(void *arg, uint64_t rowid, enum output_result result, const char *why)
{
	struct bench *b = arg;

	assert_true(rowid <= 1000);
	b->ended[rowid]++;
	b->delivered += result == OUTPUT_DELIVERED;
	b->refused += result == OUTPUT_REFUSED;
	b->retry += result == OUTPUT_RETRY;
	assert_int_equal(result == OUTPUT_DELIVERED, why == NULL);
}

struct bench *
bench_new(const struct output_ops *ops, const char *yaml)
{
	struct bench *b = calloc(1, sizeof(*b));
	char text[512];
	struct diag d = { 0 };
	size_t n;

	assert_non_null(b);
	b->ops = ops;
	b->st = calloc(1, ops->state_size);
	assert_non_null(b->st);
	n = strcspn(yaml, "@"); /* stands for the path */
	(void) snprintf(text, sizeof(text), "%.*s%s%s", (int) n, yaml,
	    yaml[n] == '@' ? bench_path : "", yaml[n] == '@' ? yaml + n + 1 : "");
	assert_int_equal(0, cfg_parse("mews.yaml", slice_str(text), &b->cfg, &d));
	assert_int_equal(0, cfg_bind(b->cfg, ops->opts, ops->nopts, b->st, &d));
	return b;
}

struct bench *
bench_open(const struct output_ops *ops, const char *yaml)
{
	struct bench *b = bench_new(ops, yaml);
	struct diag d = { 0 };

	assert_int_equal(0, ops->open(b->st, b->cfg, bench_ended, b, &d));
	assert_int_equal(0, cfg_check_unknown(b->cfg, &d));
	return b;
}

void
bench_close(struct bench *b)
{
	b->ops->close(b->st);
	cfg_free(b->cfg);
	free(b->st);
	free(b);
}

int
bench_submit(struct bench *b, unsigned n)
{
	char json[64];
	struct outbox_row row = { .rowid = n };
	struct alert *a = &row.alert;

	(void) snprintf(json, sizeof(json), "{\"output\":\"alert %u\"}", n);
	(void) snprintf(a->id, sizeof(a->id), "%08x-0000-8000-8000-000000000000", n);
	a->rule = "r";
	a->cluster = "c";
	a->node = "n";
	a->json = json;
	a->json_len = strlen(json);
	return b->ops->submit(b->st, &row);
}

void
bench_submit_all(struct bench *b, unsigned from, unsigned to)
{
	int r;

	for (unsigned n = from; n <= to; n++) {
		while ((r = bench_submit(b, n)) == -EAGAIN)
			b->ops->poll(b->st, 10);
		assert_int_equal(0, r);
	}
}
