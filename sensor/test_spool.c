/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Add a batch of n bytes whose text is its number. */
static void
add(struct spool *s, uint32_t n, uint32_t events)
{
	char *msg = calloc(1, n);

	assert_non_null(msg);
	(void) snprintf(msg, n, "%d", (int) spool_next(s));
	assert_int_equal(0, spool_add(s, msg, n, events));
}

static void
test_order(void **state)
{
	struct spool s;

	(void) state;
	spool_init(&s, 1 << 20);
	assert_int_equal(1, spool_next(&s));
	for (int i = 0; i < 300; i++) /* the ring grows on the way */
		add(&s, 16, 1);
	spool_durable(&s, 120);
	for (int i = 0; i < 300; i++) /* and wraps */
		add(&s, 16, 1);
	assert_null(spool_get(&s, 120));
	assert_null(spool_get(&s, 601));
	for (int seq = 121; seq <= 600; seq++) {
		char want[16];

		(void) snprintf(want, sizeof(want), "%d", seq);
		assert_string_equal(want, spool_get(&s, (uint64_t) seq)->msg);
	}
	assert_int_equal(480 * 16, s.bytes);
	spool_durable(&s, 1000); /* more than there is */
	assert_int_equal(0, s.n);
	assert_int_equal(0, s.bytes);
	assert_int_equal(601, spool_next(&s)); /* numbers continue */
	assert_int_equal(0, s.events_dropped);
	spool_fini(&s);
}

static void
test_full(void **state)
{
	struct spool s;

	(void) state;
	spool_init(&s, 1000);
	for (int i = 0; i < 12; i++)
		add(&s, 100, 7);
	assert_int_equal(1000, s.bytes);
	assert_int_equal(2, s.batches_dropped);
	assert_int_equal(14, s.events_dropped);
	assert_int_equal(3, s.first);
	assert_int_equal(3, spool_seek(&s, 1)); /* the gap shows */
	add(&s, 2000, 1); /* larger than the limit: kept alone, as the newest */
	assert_int_equal(1, s.n);
	assert_int_equal(14 + 70, s.events_dropped);
	spool_fini(&s);
}

static void
test_hole(void **state)
{
	struct spool s;

	(void) state;
	spool_init(&s, 1000);
	for (int i = 0; i < 4; i++)
		add(&s, 100, 5);
	spool_discard(&s, 2);
	assert_null(spool_get(&s, 2));
	assert_int_equal(1, spool_seek(&s, 1));
	assert_int_equal(3, spool_seek(&s, 2));
	assert_int_equal(5, s.events_quarantined);
	assert_int_equal(300, s.bytes);
	spool_discard(&s, 4);
	assert_int_equal(5, spool_seek(&s, 4)); /* nothing after it */
	assert_int_equal(5, spool_seek(&s, 99));
	for (int i = 0; i < 10; i++) /* dropped holes are not counted twice */
		add(&s, 100, 1);
	assert_int_equal(2, s.batches_dropped);
	assert_int_equal(10, s.events_dropped);
	spool_fini(&s);
}

/* Durable batches that the collector's checkpoint lacks stay, as far as there is room. */
static void
test_past(void **state)
{
	struct spool s;

	(void) state;
	spool_init(&s, 4000);
	for (int i = 0; i < 4; i++)
		add(&s, 100, 1);
	spool_durable(&s, 2); /* nobody asked to keep them */
	assert_int_equal(0, past_first(&s.past));
	spool_keep(&s, 2);
	spool_durable(&s, 4);
	assert_int_equal(3, past_first(&s.past));
	assert_int_equal(0, s.n);
	assert_int_equal(0, s.bytes);
	assert_int_equal(0, s.kept);
	assert_string_equal("3", spool_get(&s, 3)->msg);
	assert_int_equal(3, spool_seek(&s, 3));
	assert_int_equal(3, spool_seek(&s, 1));
	assert_int_equal(5, spool_seek(&s, 5));
	for (int i = 0; i < 100; i++) { /* a quarter of the memory at most, without a gap */
		add(&s, 100, 1);
		spool_durable(&s, spool_next(&s) - 1);
	}
	assert_int_equal(95, past_first(&s.past));
	spool_keep(&s, 96);
	assert_int_equal(97, past_first(&s.past));
	for (int i = 0; i < 35; i++) /* what is not durable is worth more */
		add(&s, 100, 1);
	assert_int_equal(0, past_first(&s.past));
	assert_int_equal(0, s.events_dropped);
	spool_durable(&s, 110);
	assert_int_equal(105, past_first(&s.past));
	spool_discard(&s, 107); /* refused: those before it are of no use either */
	assert_int_equal(108, past_first(&s.past));
	spool_discard(&s, 111);
	spool_durable(&s, 112);
	assert_int_equal(112, past_first(&s.past));
	spool_keep(&s, UINT64_MAX);
	assert_int_equal(0, past_first(&s.past));
	assert_int_equal(0, s.events_dropped);
	spool_fini(&s);
}

static void
test_no_memory(void **state)
{
	struct spool s;
	char *msg = calloc(1, 8);

	(void) state;
	spool_init(&s, 1000);
	fault_arm_nth(0);
	assert_int_equal(-ENOMEM, spool_add(&s, msg, 8, 1));
	assert_true(fault_disarm());
	assert_int_equal(1, spool_next(&s)); /* the number is still free */
	assert_int_equal(0, spool_add(&s, msg, 8, 1));
	spool_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_hole),
		cmocka_unit_test(test_past),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
