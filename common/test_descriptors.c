/* SPDX-License-Identifier: Apache-2.0 */
#include "common/descriptors.h"
#include "tests/support/test.h"
#include <sys/resource.h>
#include <unistd.h>

static void
test_raise(void **state)
{
	struct rlimit l = { 100, 200 };

	(void) state;
	assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &l));
	assert_int_equal(100, descriptors_max());
	assert_int_equal(200, descriptors_raise());
	assert_int_equal(200, descriptors_max());
}

static void
test_used(void **state)
{
	uint64_t before = descriptors_used();
	int last = -1, fd;

	(void) state;
	fd = dup(0);
	assert_true(fd >= 0);
	assert_true(descriptors_used() > before);
	(void) close(fd);
	assert_int_equal(before, descriptors_used());
	while ((fd = dup(0)) >= 0)
		last = fd;
	assert_int_equal(descriptors_max(), descriptors_used());
	while (last >= (int) before)
		(void) close(last--);
	assert_int_equal(before, descriptors_used());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raise), /* first: it sets a low limit for the other */
		cmocka_unit_test(test_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
