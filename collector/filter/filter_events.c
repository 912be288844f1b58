/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_prog.h"
#include <errno.h>

/*
 * Find the events on which a condition can be true: 'not' is pushed down to the checks; one that is
 * not about the event's type allows all events, inverted or not. The result is a superset, which is
 * enough for an index.
 */

static void
set_all(struct event_set *s)
{
	memset(s, 0xff, sizeof(*s));
}

static void
set_none(struct event_set *s)
{
	memset(s, 0, sizeof(*s));
}

/* The generic event is in a set if any of its calls is. */
static void
settle(struct event_set *s)
{
	uint64_t any = 0;

	for (size_t i = 0; i < ARRAY_SIZE(s->calls); i++)
		any |= s->calls[i];
	s->w[EV_SYSCALL / 64] &= ~(1ULL << (EV_SYSCALL % 64));
	if (any != 0)
		event_set_add(s, EV_SYSCALL);
}

static void
set_both(struct event_set *s, const struct event_set *other)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->w); i++)
		s->w[i] &= other->w[i];
	for (size_t i = 0; i < ARRAY_SIZE(s->calls); i++)
		s->calls[i] &= other->calls[i];
	settle(s);
}

static bool
has_flag(const struct term *t, unsigned flag)
{
	return t->field != NULL && t->arg.p == NULL && (t->field->flags & flag) != 0;
}

bool
event_name_set(struct slice name, struct event_set *ret)
{
	const struct ev_schema *s;
	int call;

	set_none(ret);
	if (schema_by_name(name, 0) == NULL) {
		call = syscall_find(name);
		if (call >= 0)
			event_set_add_call(ret, (unsigned) call);
		return call >= 0;
	}
	for (size_t i = 0; (s = schema_by_name(name, i)) != NULL; i++) {
		event_set_add(ret, s->num);
		if (s->num == EV_SYSCALL) /* "syscall" is every call without its own event */
			memset(ret->calls, 0xff, sizeof(ret->calls));
	}
	return true;
}

/* The events named on the right. */
static void
named(const struct term *right, struct event_set *ret)
{
	const struct term *t = right->kind == T_LIST ? right->kids : right;
	struct event_set one;

	set_none(ret);
	for (; t != NULL; t = t->next) {
		(void) event_name_set(t->text, &one);
		event_set_join(ret, &one);
	}
}

static void
complement(struct event_set *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->w); i++)
		s->w[i] = ~s->w[i];
	for (size_t i = 0; i < ARRAY_SIZE(s->calls); i++)
		s->calls[i] = ~s->calls[i];
	settle(s);
}

static void
infer_type(const struct check *k, bool inverted, struct event_set *ret)
{
	set_all(ret);
	if (inverted && !has_flag(k->left, FF_EVENT_NUMBER))
		return; /* the negation also holds for events without a value */
	if (k->op == FOP_EXISTS) {
		if (inverted) /* every event has one */
			set_none(ret);
		return;
	}
	if (k->mod != FMOD_NONE || (k->right->kind != T_TEXT && k->right->kind != T_LIST))
		return;
	if (k->op != FOP_EQ && k->op != FOP_NE && k->op != FOP_IN && k->op != FOP_INTERSECTS)
		return;
	named(k->right, ret);
	if (inverted != (k->op == FOP_NE))
		complement(ret);
}

static bool
is(const struct term *t, const char *text)
{
	return t->kind == T_TEXT && slice_eq(t->text, slice_str(text));
}

/* The comparison that is true when this one is not; FOP_EXISTS: none. */
static const enum fop opposite[] = {
	[FOP_EQ] = FOP_NE,
	[FOP_NE] = FOP_EQ,
	[FOP_LT] = FOP_GE,
	[FOP_GE] = FOP_LT,
	[FOP_LE] = FOP_GT,
	[FOP_GT] = FOP_LE,
	[FOP_PMATCH] = FOP_EXISTS,
};

static bool
is_zeros(const struct term *list)
{
	const struct term *t = list->kind == T_LIST ? list->kids : list;

	while (t != NULL && is(t, "0"))
		t = t->next;
	return t == NULL;
}

/* FF_FROM_1: rules say "evt.num=0" for never. */
static bool
never_num(const struct check *k, bool inverted)
{
	const struct term *t = k->right;
	enum fop op = inverted ? opposite[k->op] : k->op;

	if (!has_flag(k->left, FF_FROM_1) || k->mod != FMOD_NONE || t == NULL)
		return false;
	if (op == FOP_IN || op == FOP_INTERSECTS)
		return is_zeros(t);
	return ((op == FOP_EQ || op == FOP_LE) && is(t, "0")) || (op == FOP_LT && is(t, "1"));
}

static void
infer_check(const struct check *k, bool inverted, struct event_set *ret)
{
	if (has_flag(k->left, FF_EVENT_NAME)) {
		infer_type(k, inverted, ret);
		return;
	}
	set_all(ret);
	if (never_num(k, inverted))
		set_none(ret);
}

static void
infer(const struct expr *e, bool inverted, struct event_set *ret)
{
	struct event_set one;

	switch (e->kind) {
	case E_NOT:
		infer(e->kids, !inverted, ret);
		return;
	case E_REF:
		infer(e->ref, inverted, ret);
		return;
	case E_CHECK:
		infer_check(e->check, inverted, ret);
		return;
	case E_MACRO:
		set_all(ret);
		return;
	case E_AND:
	case E_OR:
		break;
	}
	infer(e->kids, inverted, ret);
	for (const struct expr *k = e->kids->next; k != NULL; k = k->next) {
		infer(k, inverted, &one);
		if ((e->kind == E_AND) != inverted)
			set_both(ret, &one);
		else
			event_set_join(ret, &one);
	}
}

void
events_infer(const struct expr *e, struct event_set *ret)
{
	infer(e, false, ret);
}

int
expr_check_types(const struct expr *e, struct diag *d)
{
	const struct term *right = e->kind == E_CHECK ? e->check->right : NULL;
	int r = 0;

	if (right != NULL && has_flag(e->check->left, FF_EVENT_NAME) &&
	    (right->kind == T_FIELD || right->kind == T_XFORM))
		return diag_fail(d, right->at.line, right->at.col,
		    "the event's type can only be compared with names");
	if (e->kind == E_REF) {
		r = expr_check_types(e->ref, d);
		if (r < 0 && d->origin == NULL)
			d->origin = e->ref;
		return r;
	}
	for (const struct expr *k = e->kids; r == 0 && k != NULL; k = k->next)
		r = expr_check_types(k, d);
	return r;
}
