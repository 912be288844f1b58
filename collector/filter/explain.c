/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/explain.h"
#include "collector/filter/filter_prog.h"
#include <errno.h>

struct explain {
	const struct cond *cond;
	struct explain *kids, *next;
	struct explain_part part; /* of a check */
};

static int
add_part(const struct expr *e, struct arena *a, struct explain *x, struct diag *d)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	struct filter *f = NULL;
	int r = filter_compile(e, a, &f, d);

	if (r < 0)
		return r;
	expr_print(e, &text);
	if (buf_ok(&text) < 0 || (x->part.text = arena_strdup(a, buf_get(&text))) == NULL)
		return -ENOMEM;
	x->part.filter = f;
	return 0;
}

/* The tree 'e' and its compiled form have the same structure, except for macros. */
static int
grow(const struct expr *e, const struct cond *c, struct arena *a, struct explain **ret,
    struct diag *d)
{
	struct explain *x = arena_alloc(a, sizeof(*x)), **tail;
	const struct cond *kid = c->kids;
	int r = 0;

	if (x == NULL)
		return -ENOMEM;
	while (e->kind == E_REF)
		e = e->ref;
	*ret = x;
	x->cond = c;
	if (c->kind == C_CHECK)
		return add_part(e, a, x, d);
	tail = &x->kids;
	for (const struct expr *k = e->kids; kid != NULL && r == 0; k = k->next, kid = kid->next) {
		r = grow(k, kid, a, tail, d);
		if (r == 0)
			tail = &(*tail)->next;
	}
	return r;
}

int
explain_new(const struct expr *e, struct arena *a, struct explain **ret, struct diag *d)
{
	struct filter *f = NULL;
	int r = filter_compile(e, a, &f, d);

	return r < 0 ? r : grow(e, f->cond, a, ret, d);
}

struct telling {
	const struct view *v;
	struct fscratch *fs;
	explain_fn *fn;
	void *arg;
};

/* Report the parts that decided 'x'. */
static void
tell(struct explain *x, bool is, const struct telling *t)
{
	if (x->cond->kind == C_CHECK) {
		x->part.decided++;
		t->fn(t->arg, &x->part, is);
		return;
	}
	if (x->cond->kind == C_NOT) {
		tell(x->kids, !is, t);
		return;
	}
	for (struct explain *k = x->kids; k != NULL; k = k->next) {
		if ((x->cond->kind == C_AND) == is) { /* all of them did */
			tell(k, is, t);
		} else if (cond_holds(k->cond, t->v, t->fs) == is) { /* it decided alone */
			tell(k, is, t);
			return;
		}
	}
}

bool
explain_event(
    struct explain *x, const struct view *v, struct fscratch *fs, explain_fn *fn, void *arg)
{
	const struct telling t = { v, fs, fn, arg };
	bool is = cond_holds(x->cond, v, fs);

	if (!is)
		tell(x, is, &t);
	return is;
}

void
explain_each(struct explain *x, void (*fn)(void *arg, struct explain_part *p), void *arg)
{
	if (x->cond->kind == C_CHECK)
		fn(arg, &x->part);
	for (struct explain *k = x->kids; k != NULL; k = k->next)
		explain_each(k, fn, arg);
}
