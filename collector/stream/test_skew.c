/* SPDX-License-Identifier: Apache-2.0 */
/* test_skew.c - the skew of a node's clock from its polls. */
#include "collector/stream/skew.h"
#include "common/macros.h"
#include "tests/support/test.h"

/* Polls in a row: both clocks then, and the skew after it. */
static const struct {
	uint64_t node, now;
	int64_t skew;
} polls[] = {
	{ 1000, 1002, -2 }, { 2000, 2001, -1 }, { 3000, 3500, -1 }, /* late on its way */
	{ 4000, 4009, -1 }, { 5000, 5009, -1 }, { 6000, 6009, -9 },
	{ 97000, 7001, 89999 }, /* a step forward: at once */
	{ 8000, 8001, 89999 }, { 9000, 9001, 89999 }, { 10000, 10001, 89999 },
	{ 11000, 11001, -1 }, /* a step back: after four polls */
	{ 0, 12000, -1 },     /* a sensor that does not say it */
};

static void
test_skew(void **state)
{
	struct skew s = { 0 };
	int64_t ns = 7;

	(void) state;
	assert_false(skew_of(&s, &ns));
	skew_note(&s, 0, 1000);
	assert_false(skew_of(&s, &ns));
	for (size_t i = 0; i < ARRAY_SIZE(polls); i++) {
		skew_note(&s, polls[i].node, polls[i].now);
		assert_true(skew_of(&s, &ns));
		assert_int_equal(polls[i].skew, ns);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_skew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
