/* SPDX-License-Identifier: Apache-2.0 */
/* test_account.c - numbers of records show what is missing. */
#include "common/macros.h"
#include "proto/event_set.h"
#include "sensor/account.h"
#include "tests/support/test.h"
#include <stdlib.h>

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
		struct account *a = account_new();
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
	struct account *a = account_new();
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

#define CPUS 2

static void
arrive(struct account *a, uint16_t cpu, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i <= to; i++) {
		struct ev_hdr h = { .type = EV_CLOSE, .cpu = cpu, .number = i };

		account_event(a, &h);
	}
}

/* A process reads 95 events of a CPU, of which 5 in the middle were dropped, and 10 of another,
 * where the next 3 are dropped. It is killed; 3 events are still in the first ring, 2 after them
 * are dropped. The next process reads these 3, makes rows, and only then reads what came later. */
static void
test_taken_over(void **state)
{
	static const struct {
		bool stream;
		uint64_t emitted, generated;
	} want[] = {
		{ true, 110, 120 },
		{ false, 5, 15 }, /* what was dropped is told again, in this stream */
	};

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		struct account_kept *kept = calloc(1, account_kept_size(CPUS));
		struct account *old = account_new(), *a = account_new();
		Wire__Drop drop = WIRE__DROP__INIT, *drops = &drop;

		assert_true(kept != NULL && old != NULL && a != NULL);
		arrive(old, 0, 1, 40);
		arrive(old, 0, 46, 100);
		arrive(old, 1, 1, 10);
		account_keep(old, kept, CPUS);
		account_free(old);
		account_resume(a, kept, CPUS, want[i].stream);
		drop.event = EV_CLOSE;
		drop.cause = DROP_RING_FULL;
		drop.count = 5 + 3 + 2;
		arrive(a, 0, 101, 103);
		account_rows(a, &drops, 1);
		assert_int_equal(want[i].emitted - 2, a->p[0]->emitted);
		assert_int_equal(want[i].generated - 2, a->p[0]->generated);
		arrive(a, 0, 106, 106);
		arrive(a, 1, 14, 14);
		account_rows(a, &drops, 1);
		assert_int_equal(1, a->n);
		assert_int_equal(want[i].emitted, a->p[0]->emitted);
		assert_int_equal(want[i].generated, a->p[0]->generated);
		account_free(a);
		free(kept);
	}
}

/* Nothing to keep yet. */
static void
test_nothing_kept(void **state)
{
	struct account_kept *kept = malloc(account_kept_size(CPUS));
	struct account *a = account_new();

	(void) state;
	assert_true(kept != NULL && a != NULL);
	memset(kept, 0xff, account_kept_size(CPUS));
	account_keep(NULL, kept, CPUS);
	account_resume(a, kept, CPUS, true);
	arrive(a, 1, 1, 3);
	account_rows(a, NULL, 0);
	assert_int_equal(3, a->p[0]->emitted);
	assert_int_equal(3, a->p[0]->generated);
	account_free(a);
	free(kept);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_taken_over),
		cmocka_unit_test(test_nothing_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
