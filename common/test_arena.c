/* SPDX-License-Identifier: Apache-2.0 */
#include "common/arena.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>

static void
blocks(void **state)
{
	struct arena a;
	char *p[1000];

	(void) state;
	arena_init(&a, 64);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = arena_alloc(&a, i);
		assert_non_null(p[i]);
		assert_int_equal(0, (uintptr_t) p[i] % 16);
		for (size_t k = 0; k < i; k++)
			assert_int_equal(0, p[i][k]);
		memset(p[i], (int) i, i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) { /* no allocation overlaps another */
		for (size_t k = 0; k < i; k++)
			assert_int_equal((char) i, p[i][k]);
	}
	assert_true(a.total >= 499500 && a.total < 4U << 20);
	arena_fini(&a);
	assert_int_equal(0, a.total);
	arena_fini(&a); /* twice does no harm */
}

static void
strings(void **state)
{
	struct arena a;

	(void) state;
	arena_init(&a, 0);
	assert_string_equal("ab", arena_strdup(&a, (struct slice){ "abc", 2 }));
	assert_string_equal("", arena_strdup(&a, (struct slice){ NULL, 0 }));
	arena_fini(&a);
}

static void
limits(void **state)
{
	struct arena a;

	(void) state;
	arena_init(&a, 0);
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX / 2 + 1));
	fault_arm_nth(0);
	assert_null(arena_alloc(&a, 1));
	assert_true(fault_disarm());
	assert_non_null(arena_alloc(&a, 1));
	fault_arm_nth(0);
	assert_null(arena_alloc(&a, 1 << 20));
	assert_true(fault_disarm());
	assert_non_null(arena_alloc(&a, 1)); /* still usable */
	arena_fini(&a);
}

static void
add_digit(void *arg)
{
	unsigned *digits = arg;

	*digits = *digits * 10 + 1 + *digits % 10;
}

static void
at_end(void **state)
{
	unsigned first = 4, second = 7;
	struct arena a;

	(void) state;
	arena_init(&a, 0);
	assert_int_equal(0, arena_at_end(&a, add_digit, &first));
	assert_int_equal(0, arena_at_end(&a, add_digit, &second));
	assert_int_equal(0, arena_at_end(&a, add_digit, &first));
	assert_int_equal(4, first);
	arena_fini(&a);
	assert_int_equal(456, first);
	assert_int_equal(78, second);
	arena_fini(&a); /* once */
	assert_int_equal(78, second);
	arena_init(&a, 0);
	fault_arm_nth(0);
	assert_int_equal(-ENOMEM, arena_at_end(&a, add_digit, &first));
	assert_true(fault_disarm());
	arena_fini(&a);
	assert_int_equal(456, first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks),
		cmocka_unit_test(at_end),
		cmocka_unit_test(strings),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
