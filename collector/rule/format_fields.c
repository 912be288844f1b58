/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format_fields.c - an alert's output_fields: fields that its text reads, once each and by name,
 * the time, and fields added by the configuration.
 */
#include "collector/rule/format_int.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 64 };

static int
by_name(const void *a, const void *b)
{
	const struct format_field *x = a, *y = b;
	int r = slice_cmp(x->name, y->name);

	return r != 0 ? r : (y->ref != NULL) - (x->ref != NULL); /* requested fields first */
}

static void
count_field(void *arg, const struct field_ref *ref)
{
	(void) ref;
	++*(size_t *) arg;
}

static void
add_field(void *arg, const struct field_ref *ref)
{
	struct format *f = arg;

	f->fields[f->nfields++] = (struct format_field){ ref->text, ref, NULL };
}

/* Add a configured field: a new name with a format, or the field itself. */
static int
add_extra(struct format *f, const struct rule_extra *x, struct arena *a, struct diag *d)
{
	struct format_text *text = arena_alloc(a, sizeof(*text));
	struct field_ref *ref = arena_alloc(a, sizeof(*ref));
	size_t used = 0, n = strlen(x->name);
	int r;

	if (text == NULL || ref == NULL)
		return -ENOMEM;
	if (x->format != NULL) {
		r = format_parts(x->format, a, text, d);
		f->fields[f->nfields++] = (struct format_field){ slice_str(x->name), NULL, text };
		return r;
	}
	r = field_lookup(slice_str(x->name), a, ref, &used, d);
	if (r == 0 && used != n)
		return diag_fail_as(d, DIAG_UNKNOWN_FIELD, 1, 1, "unknown field '%.200s'", x->name);
	add_field(f, ref);
	return r;
}

int
format_collect(struct format *f, const struct format_options *o, struct arena *a, struct diag *d)
{
	size_t n = 1 + o->nextra, keep = 0;
	int r = 0;

	for (size_t i = 0; i < f->text.n; i++) {
		if (f->text.v[i].value != NULL)
			out_value_fields(f->text.v[i].value, count_field, &n);
	}
	f->fields = arena_alloc(a, n * sizeof(*f->fields));
	if (f->fields == NULL)
		return -ENOMEM;
	f->fields[f->nfields++] =
	    (struct format_field){ f->json.iso8601 ? SLICE("evt.time.iso8601") : SLICE("evt.time"),
		    NULL, NULL };
	for (size_t i = 0; i < f->text.n; i++) {
		if (f->text.v[i].value != NULL)
			out_value_fields(f->text.v[i].value, add_field, f);
	}
	for (size_t i = 0; r == 0 && i < o->nextra; i++)
		r = add_extra(f, &o->extra[i], a, d);
	if (r < 0)
		return r;
	qsort(f->fields, f->nfields, sizeof(*f->fields), by_name);
	for (size_t i = 0; i < f->nfields; i++) {
		if (keep == 0 || !slice_eq(f->fields[keep - 1].name, f->fields[i].name))
			f->fields[keep++] = f->fields[i];
	}
	f->nfields = keep;
	return 0;
}

/* Append one value; 'text' represents it if it is not a number. */
static void
json_value(const struct fval *v, enum ev_pfmt fmt, struct slice text, struct buf *out)
{
	switch (v->type) {
	case FT_BOOL:
		buf_str(out, v->b ? "true" : "false");
		return;
	case FT_INT:
		if (fmt == PF_HEX || fmt == PF_OCT)
			break;
		buf_printf(out, "%lld", (long long) v->i);
		return;
	case FT_UINT:
	case FT_PORT:
		if (fmt == PF_HEX || fmt == PF_OCT)
			break;
		buf_u64(out, v->u);
		return;
	case FT_RELTIME:
	case FT_ABSTIME:
		buf_u64(out, v->u);
		return;
	case FT_DOUBLE:
		buf_printf(out, "%.17g", v->d);
		return;
	case FT_STR:
	case FT_BYTES:
		if (text.p == NULL)
			text = v->s;
		break;
	case FT_IP:
	case FT_NET:
	case FT_DYN:
		break;
	}
	buf_json(out, text);
}

static void
json_list(const struct field_ref *ref, const struct view *v, struct fscratch *fs, enum ev_pfmt fmt,
    struct buf *out)
{
	struct fval val[LIST_MAX];
	int n = field_get(ref, v, fs, val, LIST_MAX);

	if (n <= 0) { /* Falco prints null for an empty list too */
		buf_str(out, "null");
		return;
	}
	buf_char(out, '[');
	for (int i = 0; i < n; i++) {
		if (i > 0)
			buf_char(out, ',');
		json_value(&val[i], fmt, (struct slice){ NULL, 0 }, out);
	}
	buf_char(out, ']');
}

static void
json_field(const struct field_ref *ref, const struct view *v, struct fscratch *fs, struct buf *out)
{
	enum ev_pfmt fmt = ref->param != NULL ? ref->param->fmt : ref->field->fmt;
	struct slice text = { NULL, 0 };
	struct fval val;

	if (ref->field->flags & FF_CLOCK) {
		buf_u64(out, v->time);
	} else if (ref->field->multi == FM_LIST) {
		json_list(ref, v, fs, fmt, out);
	} else if (!field_text(ref, v, fs, &text)) {
		buf_str(out, "null");
	} else if ((ref->field->multi != FM_ONE && !ref->has_arg) ||
		   field_get(ref, v, fs, &val, 1) <= 0) {
		buf_json(out, text); /* several ancestors joined */
	} else {
		json_value(&val, fmt, text, out);
	}
}

static void
print_field(const struct format_field *f, const struct view *v, struct fscratch *fs,
    struct buf *out, struct buf *scratch)
{
	buf_json(out, f->name);
	buf_char(out, ':');
	if (f->ref != NULL) {
		json_field(f->ref, v, fs, out);
	} else if (f->text == NULL) {
		buf_u64(out, v->time);
	} else {
		buf_clear(scratch);
		format_print(f->text, v, fs, scratch);
		buf_json(out, buf_get(scratch));
	}
}

static void
print_own(const struct format_own *own, struct buf *out)
{
	buf_json(out, slice_str(own->name));
	buf_char(out, ':');
	if (own->text != NULL)
		buf_json(out, slice_str(own->text));
	else if (own->json.p != NULL)
		buf_slice(out, own->json);
	else
		buf_str(out, own->yes ? "true" : "false");
}

size_t
format_fields(const struct format *f, const struct view *v, struct fscratch *fs,
    const struct format_own *own, size_t nown, struct buf *out)
{
	CLEANUP(buf_fini) struct buf scratch = BUF_INIT; /* used by configured formats only */
	size_t k = 0, own_end = out->n;

	for (size_t i = 0; i < f->nfields || k < nown;) {
		int order = k < nown ? -1 : 1;

		if (k < nown && i < f->nfields)
			order = slice_cmp(slice_str(own[k].name), f->fields[i].name);
		if (i + k > 0)
			buf_char(out, ',');
		if (order <= 0) {
			print_own(&own[k++], out);
			own_end = out->n;
		} else {
			print_field(&f->fields[i], v, fs, out, &scratch);
		}
		i += order >= 0; /* the rule's output has it already */
	}
	return own_end;
}

void
format_each_field(const struct format *f, void (*fn)(void *, const struct field_ref *), void *arg)
{
	for (size_t i = 0; i < f->nfields; i++) {
		if (f->fields[i].ref != NULL)
			fn(arg, f->fields[i].ref);
	}
}
