/* SPDX-License-Identifier: Apache-2.0 */
/* test_batch_texts.c - texts that begin like earlier ones. */
#include "proto/batch.h"
#include "proto/wire.h"
#include "tests/support/evbuild.h"
#include "tests/support/test.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Two opens by one thread, of "/etc/x" and "/etc/xyz", as columns that a case can corrupt. */
struct columns {
	Wire__Columns msg;
	ProtobufCBinaryData dict[1];
	uint32_t one[2], type[2], origin[2];
	uint64_t start[1];
	int64_t time[2], params[14];
	uint32_t size[4], shared[4], like[4];
};

static void
columns_init(struct columns *c)
{
	static uint8_t tails[] = "/etc/xyz";

	*c = (struct columns){
		.dict = { { 6, tails } },
		.one = { 1 },
		.start = { 9 },
		.type = { EV_OPEN, EV_OPEN },
		.time = { 100, 1 },
		.params = { 3, 1, 0, 0, 0, 5, 0, -5, 2 },
		.size = { 6, 0, 2 }, /* the second text is "/etc/" */
		.shared = { 0, 5, 6 },
		.like = { 1, 2 },
	};
	wire__columns__init(&c->msg);
	c->msg.dict = c->dict;
	c->msg.n_tid = c->msg.n_pid = c->msg.n_start = c->msg.n_cpu = 1;
	c->msg.tid = c->msg.pid = c->msg.cpu = c->one;
	c->msg.start = c->start;
	c->msg.n_type = c->msg.n_time = c->msg.n_origin = 2;
	c->msg.type = c->type;
	c->msg.time = c->time;
	c->msg.origin = c->origin;
	c->msg.n_params = 14;
	c->msg.params = c->params;
	c->msg.tails = (ProtobufCBinaryData){ 8, tails };
	c->msg.n_tail_size = c->msg.n_shared = 3;
	c->msg.n_like = 2;
	c->msg.tail_size = c->size;
	c->msg.shared = c->shared;
	c->msg.like = c->like;
}

static int
decode(const struct columns *c, struct batch **b, const char **why)
{
	size_t n = wire__columns__get_packed_size(&c->msg);
	uint8_t *p = malloc(n + 1);
	Wire__Body body = WIRE__BODY__INIT;
	int r;

	assert_non_null(p);
	assert_int_equal(n, wire__columns__pack(&c->msg, p));
	body.size = (uint32_t) n;
	body.data = (ProtobufCBinaryData){ n, p };
	r = batch_decode(&body, NULL, b, why);
	free(p);
	return r;
}

#define SPOIL(name)                          \
	static void name(struct columns *c); \
	static void name(struct columns *c)

SPOIL(spoil_nothing)
{
	(void) c;
}
SPOIL(spoil_two_forms)
{
	c->msg.n_dict = 1;
}
SPOIL(spoil_sizes)
{
	c->msg.n_tail_size = 2;
}
SPOIL(spoil_shareds)
{
	c->msg.n_shared = 2;
}
SPOIL(spoil_more_likes)
{
	c->msg.n_like = 3;
}
SPOIL(spoil_many_likes)
{
	c->msg.n_like = 4;
}
SPOIL(spoil_fewer_likes)
{
	c->msg.n_like = 1;
}
SPOIL(spoil_many_texts)
{
	c->msg.n_tail_size = c->msg.n_shared = 3;
	c->msg.n_params = 2;
}
SPOIL(spoil_size)
{
	c->size[2] = 3;
}
SPOIL(spoil_size_short)
{
	c->size[2] = 1;
}
SPOIL(spoil_size_huge)
{
	c->size[0] = UINT32_MAX;
}
SPOIL(spoil_like_itself)
{
	c->like[0] = 0;
}
SPOIL(spoil_like_null)
{
	c->like[0] = 2;
}
SPOIL(spoil_like_before)
{
	c->like[1] = UINT32_MAX;
}
SPOIL(spoil_shared_longer)
{
	c->shared[1] = 7;
}
SPOIL(spoil_shared_of_shorter)
{
	c->like[1] = 1; /* has 5 bytes */
}
SPOIL(spoil_shared_huge)
{
	c->shared[1] = UINT32_MAX;
}
SPOIL(spoil_shared_sum)
{
	c->shared[1] = c->shared[2] = WIRE_COLUMNS_MAX / 2;
}
SPOIL(spoil_tails_missing)
{
	c->msg.tails.len = 0;
}

