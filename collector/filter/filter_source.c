/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_prog.h"
#include <assert.h>
#include <errno.h>

/* Fields and transformers: compile-time checks, and values. */

enum {
	ARG_VALUES = 64,
	XFORM_DEPTH_MAX = 32, /* each level takes some KB of stack at run time */
};

static int
remember_field(struct compile *c, const struct field_ref *ref)
{
	struct field_node *n;

	for (n = c->f->fields; n != NULL; n = n->next) {
		if (slice_eq(n->ref->text, ref->text))
			return 0;
	}
	n = arena_alloc(c->a, sizeof(*n));
	if (n == NULL)
		return -ENOMEM;
	*n = (struct field_node){ ref, c->f->fields };
	c->f->fields = n;
	return 0;
}

static int
field_source(struct compile *c, const struct term *t, bool rhs, bool within, struct source *s)
{
	const struct field *f;
	int r = field_bind(t->text, t->arg, t->at, c->a, &s->ref, c->d);

	if (r < 0)
		return r;
	f = s->ref.field;
	if (f->flags & FF_PRINT_ONLY)
		return compile_fail(c, t->at, "'%s' can only be printed", f->name);
	if (rhs && !within && (f->flags & FF_NO_RHS))
		return compile_fail(c, t->at, "'%s' cannot stand on the right side", f->name);
	if (within && (f->flags & FF_NO_TRANSFORM))
		return compile_fail(c, t->at, "'%s' cannot be transformed", f->name);
	s->kind = S_FIELD;
	s->type = f->type == FT_DYN ? param_ftype(s->ref.param) : f->type;
	s->list = f->multi == FM_LIST;
	s->text = s->ref.text;
	return remember_field(c, &s->ref);
}

static bool
is_text(const struct source *s)
{
	return !s->list && s->kind != S_LIST && s->type == FT_STR;
}

static bool
is_list(const struct source *s)
{
	return s->list || s->kind == S_LIST;
}

static bool
is_texts(enum ftype t)
{
	return t == FT_STR || t == FT_BYTES;
}

static size_t
count_args(const struct source *a)
{
	size_t n = 0;

	for (; a != NULL; a = a->next)
		n++;
	return n;
}

static bool
all_texts(const struct source *a)
{
	while (a != NULL && is_text(a))
		a = a->next;
	return a == NULL;
}

/* Why a transformer of several arguments does not accept these; NULL: it does. */
static const char *
wrong_args(enum xform x, const struct source *a)
{
	size_t n = count_args(a);

	if (x == XF_CONCAT) {
		if (n < 2)
			return "concat() requires at least 2 arguments";
		return all_texts(a) ? NULL : "concat() arguments must be strings";
	}
	if (x == XF_JOIN) {
		if (n != 2)
			return "join() requires exactly 2 arguments: separator and list";
		if (is_list(a))
			return "join() first argument (separator) must be a single value, not a "
			       "list";
		if (!is_text(a))
			return "join() first argument (separator) must be a string";
		return is_list(a->next) ? NULL : "join() second argument must be a list";
	}
	if (n != 2)
		return "getopt() requires exactly 2 arguments: args list and optstring";
	if (!is_list(a))
		return "getopt() first argument must be a list";
	if (is_list(a->next))
		return "getopt() second argument (optstring) must be a single value";
	return is_text(a->next) ? NULL : "getopt() second argument (optstring) must be a string";
}

/* Does a transformer of one argument accept it? */
static bool
takes(enum xform x, const struct source *a)
{
	if (x == XF_LEN)
		return is_list(a) || is_texts(a->type);
	return !is_list(a) && (a->type == FT_STR || (x == XF_B64 && a->type == FT_BYTES));
}

static int
check_args(struct compile *c, const struct term *t, const struct source *s)
{
	const struct source *a = s->args;
	const char *why;

	if (s->xform == XF_JOIN || s->xform == XF_CONCAT || s->xform == XF_GETOPT) {
		why = wrong_args(s->xform, a);
		return why == NULL ? 0 : compile_fail(c, t->at, "%s", why);
	}
	if (a == NULL || a->next != NULL)
		return compile_fail(
		    c, t->at, "'%.*s' takes exactly one argument", SLICE_ARG(t->text));
	if (takes(s->xform, a))
		return 0;
	assert(t->kids != NULL); /* 'a' was made from it */
	return compile_fail(c, t->kids->at, "'%.*s' does not take '%.*s' (%s%s)",
	    SLICE_ARG(t->text), (int) MIN(a->text.n, 200), a->text.p,
	    is_list(a) ? "a list of type " : "", ftype_name(a->type));
}

