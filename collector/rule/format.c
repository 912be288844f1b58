/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format.c - the text of an alert: "text %field %field[arg] %10field".
 *
 * A percent sign, an optional width and the longest field name that follows. A null prints <NA>; a
 * width pads with blanks or cuts. The same fields, once each and by name, are an alert's
 * output_fields.
 */
#include "collector/rule/rule.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH_MAX = 4096, LIST_MAX = 64 };

struct format_part {
	struct slice text; /* before the field */
	struct field_ref ref;
	unsigned width; /* 0: as it is */
	bool has_field;
};

struct format {
	struct format_part *parts;
	size_t n;
	const struct field_ref **fields; /* distinct, by name, evt.time not among them */
	size_t nfields;
};

static int
by_name(const void *a, const void *b)
{
	const struct field_ref *const *x = a, *const *y = b;

	return slice_cmp((*x)->text, (*y)->text);
}

/* Distinct fields of the parts. */
static int
collect_fields(struct format *f, struct arena *a)
{
	size_t n = 0;

	f->fields = arena_alloc(a, (f->n + 1) * sizeof(void *));
	if (f->fields == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < f->n; i++) {
		if (f->parts[i].has_field && !slice_eq(f->parts[i].ref.text, SLICE("evt.time")))
			f->fields[f->nfields++] = &f->parts[i].ref;
	}
	if (f->nfields > 1)
		qsort(f->fields, f->nfields, sizeof(void *), by_name);
	for (size_t i = 0; i < f->nfields; i++) {
		if (n == 0 || by_name(&f->fields[n - 1], &f->fields[i]) != 0)
			f->fields[n++] = f->fields[i];
	}
	f->nfields = n;
	return 0;
}

/* The field after a percent sign at text[*i - 1]; *i moves behind it. */
static int
part_field(struct slice text, size_t *i, struct arena *a, struct format_part *p, struct diag *d)
{
	size_t at = *i, used = 0;
	unsigned long w = 0;
	struct diag no;
	int r;

	for (; at < text.n && text.p[at] >= '0' && text.p[at] <= '9'; at++)
		w = MIN(w * 10 + (unsigned) (text.p[at] - '0'), (unsigned long) WIDTH_MAX + 1);
	if (w > WIDTH_MAX)
		return diag_fail(d, 1, (unsigned) *i,
		    "invalid formatting token: a width is %d at most", WIDTH_MAX);
	if (at == text.n)
		return diag_fail(
		    d, 1, (unsigned) *i, "invalid formatting token: a field must follow '%%'");
	r = field_lookup((struct slice){ text.p + at, text.n - at }, a, &p->ref, &used, &no);
	if (r == -EINVAL) {
		size_t n = strcspn(text.p + at, " \t\r\n");

		return diag_fail(
		    d, 1, (unsigned) *i, "unknown filter: %.*s", (int) MIN(n, 200u), text.p + at);
	}
	if (r < 0)
		return r;
	p->width = (unsigned) w;
	p->has_field = true;
	*i = at + used;
	return 0;
}

int
format_compile(const char *text, struct arena *a, struct format **ret, struct diag *d)
{
	struct format *f = arena_alloc(a, sizeof(*f));
	char *copy = arena_strdup(a, slice_str(text));
	size_t n = 1, i = 0;
	struct slice s;
	int r;

	if (f == NULL || copy == NULL)
		return -ENOMEM;
	for (const char *p = copy; (p = strchr(p, '%')) != NULL; p++)
		n++;
	f->parts = arena_alloc(a, n * sizeof(*f->parts));
	if (f->parts == NULL)
		return -ENOMEM;
	for (s = slice_str(copy); i < s.n;) {
		struct format_part *p = &f->parts[f->n++];
		size_t lit = strcspn(s.p + i, "%");

		p->text = (struct slice){ s.p + i, lit };
		i += lit;
		if (i == s.n)
			break;
		i++;
		r = part_field(s, &i, a, p, d);
		if (r < 0)
			return r;
	}
	r = collect_fields(f, a);
	if (r < 0)
		return r;
	*ret = f;
	return 0;
}

void
format_text(const struct format *f, const struct view *v, struct fscratch *fs, struct buf *out)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct format_part *p = &f->parts[i];
		struct slice s = SLICE("<NA>");

		buf_slice(out, p->text);
		if (!p->has_field)
			continue;
		if (!field_text(&p->ref, v, fs, &s))
			s = SLICE("<NA>");
		if (p->width > 0)
			s.n = MIN(s.n, p->width);
		buf_slice(out, s);
		for (size_t pad = s.n; pad < p->width; pad++)
			buf_char(out, ' ');
	}
}

/* Times that print as text are numbers in JSON. */
static bool
is_time(const struct field *f)
{
	static const char *const names[] = { "evt.time", "evt.time.s", "evt.time.iso8601",
		"evt.datetime", "evt.datetime.s", "evt.outputtime" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(f->name, names[i]) == 0)
			return true;
	}
	return false;
}

/* One value; 'text' is what stands for it where it is not a number. */
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
json_field(const struct field_ref *ref, const struct view *v, struct fscratch *fs, struct buf *out)
{
	enum ev_pfmt fmt = ref->param != NULL ? ref->param->fmt : ref->field->fmt;
	struct fval val[LIST_MAX];
	struct slice text = { NULL, 0 };
	int n;

	if (is_time(ref->field)) {
		buf_u64(out, v->time);
		return;
	}
	if (ref->field->multi == FM_LIST && !ref->has_arg) {
		n = field_get(ref, v, fs, val, LIST_MAX);
		if (n == 0) {
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
		return;
	}
	if (!field_text(ref, v, fs, &text)) {
		buf_str(out, "null");
		return;
	}
	if (ref->field->multi != FM_ONE || field_get(ref, v, fs, val, 1) <= 0) {
		buf_json(out, text); /* several ancestors joined */
		return;
	}
	json_value(val, fmt, text, out);
}

void
format_fields(const struct format *f, const struct view *v, struct fscratch *fs, struct buf *out)
{
	buf_str(out, "\"evt.time\":");
	buf_u64(out, v->time);
	for (size_t i = 0; i < f->nfields; i++) {
		buf_char(out, ',');
		buf_json(out, f->fields[i]->text);
		buf_char(out, ':');
		json_field(f->fields[i], v, fs, out);
	}
}

void
format_each_field(const struct format *f, void (*fn)(void *, const struct field_ref *), void *arg)
{
	for (size_t i = 0; i < f->nfields; i++)
		fn(arg, f->fields[i]);
}
