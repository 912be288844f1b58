/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/field_bind.h"
#include "collector/field/field_int.h"
#include "common/near.h"
#include "proto/syscalls.h"
#include <errno.h>
#include <stdlib.h>

const struct field *
field_by_name(struct slice name)
{
	for (size_t i = 0; i < nfields; i++) {
		if (slice_eq(slice_str(fields[i].name), name))
			return &fields[i];
	}
	return NULL;
}

/* The longest field equal to 'name', or to its start up to a dot if it takes such an argument. */
static const struct field *
find_field(struct slice name, struct slice *rest)
{
	const struct field *f;

	for (size_t n = name.n; n > 0; n--) {
		if (n < name.n && name.p[n] != '.')
			continue;
		f = field_by_name((struct slice){ name.p, n });
		if (f == NULL || (n < name.n && !(f->flags & FF_ARG_DOT)))
			continue;
		*rest = n == name.n ? (struct slice){ NULL, 0 }
				    : (struct slice){ name.p + n + 1, name.n - n - 1 };
		return f;
	}
	return NULL;
}

bool
field_is_named(struct slice name)
{
	struct slice rest;

	return find_field(name, &rest) != NULL;
}

static bool
is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.';
}

static size_t
name_size(struct slice text)
{
	size_t n = 0;

	while (n < text.n && is_name(text.p[n]))
		n++;
	return n;
}

const char *
field_hint(struct slice text, struct near *n)
{
	struct slice rest;

	text.n = name_size(text);
	*n = near_to(text);
	if (text.n == 0 || find_field(text, &rest) != NULL)
		return "";
	for (size_t i = 0; i < nfields; i++)
		near_try(n, slice_str(fields[i].name));
	return near_hint(n);
}

static int
unknown_field(struct slice name, struct place at, struct diag *d)
{
	struct near near;

	return diag_fail_as(d, DIAG_UNKNOWN_FIELD, at.line, at.col, "unknown field '%.*s'%s",
	    (int) MIN(name.n, 200), name.p, field_hint(name, &near));
}