static int
xform_type(struct compile *c, const struct term *t, struct source *s)
{
	int r;

	if (t->arg.p != NULL && s->xform != XF_GETOPT)
		return compile_fail(
		    c, t->at, "'%.*s' takes no argument in brackets", SLICE_ARG(t->text));
	r = check_args(c, t, s);
	if (r < 0)
		return r;
	if (t->arg.p != NULL && t->arg.n != 1)
		return compile_fail(
		    c, t->at, "getopt() field argument must be a single option character");
	s->list = s->xform == XF_GETOPT && t->arg.p == NULL;
	s->type = s->xform == XF_LEN ? FT_UINT : s->xform == XF_B64 ? s->args->type : FT_STR;
	return 0;
}

static int
source_any(struct compile *c, const struct term *t, bool rhs, bool within, struct source **ret)
{
	struct source *s = arena_alloc(c->a, sizeof(*s)), **tail;
	struct buf text = BUF_INIT;
	char *copy;
	int r;

	if (s == NULL)
		return -ENOMEM;
	*ret = s;
	if (t->kind == T_FIELD && c->find != NULL)
		return named_new(c, t, s);
	if (t->kind == T_FIELD)
		return field_source(c, t, rhs, within, s);
	if (t->kind == T_TEXT) {
		copy = arena_strdup(c->a, t->text);
		if (copy == NULL)
			return -ENOMEM;
		s->kind = S_CONST;
		s->type = FT_STR;
		s->text = (struct slice){ copy, t->text.n };
		s->k = (struct fval){ .type = FT_STR, .s = s->text };
		return 0;
	}
	if (++c->nested > XFORM_DEPTH_MAX)
		return compile_fail(
		    c, t->at, "transformers are nested more than %d deep", XFORM_DEPTH_MAX);
	tail = &s->args;
	for (const struct term *k = t->kids; k != NULL; k = k->next) {
		r = source_any(c, k, rhs, true, tail);
		if (r < 0)
			return r;
		tail = &(*tail)->next;
	}
	c->nested--;
	s->kind = t->kind == T_LIST ? S_LIST : S_XFORM;
	s->xform = t->xform;
	copy = arena_strdup(c->a, t->arg);
	if (copy == NULL)
		return -ENOMEM;
	if (t->arg.p != NULL)
		s->arg = (struct slice){ copy, t->arg.n };
	term_print(t, &text);
	copy = buf_ok(&text) < 0 ? NULL : arena_strdup(c->a, buf_get(&text));
	s->text = (struct slice){ copy, text.n };
	buf_fini(&text);
	if (copy == NULL)
		return -ENOMEM;
	return s->kind == S_XFORM ? xform_type(c, t, s) : 0;
}

int
source_new(struct compile *c, const struct term *t, bool rhs, struct source **ret)
{
	return source_any(c, t, rhs, false, ret);
}

static char
fold(char c, enum xform x)
{
	if (x == XF_TOLOWER)
		return c >= 'A' && c <= 'Z' ? (char) (c | 0x20) : c;
	return c >= 'a' && c <= 'z' ? (char) (c & ~0x20) : c;
}

static struct slice
folded(struct slice s, enum xform x, struct fscratch *fs)
{
	char *p = fscratch_alloc(fs, s.n + 1);

	for (size_t i = 0; p != NULL && i < s.n; i++)
		p[i] = fold(s.p[i], x);
	return (struct slice){ p, s.n };
}

static int
b64_digit(char c)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c == '\0' ? NULL : strchr(digits, c);

	return p == NULL ? -1 : (int) (p - digits);
}

