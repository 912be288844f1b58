/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.h - characters of UTF-8 as defined by RFC 3629: shortest form, no surrogates, to U+10FFFF.
 */
#ifndef MEWS_COMMON_UTF8_H
#define MEWS_COMMON_UTF8_H

#include "common/slice.h"
#include <stdbool.h>
#include <stdint.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* The bytes of the first character of 's', which is not empty, and its code point in *ret, unless
 * that is NULL. 0: it is not UTF-8; *ret is untouched. */
size_t utf8_decode(struct slice s, uint32_t *ret);

/* The bytes of the first character of 's', which is not empty; 0: it is not UTF-8. */
static inline size_t
utf8_len(struct slice s)
{
	return (unsigned char) *s.p < 0x80 ? 1 : utf8_decode(s, NULL);
}

/* Is it a byte that continues a character? */
static inline bool
utf8_continues(char c)
{
	return ((unsigned char) c & 0xc0) == 0x80;
}

#endif
