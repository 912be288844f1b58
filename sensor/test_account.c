/* SPDX-License-Identifier: Apache-2.0 */
/* test_account.c - numbers of records show what is missing. */
#include "common/macros.h"
#include "proto/event_set.h"
#include "sensor/account.h"
#include "tests/support/test.h"

/* Records of close in the order of their arrival, as CPU and number. */
static const struct {
	const char *what;
	struct {
		uint16_t cpu;
		uint32_t number;
	} rec[6];
	uint64_t dropped; /* by the kernel's counters */
	uint64_t emitted; /* the records */
	uint64_t generated;
} cases[] = {
	{ "no number", { { 0, 0 }, { 1, 0 } }, 0, 2, 2 },
	{ "all", { { 0, 1 }, { 0, 2 }, { 0, 3 } }, 0, 3, 3 },
	{ "each CPU counts", { { 0, 1 }, { 7, 1 }, { 0, 2 }, { 7, 2 } }, 0, 4, 4 },
	{ "missing", { { 0, 1 }, { 0, 4 } }, 0, 2, 4 },
	{ "missing and dropped are the same", { { 0, 1 }, { 0, 4 } }, 2, 2, 4 },
	{ "more were missing than dropped", { { 0, 1 }, { 0, 4 } }, 1, 2, 4 },
	{ "the newest were dropped", { { 0, 1 }, { 0, 2 } }, 5, 2, 7 },
	{ "the first were missing", { { 3, 10 } }, 0, 1, 10 },
	{ "late", { { 0, 1 }, { 0, 3 }, { 0, 2 }, { 0, 4 } }, 0, 4, 4 },
	{ "nothing came", { { 0, 0 } }, 4, 1, 5 },
};

static void
test_numbers(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct account *a = account_new(ACCOUNT_OURS);
		Wire__Drop drop = WIRE__DROP__INIT, *drops = &drop;

		assert_non_null(a);
		for (size_t k = 0; k < cases[i].emitted; k++) {
			struct ev_hdr h = { .type = EV_CLOSE,
				.cpu = cases[i].rec[k].cpu,
				.number = cases[i].rec[k].number };

			account_event(a, &h);
		}
		drop.event = EV_CLOSE;
		drop.cause = DROP_RING_FULL;
		drop.count = cases[i].dropped;
		account_rows(a, &drops, 1);
		assert_int_equal(1, a->n);
		assert_int_equal(EV_CLOSE, a->p[0]->event);
		assert_int_equal(cases[i].emitted, a->p[0]->emitted);
		assert_int_equal(cases[i].generated, a->p[0]->generated);
		account_free(a);
	}
}

/* A type that was never generated has no row; numbers may wrap around. */
static void
test_rows(void **state)
{
	static const uint32_t numbers[] = { UINT32_MAX - 1, UINT32_MAX, 0, 1, 2 };
	struct account *a = account_new(ACCOUNT_OURS);
	struct ev_hdr h = { .type = EV_OPEN, .number = 1 };

	(void) state;
	assert_non_null(a);
	account_rows(a, NULL, 0);
	assert_int_equal(0, a->n);
	account_event(a, &h);
	a->last[0][EV_OPEN] = UINT32_MAX - 2;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		h.number = numbers[i];
		account_event(a, &h);
	}
	account_rows(a, NULL, 0);
	assert_int_equal(1, a->n);
	assert_int_equal(EV_OPEN, a->p[0]->event);
	assert_int_equal(6, a->p[0]->emitted);
	assert_int_equal(6, a->p[0]->generated);
	account_free(a);
	account_free(NULL);
}

/* The rings of an earlier process, which emitted 95 events of a CPU and dropped 5; then 3 arrive, 2
 * are dropped, and 1 arrives. */
static void
test_taken_over(void **state)
{
	static const struct {
		enum account_of earlier;
		uint64_t emitted, generated, dropped;
	} want[] = {
		{ ACCOUNT_CONTINUED, 99, 106, 7 },
		{ ACCOUNT_ANOTHER, 4, 11, 7 }, /* the drops are told again, in this stream */
	};

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		struct account *a = account_new(want[i].earlier);
		struct ev_hdr h = { .type = EV_CLOSE };
		Wire__Drop drop = WIRE__DROP__INIT, *drops = &drop;

		assert_non_null(a);
		drop.event = EV_CLOSE;
		drop.cause = DROP_RING_FULL;
		drop.count = 5;
		for (h.number = 101; h.number <= 103; h.number++)
			account_event(a, &h);
		account_rows(a, &drops, 1);
		assert_int_equal(want[i].generated - 3, a->p[0]->generated);
		h.number = 106;
		account_event(a, &h);
		drop.count = 7;
		account_rows(a, &drops, 1);
		assert_int_equal(1, a->n);
		assert_int_equal(want[i].emitted, a->p[0]->emitted);
		assert_int_equal(want[i].generated, a->p[0]->generated);
		assert_int_equal(want[i].dropped, a->p[0]->generated - a->p[0]->emitted);
		account_free(a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
