/* SPDX-License-Identifier: Apache-2.0 */
#include "common/escape.h"
#include "tests/support/test.h"

static const struct {
	struct slice in;
	const char *want;
} cases[] = {
	{ SLICE("plain text, with a \\ in it"), "plain text, with a \\ in it" },
	{ SLICE(""), "" },
	{ SLICE("\033[2J\033]0;title\a"), "\\x1b[2J\\x1b]0;title\\x07" },
	{ SLICE("a\nb\rc\td\0e\177"), "a\\x0ab\\x0dc\\x09d\\x00e\\x7f" },
	/* letters of two to four bytes */
	{ SLICE("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb1"),
	    "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb1" },
	/* C1 (CSI and NEL), as UTF-8 and as bytes */
	{ SLICE("\xc2\x9b"
		"2J\xc2\x85\x9b"),
	    "\\xc2\\x9b2J\\xc2\\x85\\x9b" },
	/* bidirectional, line and invisible characters */
	/* NOLINTNEXTLINE(misc-misleading-bidirectional) */
	{ SLICE("\xe2\x80\xae"
		"txt.exe\xe2\x81\xa6\xe2\x80\xa8\xe2\x80\x8b\xef\xbb\xbf\xd8\x9c"),
	    "\\xe2\\x80\\xaetxt.exe\\xe2\\x81\\xa6\\xe2\\x80\\xa8\\xe2\\x80\\x8b\\xef\\xbb\\xbf"
	    "\\xd8\\x9c" },
	{ SLICE("\xf3\xa0\x80\x81"), "\\xf3\\xa0\\x80\\x81" },
	/* not UTF-8: a lone byte, cut, overlong, a surrogate, beyond the last character */
	{ SLICE("\xff\x80"), "\\xff\\x80" },
	{ SLICE("\xe2\x82"), "\\xe2\\x82" },
	{ SLICE("\xc0\xaf"), "\\xc0\\xaf" },
	{ SLICE("\xe0\x80\xaf"), "\\xe0\\x80\\xaf" },
	{ SLICE("\xed\xa0\x80"), "\\xed\\xa0\\x80" },
	{ SLICE("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80" },
	{ SLICE("\xc3(\xe2\x82("), "\\xc3(\\xe2\\x82(" },
};

static void
test_cases(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf b = BUF_INIT;
		char text[256];

		escape_add(&b, cases[i].in);
		assert_int_equal(0, buf_ok(&b));
		assert_string_equal(cases[i].want, b.p == NULL ? "" : b.p);
		assert_int_equal(
		    strlen(cases[i].want), escape_text(text, sizeof(text), cases[i].in));
		assert_string_equal(cases[i].want, text);
		buf_fini(&b);
	}
}

/* A character or an escape is written completely or not at all. */
static void
test_room(void **state)
{
	char out[8];

	(void) state;
	for (size_t cap = 1; cap <= sizeof(out); cap++) {
		size_t n = escape_text(out, cap, SLICE("a\n\xc3\xa9z"));

		assert_true(n < cap);
		assert_string_equal(cap < 2   ? ""
				    : cap < 6 ? "a"
				    : cap < 8 ? "a\\x0a"
					      : "a\\x0a\xc3\xa9",
		    out);
	}
}

static const struct {
	struct slice in;
	const char *want;
} jsons[] = {
	{ SLICE("{\"a\": \"\xc3\xa9 \\u001b\"}\n"), "{\"a\": \"\xc3\xa9 \\u001b\"}\n" },
	{ SLICE("\"\xc2\x9b"
		"2J\xe2\x80\xae\x7f\""),
	    "\"\\u009b2J\\u202e\\u007f\"" },
	{ SLICE("\"\xf3\xa0\x80\x81\xf0\x9f\x90\xb1\""), "\"\\udb40\\udc01\xf0\x9f\x90\xb1\"" },
	/* invalid JSON is escaped as well */
	{ SLICE("\033[2J\xff\xe2\x82"), "\\u001b[2J\\ufffd\\ufffd\\ufffd" },
	{ SLICE(""), "" },
};

static void
test_json(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(jsons); i++) {
		struct buf b = BUF_INIT;

		escape_json(&b, jsons[i].in);
		assert_int_equal(0, buf_ok(&b));
		assert_string_equal(jsons[i].want, b.p == NULL ? "" : b.p);
		buf_fini(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
