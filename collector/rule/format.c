/* SPDX-License-Identifier: Apache-2.0 */
/* format.c - a rule's output, compiled: its text (format_parts.c) and output_fields
 * (format_fields.c). */
#include "collector/rule/format_int.h"
#include <errno.h>

int
format_compile(const char *text, const struct format_options *o, struct arena *a,
    struct format **ret, struct diag *d)
{
	struct format *f = arena_alloc(a, sizeof(*f));
	int r;

	if (f == NULL)
		return -ENOMEM;
	f->json = o->json;
	r = format_parts(text, a, &f->text, d);
	if (r == 0)
		r = format_collect(f, o, a, d);
	if (r < 0)
		return r;
	*ret = f;
	return 0;
}

void
format_text(const struct format *f, const struct view *v, struct fscratch *fs, struct buf *out)
{
	format_print(&f->text, v, fs, out);
}

void
format_each_use(const struct format *f, void (*fn)(void *, const struct field_ref *), void *arg)
{
	for (size_t i = 0; i < f->text.n; i++) {
		if (f->text.v[i].value != NULL)
			out_value_fields(f->text.v[i].value, fn, arg);
	}
}
