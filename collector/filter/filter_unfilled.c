/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_unfilled.c - the effect of fields without a value on a condition.
 *
 * A check of a field that never has a value is false, and 'not' of it is true. The tree is folded
 * with these values: it may become false as a whole; otherwise each such check remains somewhere in
 * it, below 'not' or not.
 */
#include "collector/filter/filter_int.h"
#include <errno.h>

struct fold {
	const struct event_set *events;
	struct arena *a;
	unfilled_fn *fn;
	void *arg;
	struct slice why; /* the field of the last false check */
};

/* Does any captured event among 'events' have it? */
static bool
has_param(const struct field_ref *ref, const struct event_set *events)
{
	for (size_t i = 0; i < schema_nevents; i++) {
		const struct ev_schema *s = &schema_events[i];

		if (s->capture != CAP_NOT && event_set_has(events, s->num) &&
		    ref->param_index[s->num] != 0xff)
			return true;
	}
	return false;
}

static bool
field_unfilled(struct fold *f, const struct term *t)
{
	struct field_ref ref = { .field = t->field };
	struct diag d;

	if (ref.field == NULL && field_bind(t->text, t->arg, t->at, f->a, &ref, &d) < 0)
		return false;
	if (field_waits(ref.field) == NULL &&
	    (ref.param_index == NULL || has_param(&ref, f->events)))
		return false;
	f->why = t->text;
	return true;
}

/* Does this side of a check never have a value? A transformer has none if an argument has none. */
static bool
term_unfilled(struct fold *f, const struct term *t)
{
	if (t->kind == T_FIELD)
		return field_unfilled(f, t);
	if (t->kind != T_XFORM)
		return false;
	for (const struct term *k = t->kids; k != NULL; k = k->next) {
		if (term_unfilled(f, k))
			return true;
	}
	return false;
}

static bool
check_unfilled(struct fold *f, const struct check *k, bool inverted)
{
	if (!term_unfilled(f, k->left) && (k->right == NULL || !term_unfilled(f, k->right)))
		return false;
	f->fn(f->arg, f->why, inverted);
	return true;
}

enum truth { FALSE_ALWAYS, TRUE_ALWAYS, OPEN };

/* The constant value of a tree, if any. 'inverted': below an odd number of 'not'. Visits all of
 * it. */
static enum truth
fold(struct fold *f, const struct expr *e, bool inverted)
{
	enum truth decides = e->kind == E_AND ? FALSE_ALWAYS : TRUE_ALWAYS, t;
	bool decided = false, open = false;
	struct slice why = { NULL, 0 };

	switch (e->kind) {
	case E_CHECK:
		return check_unfilled(f, e->check, inverted) ? FALSE_ALWAYS : OPEN;
	case E_REF:
		return fold(f, e->ref, inverted);
	case E_NOT:
		t = fold(f, e->kids, !inverted);
		return t == OPEN ? OPEN : t == TRUE_ALWAYS ? FALSE_ALWAYS : TRUE_ALWAYS;
	case E_MACRO:
		return OPEN;
	case E_AND:
	case E_OR:
		break;
	}
	for (const struct expr *k = e->kids; k != NULL; k = k->next) {
		t = fold(f, k, inverted);
		if (t == decides && !decided) {
			decided = true;
			why = f->why;
		}
		open = open || t == OPEN;
	}
	if (decided)
		f->why = why;
	else if (open)
		return OPEN;
	return decided == (decides == FALSE_ALWAYS) ? FALSE_ALWAYS : TRUE_ALWAYS;
}

bool
expr_unfilled(const struct expr *e, const struct event_set *events, struct arena *a,
    unfilled_fn *fn, void *arg, struct slice *ret)
{
	struct fold f = { .events = events, .a = a, .fn = fn, .arg = arg };

	if (fold(&f, e, false) != FALSE_ALWAYS)
		return false;
	*ret = f.why;
	return true;
}
