/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/plan/test_verdict.h"
#include "common/buf.h"
#include "tests/support/test.h"
#include <stdio.h>
#include <stdlib.h>

enum { VALUES = 8, FIELDS_MAX = 512, VALUE_MAX = 80 };

static char seen[FIELDS_MAX][VALUES][VALUE_MAX];

bool
can_be_asked(const struct field *f)
{
	return !(f->flags & FF_PRINT_ONLY) && strcmp(f->name, "util.cnt") != 0;
}

void
values_learn(struct rng *r, const struct field_ref *f, const struct view *v, struct fscratch *fs)
{
	char *to = seen[f->field - fields][rnd(r, VALUES)];
	struct slice text;

	if (!field_text(f, v, fs, &text) || text.n >= VALUE_MAX ||
	    memchr(text.p, '\0', text.n) != NULL)
		return;
	if (f->field->multi == FM_LIST && text.n > 2) /* "(a,b)": its first */
		text = (struct slice){ text.p + 1, strcspn(text.p + 1, ",)") };
	(void) snprintf(to, VALUE_MAX, "%.*s", SLICE_ARG(text));
}

void
values_forget(void)
{
	memset(seen, 0, sizeof(seen));
}

static const struct field *
any_field(struct rng *r)
{
	const struct field *f;

	do
		f = &fields[rnd(r, (uint32_t) nfields)];
	while (!can_be_asked(f));
	return f;
}

/* The name of a parameter of some event. */
static const char *
any_param(struct rng *r)
{
	const struct ev_schema *s;

	do
		s = &schema_events[rnd(r, (uint32_t) schema_nevents)];
	while (s->nargs == 0);
	return s->params[rnd(r, s->nargs)].name;
}

static void
name_field(struct rng *r, const struct field *f, char *to, size_t size)
{
	static const char *const keys[] = { "A", "B", "PATH", "cpu", "memory" };
	bool arg = (f->flags & FF_ARG_NEEDED) || !one_in(r, 3);
	int n = snprintf(to, size, "%s", f->name);

	to += n;
	size -= (size_t) n;
	if (!arg || !(f->flags & (FF_ARG_DOT | FF_ARG_INDEX | FF_ARG_KEY)))
		return;
	if (strcmp(f->name, "evt.type.is") == 0)
		(void) snprintf(
		    to, size, ".%s", schema_events[rnd(r, (uint32_t) schema_nevents)].name);
	else if (strcmp(f->name, "evt.abspath") == 0)
		(void) snprintf(to, size, ".%s", one_in(r, 2) ? "src" : "dst");
	else if (strcmp(f->name, "thread.cgroup") == 0)
		(void) snprintf(to, size, ".%s", one_in(r, 2) ? "cpu" : "memory");
	else if (strcmp(f->name, "evt.around") == 0)
		(void) snprintf(to, size, "[%u000000000]", 1000 + rnd(r, 3));
	else if ((f->flags & FF_ARG_DOT) && (!(f->flags & FF_ARG_INDEX) || one_in(r, 2)))
		(void) snprintf(to, size, ".%s", any_param(r));
	else if ((f->flags & FF_ARG_INDEX) && (!(f->flags & FF_ARG_KEY) || one_in(r, 2)))
		(void) snprintf(to, size, "[%u]", rnd(r, 4));
	else
		(void) snprintf(to, size, "[%s]", keys[rnd(r, ARRAY_SIZE(keys))]);
}

void
random_field(struct rng *r, const struct field *focus, struct arena *a, struct field_ref *ret)
{
	char name[256];
	struct diag d;
	size_t used;

	for (;;) {
		const struct field *f = focus == NULL ? any_field(r) : focus;

		name_field(r, f, name, sizeof(name));
		if (field_lookup(slice_str(name), a, ret, &used, &d) == 0 && ret->field == f)
			return;
	}
}

/* Put a value that was seen; 'part': or its beginning or end. */
static void
put_value(struct rng *r, const struct field *f, bool part, struct buf *out)
{
	static const char *const others[] = { "0", "1", "x", "/", "true", "false", "1.2.3.4",
		"1.2.3.0/24", "80" };
	const char *v = seen[f - fields][rnd(r, VALUES)], *to = v + strlen(v);

	if ((*v == '\0' && !one_in(r, 4)) || one_in(r, 10))
		v = others[rnd(r, ARRAY_SIZE(others))], to = v + strlen(v);
	if (part && to - v > 1 && one_in(r, 2))
		v += rnd(r, (uint32_t) (to - v));
	else if (part && to - v > 1)
		to -= rnd(r, (uint32_t) (to - v));
	buf_char(out, '"');
	for (; v < to; v++) {
		if (*v == '"' || *v == '\\')
			buf_char(out, '\\');
		buf_char(out, *v);
	}
	buf_char(out, '"');
}

