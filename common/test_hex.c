/* SPDX-License-Identifier: Apache-2.0 */
#include "common/hex.h"
#include "tests/support/test.h"
#include <errno.h>

static void
test_digit(void **state UNUSED)
{
	static const char digits[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
	int n = 0;

	for (int i = 0; i < 16; i++) {
		assert_int_equal(i, hex_digit(digits[i]));
		assert_int_equal(i, hex_digit(upper[i]));
	}
	for (int c = -128; c < 128; c++)
		n += hex_digit((char) c) >= 0;
	assert_int_equal(22, n);
}

static void
test_encode(void **state UNUSED)
{
	char out[11] = "..........";

	hex_encode(out, "\0\x1f\xa0\xff", 4);
	assert_string_equal("001fa0ff", out);
	assert_int_equal('.', out[9]);
	hex_encode(out, NULL, 0);
	assert_string_equal("", out);
}

static void
test_decode(void **state UNUSED)
{
	static const struct slice wrong[] = { SLICE("0"), SLICE("0x"), SLICE("000g"), SLICE("-1"),
		SLICE("00 "), SLICE("\0\0") };
	char out[4];

	assert_int_equal(0, hex_decode(out, SLICE("001FaAff")));
	assert_memory_equal("\0\x1f\xaa\xff", out, 4);
	assert_int_equal(0, hex_decode(out, SLICE("")));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(-EINVAL, hex_decode(out, wrong[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digit),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_decode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
