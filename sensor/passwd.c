/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/passwd.h"

bool
line_next(struct slice *rest, struct slice *line)
{
	const char *end;

	if (rest->n == 0)
		return false;
	end = memchr(rest->p, '\n', rest->n);
	line->p = rest->p;
	line->n = end == NULL ? rest->n : (size_t) (end - rest->p);
	rest->n -= line->n + (end != NULL);
	rest->p += line->n + (end != NULL);
	return true;
}

/* Split at colons. Return the number of fields; store the first 'max' in v. */
static size_t
split(struct slice s, struct slice *v, size_t max)
{
	size_t n = 0;

	for (;;) {
		const char *end = s.n == 0 ? NULL : memchr(s.p, ':', s.n);
		size_t len = end == NULL ? s.n : (size_t) (end - s.p);

		if (n < max)
			v[n] = (struct slice){ s.p, len };
		n++;
		if (end == NULL)
			return n;
		s.p += len + 1;
		s.n -= len + 1;
	}
}

static bool
decimal(struct slice s, uint32_t *ret)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 10)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (uint64_t) (s.p[i] - '0');
	}
	*ret = (uint32_t) v;
	return v <= UINT32_MAX;
}

static bool
is_name(struct slice s)
{
	return s.n > 0 && s.p[0] != '+' && s.p[0] != '-' && s.p[0] != '#';
}

bool
user_parse(struct slice line, struct user_line *ret)
{
	struct slice f[7];

	if (split(line, f, 7) != 7 || !is_name(f[0]) || !decimal(f[2], &ret->uid) ||
	    !decimal(f[3], &ret->gid))
		return false;
	ret->name = f[0];
	ret->home = f[5];
	ret->shell = f[6];
	return true;
}

bool
group_parse(struct slice line, struct slice *name, uint32_t *gid)
{
	struct slice f[4];

	if (split(line, f, 4) != 4 || !is_name(f[0]) || !decimal(f[2], gid))
		return false;
	*name = f[0];
	return true;
}

bool
subid_parse(struct slice line, struct slice *name, uint32_t *first, uint32_t *count)
{
	struct slice f[3];

	if (split(line, f, 3) != 3 || !is_name(f[0]) || !decimal(f[1], first) ||
	    !decimal(f[2], count))
		return false;
	*name = f[0];
	return true;
}
