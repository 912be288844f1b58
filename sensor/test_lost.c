/* SPDX-License-Identifier: Apache-2.0 */
/* test_lost.c - what the sensor says of batches that it threw away. */
#include "common/clock.h"
#include "sensor/hole.h"
#include "sensor/lost.h"
#include "sensor/message.h"
#include "sensor/spool.h"
#include "tests/support/evbuild.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <stdlib.h>

#define S NS_PER_S

static unsigned row = EV_TASK;

/* Make the request of a batch: an open and two closes at these seconds after boot, and a row of a
 * snapshot, read later. */
static char *
request(uint64_t open, uint64_t close, size_t *n)
{
	CLEANUP(buf_fini) struct buf data = BUF_INIT, out = BUF_INIT;
	Wire__Request rq = WIRE__REQUEST__INIT;
	Wire__Batch batch = WIRE__BATCH__INIT;
	Wire__Body body = WIRE__BODY__INIT;
	const struct {
		unsigned type;
		uint64_t at;
	} of[] = { { EV_OPENAT, open }, { EV_CLOSE, close }, { EV_CLOSE, close }, { row, 99 } };
	struct evb b = { 0 };
	struct batch_enc *enc;
	char *msg;

	assert_int_equal(0, batch_enc_new(&enc));
	for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
		evb_begin(&b, of[i].type, 7, of[i].at * S);
		assert_int_equal(0, batch_enc_add(enc, evb_end(&b)));
	}
	assert_int_equal(0, batch_enc_finish(enc, 1, &data, &body));
	batch.body = &body;
	rq.body_case = WIRE__REQUEST__BODY_BATCH;
	rq.batch = &batch;
	assert_int_equal(0, message_pack(&rq, &out));
	*n = out.n;
	msg = malloc(out.n);
	assert_non_null(msg);
	memcpy(msg, out.p, out.n);
	batch_enc_free(enc);
	evb_fini(&b);
	return msg;
}

static void
add(struct spool *s, uint64_t open, uint64_t close)
{
	size_t n;
	char *msg = request(open, close, &n);

	assert_int_equal(0, spool_add(s, msg, (uint32_t) n, 3));
}

/* The oldest batches go: their events' types and times are known, also over a node's quiet time. */
static void
test_full(void **state)
{
	struct spool s;
	size_t n;

	(void) state;
	free(request(1, 1, &n));
	spool_init(&s, 3 * n + n / 2);
	for (uint64_t i = 1; i <= 4; i++)
		add(&s, 10 * i, 10 * i + 2);
	assert_int_equal(3, s.events_dropped);
	assert_int_equal(3, s.dropped.known);
	assert_int_equal(1, s.dropped.events[EV_OPENAT]);
	assert_int_equal(2, s.dropped.events[EV_CLOSE]);
	assert_int_equal(0, s.dropped.events[EV_TASK]);
	assert_int_equal(10 * S, s.dropped.hole.first);
	assert_int_equal(12 * S, s.dropped.hole.last);
	add(&s, 50, 52);
	assert_int_equal(6, s.dropped.known);
	assert_int_equal(10 * S, s.dropped.hole.first);
	assert_int_equal(22 * S, s.dropped.hole.last);
	spool_durable(&s, 3); /* the next overflow is another one */
	for (uint64_t i = 6; i <= 7; i++)
		add(&s, 10 * i, 10 * i + 2);
	assert_int_equal(9, s.dropped.known);
	assert_int_equal(40 * S, s.dropped.hole.first);
	assert_int_equal(42 * S, s.dropped.hole.last);
	spool_discard(&s, 6); /* refused */
	assert_int_equal(3, s.quarantined.known);
	assert_int_equal(60 * S, s.quarantined.hole.first);
	spool_fini(&s);
}

