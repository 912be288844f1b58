/* SPDX-License-Identifier: Apache-2.0 */
/* filter_output.c - what follows a percent sign in an output: a field, or a transformer. */
#include "collector/filter/filter_prog.h"
#include <errno.h>

enum { VALUES = 64 };

struct out_value {
	const struct source *source; /* NULL: the field itself */
	const struct field_ref *field;
	struct field_node *fields; /* fields that it reads */
};

/* Parse "toupper(proc.name)" at the start of the text. 0: none. */
static int
transformer(struct slice text, struct arena *a, struct out_value *o, size_t *used, struct diag *d)
{
	struct filter f = { .cond = NULL };
	struct compile c = { .a = a, .d = d, .f = &f };
	struct term *t = NULL;
	struct source *s;
	struct lex l;
	int r;

	lex_init(&l, text, a, d);
	r = term_xform(&l, &t);
	if (r <= 0)
		return r;
	r = source_new(&c, t, false, &s);
	if (r < 0)
		return r;
	o->source = s;
	o->fields = f.fields;
	*used = l.pos;
	return 1;
}

int
out_value_new(
    struct slice text, struct arena *a, struct out_value **ret, size_t *used, struct diag *d)
{
	struct out_value *o = arena_alloc(a, sizeof(*o));
	struct field_ref *ref;
	int r;

	if (o == NULL)
		return -ENOMEM;
	r = transformer(text, a, o, used, d);
	if (r == 0) {
		ref = arena_alloc(a, sizeof(*ref));
		o->fields = arena_alloc(a, sizeof(*o->fields));
		if (ref == NULL || o->fields == NULL)
			return -ENOMEM;
		r = field_lookup(text, a, ref, used, d);
		*o->fields = (struct field_node){ ref, NULL };
		o->field = ref;
	}
	if (r < 0)
		return r;
	*ret = o;
	return 0;
}

bool
out_value_text(
    const struct out_value *o, const struct view *v, struct fscratch *fs, struct slice *ret)
{
	struct fval val[VALUES];
	struct buf *out;
	int n;

	if (o->source == NULL)
		return field_text(o->field, v, fs, ret);
	if (o->source->xform == XF_LEN) /* like Falco, do not print lengths */
		return false;
	n = source_get(o->source, v, fs, val, VALUES);
	if (n == 0)
		return false;
	if (!o->source->list) {
		*ret = val[0].s;
		return true;
	}
	out = scratch_buf(fs);
	buf_char(out, '(');
	for (int i = 0; i < n; i++) {
		if (i > 0)
			buf_char(out, ',');
		value_text(NULL, &val[i], out);
	}
	buf_char(out, ')');
	*ret = scratch_take(fs, out);
	return ret->p != NULL;
}

void
out_value_fields(
    const struct out_value *o, void (*fn)(void *arg, const struct field_ref *f), void *arg)
{
	for (const struct field_node *n = o->fields; n != NULL; n = n->next)
		fn(arg, n->ref);
}
