/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_prog.h"

/*
 * The C library's fnmatch() needs terminated strings and depends on the locale. This one works on
 * bytes, and is linear except for '*': only the last star is retried.
 */

static unsigned char
lower(unsigned char c, bool fold)
{
	return fold && c >= 'A' && c <= 'Z' ? (unsigned char) (c | 0x20) : c;
}

static bool
in_class(struct slice name, unsigned char c)
{
	bool up = c >= 'A' && c <= 'Z', low = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';

	if (slice_eq(name, SLICE("alpha")))
		return up || low;
	if (slice_eq(name, SLICE("digit")))
		return digit;
	if (slice_eq(name, SLICE("alnum")))
		return up || low || digit;
	if (slice_eq(name, SLICE("upper")))
		return up;
	if (slice_eq(name, SLICE("lower")))
		return low;
	if (slice_eq(name, SLICE("space")))
		return c == ' ' || (c >= '\t' && c <= '\r');
	if (slice_eq(name, SLICE("blank")))
		return c == ' ' || c == '\t';
	if (slice_eq(name, SLICE("punct")))
		return c > ' ' && c < 0x7f && !up && !low && !digit;
	if (slice_eq(name, SLICE("print")))
		return c >= ' ' && c < 0x7f;
	if (slice_eq(name, SLICE("graph")))
		return c > ' ' && c < 0x7f;
	if (slice_eq(name, SLICE("cntrl")))
		return c < ' ' || c == 0x7f;
	if (slice_eq(name, SLICE("xdigit")))
		return digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
	return false;
}

/* The length of "[:name:]" at p[i], 0 if it is none. */
static size_t
class_at(struct slice p, size_t i, struct slice *name)
{
	size_t k = i + 2;

	if (i + 3 >= p.n || p.p[i] != '[' || p.p[i + 1] != ':')
		return 0;
	while (k + 1 < p.n && p.p[k] != ':' && p.p[k] != ']')
		k++;
	if (k + 1 >= p.n || p.p[k] != ':' || p.p[k + 1] != ']')
		return 0;
	*name = (struct slice){ p.p + i + 2, k - i - 2 };
	return k + 2 - i;
}

/* The end of the bracket at p[i] ('['), or 0 if it is not closed. *hit: 'c' is in it. */
static size_t
bracket(struct slice p, size_t i, unsigned char c, bool fold, bool *hit)
{
	bool invert, found = false, first = true;
	struct slice name;
	unsigned char from, to;
	size_t n;

	i++;
	invert = i < p.n && (p.p[i] == '!' || p.p[i] == '^');
	i += invert;
	for (; i < p.n && (first || p.p[i] != ']'); first = false) {
		n = class_at(p, i, &name);
		if (n > 0) {
			found |= in_class(name, c) ||
				 (fold && in_class(name, c ^ 0x20) && in_class(SLICE("alpha"), c));
			i += n;
			continue;
		}
		if (p.p[i] == '\\' && i + 1 < p.n)
			i++;
		from = to = (unsigned char) p.p[i++];
		if (i + 1 < p.n && p.p[i] == '-' && p.p[i + 1] != ']') {
			i++;
			if (p.p[i] == '\\' && i + 1 < p.n)
				i++;
			to = (unsigned char) p.p[i++];
		}
		found |= lower(c, fold) >= lower(from, fold) && lower(c, fold) <= lower(to, fold);
	}
	*hit = found != invert;
	return i < p.n ? i + 1 : 0;
}

/* Match one element of the pattern at 'i' against 'c': returns the position of the next; 0: no
 * match. */
static size_t
one(struct slice p, size_t i, unsigned char c, bool fold)
{
	bool hit;
	size_t end;

	if (p.p[i] == '?')
		return i + 1;
	if (p.p[i] == '[') {
		end = bracket(p, i, c, fold, &hit);
		if (end > 0)
			return hit ? end : 0;
	} else if (p.p[i] == '\\') {
		if (++i == p.n)
			return 0;
	}
	return lower((unsigned char) p.p[i], fold) == lower(c, fold) ? i + 1 : 0;
}

bool
glob_match(struct slice pattern, struct slice text, bool fold)
{
	size_t i = 0, t = 0, star = SIZE_MAX, from = 0, next;

	while (t < text.n) {
		if (i < pattern.n && pattern.p[i] == '*') {
			star = ++i;
			from = t;
			continue;
		}
		next = i < pattern.n ? one(pattern, i, (unsigned char) text.p[t], fold) : 0;
		if (next > 0) {
			i = next;
			t++;
		} else if (star != SIZE_MAX) {
			i = star;
			t = ++from;
		} else {
			return false;
		}
	}
	while (i < pattern.n && pattern.p[i] == '*')
		i++;
	return i == pattern.n;
}
