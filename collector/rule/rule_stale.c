/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_stale.c - find definitions that a file changes, and their users.
 *
 * Reading a file marks the lists, macros and rules that it defines or changes as stale. Users of a
 * stale item become stale too. Only stale items are compiled.
 */
#include "collector/rule/rule_int.h"

static bool
names_stale_list(const struct collection *c, const struct rtexts *names)
{
	for (size_t i = 0; i < names->n; i++) {
		const struct def_list *l = find_list(c, names->v[i].s);

		if (l != NULL && l->stale)
			return true;
	}
	return false;
}

/* Also true if the text, with its lists expanded, contains a word that is now the name of a list.
 */
static bool
uses_stale_list(const struct collection *c, const struct rtexts *names, const struct mtext *text)
{
	if (names_stale_list(c, names))
		return true;
	for (const struct def_list *l = c->lists; l != NULL; l = l->next) {
		if (l->stale && text_names_list(text, l))
			return true;
	}
	return false;
}

struct seek {
	const struct collection *c;
	bool found;
};

static void
on_macro(void *arg, struct slice name)
{
	struct seek *s = arg;
	const struct def_macro *m = find_macro(s->c, name);

	s->found = s->found || (m != NULL && m->stale);
}

static bool
uses_stale_macro(const struct collection *c, const struct expr *e)
{
	struct seek s = { .c = c };

	if (e != NULL)
		expr_names(e, NAME_MACRO, on_macro, &s);
	return s.found;
}

void
mark_stale(struct collection *c)
{
	bool more = true;

	for (struct def_list *l = c->lists; l != NULL; l = l->next)
		l->stale = l->stale || names_stale_list(c, &l->lists);
	for (struct def_macro *m = c->macros; m != NULL; m = m->next)
		m->stale =
		    m->stale || (m->state == MACRO_DONE && uses_stale_list(c, &m->lists, &m->text));
	while (more) { /* a macro may use one that is defined after it */
		more = false;
		for (struct def_macro *m = c->macros; m != NULL; m = m->next) {
			if (!m->stale && m->state == MACRO_DONE && uses_stale_macro(c, m->expr))
				m->stale = more = true;
		}
	}
	for (struct def_rule *d = c->rules; d != NULL; d = d->next)
		d->stale = d->stale || (!c->quiet && d->muted) ||
			   (d->result >= 0 && (uses_stale_list(c, &d->lists, &d->text) ||
						  uses_stale_macro(c, d->expr)));
}

void
clear_stale(struct collection *c)
{
	for (struct def_list *l = c->lists; l != NULL; l = l->next)
		l->stale = false;
	for (struct def_macro *m = c->macros; m != NULL; m = m->next)
		m->stale = false;
	for (struct def_rule *d = c->rules; d != NULL; d = d->next)
		d->stale = false;
}

static void
on_use(void *arg, struct slice name)
{
	struct def_macro *m = find_macro(arg, name);

	if (m != NULL)
		m->used = true;
}

static void
use(struct collection *c, const struct rtexts *lists, const struct expr *e)
{
	for (size_t i = 0; i < lists->n; i++) {
		struct def_list *l = find_list(c, lists->v[i].s);

		if (l != NULL)
			l->used = true;
	}
	if (e != NULL)
		expr_names(e, NAME_MACRO, on_use, c);
}

void
mark_used(struct collection *c)
{
	for (const struct def_list *l = c->lists; l != NULL; l = l->next)
		use(c, &l->lists, NULL);
	for (const struct def_macro *m = c->macros; m != NULL; m = m->next)
		use(c, &m->lists, m->expr);
	for (const struct def_rule *d = c->rules; d != NULL; d = d->next)
		use(c, &d->lists, d->expr);
}
