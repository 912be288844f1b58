/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/batch.h"
#include "proto/wire.h"
#include "tests/support/evbuild.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

static uint64_t seed = 1;

static uint64_t
next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Make a record of any type, with some parameters absent. */
static const struct ev_hdr *
some_record(struct evb *b)
{
	static const int64_t numbers[] = { 0, 1, -1, INT64_MAX, INT64_MIN, 127, 128, -4095, 3 };
	static char text[5000];
	const struct ev_schema *s = &schema_events[next() % schema_nevents];

	memset(text, 'x', sizeof(text));
	evb_begin(
	    b, s->num, (uint32_t) (next() % 5), next() % 1000000 + (next() & 1) * (1ULL << 62));
	evb_task(b, (uint32_t) (next() % 3), next() % 2);
	b->c.hdr.cpu = (uint16_t) next();
	b->c.hdr.flags = next() % 4 == 0 ? EVF_CUT : 0;
	for (unsigned i = 0; i < s->nparams; i++) {
		const struct ev_param *p = &s->params[i];

		if (next() % 5 == 0)
			continue;
		if (ptype_is_text(p->type))
			evb_bytes(b, p->name, text + next() % 4,
			    next() % 3 == 0 ? next() % 700 : next() % 4);
		else
			evb_num(b, p->name, numbers[next() % ARRAY_SIZE(numbers)]);
	}
	return evb_end(b);
}

static void
assert_same(const struct ev_hdr *rec, const struct batch *b, const struct event *ev, uint32_t index)
{
	const struct ev_schema *s = schema_get(rec->type);

	assert_ptr_equal(s, ev->schema);
	assert_int_equal(rec->ts, ev->ts);
	assert_int_equal(rec->start, ev->start);
	assert_int_equal(rec->tid, ev->tid);
	assert_int_equal(rec->pid, ev->pid);
	assert_int_equal(rec->cpu, ev->cpu);
	assert_int_equal(rec->flags, ev->flags);
	assert_int_equal(rec->present, ev->present);
	assert_int_equal(index, ev->index);
	for (unsigned i = 0; i < s->nparams; i++) {
		struct slice want = record_text(rec, s, i), got;

		if (!ptype_is_text(s->params[i].type)) {
			assert_int_equal(record_num(rec, s, i), ev_num(ev, i));
			continue;
		}
		got = ev_text(b, ev, i);
		assert_int_equal(want.p == NULL, got.p == NULL);
		assert_true(slice_eq(want, got));
	}
}

/* Decoding returns the encoded records in order, compressed or not. An encoder is like new after a
 * batch: the same records give the same bytes. */
static void
round_trip(void **state)
{
	enum { N = 300 };
	static struct evb b;
	struct ev_hdr *rec[N];
	struct batch_enc *e = NULL;
	struct buf data = BUF_INIT, before = BUF_INIT;

	(void) state;
	assert_int_equal(0, batch_enc_new(&e));
	for (int i = 0; i < N; i++) {
		const struct ev_hdr *r = some_record(&b);

		rec[i] = malloc(r->len);
		assert_non_null(rec[i]);
		memcpy(rec[i], r, r->len);
	}
	for (int round = 0; round < 4; round++) {
		int level = round % 2 == 0 ? 0 : 3;
		struct batch *batch = NULL;
		const char *why = "";
		Wire__Body body;
		size_t estimate;

		for (int i = 0; i < N; i++)
			assert_int_equal(0, batch_enc_add(e, rec[i]));
		assert_int_equal(N, batch_enc_events(e));
		estimate = batch_enc_bytes(e);
		assert_int_equal(0, batch_enc_finish(e, level, &data, &body));
		assert_int_equal(0, batch_enc_events(e));
		assert_int_equal(0, batch_enc_bytes(e));
		assert_true(body.size <= estimate && estimate < body.size + 100);
		assert_int_equal(level > 0, body.encoding == WIRE__BODY__ENCODING__ZSTD);
		if (round == 0)
			buf_slice(&before, buf_get(&data));
		if (round == 2)
			assert_true(slice_eq(buf_get(&before), buf_get(&data)));
		assert_int_equal(0, batch_decode(&body, NULL, &batch, &why));
		buf_clear(&data);
		assert_int_equal(N, batch->nev);
		for (uint32_t i = 0; i < N; i++)
			assert_same(rec[i], batch, &batch->ev[i], i);
		for (size_t i = 0; i < batch->ntext; i++)
			assert_int_equal(0, batch->text_id[i]);
		batch_free(batch);
	}
	for (int i = 0; i < N; i++)
		free(rec[i]);
	batch_enc_free(e);
	buf_fini(&data);
	buf_fini(&before);
}

/* A text is stored once, however often it occurs; an empty batch is valid. */
static void
dictionary(void **state)
{
	static struct evb b;
	struct batch *batch;

	(void) state;
	for (unsigned i = 0; i < 1000; i++) {
		char name[16];

		(void) snprintf(name, sizeof(name), "/%u", i % 100);
		evb_begin(&b, EV_OPENAT, 1, i);
		evb_text(&b, "name", name);
		evb_add(&b);
	}
	batch = evb_batch(&b);
	assert_int_equal(101, batch->ntext);
	assert_null(batch->text[0].p);
	assert_string_equal("/99", evb_str(batch, &batch->ev[999], "name"));
	batch_free(batch);
	batch = evb_batch(&b);
	assert_int_equal(0, batch->nev);
	assert_int_equal(1, batch->ntext);
	batch_free(batch);
	evb_fini(&b);
}