static const struct {
	void (*spoil)(struct columns *c);
	const char *why;
} cases[] = {
	{ spoil_nothing, NULL },
	{ spoil_two_forms, "texts in two forms" },
	{ spoil_sizes, "text columns of unequal length" },
	{ spoil_shareds, "text columns of unequal length" },
	{ spoil_more_likes, "text columns of unequal length" },
	{ spoil_many_likes, "text columns of unequal length" },
	{ spoil_fewer_likes, "text columns of unequal length" },
	{ spoil_many_texts, "more texts than parameters" },
	{ spoil_size, "a text's end is outside the texts" },
	{ spoil_size_short, "text columns of unequal length" },
	{ spoil_size_huge, "a text's end is outside the texts" },
	{ spoil_like_itself, "a text begins like none before it" },
	{ spoil_like_null, "a text begins like none before it" },
	{ spoil_like_before, "a text begins like none before it" },
	{ spoil_shared_longer, "a text begins like none before it" },
	{ spoil_shared_of_shorter, "a text begins like none before it" },
	{ spoil_shared_huge, "the texts are too large" },
	{ spoil_shared_sum, "the texts are too large" },
	{ spoil_tails_missing, "a text's end is outside the texts" },
};

/* Each case is refused with its reason; what is not spoiled decodes to whole texts. */
static void
sharing(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct batch *b = NULL;
		const char *why = NULL;
		struct columns c;

		columns_init(&c);
		cases[i].spoil(&c);
		if (cases[i].why != NULL) {
			assert_int_equal(-EBADMSG, decode(&c, &b, &why));
			assert_null(b);
			assert_string_equal(cases[i].why, why);
			continue;
		}
		assert_int_equal(0, decode(&c, &b, &why));
		assert_true(slice_eq(SLICE("/etc/x"), ev_text(b, &b->ev[0], 1)));
		assert_true(slice_eq(SLICE("/etc/xyz"), ev_text(b, &b->ev[1], 1)));
		assert_true(slice_eq(SLICE("/etc/"), b->text[2]));
		batch_free(b);
	}
}

/* Paths take little more than their last names, and come back whole. */
static void
paths(void **state)
{
	enum { N = 1000 };
	static const char *const folders[] = { "/usr/share/dictionaries/common/", "/usr/lib/", "/",
		"", "relative/to/something/", "/usr/share/dictionaries/common/more/" };
	static char name[N][80];
	static struct evb b;
	struct buf data = BUF_INIT;
	struct batch_enc *e = NULL;
	struct batch *batch = NULL;
	const char *why = "";
	Wire__Body body;
	size_t whole = 0;

	(void) state;
	assert_int_equal(0, batch_enc_new(&e));
	for (unsigned i = 0; i < N; i++) {
		(void) snprintf(name[i], sizeof(name[i]), "%s%.*s%u",
		    folders[i * 7 % ARRAY_SIZE(folders)], (int) (i % 9), "filename", i);
		whole += strlen(name[i]);
		evb_begin(&b, EV_OPENAT, 1, i);
		evb_text(&b, "name", name[i]);
		assert_int_equal(0, batch_enc_add(e, evb_end(&b)));
	}
	assert_int_equal(0, batch_enc_finish(e, 0, &data, &body));
	assert_int_equal(0, batch_decode(&body, NULL, &batch, &why));
	assert_int_equal(N + 1, batch->ntext);
	for (unsigned i = 0; i < N; i++)
		assert_string_equal(name[i], evb_str(batch, &batch->ev[i], "name"));
	assert_true(body.size < whole); /* although each event has seven other bytes or more */
	batch_free(batch);
	batch_enc_free(e);
	buf_fini(&data);
}

/* Long texts that differ in their last bytes only: small on the wire, but what the collector would
 * have to put together is limited too. */
static void
whole_limit(void **state)
{
	static char text[30000];
	static struct evb b;
	struct buf data = BUF_INIT;
	struct batch_enc *e = NULL;
	struct batch *batch = NULL;
	const char *why = "";
	unsigned n = 0;
	Wire__Body body;
	int r = 0;

	(void) state;
	assert_int_equal(0, batch_enc_new(&e));
	memset(text, 'x', sizeof(text));
	for (; r == 0 && n < 1000; n += r == 0) {
		memcpy(text + sizeof(text) - sizeof(n), &n, sizeof(n));
		evb_begin(&b, EV_OPENAT, 1, 1);
		evb_bytes(&b, "name", text, sizeof(text));
		r = batch_enc_add(e, evb_end(&b));
	}
	assert_int_equal(-ENOSPC, r);
	assert_in_range(n, WIRE_COLUMNS_MAX / sizeof(text) - 2, WIRE_COLUMNS_MAX / sizeof(text));
	assert_true(batch_enc_bytes(e) < 2 * sizeof(text));
	assert_int_equal(0, batch_enc_finish(e, 0, &data, &body));
	assert_int_equal(0, batch_decode(&body, NULL, &batch, &why));
	assert_int_equal(n + 1, batch->ntext);
	for (unsigned i = 0; i < n; i++)
		assert_memory_equal(&i, batch->text[i + 1].p + sizeof(text) - sizeof(i), sizeof(i));
	batch_free(batch);
	batch_enc_free(e);
	buf_fini(&data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sharing),
		cmocka_unit_test(paths),
		cmocka_unit_test(whole_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