/* Decode Base64; padding is optional; p == NULL: invalid. */
static struct slice
decoded(struct slice s, struct fscratch *fs)
{
	char *p = fscratch_alloc(fs, s.n + 1);
	unsigned acc = 0, bits = 0;
	size_t n = 0;
	int d;

	while (s.n > 0 && s.p[s.n - 1] == '=')
		s.n--;
	for (size_t i = 0; p != NULL && i < s.n; i++) {
		d = b64_digit(s.p[i]);
		if (d < 0)
			return (struct slice){ NULL, 0 };
		acc = acc << 6 | (unsigned) d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			p[n++] = (char) (acc >> bits);
		}
	}
	return (struct slice){ s.n % 4 == 1 ? NULL : p, n };
}

static struct slice
base(struct slice s)
{
	const char *slash = s.n == 0 ? NULL : memrchr(s.p, '/', s.n);

	if (slash == NULL)
		return s;
	return (struct slice){ slash + 1, s.n - (size_t) (slash + 1 - s.p) };
}

/* Join the values of the arguments from 's' on, separated by 'sep'. */
static struct slice
joined(const struct source *s, struct slice sep, const struct view *v, struct fscratch *fs)
{
	struct fval val[ARG_VALUES];
	struct buf *out = scratch_buf(fs);
	bool first = true;
	int n;

	for (; s != NULL; s = s->next) {
		n = source_get(s, v, fs, val, ARG_VALUES);
		if (n == 0) {
			buf_clear(out);
			(void) scratch_take(fs, out);
			return (struct slice){ NULL, 0 };
		}
		for (int i = 0; i < n; i++, first = false) {
			if (!first)
				buf_slice(out, sep);
			value_text(s->kind == S_FIELD ? s->ref.field : NULL, &val[i], out);
		}
	}
	return scratch_take(fs, out);
}

/* Apply "tolower" or similar: one text to another. */
static struct slice
mapped(enum xform x, struct slice s, struct fscratch *fs)
{
	if (x == XF_B64)
		return decoded(s, fs);
	return x == XF_BASENAME ? base(s) : folded(s, x, fs);
}

static int
xform_get(
    const struct source *s, const struct view *v, struct fscratch *fs, struct fval *ret, int max)
{
	struct fval val[ARG_VALUES], spec;
	struct slice text;
	int n;

	if (s->xform == XF_CONCAT) {
		text = joined(s->args, SLICE(""), v, fs);
		ret[0] = (struct fval){ .type = FT_STR, .s = text };
		return text.p != NULL;
	}
	n = source_get(s->args, v, fs, val, ARG_VALUES);
	if (n == 0)
		return 0;
	if (s->xform == XF_GETOPT) {
		if (source_get(s->args->next, v, fs, &spec, 1) <= 0)
			return 0;
		return getopt_values(val, MAX(n, 0), spec.s, s->arg, ret, max);
	}
	ret[0] = (struct fval){ .type = s->type };
	if (s->xform == XF_LEN && is_list(s->args)) {
		ret[0].u = (uint64_t) MAX(n, 0);
		return 1;
	}
	if (n < 0)
		return 0;
	if (s->xform == XF_LEN) {
		ret[0].u = val[0].s.n;
		return 1;
	}
	text = s->xform == XF_JOIN ? joined(s->args->next, val[0].s, v, fs)
				   : mapped(s->xform, val[0].s, fs);
	ret[0].s = text;
	return text.p != NULL;
}

/* Get a literal list; null if any part is. */
static int
list_get(
    const struct source *s, const struct view *v, struct fscratch *fs, struct fval *ret, int max)
{
	int n = 0;

	for (const struct source *k = s->args; k != NULL && n < max; k = k->next, n++) {
		if (source_get(k, v, fs, &ret[n], 1) == 0)
			return 0;
	}
	return n > 0 ? n : -1;
}

int
source_get(
    const struct source *s, const struct view *v, struct fscratch *fs, struct fval *ret, int max)
{
	int n;

	switch (s->kind) {
	case S_FIELD:
		n = field_get(&s->ref, v, fs, ret, max);
		/* evt.rawarg has the type of its event's parameter, the program that of the first
		 * event */
		if (n > 0 && s->ref.field->type == FT_DYN && has_text(&ret[0]) != is_texts(s->type))
			return 0;
		return n;
	case S_NAMED:
		return named_get(s->named, v, fs, ret, max);
	case S_XFORM:
		return xform_get(s, v, fs, ret, max);
	case S_CONST:
		ret[0] = s->k;
		return 1;
	case S_LIST:
		break;
	}
	return list_get(s, v, fs, ret, max);
}
