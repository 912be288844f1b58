/* SPDX-License-Identifier: Apache-2.0 */
#include "common/macros.h"
#include "sensor/string_list.h"
#include "tests/support/test.h"
#include <string.h>

/* 'count' strings of 'n' bytes 'c' each. */
struct run {
	size_t count, n;
	char c;
};

/* Lists and their cut form, matching the kernel side's in tests/driver/live_args.c. */
static const struct {
	struct run list[5]; /* ends with count 0 */
	bool whole;
	struct run want[5];
} rows[] = {
	{ { { 1, 100000, 'p' }, { 1, 4, 'e' } }, false, { { 1, 1535, 'p' }, { 1, 4, 'e' } } },
	{ { { 60, 99, 'a' } }, false, { { 30, 99, 'a' }, { 1, 95, 'a' }, { 10, 99, 'a' } } },
	{ { { 60, 99, 'a' } }, true, { { 30, 99, 'a' }, { 10, 99, 'a' } } },
	{ { { 1, 2, 'c' }, { 1, 9000, '#' } }, false,
	    { { 1, 2, 'c' }, { 1, 1533, '#' }, { 1, 2558, '#' } } },
	{ { { 1, 2, 'c' }, { 1, 9000, '#' } }, true, { { 1, 2, 'c' }, { 1, 1533, '#' } } },
	{ { { 1, 9000, 'e' }, { 1, 3, 'v' }, { 1, 9000, 'e' }, { 1, 3, 'w' } }, true,
	    { { 1, 1535, 'e' }, { 1, 3, 'v' }, { 1, 765, 'e' }, { 1, 3, 'w' } } },
};

static size_t
write_runs(const struct run *r, char *out)
{
	size_t n = 0;

	for (; r->count > 0; r++) {
		for (size_t i = 0; i < r->count; i++) {
			memset(out + n, r->c, r->n);
			n += r->n;
			out[n++] = '\0';
		}
	}
	return n;
}

static void
test_args_cut(void **state)
{
	static char list[1 << 17], want[1 << 17], got[EV_TEXT_MAX];

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = write_runs(rows[i].list, list), m = write_runs(rows[i].want, want);

		assert_int_equal(m, args_cut((struct slice){ list, n }, rows[i].whole, got));
		assert_memory_equal(want, got, m);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_args_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
