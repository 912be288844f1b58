/* SPDX-License-Identifier: Apache-2.0 */
#include "common/buf.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>

#define FFFD "\xef\xbf\xbd"

static const struct {
	struct slice text;
	const char *want;
} json_cases[] = {
#define S(lit)                       \
	{                            \
		lit, sizeof(lit) - 1 \
	}
	{ S(""), "\"\"" },
	{ S("plain /etc/passwd"), "\"plain /etc/passwd\"" },
	{ S("a\"b\\c/"), "\"a\\\"b\\\\c/\"" },
	{ S("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"" },
	{ S("\0\1\x1f\x7f"), "\"\\u0000\\u0001\\u001f\\u007f\"" },
	{ S("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa6"),
	    "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa6\"" },
	{ S("\xc2\x80\xdf\xbf\xe0\xa0\x80\xf4\x8f\xbf\xbf"),
	    "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xf4\x8f\xbf\xbf\"" },
	{ S("\x80"), "\"" FFFD "\"" },          /* a lone continuation byte */
	{ S("x\xffy"), "\"x" FFFD "y\"" },      /* never a byte of UTF-8 */
	{ S("\xc0\xaf"), "\"" FFFD FFFD "\"" }, /* overlong '/' */
	{ S("\xc1\xbf"), "\"" FFFD FFFD "\"" },
	{ S("\xe0\x9f\xbf"), "\"" FFFD FFFD FFFD "\"" }, /* overlong */
	{ S("\xed\xa0\x80"), "\"" FFFD FFFD FFFD "\"" }, /* a surrogate */
	{ S("\xf0\x8f\xbf\xbf"), "\"" FFFD FFFD FFFD FFFD "\"" },
	{ S("\xf4\x90\x80\x80"), "\"" FFFD FFFD FFFD FFFD "\"" }, /* past U+10FFFF */
	{ S("\xf5\x80\x80\x80"), "\"" FFFD FFFD FFFD FFFD "\"" },
	{ S("\xe2\x82"), "\"" FFFD FFFD "\"" }, /* cut short */
	{ S("\xe2\x82\""), "\"" FFFD FFFD "\\\"\"" },
	{ S("\xf0\x9f\x90"), "\"" FFFD FFFD FFFD "\"" },
	{ S("\xc3"), "\"" FFFD "\"" },
};

static void
json(void **state)
{
	struct buf b = BUF_INIT;

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(json_cases); i++) {
		buf_clear(&b);
		buf_json(&b, json_cases[i].text);
		assert_int_equal(0, buf_ok(&b));
		assert_string_equal(json_cases[i].want, b.p);
		assert_int_equal(strlen(json_cases[i].want), b.n);
	}
	buf_fini(&b);
}

static void
appending(void **state)
{
	struct buf b = BUF_INIT;

	(void) state;
	assert_int_equal(0, buf_ok(&b));
	buf_clear(&b);
	buf_add(&b, NULL, 0);
	assert_string_equal("", b.p);
	buf_str(&b, "a");
	buf_char(&b, 'b');
	buf_slice(&b, SLICE("cd"));
	buf_u64(&b, 0);
	buf_u64(&b, UINT64_MAX);
	buf_printf(&b, "[%s|%d]", "x", -5);
	assert_string_equal("abcd018446744073709551615[x|-5]", b.p);
	assert_int_equal(strlen(b.p), buf_get(&b).n);
	for (size_t i = 0; i < 300; i++) {
		size_t n = b.n;

		buf_printf(&b, "%*d", (int) i + 1, 7);
		assert_int_equal(n + i + 1, b.n);
		assert_int_equal(0, b.p[b.n]);
	}
	buf_fini(&b);
	assert_null(b.p);
}

/* A failed append changes nothing, and buf_ok() reports it at the end of a chain. */
static void
memory(void **state)
{
	struct buf b = BUF_INIT;

	(void) state;
	buf_str(&b, "kept");
	fault_arm_nth(0);
	buf_printf(&b, "%200d", 1);
	assert_true(fault_disarm());
	buf_str(&b, "+");
	assert_string_equal("kept+", b.p);
	assert_int_equal(-ENOMEM, buf_ok(&b));
	buf_clear(&b);
	assert_int_equal(0, buf_ok(&b));
	assert_int_equal(-ENOMEM, buf_reserve(&b, SIZE_MAX));
	assert_int_equal(-ENOMEM, buf_ok(&b));
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json),
		cmocka_unit_test(appending),
		cmocka_unit_test(memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
