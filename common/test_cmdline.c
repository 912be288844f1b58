/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cmdline.h"
#include "tests/support/test.h"

static const struct option longs[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "node", required_argument, NULL, 'n' },
	{ "number", required_argument, NULL, 'N' },
	{ "collector", required_argument, NULL, 'c' },
	{ 0 },
};

static const struct {
	const char *words[3];
	int c;             /* what the first call returns */
	const char *value; /* or the message */
} cases[] = {
	{ { "--json" }, 'j', NULL },
	{ { "-j" }, 'j', NULL },
	{ { "--js" }, 'j', NULL },
	{ { "--node", "a" }, 'n', "a" },
	{ { "--node=a" }, 'n', "a" },
	{ { "-na" }, 'n', "a" },
	{ { "file" }, -1, NULL },
	{ { "--jsn" }, '?', "unknown option '--jsn'; did you mean '--json'?" },
	{ { "--collcetor=x" }, '?', "unknown option '--collcetor'; did you mean '--collector'?" },
	{ { "--frobnicate" }, '?', "unknown option '--frobnicate'" },
	{ { "--n" }, '?', "'--n' is the beginning of several options; write it out" },
	{ { "--json=yes" }, '?', "option '--json' takes no value" },
	{ { "--node" }, '?', "option '--node' needs a value" },
	{ { "-n" }, '?', "option '-n' needs a value" },
	{ { "-x" }, '?', "unknown option '-x'" },
	{ { "-jx" }, 'j', NULL },
};

static void
every_mistake_has_a_sentence(void **state)
{
	char program[] = "mews", word[2][32];

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *argv[4] = { program };
		int argc = 1, c;

		for (; cases[i].words[argc - 1] != NULL; argc++) {
			(void) snprintf(
			    word[argc - 1], sizeof(word[0]), "%s", cases[i].words[argc - 1]);
			argv[argc] = word[argc - 1];
		}
		optind = 0; /* restart getopt */
		c = cmdline_next(argc, argv, "jn:c:", longs);
		assert_int_equal(cases[i].c, c);
		if (cases[i].value != NULL)
			assert_string_equal(cases[i].value, optarg);
	}
}

/* The message names the letter of a bundle, not the word. */
static void
a_letter_in_a_bundle(void **state)
{
	char program[] = "mews", before[] = "--json", word[] = "-jxn";
	char *argv[] = { program, before, word, NULL };

	(void) state;
	optind = 0;
	assert_int_equal('j', cmdline_next(3, argv, "jn:", longs));
	assert_int_equal('j', cmdline_next(3, argv, "jn:", longs));
	assert_int_equal('?', cmdline_next(3, argv, "jn:", longs));
	assert_string_equal("unknown option '-x'", optarg);
	assert_int_equal('?', cmdline_next(3, argv, "jn:", longs));
	assert_string_equal("option '-n' needs a value", optarg);
}

/* The message does not name the option before the letter either. */
static void
a_letter_after_a_value(void **state)
{
	char program[] = "mews", before[] = "--collector=x", word[] = "-qw";
	char *argv[] = { program, before, word, NULL };

	(void) state;
	optind = 0;
	assert_int_equal('c', cmdline_next(3, argv, "jn:", longs));
	assert_int_equal('?', cmdline_next(3, argv, "jn:", longs));
	assert_string_equal("unknown option '-q'", optarg);
	assert_int_equal('?', cmdline_next(3, argv, "jn:", longs));
	assert_string_equal("unknown option '-w'", optarg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mistake_has_a_sentence),
		cmocka_unit_test(a_letter_in_a_bundle),
		cmocka_unit_test(a_letter_after_a_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
