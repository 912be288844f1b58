/* SPDX-License-Identifier: Apache-2.0 */
/* hex.h - bytes as pairs of hexadecimal digits. */
#ifndef MEWS_COMMON_HEX_H
#define MEWS_COMMON_HEX_H

#include "common/macros.h"
#include "common/slice.h"

/* The value of a digit of either case; -1: not a digit. */
int hex_digit(char c);

/* Write 2 * n digits in lower case and a NUL. */
void hex_encode(char *out, const void *bytes, size_t n);

/* Write digits.n / 2 bytes. -EINVAL: not only pairs of digits; 'out' is undefined. */
int hex_decode(void *out, struct slice digits) MUST_CHECK;

#endif
