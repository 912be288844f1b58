/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_scope.c - limit rules by a condition of the configuration, which is and-ed to theirs.
 *
 * Where a value that the scope needs is not known, the rule applies: a container whose pod nobody
 * has told us of yet must not escape a rule. Outside of containers nothing of a container or pod is
 * unknown: there is none.
 */
#include "collector/rule/rule_config.h"
#include "collector/rule/rule_int.h"
#include <errno.h>

/* Collects what makes the scope unknown, as a condition. */
struct unknown {
	struct buf in_box, elsewhere; /* " or not X exists" of each field */
};

/* Does every process outside of containers have no value, since it is in none? */
static bool
is_of_container(const struct field *f)
{
	struct slice name = slice_str(f->name);

	return slice_starts(name, SLICE("container.")) || slice_starts(name, SLICE("k8s.")) ||
	       slice_starts(name, SLICE("mews.k8s."));
}

static void
on_field(void *arg, const struct field_ref *f)
{
	struct unknown *u = arg;
	struct buf *b = is_of_container(f->field) ? &u->in_box : &u->elsewhere;

	if (b->n > 0)
		buf_str(b, " or ");
	buf_printf(b, "not %.*s exists", SLICE_ARG(f->text));
}

/* "(CONDITION) or ...". */
static void
scope_text(const char *condition, const struct unknown *u, struct buf *ret)
{
	buf_printf(ret, "(%s)", condition);
	if (u->in_box.n > 0)
		buf_printf(
		    ret, " or (container.id != host and (%.*s))", SLICE_ARG(buf_get(&u->in_box)));
	if (u->elsewhere.n > 0)
		buf_printf(ret, " or %.*s", SLICE_ARG(buf_get(&u->elsewhere)));
}

int
scope_compile(const char *condition, struct buf *ret, struct diag *d)
{
	struct arena a CLEANUP(arena_fini);
	struct unknown u = { BUF_INIT, BUF_INIT };
	struct filter *f = NULL;
	struct expr *e = NULL;
	int r;

	arena_init(&a, 0);
	r = expr_parse(slice_str(condition), &a, &e, d);
	if (r == 0)
		r = expr_check_types(e, d);
	if (r == 0)
		r = filter_compile(e, &a, &f, d);
	if (r == 0) {
		filter_fields(f, on_field, &u);
		scope_text(condition, &u, ret);
		if (buf_ok(&u.in_box) < 0 || buf_ok(&u.elsewhere) < 0 || buf_ok(ret) < 0)
			r = -ENOMEM;
	}
	buf_fini(&u.in_box);
	buf_fini(&u.elsewhere);
	return r;
}

static bool
applies(const struct rule_scope *s, const struct rule *r)
{
	return strcmp(r->source, "syscall") == 0 && (s->to.what == NULL || rule_selects(&s->to, r));
}

void
add_scopes(
    struct mtext *m, const struct def_rule *d, const struct rule *r, const struct rule_options *o)
{
	bool any = false;

	for (size_t i = 0; i < o->nscopes; i++)
		any = any || applies(&o->scopes[i], r);
	if (!any) {
		add_exceptions(m, d);
		return;
	}
	mtext_add(m, SLICE("("), NULL, 0, false);
	add_exceptions(m, d);
	mtext_add(m, SLICE(")"), NULL, 0, false);
	for (size_t i = 0; i < o->nscopes; i++) {
		if (!applies(&o->scopes[i], r))
			continue;
		mtext_add(m, SLICE(" and ("), NULL, 0, false);
		mtext_add(m, slice_str(o->scopes[i].text), NULL, 0, false);
		mtext_add(m, SLICE(")"), NULL, 0, false);
	}
}
