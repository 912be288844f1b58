/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/plan/plan_int.h"

/* ---- checks that the event's type decides ---- */

/* FF_FROM_1; rules say "evt.num=0" for never. */
static int
decided_by_num(const struct test *t)
{
	if (t->left->kind != S_FIELD || !(t->left->ref.field->flags & FF_FROM_1) ||
	    t->right != NULL || t->mod != FMOD_NONE || t->nk != 1)
		return -1;
	switch (t->op) {
	case FOP_EQ:
	case FOP_IN:
	case FOP_LE:
		return t->k[0].v.u == 0 ? 0 : -1;
	case FOP_NE:
	case FOP_GT:
		return t->k[0].v.u == 0 ? 1 : -1;
	case FOP_LT:
		return t->k[0].v.u <= 1 ? 0 : -1;
	case FOP_GE:
		return t->k[0].v.u <= 1 ? 1 : -1;
	default:
		return -1;
	}
}

static bool
is_fixed(const struct source *s, unsigned num)
{
	if (s == NULL || s->kind == S_CONST)
		return true;
	if (s->kind == S_FIELD)
		return field_is_fixed(&s->ref, num);
	return false;
}

/* 0, 1: its verdict on every event of the type; -1: undecided. */
static int
decided(const struct test *t, unsigned num)
{
	struct event ev = { .schema = schema_get(num) };
	struct view v = { .ev = &ev };
	int r = decided_by_num(t);

	if (t->op == FOP_NEVER)
		return 0;
	if (r >= 0)
		return r;
	if (t->op == FOP_TYPE && num != EV_SYSCALL)
		return event_set_has(t->events, num) != t->invert;
	if (t->op == FOP_TYPE || t->op == FOP_PMATCH || !is_fixed(t->left, num) ||
	    !is_fixed(t->right, num))
		return -1;
	return check_run(t, &v, NULL);
}

static struct node *
check_on_type(struct planner *b, struct node *n, unsigned num)
{
	int r = decided(b->checks[n->check].test, num);

	if (r < 0)
		return n;
	return (r != 0) != n->negated ? b->yes : b->no;
}

struct node *
node_on_type(struct planner *b, struct node *n, unsigned num)
{
	size_t base = b->top;

	if (n->mark == b->mark)
		return n->as;
	if (n->kind == N_CHECK) {
		n->as = check_on_type(b, n, num);
	} else if (n->kind == N_AND || n->kind == N_OR) {
		for (uint32_t i = 0; i < n->n; i++) {
			if (node_push(b, node_on_type(b, n->kids[i], num)) < 0)
				return NULL;
		}
		n->as = node_join(b, (enum node_kind) n->kind, base);
	} else {
		n->as = n;
	}
	n->mark = n->as == NULL ? 0 : b->mark;
	return n->as;
}

/* ---- what a column decides ---- */

/* Its parts about other values are unknown, so they count as possibly true. */
struct node *
node_demand(struct planner *b, struct node *n, unsigned column)
{
	size_t base = b->top;

	if (!node_has_column(n, column))
		return b->yes;
	if (n->column == (int) column)
		return n;
	if (n->mark == b->mark)
		return n->as;
	for (uint32_t i = 0; i < n->n; i++) {
		if (node_push(b, node_demand(b, n->kids[i], column)) < 0)
			return NULL;
	}
	n->as = node_join(b, (enum node_kind) n->kind, base);
	n->mark = n->as == NULL ? 0 : b->mark;
	return n->as;
}

/* Turn its parts that depend on one column into memos. */
static struct node *
with_memos(struct planner *b, struct node *n)
{
	size_t base = b->top, part;
	struct node *k;

	if (n->column != NO_COLUMN)
		return node_memo(b, n);
	if (n->kind != N_AND && n->kind != N_OR)
		return n;
	for (uint32_t i = 0; i < n->n; i++) {
		if (n->kids[i]->column == NO_COLUMN && node_push(b, with_memos(b, n->kids[i])) < 0)
			return NULL;
	}
	for (unsigned c = 0; c < b->p->ncolumns; c++) {
		part = b->top;
		for (uint32_t i = 0; i < n->n; i++) {
			if (n->kids[i]->column == (int) c && node_push(b, n->kids[i]) < 0)
				return NULL;
		}
		if (b->top == part)
			continue;
		k = node_join(b, (enum node_kind) n->kind, part);
		if (k == NULL || node_push(b, node_memo(b, k)) < 0)
			return NULL;
	}
	return node_join(b, (enum node_kind) n->kind, base);
}

static bool
is_of_process(const struct planner *b, const struct node *n)
{
	for (size_t w = 0; w < ARRAY_SIZE(n->columns); w++) {
		if (n->columns[w] & ~b->p->process[w])
			return false;
	}
	return !n->direct;
}

struct node *
node_rest(struct planner *b, struct node *n, bool process)
{
	size_t base = b->top;
	struct node **parts = n->kind == N_AND ? n->kids : &n;
	uint32_t count = n->kind == N_AND ? n->n : 1;

	for (uint32_t i = 0; i < count; i++) {
		if (parts[i]->column == NO_COLUMN && is_of_process(b, parts[i]) == process &&
		    node_push(b, with_memos(b, parts[i])) < 0)
			return NULL;
	}
	return node_join(b, N_AND, base);
}