static void
put_field(struct rng *r, const struct field *f, struct buf *out)
{
	char name[256];

	name_field(r, f, name, sizeof(name));
	buf_str(out, name);
}

/* FIELD OPERATOR VALUE, which may not compile. */
static void
put_check(struct rng *r, const struct field *f, struct buf *out)
{
	static const char *const ops[] = { "=", "=", "!=", "in", "in", "exists", "contains",
		"icontains", "startswith", "endswith", "glob", "<", ">", "<=", ">=", "intersects",
		"pmatch" };
	static const char *const xforms[] = { "tolower", "basename", "len" };
	const char *op = ops[rnd(r, ARRAY_SIZE(ops))];
	const char *xform = one_in(r, 8) ? xforms[rnd(r, ARRAY_SIZE(xforms))] : NULL;
	bool list =
	    strcmp(op, "in") == 0 || strcmp(op, "pmatch") == 0 || strcmp(op, "intersects") == 0;

	if (xform != NULL)
		buf_printf(out, "%s(", xform);
	put_field(r, f, out);
	buf_printf(out, "%s %s ", xform != NULL ? ")" : "", op);
	if (strcmp(op, "exists") == 0)
		return;
	if (!list && one_in(r, 12)) { /* with another field */
		buf_str(out, "val(");
		put_field(r, one_in(r, 2) ? f : any_field(r), out);
		buf_char(out, ')');
		return;
	}
	if (list)
		buf_char(out, '(');
	put_value(r, f, !list && op[1] >= 'a', out);
	for (unsigned i = 0; list && i < 2; i++) {
		buf_str(out, ", ");
		put_value(r, f, false, out);
	}
	if (list)
		buf_char(out, ')');
}

static const struct filter *
compile(const char *text, struct arena *a)
{
	struct filter *f = NULL;
	struct expr *e = NULL;
	struct diag d;

	if (expr_parse(slice_str(text), a, &e, &d) < 0 || filter_compile(e, a, &f, &d) < 0)
		return NULL;
	return f;
}

/* Put a check that compiles. */
static void
put_good_check(struct rng *r, const struct field *f, struct buf *out)
{
	struct arena a;
	size_t at = out->n;

	for (unsigned i = 0; i < 30; i++) {
		const struct filter *good;

		out->n = at;
		put_check(r, f, out);
		buf_char(out, '\0');
		arena_init(&a, 0);
		good = compile(out->p + at, &a);
		arena_fini(&a);
		out->n--;
		if (good != NULL)
			return;
	}
	out->n = at;
	put_field(r, f, out);
	buf_str(out, " exists");
}

static void
put_condition(struct rng *r, const struct field *focus, unsigned depth, struct buf *out)
{
	const char *join = one_in(r, 2) ? " and " : " or ";

	if (one_in(r, 5))
		buf_str(out, "not ");
	if (depth == 0 || one_in(r, 2)) {
		put_good_check(r, focus != NULL && !one_in(r, 3) ? focus : any_field(r), out);
		return;
	}
	buf_char(out, '(');
	for (unsigned i = 0, n = 2 + rnd(r, 2); i < n; i++) {
		if (i > 0)
			buf_str(out, join);
		put_condition(r, focus, depth - 1, out);
	}
	buf_char(out, ')');
}

const struct filter *
random_condition(struct rng *r, const struct field *focus, struct arena *a, const char **text)
{
	struct buf out = BUF_INIT;
	const struct filter *f;

	if (focus != NULL && one_in(r, 2))
		put_good_check(r, focus, &out);
	else
		put_condition(r, focus, rnd(r, 3), &out);
	buf_char(&out, '\0');
	assert_int_equal(0, buf_ok(&out));
	*text = arena_strdup(a, slice_str(out.p));
	f = compile(out.p, a);
	if (f == NULL)
		fail_msg("does not compile: %s", out.p);
	buf_fini(&out);
	return f;
}
