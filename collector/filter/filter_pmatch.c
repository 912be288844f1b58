/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_prog.h"
#include <errno.h>

/*
 * A path is its components: repeated, leading and trailing slashes do not count. It is written as
 * "/a/b" here, the root as "". A path on the right without wildcards is in a set, in which each
 * prefix of a value is looked up; one with wildcards is compared component by component.
 */

static size_t
normal(struct slice s, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '/')
			continue;
		if (i == 0 || s.p[i - 1] == '/')
			out[n++] = '/';
		out[n++] = s.p[i];
	}
	return n;
}

bool
is_wild(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '*' || s.p[i] == '?' || s.p[i] == '[')
			return true;
	}
	return false;
}

int
pmatch_compile(struct compile *c, struct test *t)
{
	size_t n = t->nk;
	struct slice s;
	char *p;

	t->set = set_new(c->a, n);
	t->globs = arena_alloc(c->a, MAX(n, 1) * sizeof(*t->globs));
	if (t->set == NULL || t->globs == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		s = t->k[i].v.s;
		p = arena_alloc(c->a, s.n * 2 + 1);
		if (p == NULL)
			return -ENOMEM;
		s = (struct slice){ p, normal(s, p) };
		if (slice_eq(s, SLICE("/*")))
			s.n = 0; /* every path */
		if (is_wild(s))
			t->globs[t->nglobs++] = s;
		else
			set_add(t->set, s);
	}
	return 0;
}

/* The component at s.p[i] (a '/'): up to the next slash. */
static struct slice
component(struct slice s, size_t i)
{
	size_t end = i + 1;

	while (end < s.n && s.p[end] != '/')
		end++;
	return (struct slice){ s.p + i + 1, end - i - 1 };
}

static bool
wild_match(struct slice pattern, struct slice path)
{
	size_t i = 0, k = 0;
	struct slice want, have;

	while (i < pattern.n) {
		if (k >= path.n)
			return false;
		want = component(pattern, i);
		have = component(path, k);
		if (is_wild(want) ? !glob_match(want, have, false) : !slice_eq(want, have))
			return false;
		i += want.n + 1;
		k += have.n + 1;
	}
	return true;
}

bool
pmatch_match(const struct test *t, struct slice path, struct fscratch *fs)
{
	char *p = fscratch_alloc(fs, path.n * 2 + 1);
	struct slice s;

	if (p == NULL)
		return false;
	s = (struct slice){ p, normal(path, p) };
	if (set_size(t->set) > 0) {
		for (size_t n = 0; n <= s.n; n++) {
			if ((n == 0 || n == s.n || s.p[n] == '/') &&
			    set_has(t->set, (struct slice){ p, n }))
				return true;
		}
	}
	for (size_t i = 0; i < t->nglobs; i++) {
		if (wild_match(t->globs[i], s))
			return true;
	}
	return false;
}
