/* SPDX-License-Identifier: Apache-2.0 */
#include "common/hex.h"
#include <errno.h>

int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
		return (c | 0x20) - 'a' + 10;
	return -1;
}

void
hex_encode(char *out, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}

int
hex_decode(void *out, struct slice digits)
{
	unsigned char *p = out;

	if (digits.n % 2 != 0)
		return -EINVAL;
	for (size_t i = 0; i < digits.n; i += 2) {
		int high = hex_digit(digits.p[i]), low = hex_digit(digits.p[i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		*p++ = (unsigned char) (high << 4 | low);
	}
	return 0;
}