/* What does not decode, or finds no memory, is lost without a type. */
static void
test_unknown(void **state)
{
	struct lost l = { .events = NULL };
	size_t n;
	char *msg = request(1, 2, &n);
	bool failed = true;

	(void) state;
	lost_batch(&l, 1, (struct slice){ msg, n / 2 });
	lost_batch(&l, 2, (struct slice){ "x", 1 });
	assert_int_equal(0, l.known);
	assert_int_equal(0, l.hole.last);
	for (unsigned i = 0; failed; i++) {
		fault_arm_nth(i);
		lost_batch(&l, 3, (struct slice){ msg, n });
		failed = fault_disarm();
		assert_int_equal(failed ? 0 : 3, l.known);
	}
	free(msg);
	lost_fini(&l);
}

/* A backlog's losses become this process's; not the times of another boot. */
static void
test_move(void **state)
{
	struct lost l = { .events = NULL }, from = { .events = NULL };
	uint64_t now = clock_boot() / S;
	size_t n;
	char *msg = request(now + 1000, now + 1001, &n);

	(void) state;
	lost_batch(&from, 1, (struct slice){ msg, n });
	lost_move(&l, &from);
	assert_int_equal(3, l.known);
	assert_int_equal(1, l.events[EV_OPENAT]);
	assert_int_equal(0, l.hole.last);
	assert_null(from.events);
	free(msg);
	msg = request(0, 1, &n);
	lost_batch(&from, 1, (struct slice){ msg, n });
	lost_move(&l, &from);
	assert_int_equal(6, l.known);
	assert_int_equal(1 * S, l.hole.last);
	free(msg);
	lost_fini(&l);
}

/* Drops from, to, and the hole after them, in tenths of seconds. */
static void
test_hole(void **state)
{
	static const struct {
		uint64_t first, last, hole_first, hole_last;
	} rows[] = {
		{ 10, 20, 10, 20 }, /* the first */
		{ 25, 26, 10, 26 }, /* no pause of a second */
		{ 5, 11, 5, 26 },   /* from another CPU */
		{ 12, 12, 5, 26 },  /* within */
		{ 37, 38, 37, 38 }, /* a new one */
		{ 5, 20, 37, 38 },  /* older */
	};
	struct drv_hole hole = { .last = 0 };

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		hole_add(&hole, (struct drv_hole){ rows[i].first * S / 10, rows[i].last * S / 10 });
		assert_int_equal(rows[i].hole_first * S / 10, hole.first);
		assert_int_equal(rows[i].hole_last * S / 10, hole.last);
	}
}

/* What one process writes down, the next one begins with. */
static void
test_keep(void **state)
{
	static struct lost_kept kept;
	struct lost l = { .events = NULL }, next = { .events = NULL };
	size_t n;
	char *msg = request(1, 2, &n);

	(void) state;
	lost_keep(&l, &kept);
	lost_resume(&next, &kept);
	assert_null(next.events);
	lost_batch(&l, 1, (struct slice){ msg, n });
	lost_keep(&l, &kept);
	lost_resume(&next, &kept);
	assert_int_equal(3, next.known);
	assert_int_equal(1, next.events[EV_OPENAT]);
	assert_int_equal(2, next.events[EV_CLOSE]);
	assert_int_equal(1 * S, next.hole.first);
	assert_int_equal(2 * S, next.hole.last);
	free(msg);
	lost_fini(&l);
	lost_fini(&next);
}

/* A descriptor that a process was given has the form of a snapshot's row, and is an event. */
static void
test_passed(void **state)
{
	struct lost l = { .events = NULL };
	size_t n;
	char *msg;

	(void) state;
	row = EV_TASK_FILE_PASSED;
	msg = request(1, 2, &n);
	row = EV_TASK;
	lost_batch(&l, 1, (struct slice){ msg, n });
	free(msg);
	assert_int_equal(4, l.known);
	assert_int_equal(1, l.events[EV_TASK_FILE_PASSED]);
	lost_fini(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_hole),
		cmocka_unit_test(test_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
