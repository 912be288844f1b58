/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/plan/plan_int.h"
#include <errno.h>
#include <stdlib.h>

/* ---- lanes ---- */

/* The lane of an item with this condition; created if there is none yet. */
static int
lane_of(struct planner *b, uint32_t *first, uint32_t item, struct node *n, uint32_t *ret)
{
	struct plan *p = b->p;

	for (uint32_t i = *first; i != 0; i = b->lanes[i - 1].next) {
		*ret = i - 1;
		if (b->lanes[*ret].node == n)
			return 0;
	}
	if (ARRAY_RESERVE(b->lanes, p->nlanes, 1, b->lane_cap) < 0)
		return -ENOMEM;
	b->lanes[p->nlanes] = (struct lane){ .node = n, .item = item, .next = *first };
	*ret = p->nlanes++;
	*first = p->nlanes;
	return 0;
}

/* Find the lanes of an event type. */
static int
make_slots(struct planner *b, const struct plan_item *v, struct node **conds, uint32_t *firsts,
    unsigned num)
{
	struct program *g = arena_alloc(b->a, sizeof(*g));
	struct slot *slots;
	size_t n = 0;

	for (uint32_t i = 0; i < b->p->nitems; i++)
		n += event_set_has(v[i].events, num);
	if (n == 0)
		return 0;
	slots = arena_alloc(b->a, n * sizeof(*slots));
	if (g == NULL || slots == NULL)
		return -ENOMEM;
	b->mark++;
	for (uint32_t i = 0; i < b->p->nitems; i++) {
		struct node *on;

		if (!event_set_has(v[i].events, num))
			continue;
		on = node_on_type(b, conds[i], num);
		if (on == NULL)
			return -ENOMEM;
		slots[g->nslots].item = i;
		slots[g->nslots].lane = NO_LANE;
		if (on != b->no && lane_of(b, &firsts[i], i, on, &slots[g->nslots].lane) < 0)
			return -ENOMEM;
		g->nslots++;
	}
	g->slots = slots;
	b->p->program[num] = g;
	return 0;
}

struct type_use {
	unsigned num, items;
};

/* Types with many items first: their lanes then fill few words, which each event reads. */
static int
by_items(const void *x, const void *y)
{
	const struct type_use *a = x, *b = y;

	if (a->items != b->items)
		return a->items > b->items ? -1 : 1;
	return a->num < b->num ? -1 : 1;
}

static void
order_types(const struct planner *b, const struct plan_item *v, struct type_use *types)
{
	for (size_t k = 0; k < schema_nevents; k++) {
		types[k] = (struct type_use){ schema_events[k].num, 0 };
		for (uint32_t i = 0; i < b->p->nitems; i++)
			types[k].items += event_set_has(v[i].events, types[k].num);
	}
	qsort(types, schema_nevents, sizeof(*types), by_items);
}

static int
make_lanes(struct planner *b, const struct plan_item *v)
{
	size_t n = b->p->nitems + 1;
	struct node **conds = arena_alloc(b->a, n * sizeof(struct node *));
	uint32_t *firsts = arena_alloc(b->a, n * sizeof(*firsts));
	struct type_use types[EV_TYPE_MAX];
	int r = 0;

	if (conds == NULL || firsts == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < b->p->nitems; i++) {
		conds[i] = node_of(b, v[i].filter->cond, false);
		if (conds[i] == NULL)
			return -ENOMEM;
	}
	order_types(b, v, types);
	for (size_t k = 0; r == 0 && k < schema_nevents; k++)
		r = make_slots(b, v, conds, firsts, types[k].num);
	b->p->words = (b->p->nlanes + 63) / 64;
	return r;
}

/* ---- columns ---- */

static void
set_bit(uint64_t *w, uint32_t bit)
{
	w[bit / 64] |= 1ULL << (bit % 64);
}

static int
make_column(struct planner *b, unsigned column)
{
	struct column *c = &b->p->columns[column];

	c->lane = arena_alloc(b->a, (b->p->nlanes + 1) * sizeof(struct node *));
	c->care = arena_alloc(b->a, (b->p->words + 1) * sizeof(*c->care));
	if (c->lane == NULL || c->care == NULL)
		return -ENOMEM;
	b->mark++;
	for (uint32_t i = 0; i < b->p->nlanes; i++) {
		struct node *n = node_demand(b, b->lanes[i].node, column);

		if (n == NULL)
			return -ENOMEM;
		if (n == b->yes)
			continue;
		c->lane[i] = n;
		set_bit(c->care, i);
	}
	return 0;
}

