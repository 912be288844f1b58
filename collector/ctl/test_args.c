/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_args.h"
#include "tests/support/test.h"

struct args {
	bool loud;
	const char *file;
	int code;
};

static int
refuse(const char *command, const char *value, void *member UNUSED)
{
	return ctl_usage(command, "no '%s'", value);
}

static const struct ctl_option options[] = {
	{ "loud", 'l', NULL, "say\nmore", ctl_set_flag, offsetof(struct args, loud) },
	{ "file", 0, "FILE", "read it", ctl_set_text, offsetof(struct args, file) },
	{ "a-very-long-name", 'a', "NUMBER", "below", refuse, offsetof(struct args, code) },
};

static const struct ctl_syntax syntax = { "test", options, ARRAY_SIZE(options), "before\n",
	"after\n" };

static const struct {
	const char *words[4];
	bool go_on;
	int code;
	bool loud;
	const char *file;
	int first; /* of the arguments */
} cases[] = {
	{ { "x", NULL }, true, CTL_OK, false, NULL, 1 },
	{ { "x", "-l", "--file=f", NULL }, true, CTL_OK, true, "f", 3 },
	{ { "x", "--file", "f", "y" }, true, CTL_OK, false, "f", 3 },
	{ { "x", "--lou", "y", NULL }, true, CTL_OK, true, NULL, 2 },
	{ { "x", "--file", NULL }, false, CTL_USAGE, false, NULL, 0 },
	{ { "x", "--loud=1", NULL }, false, CTL_USAGE, false, NULL, 0 },
	{ { "x", "-z", "-l", NULL }, false, CTL_USAGE, false, NULL, 0 },
	{ { "x", "-a", "1", "-l" }, false, CTL_USAGE, false, NULL, 0 },
	{ { "x", "-h", "-l", NULL }, false, CTL_OK, false, NULL, 0 },
	{ { "x", "--help", NULL }, false, CTL_OK, false, NULL, 0 },
};

static void
parsing(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct args a = { .loud = false };
		char *argv[5] = { NULL };
		int argc = 0, code = -1;

		for (; argc < 4 && cases[i].words[argc] != NULL; argc++)
			argv[argc] = (char *) cases[i].words[argc];
		assert_int_equal(cases[i].go_on, ctl_args(argc, argv, &syntax, &a, &code));
		assert_int_equal(cases[i].code, code);
		assert_int_equal(cases[i].loud, a.loud);
		assert_true(
		    cases[i].file == NULL ? a.file == NULL : strcmp(cases[i].file, a.file) == 0);
		if (cases[i].go_on)
			assert_int_equal(cases[i].first, optind);
	}
}

static void
help(void **state)
{
	static const char want[] =
	    "before\n"
	    "  -l, --loud       say\n"
	    "                   more\n"
	    "      --file FILE  read it\n"
	    "  -a, --a-very-long-name NUMBER\n"
	    "                   below\n"
	    "after\n";
	char *argv[] = { (char *) "x", (char *) "--help", NULL };
	char out[512] = "";
	FILE *real = stdout;
	struct args a;
	int code = -1;

	(void) state;
	stdout = fmemopen(out, sizeof(out), "w");
	assert_non_null(stdout);
	(void) !ctl_args(2, argv, &syntax, &a, &code);
	assert_int_equal(0, fclose(stdout));
	stdout = real;
	assert_string_equal(want, out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parsing),
		cmocka_unit_test(help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
