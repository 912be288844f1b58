/* SPDX-License-Identifier: Apache-2.0 */
/* rule_macros.c - macros are trees: parsed once, resolved in order, shared by everything that names
 * them. */
#include "collector/rule/rule_int.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MACRO_DEPTH = 200 };

struct rplace
diag_origin_place(const struct collection *c, const struct mtext *m, const struct diag *d)
{
	for (const struct def_macro *k = c->macros; d->origin != NULL && k != NULL; k = k->next) {
		if (k->expr == d->origin)
			m = &k->text;
	}
	return mtext_place(m, d->line, d->col);
}

int
fail_at(struct collection *c, enum rule_code_id code, const struct mtext *m, const struct diag *d)
{
	struct rplace at = diag_origin_place(c, m, d);

	return rule_fail(c, code, &at, "%s", d->msg);
}

static int
parse_macro(struct collection *c, struct def_macro *m)
{
	struct diag d = { .line = 0 };
	int r;

	m->state = MACRO_RAW;
	m->expr = NULL;
	mtext_fini(&m->text);
	mtext_pieces(&m->text, &m->condition);
	if (buf_ok(&m->text.b) < 0)
		return -ENOMEM;
	r = substitute_lists(c, &m->text, &m->lists);
	if (r < 0)
		return r;
	r = expr_parse(buf_get(&m->text.b), c->a, &m->expr, &d);
	return r == -EINVAL ? fail_at(c, E_CONDITION, &m->text, &d) : r;
}

/* Context for resolving references. */
struct resolving {
	struct collection *c;
	struct def_macro *self; /* NULL: a rule, which sees every macro */
	const char *loop;       /* the macro that refers back to itself */
	struct slice missing;   /* the name that is not, or not yet, a macro */
	unsigned depth;
	int r; /* result for a macro that had to be resolved first */
};

static int resolve_macro(struct collection *c, struct def_macro *m, unsigned depth);

static const struct expr *
on_reference(void *arg, struct slice name)
{
	struct resolving *rs = arg;
	struct def_macro *m = find_macro(rs->c, name);

	rs->missing = name;
	if (rs->r < 0)
		return NULL;
	if (m == NULL) {
		if (is_broken(rs->c, ITEM_MACRO, name))
			rs->r = -EINVAL; /* reported there */
		return NULL;
	}
	if (rs->self != NULL && m->index >= rs->self->visibility)
		return NULL; /* defined later */
	if (m->state == MACRO_BUSY) {
		rs->loop = m->name.s.p;
		return NULL;
	}
	if (m->state == MACRO_RAW)
		rs->r = resolve_macro(rs->c, m, rs->depth + 1);
	if (m->state == MACRO_BROKEN)
		rs->r = rule_worse(rs->r, -EINVAL); /* reported there */
	return rs->r < 0 ? NULL : m->expr;
}

/* Explain "Undefined macro": another spelling, or the order of the files. */
static void
add_hint(const struct resolving *rs, struct diag *d)
{
	const struct def_macro *there = find_macro(rs->c, rs->missing);
	struct near near = near_to(rs->missing);

	for (const struct def_macro *m = rs->c->macros; m != NULL; m = m->next) {
		if (m != rs->self)
			near_try(&near, m->name.s);
	}
	if (there != NULL && there != rs->self)
		diag_add(d, " It is defined later, in line %u, and macros see earlier ones only.",
		    there->name.at.line);
	else if (there == NULL && near.best.p != NULL)
		diag_add(d, " Did you mean '%.*s'?", (int) MIN(near.best.n, 100), near.best.p);
}

/* expr_resolve(), with errors reported in the log. */
static int
resolve(struct resolving *rs, struct expr *e, const struct mtext *m)
{
	struct diag d = { .line = 0 };
	int r = expr_resolve(e, on_reference, rs, rs->c->a, &d);

	if (rs->r < 0)
		return rs->r;
	if (r == -EINVAL && rs->loop != NULL)
		diag_set(&d, d.line, d.col, "reference loop in macro '%.100s'", rs->loop);
	else if (r == -EINVAL && d.code == DIAG_UNKNOWN_MACRO)
		add_hint(rs, &d);
	return r == -EINVAL ? fail_at(rs->c, E_VALIDATE, m, &d) : r;
}

static int
resolve_macro(struct collection *c, struct def_macro *m, unsigned depth)
{
	struct resolving rs = { .c = c, .self = m, .depth = depth };
	enum item_type outer = c->item;
	struct slice outer_name = c->item_name;
	int r;

	set_item(c, ITEM_MACRO, m->name.s);
	m->state = MACRO_BUSY;
	if (depth > MACRO_DEPTH)
		r = rule_fail(c, E_VALIDATE, &m->name.at, "Macros refer to each other too deeply");
	else
		r = resolve(&rs, m->expr, &m->text);
	m->state = r < 0 ? MACRO_BROKEN : MACRO_DONE;
	set_item(c, outer, outer_name);
	return r;
}

int
compile_macros(struct collection *c)
{
	int r = 0, one;

	for (struct def_macro *m = c->macros; r != -ENOMEM && m != NULL; m = m->next) {
		if (!m->stale)
			continue;
		set_item(c, ITEM_MACRO, m->name.s);
		one = parse_macro(c, m);
		m->state = one < 0 ? MACRO_BROKEN : MACRO_RAW;
		r = rule_worse(r, one);
	}
	for (struct def_macro *m = c->macros; r != -ENOMEM && m != NULL; m = m->next) {
		if (m->state == MACRO_RAW)
			r = rule_worse(r, resolve_macro(c, m, 0));
	}
	return r;
}

int
resolve_rule(struct collection *c, struct expr *e, const struct mtext *m)
{
	return resolve(&(struct resolving){ .c = c }, e, m);
}
