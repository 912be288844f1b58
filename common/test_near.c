/* SPDX-License-Identifier: Apache-2.0 */
#include "common/macros.h"
#include "common/near.h"
#include "tests/support/test.h"

static const char *const names[] = { "proc.name", "proc.pname", "fd.name", "open", "openat", "ab",
	"a_name_that_is_much_longer_than_any_other_name_and_than_sixty-four_bytes" };

static const struct {
	const char *want, *hint;
} cases[] = {
	{ "proc.nmae", "; did you mean 'proc.name'?" },
	{ "proc.pnam", "; did you mean 'proc.pname'?" },
	{ "PROC.name", "" },
	{ "opn", "; did you mean 'open'?" },
	{ "opena", "; did you mean 'open'?" }, /* the first of two at the same distance */
	{ "poen", "; did you mean 'open'?" },  /* a swap of two letters is one mistake */
	{ "nope", "" },
	{ "a", "" }, /* too short for a suggestion */
	{ "", "" },
	{ "open", "" }, /* an exact match is no suggestion */
	{ "a_name_that_is_much_longer_than_any_other_name_and_than_sixty-four_byte", "" },
};

static void
test_near(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct near n = near_to(slice_str(cases[i].want));

		for (size_t k = 0; k < ARRAY_SIZE(names); k++)
			near_try(&n, slice_str(names[k]));
		if (strcmp(cases[i].hint, near_hint(&n)) != 0)
			fail_msg("%s%s", cases[i].want, n.hint);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_near) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
