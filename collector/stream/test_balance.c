/* SPDX-License-Identifier: Apache-2.0 */
/* test_balance.c - an account balances, whatever was lost. */
#include "collector/stream/balance.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <stdlib.h>

/* Of closes. */
static const struct {
	uint64_t generated, emitted, delivered, full, too_long;
	uint64_t undelivered, unaccounted;
} cases[] = {
	{ 9, 9, 9, 0, 0, 0, 0 }, { 9, 9, 7, 0, 0, 2, 0 }, /* batches are missing */
	{ 9, 5, 5, 3, 1, 0, 0 },                          /* dropped */
	{ 9, 5, 5, 3, 0, 0, 1 },                          /* and one more is missing */
	{ 9, 4, 1, 2, 0, 3, 3 }, { 4, 5, 9, 0, 0, 0, 0 }, /* nonsense of a sensor */
};

static void
test_balance(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t delivered[EV_TYPE_MAX] = { [EV_CLOSE] = cases[i].delivered };
		Wire__Account close = WIRE__ACCOUNT__INIT, odd = WIRE__ACCOUNT__INIT;
		Wire__Account *accounts[] = { &odd, &close };
		Wire__Drop full = WIRE__DROP__INIT, too_long = WIRE__DROP__INIT;
		Wire__Drop other = WIRE__DROP__INIT, *drops[] = { &full, &too_long, &other };
		Wire__Batch batch = WIRE__BATCH__INIT;
		struct accounts a = { .n = 0 };
		struct account_row sum, *row = NULL;
		uint64_t at = 1;

		odd.event = EV_TYPE_MAX;
		close.event = full.event = too_long.event = EV_CLOSE;
		close.generated = cases[i].generated;
		close.emitted = cases[i].emitted;
		full.cause = DROP_RING_FULL;
		full.count = cases[i].full;
		too_long.cause = DROP_TOO_LONG;
		too_long.count = cases[i].too_long;
		other.event = EV_OPEN;
		other.cause = DROP_RING_FULL;
		other.count = 77;
		batch.accounts = accounts;
		batch.n_accounts = ARRAY_SIZE(accounts);
		batch.drops = drops;
		batch.n_drops = ARRAY_SIZE(drops);
		batch.real_ns = 5;
		accounts_init(&a);
		assert_int_equal(0, accounts_get(&a, &row, &at));
		assert_null(row);
		assert_int_equal(0, at);
		sum = accounts_set(&a, &batch, delivered);
		assert_int_equal(1, accounts_get(&a, &row, &at));
		assert_int_equal(5, at);
		assert_int_equal(EV_CLOSE, row->type);
		assert_int_equal(cases[i].generated, row->generated);
		assert_int_equal(cases[i].delivered, row->delivered);
		assert_int_equal(cases[i].undelivered, row->undelivered);
		assert_int_equal(cases[i].unaccounted, row->unaccounted);
		assert_int_equal(cases[i].full, row->dropped[0]);
		assert_int_equal(cases[i].too_long, row->dropped[1]);
		sum.type = EV_CLOSE;
		assert_memory_equal(&sum, row, sizeof(sum));
		sum = accounts_sum(&a);
		assert_int_equal(cases[i].generated, sum.generated);
		free(row);
		accounts_fini(&a);
	}
}

/* Without memory the sum is right, and the rows are the old ones. */
static void
test_no_memory(void **state)
{
	uint64_t delivered[EV_TYPE_MAX] = { [EV_CLOSE] = 3 }, at;
	Wire__Account close = WIRE__ACCOUNT__INIT, *accounts[] = { &close };
	Wire__Batch batch = WIRE__BATCH__INIT;
	struct accounts a = { .n = 0 };
	struct account_row *row = NULL;

	(void) state;
	close.event = EV_CLOSE;
	close.generated = close.emitted = 4;
	batch.accounts = accounts;
	batch.n_accounts = 1;
	accounts_init(&a);
	fault_arm_nth(0);
	assert_int_equal(1, accounts_set(&a, &batch, delivered).undelivered);
	fault_disarm();
	assert_int_equal(0, accounts_sum(&a).generated);
	(void) accounts_set(&a, &batch, delivered);
	fault_arm_nth(0);
	assert_int_equal(0, accounts_get(&a, &row, &at));
	fault_disarm();
	assert_null(row);
	assert_int_equal(4, accounts_sum(&a).generated);
	accounts_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_balance),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
