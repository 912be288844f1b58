/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/macros.h"
#include "tests/support/test.h"

static const struct {
	const char *what;
	struct clock_stamp then, now;
	int64_t since;
} cases[] = {
	{ "of this boot: the wall clock does not count", { 7, 100, 5000 }, { 7, 130, 5030 }, 100 },
	{ "set ahead since", { 7, 100, 5000 }, { 7, 130, 99999 }, 100 },
	{ "set back since", { 7, 100, 5000 }, { 7, 130, 10 }, 100 },
	{ "at the same moment", { 7, 100, 5000 }, { 7, 100, 5000 }, 100 },
	{ "from the future: the file lies", { 7, 200, 5000 }, { 7, 130, 5030 }, 130 },
	{ "of an earlier boot: by the wall clock", { 6, 900, 5000 }, { 7, 130, 5330 }, -200 },
	{ "of an earlier boot, as this one began", { 6, 900, 5000 }, { 7, 130, 5130 }, 0 },
	{ "of an earlier boot, and the clock was set back", { 6, 900, 5000 }, { 7, 130, 5050 }, 0 },
	{ "of an earlier boot, and the clock was lost", { 6, 900, 5000 }, { 7, 130, 130 }, 0 },
};

static void
test_since(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (clock_since(&cases[i].then, &cases[i].now) != cases[i].since)
			fail_msg("%s: %ld", cases[i].what,
			    (long) clock_since(&cases[i].then, &cases[i].now));
	}
}

static void
test_stamp(void **state)
{
	struct clock_stamp a = clock_stamp(), b = clock_stamp();

	(void) state;
	assert_int_not_equal(0, a.boot);
	assert_int_equal(a.boot, b.boot);
	assert_true(b.boot_ns >= a.boot_ns);
	assert_int_equal((int64_t) a.boot_ns, clock_since(&a, &b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_since),
		cmocka_unit_test(test_stamp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
