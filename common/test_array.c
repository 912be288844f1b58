/* SPDX-License-Identifier: Apache-2.0 */
#include "common/array.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

struct list {
	uint64_t *v;
	size_t n, cap;
};

static void
check(const struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		assert_int_equal(i, l->v[i]);
}

static void
test_heap(void **state UNUSED)
{
	struct list l = { 0 };
	size_t moves = 0;

	for (size_t i = 0; i < 1000; i++) {
		size_t cap = l.cap;

		assert_int_equal(0, ARRAY_RESERVE(l.v, l.n, 1, l.cap));
		assert_true(l.cap > l.n);
		moves += cap != l.cap;
		l.v[l.n++] = i;
	}
	assert_int_equal(8, moves); /* 8, 16 ... 1024 */
	check(&l);
	assert_int_equal(0, ARRAY_RESERVE(l.v, l.n, 5000, l.cap));
	assert_int_equal(6000, l.cap);
	check(&l);
	free(l.v);
}

static void
test_arena(void **state UNUSED)
{
	struct list l = { 0 };
	struct arena a;

	arena_init(&a, 0);
	for (size_t i = 0; i < 1000; i++) {
		assert_int_equal(0, ARENA_RESERVE(&a, l.v, l.n, 1, l.cap));
		l.v[l.n++] = i;
	}
	check(&l);
	arena_fini(&a);
}

/* Without memory, or beyond the bound, the array stays as it is. */
static void
test_refused(void **state UNUSED)
{
	static const size_t too_many[] = { ARRAY_BYTES_MAX / sizeof(uint64_t), SIZE_MAX / 8,
		SIZE_MAX / 8 + 1, SIZE_MAX };
	struct list l = { 0 }, before;

	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(0, ARRAY_RESERVE(l.v, l.n, 1, l.cap));
		l.v[l.n++] = i;
	}
	before = l;
	fault_arm_nth(0);
	assert_int_equal(-ENOMEM, ARRAY_RESERVE(l.v, l.n, 1, l.cap));
	assert_true(fault_disarm());
	for (size_t i = 0; i < ARRAY_SIZE(too_many); i++)
		assert_int_equal(-ENOMEM, ARRAY_RESERVE(l.v, l.n, too_many[i], l.cap));
	assert_memory_equal(&before, &l, sizeof(l));
	check(&l);
	free(l.v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heap),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
