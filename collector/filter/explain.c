/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/explain.h"
#include "collector/filter/filter_int.h"
#include <errno.h>

struct explain {
	enum expr_kind kind; /* AND, OR, NOT or CHECK */
	struct explain *kids, *next;
	struct explain_part part; /* CHECK */
	bool is;                  /* on the event under way */
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

int
explain_new(const struct expr *e, struct arena *a, struct explain **ret, struct diag *d)
{
	struct explain *x = arena_alloc(a, sizeof(*x)), **tail;
	int r = 0;

	if (x == NULL)
		return -ENOMEM;
	while (e->kind == E_REF)
		e = e->ref;
	*ret = x;
	x->kind = e->kind;
	if (e->kind == E_CHECK)
		return add_part(e, a, x, d);
	tail = &x->kids;
	for (const struct expr *k = e->kids; k != NULL && r == 0; k = k->next) {
		r = explain_new(k, a, tail, d);
		if (r == 0)
			tail = &(*tail)->next;
	}
	return r;
}

/* Stops where the verdict is clear, as filter_match() does. */
static bool
eval(struct explain *x, const struct view *v, struct fscratch *fs)
{
	struct explain *k = x->kids;

	if (x->kind == E_CHECK) {
		x->is = filter_match(x->part.filter, v, fs);
	} else if (x->kind == E_NOT) {
		x->is = !eval(k, v, fs);
	} else {
		bool goes_on = x->kind == E_AND;

		while (k != NULL && eval(k, v, fs) == goes_on)
			k = k->next;
		x->is = goes_on == (k == NULL);
	}
	return x->is;
}

/* Tell of the parts that made 'x' what it is. */
static void
tell(struct explain *x, explain_fn *fn, void *arg)
{
	struct explain *k = x->kids;

	if (x->kind == E_CHECK) {
		x->part.decided++;
		fn(arg, &x->part, x->is);
		return;
	}
	if (x->kind == E_NOT) {
		tell(k, fn, arg);
		return;
	}
	for (; k != NULL; k = k->next) { /* one that differs decided alone; otherwise all did */
		if ((x->kind == E_AND) == x->is)
			tell(k, fn, arg);
		else if (k->is == x->is) {
			tell(k, fn, arg);
			return;
		}
	}
}

bool
explain_event(
    struct explain *x, const struct view *v, struct fscratch *fs, explain_fn *fn, void *arg)
{
	bool is = eval(x, v, fs);

	if (!is)
		tell(x, fn, arg);
	return is;
}

void
explain_each(struct explain *x, void (*fn)(void *arg, struct explain_part *p), void *arg)
{
	if (x->kind == E_CHECK)
		fn(arg, &x->part);
	for (struct explain *k = x->kids; k != NULL; k = k->next)
		explain_each(k, fn, arg);
}