static bool
parse_index(struct slice s, int64_t *ret)
{
	char text[24], *end;

	if (s.n == 0 || s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (text[0] != '-' && (text[0] < '0' || text[0] > '9'))
		return false;
	errno = 0;
	*ret = strtoll(text, &end, 10);
	return *end == '\0' && errno == 0;
}

/* evt.arg.NAME: some event must have it. The first one determines its type. */
static const struct ev_param *
find_param(struct slice name)
{
	for (size_t i = 0; i < schema_nevents; i++) {
		int k = schema_param(&schema_events[i], name);

		if (k >= 0)
			return &schema_events[i].params[k];
	}
	return NULL;
}

/* Record the parameter's index in each event, so that no event searches by name. */
static int
index_params(struct field_ref *f, struct arena *a)
{
	uint8_t *index = arena_alloc(a, EV_TYPE_MAX);

	if (index == NULL)
		return -ENOMEM;
	memset(index, 0xff, EV_TYPE_MAX);
	for (size_t i = 0; i < schema_nevents; i++) {
		int k = schema_param(&schema_events[i], f->key);

		if (k >= 0)
			index[schema_events[i].num] = (uint8_t) k;
	}
	f->param_index = index;
	return 0;
}

/* Check the arguments of event fields. */
static int
check_event_arg(struct field_ref *f, bool dot, struct place at, struct arena *a, struct diag *d)
{
	unsigned flags = f->field->flags;

	if ((flags & FF_ARG_EVENT) && schema_by_name(f->key, 0) == NULL && syscall_find(f->key) < 0)
		return diag_fail_as(d, DIAG_UNKNOWN_EVENT, at.line, at.col,
		    "unknown event type '%.*s'", SLICE_ARG(f->key));
	if ((flags & FF_ARG_SIDE) && !slice_eq(f->key, SLICE("src")) &&
	    !slice_eq(f->key, SLICE("dst")))
		return diag_fail(d, at.line, at.col, "%s takes .src or .dst, not '%.*s'",
		    f->field->name, SLICE_ARG(f->key));
	if (!dot || !(flags & FF_ARG_PARAM))
		return 0;
	f->param = find_param(f->key);
	if (f->param == NULL)
		return diag_fail(
		    d, at.line, at.col, "unknown event argument '%.*s'", SLICE_ARG(f->key));
	return index_params(f, a);
}

/* Does the argument fit the field? f->key is set. */
static int
check_arg(struct field_ref *f, bool dot, struct place at, struct diag *d)
{
	const struct field *k = f->field;

	if (dot ? !(k->flags & FF_ARG_DOT) : !(k->flags & (FF_ARG_INDEX | FF_ARG_KEY)))
		return diag_fail(d, at.line, at.col, "'%s' takes no argument%s", k->name,
		    k->flags & FF_ARG_DOT ? " in brackets: write it after a dot" : "");
	f->has_index = !dot && (k->flags & FF_ARG_INDEX) && parse_index(f->key, &f->index);
	if (!dot && !f->has_index && !(k->flags & FF_ARG_KEY))
		return diag_fail(d, at.line, at.col,
		    "the argument of '%s': '%.*s' is not a valid number", k->name,
		    (int) MIN(f->key.n, 100), f->key.p);
	if (f->has_index && f->index < 0 && (k->flags & FF_ARG_NATURAL))
		return diag_fail(
		    d, at.line, at.col, "the argument of '%s' may not be negative", k->name);
	return 0;
}

int
field_bind(struct slice name, struct slice arg, struct place at, struct arena *a,
    struct field_ref *ret, struct diag *d)
{
	struct slice rest;
	const struct field *k = find_field(name, &rest);
	struct field_ref f = { .field = k };
	bool dot;
	char *text;
	int r;

	if (k == NULL)
		return unknown_field(name, at, d);
	dot = rest.p != NULL;
	if (dot && arg.p != NULL)
		return diag_fail(d, at.line, at.col, "'%s' takes one argument", k->name);
	f.has_arg = dot || arg.p != NULL;
	f.key = dot ? rest : arg;
	if (!f.has_arg && (k->flags & FF_ARG_NEEDED))
		return diag_fail(d, at.line, at.col, "'%s' needs an argument", k->name);
	r = f.has_arg ? check_arg(&f, dot, at, d) : 0;
	if (r == 0 && f.has_arg)
		r = check_event_arg(&f, dot, at, a, d);
	if (r < 0)
		return r;
	text = arena_alloc(a, name.n + f.key.n + 3);
	if (text == NULL)
		return -ENOMEM;
	memcpy(text, name.p, name.n);
	f.text = (struct slice){ text, name.n };
	if (dot) {
		f.key.p = text + name.n - rest.n;
	} else if (f.has_arg) {
		text[name.n] = '[';
		memcpy(text + name.n + 1, arg.p, arg.n);
		text[name.n + 1 + arg.n] = ']';
		f.key.p = text + name.n + 1;
		f.text.n += arg.n + 2;
	}
	*ret = f;
	return 0;
}

/* Parse "[arg]" at 'at', quoted or not. Returns its length, 0: none. */
static size_t
bracket(struct slice text, size_t at, struct slice *arg)
{
	const char *end;
	size_t n;

	if (at >= text.n || text.p[at] != '[')
		return 0;
	end = memchr(text.p + at, ']', text.n - at);
	if (end == NULL)
		return 0;
	n = (size_t) (end - (text.p + at)) + 1;
	*arg = (struct slice){ text.p + at + 1, n - 2 };
	if (arg->n >= 2 && (arg->p[0] == '"' || arg->p[0] == '\'') &&
	    arg->p[arg->n - 1] == arg->p[0])
		*arg = (struct slice){ arg->p + 1, arg->n - 2 };
	return n;
}

/*
 * Try the longest candidate first: "proc.aname[2]" takes its argument, "fd.name[1]" is fd.name and
 * a text "[1]", "proc.namefoo" is proc.name and "foo".
 */
int
field_lookup(
    struct slice text, struct arena *a, struct field_ref *ret, size_t *used, struct diag *d)
{
	struct place at = { 1, 1 };
	struct slice arg, none = { NULL, 0 };
	struct diag later, *say = d; /* report the first mistake */
	size_t n = name_size(text), extra;
	int r = -EINVAL;

	if (n == 0)
		return diag_fail(d, 1, 1, "a field name is expected here");
	extra = bracket(text, n, &arg);
	if (extra > 0) {
		r = field_bind((struct slice){ text.p, n }, arg, at, a, ret, say);
		say = &later;
		if (r == 0)
			*used = n + extra;
	}
	for (size_t k = n; r == -EINVAL && k > 0; k--) {
		r = field_bind((struct slice){ text.p, k }, none, at, a, ret, say);
		say = &later;
		if (r == 0)
			*used = k;
	}
	return r;
}