static int
make_rests(struct planner *b)
{
	for (uint32_t i = 0; i < b->p->nlanes; i++) {
		struct lane *l = &b->lanes[i];

		l->process = node_rest(b, l->node, true);
		l->rest = node_rest(b, l->node, false);
		if (l->process == NULL || l->rest == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* The approximate number of values in a while: there are fewer threads than files. */
static size_t
rows_wanted(const struct column *c)
{
	if (c->key.kind == KEY_OPEN || c->key.ref->field->type == FT_BOOL)
		return PLAN_ROWS_MIN;
	return c->key.process ? PLAN_ROWS_MAX / 4 : PLAN_ROWS_MAX;
}

/* Set the number of rows of each column. */
static void
size_rows(struct plan *p)
{
	size_t bytes = 0, rows;
	unsigned halved = 0;

	for (uint32_t i = 0; i < p->ncolumns; i++) {
		struct column *c = &p->columns[i];

		c->words = p->words + (c->nmemo + 63) / 64;
		bytes += rows_wanted(c) * (sizeof(struct row) + c->words * sizeof(struct word));
	}
	while (bytes >> halved > PLAN_MEMO_BYTES)
		halved++;
	for (uint32_t i = 0; i < p->ncolumns; i++) {
		rows = MAX(rows_wanted(&p->columns[i]) >> halved, (size_t) PLAN_ROWS_MIN);
		p->columns[i].bits = (uint32_t) __builtin_ctzll(rows);
	}
}

/* ---- programs ---- */

struct step {
	uint16_t column;
	bool process;
	uint32_t cost, lanes;
};

/* Columns of the process first; then cheap ones, and those that decide more lanes. */
static int
by_use(const void *x, const void *y)
{
	const struct step *a = x, *b = y;

	if (a->process != b->process)
		return a->process ? -1 : 1;
	if (a->cost != b->cost)
		return a->cost < b->cost ? -1 : 1;
	if (a->lanes != b->lanes)
		return a->lanes > b->lanes ? -1 : 1;
	return (int) a->column - (int) b->column;
}

static int
order_columns(struct planner *b, struct program *g)
{
	struct step step[PLAN_COLUMNS_MAX];
	uint16_t *columns;
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->p->ncolumns; i++) {
		const struct column *c = &b->p->columns[i];
		uint32_t lanes = 0;

		for (uint32_t w = g->first; w < g->end; w++)
			lanes += (uint32_t) __builtin_popcountll(c->care[w] & g->all[w - g->first]);
		if (lanes > 0)
			step[n++] =
			    (struct step){ (uint16_t) i, c->key.process, c->key.cost, lanes };
	}
	if (n > 1)
		qsort(step, n, sizeof(step[0]), by_use);
	columns = arena_alloc(b->a, MAX(n, 1u) * sizeof(*columns));
	if (columns == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		columns[i] = step[i].column;
		g->nprocess += step[i].process;
	}
	g->of_process |= g->nprocess > 0;
	g->columns = columns;
	g->ncolumns = n;
	return 0;
}

/* The pieces of the state on which a condition's part about the process depends. */
static unsigned
pieces_of(const struct plan *p, const struct node *n)
{
	unsigned pieces = 0;

	for (uint32_t i = 0; i < p->ncolumns; i++) {
		if (p->columns[i].key.process && node_has_column(n, i))
			pieces |= p->columns[i].key.pieces;
	}
	return pieces;
}

static int
finish_program(struct planner *b, struct program *g)
{
	uint64_t *all;

	g->first = b->p->words;
	for (uint32_t i = 0; i < g->nslots; i++) {
		if (g->slots[i].lane == NO_LANE)
			continue;
		g->first = MIN(g->first, g->slots[i].lane / 64);
		g->end = MAX(g->end, g->slots[i].lane / 64 + 1);
	}
	if (g->end == 0)
		g->first = 0;
	all = arena_alloc(b->a, (g->end - g->first + 1) * sizeof(*all));
	if (all == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < g->nslots; i++) {
		if (g->slots[i].lane == NO_LANE)
			continue;
		set_bit(all, g->slots[i].lane - g->first * 64);
		g->of_process |= b->lanes[g->slots[i].lane].process->kind != N_TRUE;
		g->pieces |= pieces_of(b->p, b->lanes[g->slots[i].lane].node);
	}
	g->all = all;
	return order_columns(b, g);
}

/* Copy a vector from the heap into the arena. */
static void *
keep(struct arena *a, const void *v, size_t n, size_t size)
{
	void *p = arena_alloc(a, n * size + 1);

	if (p != NULL && n > 0)
		memcpy(p, v, n * size);
	return p;
}

static int
keep_vectors(struct planner *b)
{
	struct plan *p = b->p;

	p->checks = keep(b->a, b->checks, p->nchecks, sizeof(*p->checks));
	p->lanes = keep(b->a, b->lanes, p->nlanes, sizeof(*p->lanes));
	for (uint32_t i = 0; i < p->ncolumns; i++) {
		struct column *c = &p->columns[i];

		c->memo = keep(b->a, b->memo[i], c->nmemo, sizeof(struct node *));
		if (c->memo == NULL)
			return -ENOMEM;
	}
	return p->checks == NULL || p->lanes == NULL ? -ENOMEM : 0;
}

static int
make(struct planner *b, const struct plan_item *v)
{
	int r = planner_init(b);

	if (r == 0)
		r = make_lanes(b, v);
	for (unsigned i = 0; r == 0 && i < b->p->ncolumns; i++)
		r = make_column(b, i);
	if (r == 0)
		r = make_rests(b);
	for (size_t i = 0; r == 0 && i < EV_TYPE_MAX; i++) {
		if (b->p->program[i] != NULL)
			r = finish_program(b, b->p->program[i]);
	}
	size_rows(b->p);
	return r;
}

int
plan_new(const struct plan_item *v, size_t n, struct arena *a, struct plan **ret)
{
	struct plan *p = arena_alloc(a, sizeof(*p));
	struct planner b = { .a = a, .p = p };
	int r;

	if (p == NULL)
		return -ENOMEM;
	p->nitems = (uint32_t) n;
	r = make(&b, v);
	if (r == 0)
		r = keep_vectors(&b);
	planner_fini(&b);
	if (r == 0)
		*ret = p;
	return r;
}
