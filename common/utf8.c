/* SPDX-License-Identifier: Apache-2.0 */
#include "common/utf8.h"

size_t
utf8_decode(struct slice s, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *) s.p;
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t c = len == 1 ? p[0] : p[0] & (0x7fu >> len);

	if (len == 0 || len > s.n || p[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if (!utf8_continues(s.p[i]))
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	if (ret != NULL)
		*ret = c;
	return len;
}
