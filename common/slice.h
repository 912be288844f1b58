/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slice.h - a borrowed piece of text: pointer and length, no terminator.
 *
 * The function that returns a slice defines its lifetime. p == NULL means "no text", which differs
 * from "".
 */
#ifndef MEWS_COMMON_SLICE_H
#define MEWS_COMMON_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
	const char *p;
	size_t n;
};

#define SLICE(lit)   ((struct slice){ (lit), sizeof(lit) - 1 })
#define SLICE_ARG(s) (int) (s).n, (s).p /* for "%.*s" */

static inline struct slice
slice_str(const char *s)
{
	return (struct slice){ s, s == NULL ? 0 : strlen(s) };
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
slice_starts(struct slice s, struct slice prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool
slice_ends(struct slice s, struct slice suffix)
{
	return s.n >= suffix.n &&
	       (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* Cut a text at its first NUL, if any. */
static inline struct slice
slice_until_nul(struct slice s)
{
	return (struct slice){ s.p, s.n == 0 ? 0 : strnlen(s.p, s.n) };
}

/* Take the first text of a list in which each ends with a NUL; the last one may lack it. p is NULL:
 * none is left. */
static inline struct slice
slice_next(struct slice *list)
{
	struct slice s = slice_until_nul(*list);
	size_t n = s.n + (s.n < list->n);

	if (list->n == 0)
		return (struct slice){ NULL, 0 };
	list->p += n;
	list->n -= n;
	return s;
}

/* Skip a byte order mark, which some editors write. */
static inline struct slice
slice_skip_bom(struct slice s)
{
	struct slice bom = SLICE("\xef\xbb\xbf");

	return slice_starts(s, bom) ? (struct slice){ s.p + bom.n, s.n - bom.n } : s;
}

/* Compare like strcmp(), with unsigned bytes. */
static inline int
slice_cmp(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

#endif
