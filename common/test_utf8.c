/* SPDX-License-Identifier: Apache-2.0 */
#include "common/macros.h"
#include "common/utf8.h"
#include "tests/support/test.h"

/* Encode a code point, surrogates and those beyond the last too. */
static size_t
encode(uint32_t c, char *out)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (char) (0x80 | (c & 0x3f));
	out[0] = (char) (lead[n] | c);
	return n;
}

static void
test_every_character(void **state UNUSED)
{
	for (uint32_t c = 0; c < 0x200000; c++) {
		bool valid = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
		uint32_t got = UINT32_MAX;
		char p[5];
		size_t n = encode(c, p);

		p[n] = 'x';
		if (utf8_decode((struct slice){ p, n + 1 }, &got) != (valid ? n : 0) ||
		    utf8_len((struct slice){ p, n + 1 }) != (valid ? n : 0) ||
		    got != (valid ? c : UINT32_MAX))
			fail_msg("U+%04x", (unsigned) c);
		for (size_t cut = 1; cut < n; cut++) {
			if (utf8_len((struct slice){ p, cut }) != 0)
				fail_msg("U+%04x cut to %zu bytes", (unsigned) c, cut);
		}
	}
}

static void
test_not_utf8(void **state UNUSED)
{
	static const struct slice wrong[] = {
		SLICE("\x80"),
		SLICE("\xff"),
		SLICE("\xc0\xaf"),
		SLICE("\xc1\xbf"),
		SLICE("\xe0\x9f\xbf"),
		SLICE("\xf0\x8f\xbf\xbf"),
		SLICE("\xf8\x88\x80\x80\x80"),
		SLICE("\xe2\x82\""),
		SLICE("\xe2\x28\xa1"),
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(0, utf8_len(wrong[i]));
	for (int c = 0; c < 256; c++)
		assert_int_equal(c >= 0x80 && c < 0xc0, utf8_continues((char) c));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_character),
		cmocka_unit_test(test_not_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
