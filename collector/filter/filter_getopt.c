/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_prog.h"

/*
 * getopt(arguments, "ab:")[o]: options as getopt() finds them, up to the first argument that is
 * none. Each gives a value: its argument ("" if missing), or, if it takes none, its own letter; an
 * unknown one gives "?". Long options are skipped. [o]: the last value of that option.
 */

struct scan {
	const struct fval *arg;
	int n, at;         /* arguments; the current one */
	size_t pos;        /* within it */
	struct slice spec; /* without its leading ':' */
	struct slice letter, value;
};

static bool
starts_option(const struct fval *v)
{
	return v->s.n >= 2 && v->s.p[0] == '-';
}

/* The letter's position in the spec; NULL: missing. */
static const char *
in_spec(const struct scan *s, char c)
{
	return c == ':' || s->spec.n == 0 ? NULL : memchr(s->spec.p, c, s->spec.n);
}

static void
take_argument(struct scan *s)
{
	struct slice word = s->arg[s->at].s;

	s->value = SLICE("");
	if (s->pos < word.n)
		s->value = (struct slice){ word.p + s->pos, word.n - s->pos };
	else if (s->at + 1 < s->n)
		s->value = s->arg[++s->at].s;
	s->at++;
	s->pos = 0;
}

/* Get the next option in letter and value; false: none. */
static bool
next_option(struct scan *s)
{
	const char *spec;
	struct slice word;

	while (s->pos == 0) {
		if (s->at >= s->n || !starts_option(&s->arg[s->at]) ||
		    slice_eq(s->arg[s->at].s, SLICE("--")))
			return false;
		if (s->arg[s->at].s.p[1] == '-')
			s->at++;
		else
			s->pos = 1;
	}
	word = s->arg[s->at].s;
	s->letter = (struct slice){ word.p + s->pos, 1 };
	spec = in_spec(s, word.p[s->pos++]);
	if (spec != NULL && spec + 1 < s->spec.p + s->spec.n && spec[1] == ':') {
		take_argument(s);
		return true;
	}
	s->value = spec == NULL ? SLICE("?") : s->letter;
	if (s->pos == word.n) {
		s->at++;
		s->pos = 0;
	}
	return true;
}

int
getopt_values(
    const struct fval *args, int n, struct slice spec, struct slice want, struct fval *ret, int max)
{
	struct scan s = { .arg = args, .n = n, .spec = spec };
	int found = 0;

	if (spec.n > 0 && spec.p[0] == ':')
		s.spec = (struct slice){ spec.p + 1, spec.n - 1 };
	while (next_option(&s) && (want.p != NULL || found < max)) {
		struct fval v = { .type = FT_STR, .s = s.value };

		if (want.p == NULL) {
			ret[found++] = v;
		} else if (slice_eq(want, s.letter) && in_spec(&s, s.letter.p[0]) != NULL) {
			ret[0] = v;
			found = 1;
		}
	}
	return found > 0 || want.p != NULL ? found : -1;
}
