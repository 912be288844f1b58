/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_prog.h"
#include <errno.h>

static int gen(struct compile *c, const struct expr *e, struct cond **ret);

/* 'and', 'or', 'not' */
static int
gen_kids(struct compile *c, const struct expr *e, struct cond *ret)
{
	struct cond *kid, *last = NULL;
	int r;

	for (const struct expr *k = e->kids; k != NULL; k = k->next) {
		r = gen(c, k, &kid);
		if (r < 0)
			return r;
		if (last == NULL)
			ret->kids = kid;
		else
			last->next = kid;
		last = kid;
	}
	return 0;
}

static int
gen(struct compile *c, const struct expr *e, struct cond **ret)
{
	static const uint8_t kinds[] = {
		[E_AND] = C_AND, [E_OR] = C_OR, [E_NOT] = C_NOT, [E_CHECK] = C_CHECK
	};

	if (e->kind == E_REF) {
		const struct expr *outer = c->origin;
		int r;

		c->origin = e->ref;
		r = gen(c, e->ref, ret);
		if (r == 0) /* an error is left with its origin */
			c->origin = outer;
		return r;
	}
	if (e->kind == E_MACRO)
		return compile_fail_as(c, DIAG_UNKNOWN_MACRO, e->at,
		    "Undefined macro '%.*s' used in filter.", (int) MIN(e->name.n, 200), e->name.p);
	*ret = arena_alloc(c->a, sizeof(**ret));
	if (*ret == NULL)
		return -ENOMEM;
	(*ret)->kind = kinds[e->kind];
	if (e->kind == E_CHECK)
		return check_compile(c, e->check, &(*ret)->test);
	return gen_kids(c, e, *ret);
}

static int
compile(const struct expr *e, named_find_fn *find, const struct filter_secrets *secrets,
    struct arena *a, struct filter **ret, struct diag *d)
{
	struct filter *f = arena_alloc(a, sizeof(*f));
	struct compile c = { .a = a, .d = d, .f = f, .find = find, .secrets = secrets };
	struct cond *cond = NULL;
	int r;

	if (f == NULL)
		return -ENOMEM;
	if (e->size > FILTER_SIZE_MAX)
		return diag_fail(d, e->at.line, e->at.col, "the condition is too large");
	c.warning_tail = &f->warnings;
	r = gen(&c, e, &cond);
	if (r < 0) {
		d->origin = c.origin;
		return r;
	}
	f->cond = cond;
	if (find == NULL)
		events_infer(e, &f->events);
	*ret = f;
	return 0;
}

int
filter_compile(const struct expr *e, struct arena *a, struct filter **ret, struct diag *d)
{
	return filter_compile_for(NULL, e, a, ret, d);
}

int
filter_compile_for(const struct filter_secrets *secrets, const struct expr *e, struct arena *a,
    struct filter **ret, struct diag *d)
{
	return compile(e, NULL, secrets, a, ret, d);
}

int
filter_compile_named(
    struct slice text, named_find_fn *find, struct arena *a, struct filter **ret, struct diag *d)
{
	struct expr *e = NULL;
	int r = expr_parse(text, a, &e, d);

	return r < 0 ? r : compile(e, find, NULL, a, ret, d);
}

void
filter_events(const struct filter *f, struct event_set *ret)
{
	*ret = f->events;
}

void
filter_fields(const struct filter *f, void (*fn)(void *arg, const struct field_ref *f), void *arg)
{
	for (const struct field_node *n = f->fields; n != NULL; n = n->next)
		fn(arg, n->ref);
}

void
filter_warnings(const struct filter *f, void (*fn)(void *arg, const struct diag *d), void *arg)
{
	for (const struct warning *w = f->warnings; w != NULL; w = w->next)
		fn(arg, &w->diag);
}
