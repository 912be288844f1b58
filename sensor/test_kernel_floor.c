/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/kernel_floor.h"
#include "tests/support/test.h"
#include <errno.h>
#include <string.h>

static void
t_releases(void **state)
{
	static const struct {
		const char *release;
		int want;
		const char *said;
	} rows[] = {
		{ "4.18.0-553.el8.x86_64", -ENOSYS, "kernel 4.18.0-553.el8.x86_64 is too old: " },
		{ "5.10.0-46-cloud-amd64", -ENOSYS, "capture needs 5.15, and is tested on 6.1" },
		{ "5.14.0-427.el9.x86_64", -ENOSYS, "too old" },
		{ "5.15.0-125-generic", 1, "kernel 5.15.0-125-generic is untested: " },
		{ "6.0.12", 1, "capture is tested on 6.1 and newer" },
		{ "6.1.0-56-cloud-amd64", 0, "" },
		{ "6.12.95+deb12-cloud-amd64", 0, "" },
		{ "7.3.4+deb13-cloud-amd64", 0, "" },
		{ "10.0", 0, "" },
		{ "custom", 1, "kernel custom is untested" },
	};

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct diag d = { 0 };

		assert_int_equal(rows[i].want, kernel_check(rows[i].release, &d));
		assert_non_null(strstr(d.msg, rows[i].said));
		assert_int_equal(rows[i].release[0] == '7' || rows[i].release[1] == '0',
		    kernel_preempts(rows[i].release));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(t_releases) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
