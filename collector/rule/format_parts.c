/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format_parts.c - the text of an alert: "text %field %field[arg] %toupper(field) %10field".
 *
 * A percent sign, an optional width and the longest field name that follows, or a transformer. A
 * null prints <NA>; a width pads with blanks or cuts.
 */
#include "collector/rule/format_int.h"
#include <errno.h>
#include <string.h>

enum { WIDTH_MAX = 4096 };

/* Parse the value after a percent sign at text[*i - 1]; *i advances past it. */
static int
part_value(struct slice text, size_t *i, struct arena *a, struct format_part *p, struct diag *d)
{
	size_t at = *i, used = 0;
	unsigned long w = 0;
	struct diag no;
	int r;

	for (; at < text.n && text.p[at] >= '0' && text.p[at] <= '9'; at++)
		w = MIN(w * 10 + (unsigned) (text.p[at] - '0'), (unsigned long) WIDTH_MAX + 1);
	if (w > WIDTH_MAX)
		return diag_fail_as(d, DIAG_BAD_TOKEN, 1, (unsigned) *i,
		    "invalid formatting token: a width is %d at most", WIDTH_MAX);
	if (at == text.n)
		return diag_fail_as(d, DIAG_BAD_TOKEN, 1, (unsigned) *i,
		    "invalid formatting token: a field must follow '%%'");
	r = out_value_new((struct slice){ text.p + at, text.n - at }, a, &p->value, &used, &no);
	if (r == -EINVAL) {
		size_t n = strcspn(text.p + at, " \t\r\n");

		return diag_fail_as(d, DIAG_BAD_TOKEN, 1, (unsigned) *i,
		    "unknown filter: %.*s (%s)", (int) MIN(n, 100u), text.p + at, no.msg);
	}
	if (r < 0)
		return r;
	p->width = (unsigned) w;
	*i = at + used;
	return 0;
}

/* Split a text into its parts. */
int
format_parts(const char *text, struct arena *a, struct format_text *ret, struct diag *d)
{
	char *copy = arena_strdup(a, slice_str(text));
	size_t n = 1, i = 0;
	struct slice s;
	int r;

	*ret = (struct format_text){ NULL, 0 };
	if (copy == NULL)
		return -ENOMEM;
	for (const char *p = copy; (p = strchr(p, '%')) != NULL; p++)
		n++;
	ret->v = arena_alloc(a, n * sizeof(*ret->v));
	if (ret->v == NULL)
		return -ENOMEM;
	for (s = slice_str(copy); i < s.n;) {
		struct format_part *p = &ret->v[ret->n++];
		size_t lit = strcspn(s.p + i, "%");

		p->text = (struct slice){ s.p + i, lit };
		i += lit;
		if (i == s.n)
			break;
		i++;
		r = part_value(s, &i, a, p, d);
		if (r < 0)
			return r;
	}
	return 0;
}

void
format_print(
    const struct format_text *t, const struct view *v, struct fscratch *fs, struct buf *out)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct format_part *p = &t->v[i];
		struct slice s = SLICE("<NA>");

		buf_slice(out, p->text);
		if (p->value == NULL)
			continue;
		if (!out_value_text(p->value, v, fs, &s))
			s = SLICE("<NA>");
		if (p->width > 0)
			s.n = MIN(s.n, p->width);
		buf_slice(out, s);
		for (size_t pad = s.n; pad < p->width; pad++)
			buf_char(out, ' ');
	}
}