/* A small body, and one that does not shrink, stay plain. */
static void
when_it_pays(void **state)
{
	static struct evb b;
	static char noise[20000];
	struct buf data = BUF_INIT;
	struct batch_enc *e = NULL;
	Wire__Body body;

	(void) state;
	assert_int_equal(0, batch_enc_new(&e));
	evb_begin(&b, EV_CLOSE, 1, 1);
	assert_int_equal(0, batch_enc_add(e, evb_end(&b)));
	assert_int_equal(0, batch_enc_finish(e, 3, &data, &body));
	assert_int_equal(WIRE__BODY__ENCODING__PLAIN, body.encoding);
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char) next();
	evb_begin(&b, EV_OPENAT, 1, 1);
	evb_bytes(&b, "name", noise, sizeof(noise));
	assert_int_equal(0, batch_enc_add(e, evb_end(&b)));
	assert_int_equal(0, batch_enc_finish(e, 3, &data, &body));
	assert_int_equal(WIRE__BODY__ENCODING__PLAIN, body.encoding);
	batch_enc_free(e);
	buf_fini(&data);
}

static void
full(void **state)
{
	static struct evb b;
	static char text[30000];
	struct batch_enc *e = NULL;
	struct batch *batch = NULL;
	struct buf data = BUF_INIT;
	const char *why = "";
	Wire__Body body;

	(void) state;
	assert_int_equal(0, batch_enc_new(&e));
	evb_begin(&b, EV_CLOSE, 1, 1);
	(void) evb_end(&b);
	for (size_t i = 0; i < WIRE_EVENTS_MAX; i++)
		assert_int_equal(0, batch_enc_add(e, &b.rec.hdr));
	assert_int_equal(-ENOSPC, batch_enc_add(e, &b.rec.hdr));
	assert_int_equal(0, batch_enc_finish(e, 1, &data, &body));
	assert_int_equal(0, batch_decode(&body, NULL, &batch, &why));
	assert_int_equal(WIRE_EVENTS_MAX, batch->nev);
	batch_free(batch);
	for (unsigned i = 0;; i++) {
		int r;

		memcpy(text, &i, sizeof(i));
		evb_begin(&b, EV_OPENAT, 1, 1);
		evb_bytes(&b, "name", text, sizeof(text));
		r = batch_enc_add(e, evb_end(&b));
		if (r < 0) {
			assert_int_equal(-ENOSPC, r);
			break;
		}
		assert_true(i < 1000);
	}
	assert_true(batch_enc_bytes(e) > WIRE_COLUMNS_MAX - 40000);
	assert_int_equal(0, batch_enc_finish(e, 0, &data, &body));
	assert_int_equal(0, batch_decode(&body, NULL, &batch, &why));
	batch_free(batch);
	batch_enc_free(e);
	buf_fini(&data);
}

static void
memory(void **state)
{
	static struct evb b;
	struct ev_hdr *rec[40];

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(rec); i++) {
		const struct ev_hdr *r = some_record(&b);

		rec[i] = malloc(r->len);
		assert_non_null(rec[i]);
		memcpy(rec[i], r, r->len);
	}
	for (unsigned n = 0;; n++) {
		struct batch_enc *e = NULL;
		struct batch *batch = NULL;
		struct buf data = BUF_INIT;
		const char *why = "";
		Wire__Body body;
		size_t added = 0;
		bool fired;
		int r;

		fault_arm_nth(n);
		r = batch_enc_new(&e);
		for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rec); i++, added += r == 0)
			r = batch_enc_add(e, rec[i]);
		if (r == 0)
			r = batch_enc_finish(e, 3, &data, &body);
		if (r == 0)
			r = batch_decode(&body, NULL, &batch, &why);
		fired = fault_disarm();
		if (fired) {
			assert_int_equal(-ENOMEM, r);
			assert_null(batch);
		}
		if (fired && e != NULL && batch_enc_events(e) > 0) { /* nothing is lost: continue */
			assert_int_equal(added, batch_enc_events(e));
			for (size_t i = added; i < ARRAY_SIZE(rec); i++)
				assert_int_equal(0, batch_enc_add(e, rec[i]));
			assert_int_equal(0, batch_enc_finish(e, 3, &data, &body));
			assert_int_equal(0, batch_decode(&body, NULL, &batch, &why));
		}
		for (uint32_t i = 0; batch != NULL && i < batch->nev; i++)
			assert_same(rec[i], batch, &batch->ev[i], i);
		batch_free(batch);
		batch_enc_free(e);
		buf_fini(&data);
		if (!fired) {
			assert_int_equal(0, r);
			assert_true(n > 20);
			break;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(rec); i++)
		free(rec[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(dictionary),
		cmocka_unit_test(when_it_pays),
		cmocka_unit_test(full),
		cmocka_unit_test(memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
