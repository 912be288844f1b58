/* SPDX-License-Identifier: Apache-2.0 */
/* test_filter_secrets.c - warnings of comparisons with what sensors of a configuration replace. */
#include "collector/filter/filter.h"
#include "common/arena.h"
#include "proto/redact.h"
#include "tests/support/test.h"

static const struct {
	const char *text;
	const char *pattern; /* configured; NULL: none */
	bool known;          /* is there a configuration? */
	bool kept;           /* it replaces nothing */
	unsigned warnings;
} cases[] = {
	{ "proc.cmdline contains 'ticket=12'", NULL, false, false, 0 },
	{ "proc.cmdline contains 'ticket=12'", "ticket", true, false, 1 },
	{ "proc.cmdline contains 'ticket=12'", "ticket", true, true, 0 },
	{ "proc.cmdline contains 'corp_12'", "corp_*", true, false, 1 },
	{ "proc.cmdline contains '--password=12'", NULL, false, false, 1 },
	{ "proc.cmdline contains '--password=12'", "ticket", true, false, 1 },
	{ "proc.cmdline contains '--password=12'", "!password", true, false, 0 },
	{ "proc.cmdline contains '--password=12'", NULL, true, true, 0 },
	{ "proc.cmdline contains '--password=12'", NULL, true, false, 1 },
};

static void
count(void *arg, const struct diag *d)
{
	(void) d;
	(*(unsigned *) arg)++;
}

static void
test_warnings(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct filter_secrets secrets = { .kept = cases[i].kept };
		struct redact *patterns = NULL;
		struct filter *f = NULL;
		struct expr *e = NULL;
		struct diag d = { 0 };
		unsigned warnings = 0;
		struct arena a;

		arena_init(&a, 0);
		if (cases[i].pattern != NULL)
			assert_int_equal(0, redact_new(&cases[i].pattern, 1, &patterns, &d));
		secrets.patterns = patterns;
		assert_int_equal(0, expr_parse(slice_str(cases[i].text), &a, &e, &d));
		assert_int_equal(
		    0, filter_compile_for(cases[i].known ? &secrets : NULL, e, &a, &f, &d));
		filter_warnings(f, count, &warnings);
		if (warnings != cases[i].warnings)
			fail_msg("case %zu: %u warnings", i, warnings);
		arena_fini(&a);
		redact_free(patterns);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_warnings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
