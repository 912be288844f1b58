/* SPDX-License-Identifier: Apache-2.0 */
/* test_way.c - nng_way() reports the real version. */
#include "common/nng/way.h"
#include "tests/support/test.h"
#include <nng/nng.h>
#include <stdio.h>

static void
test_way(void **state)
{
	char want[64];

	(void) state;
	(void) snprintf(want, sizeof(want), "NNG %s, %s", nng_version(), MEWS_NNG_WAY);
	assert_string_equal(want, nng_way());
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_way) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
