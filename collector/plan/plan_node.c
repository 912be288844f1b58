/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/plan/plan_int.h"
#include <errno.h>
#include <stdlib.h>

int
node_push(struct planner *b, struct node *n)
{
	if (n == NULL || ARRAY_RESERVE(b->stack, b->top, 1, b->stack_cap) < 0)
		return -ENOMEM;
	b->stack[b->top++] = n;
	return 0;
}

/* ---- unique nodes ---- */

static bool
same(const struct node *a, const struct node *b)
{
	if (a->hash != b->hash || a->kind != b->kind || a->negated != b->negated ||
	    a->check != b->check || a->n != b->n)
		return false;
	return a->n == 0 || memcmp(a->kids, b->kids, a->n * sizeof(struct node *)) == 0;
}

TABLE_TYPE(nodes, struct node *, struct node, *s == NULL, same(*s, k), (*s)->hash);

static uint64_t
mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

/* Compute its columns and its cost. */
static void
summarize(const struct planner *b, struct node *n)
{
	unsigned ncolumns = 0;

	if (n->kind == N_CHECK && b->checks[n->check].column == NO_COLUMN) {
		n->direct = true;
		n->cost = 40;
	} else if (n->kind == N_CHECK) {
		unsigned c = (unsigned) b->checks[n->check].column;

		n->columns[c / 64] = 1ULL << (c % 64);
		n->cost = b->p->columns[c].key.cost + 20;
	}
	for (uint32_t i = 0; i < n->n; i++) {
		n->direct = n->direct || n->kids[i]->direct;
		n->cost = MIN(n->cost + n->kids[i]->cost, UINT16_MAX);
		for (size_t w = 0; w < ARRAY_SIZE(n->columns); w++)
			n->columns[w] |= n->kids[i]->columns[w];
	}
	n->column = NO_COLUMN;
	for (unsigned w = 0; w < ARRAY_SIZE(n->columns); w++) {
		ncolumns += (unsigned) __builtin_popcountll(n->columns[w]);
		if (n->columns[w] != 0)
			n->column = (int16_t) (w * 64 + (unsigned) __builtin_ctzll(n->columns[w]));
	}
	if (ncolumns != 1 || n->direct)
		n->column = NO_COLUMN;
	if (n->kind == N_MEMO) /* usually it is remembered */
		n->cost = b->p->columns[n->column].key.cost;
}

/* Find the node equal to 'want', or create it with copies of its kids. */
static struct node *
unique(struct planner *b, const struct node *want)
{
	struct node **slot = table_put(&nodes, &b->nodes, want->hash, want), *n;

	if (slot == NULL || *slot != NULL)
		return slot == NULL ? NULL : *slot;
	n = arena_alloc(b->a, sizeof(*n));
	if (n == NULL)
		return NULL;
	*n = *want;
	n->kids = arena_alloc(b->a, MAX(n->n, 1u) * sizeof(struct node *));
	if (n->kids == NULL)
		return NULL;
	if (n->n > 0)
		memcpy(n->kids, want->kids, n->n * sizeof(struct node *));
	summarize(b, n);
	*slot = n;
	return n;
}

/* Cheap ones first; the order changes no verdict, since checks have no side effects. */
static int
by_cost(const void *x, const void *y)
{
	const struct node *a = *(struct node *const *) x, *b = *(struct node *const *) y;

	if (a->cost != b->cost)
		return a->cost < b->cost ? -1 : 1;
	return (a->hash > b->hash) - (a->hash < b->hash);
}

/* Remove duplicates from the stack from 'base' on, and merge nested nodes of the same kind. */
static int
flatten(struct planner *b, enum node_kind kind, size_t base)
{
	size_t n = b->top;
	int r = 0;

	for (size_t i = base; r == 0 && i < n; i++) {
		struct node *k = b->stack[i];

		if (k->kind != kind)
			continue;
		b->stack[i] = k->kids[0];
		for (uint32_t j = 1; r == 0 && j < k->n; j++)
			r = node_push(b, k->kids[j]);
	}
	if (r < 0)
		return r;
	if (b->top - base > 1)
		qsort(b->stack + base, b->top - base, sizeof(struct node *), by_cost);
	n = base;
	for (size_t i = base; i < b->top; i++) {
		if (n == base || b->stack[n - 1] != b->stack[i])
			b->stack[n++] = b->stack[i];
	}
	b->top = n;
	return 0;
}

struct node *
node_join(struct planner *b, enum node_kind kind, size_t base)
{
	struct node *neutral = kind == N_AND ? b->yes : b->no;
	struct node *decides = kind == N_AND ? b->no : b->yes;
	struct node want = { .kind = kind };
	size_t n = base;

	for (size_t i = base; i < b->top; i++) {
		if (b->stack[i] == decides) {
			b->top = base;
			return decides;
		}
		if (b->stack[i] != neutral)
			b->stack[n++] = b->stack[i];
	}
	b->top = n;
	if (n == base)
		return neutral;
	if (flatten(b, kind, base) < 0)
		return NULL;
	n = b->top - base;
	b->top = base;
	if (n == 1)
		return b->stack[base];
	want.kids = b->stack + base;
	want.n = (uint32_t) n;
	want.hash = kind;
	for (size_t i = 0; i < n; i++)
		want.hash = mix(want.hash, want.kids[i]->hash);
	return unique(b, &want);
}

struct node *
node_memo(struct planner *b, struct node *of)
{
	struct node want = { .kind = N_MEMO, .n = 1, .kids = &of, .hash = mix(N_MEMO, of->hash) };
	struct column *c = &b->p->columns[of->column];
	struct node ***memo = &b->memo[of->column];
	struct node *n = unique(b, &want);

	if (n == NULL || n->bit != 0)
		return n;
	if (ARRAY_RESERVE(*memo, c->nmemo, 1, b->memo_cap[of->column]) < 0)
		return NULL;
	(*memo)[c->nmemo] = of;
	n->bit = b->p->words * 64 + c->nmemo++;
	return n;
}

/* ---- checks and their columns ---- */

/* Do all fields below a source have one key? *ret is that key, *n counts the fields. */
static bool
one_key(const struct source *s, struct field_key *ret, unsigned *n)
{
	struct field_key k;

	if (s == NULL)
		return true;
	if (s->kind != S_FIELD) {
		for (const struct source *a = s->args; a != NULL; a = a->next) {
			if (!one_key(a, ret, n))
				return false;
		}
		return true;
	}
	field_key_of(&s->ref, &k);
	if (k.kind == KEY_NONE || (*n > 0 && !field_key_same(&k, ret)))
		return false;
	if (*n == 0 || k.cost < ret->cost)
		*ret = k;
	++*n;
	return true;
}

static int
column_of(struct planner *b, const struct test *t, int16_t *ret)
{
	struct plan *p = b->p;
	struct field_key key = { 0 };
	unsigned n = 0;

	*ret = NO_COLUMN;
	if (!one_key(t->left, &key, &n) || !one_key(t->right, &key, &n) || n == 0)
		return 0;
	for (uint32_t i = 0; i < p->ncolumns; i++) {
		if (field_key_same(&p->columns[i].key, &key)) {
			*ret = (int16_t) i;
			return 0;
		}
	}
	if (p->ncolumns == PLAN_COLUMNS_MAX)
		return 0;
	p->columns[p->ncolumns] = (struct column){ .key = key };
	if (key.process)
		p->process[p->ncolumns / 64] |= 1ULL << (p->ncolumns % 64);
	*ret = (int16_t) p->ncolumns++;
	return 0;
}

struct number {
	uint64_t hash;
	const struct test *test; /* NULL: free */
	uint32_t check;
};

TABLE_TYPE(numbers, struct number, struct number, s->test == NULL,
    s->hash == k->hash && test_same(s->test, k->test), s->hash);

/* The number of a check, equal for equal checks. */
static int
check_number(struct planner *b, const struct test *t, uint32_t *ret)
{
	struct plan *p = b->p;
	const struct number want = { test_hash(t), t, p->nchecks };
	struct number *slot = table_put(&numbers, &b->numbers, want.hash, &want);

	if (slot == NULL || ARRAY_RESERVE(b->checks, p->nchecks, 1, b->check_cap) < 0)
		return -ENOMEM;
	if (slot->test == NULL) {
		*slot = want;
		b->checks[p->nchecks].test = t;
		if (column_of(b, t, &b->checks[p->nchecks++].column) < 0)
			return -ENOMEM;
	}
	*ret = slot->check;
	return 0;
}

struct node *
node_check(struct planner *b, const struct test *t, bool negated)
{
	struct node want = { .kind = N_CHECK, .negated = negated };

	if (check_number(b, t, &want.check) < 0)
		return NULL;
	want.hash = mix(mix(N_CHECK, want.check), negated);
	return unique(b, &want);
}

struct node *
node_of(struct planner *b, const struct cond *c, bool negated)
{
	size_t base = b->top;

	if (c->kind == C_CHECK)
		return node_check(b, c->test, negated);
	if (c->kind == C_NOT)
		return node_of(b, c->kids, !negated);
	for (const struct cond *k = c->kids; k != NULL; k = k->next) {
		if (node_push(b, node_of(b, k, negated)) < 0)
			return NULL;
	}
	return node_join(b, (c->kind == C_AND) != negated ? N_AND : N_OR, base);
}

int
planner_init(struct planner *b)
{
	struct node yes = { .kind = N_TRUE, .hash = mix(N_TRUE, 1) },
		    no = { .kind = N_FALSE, .hash = mix(N_FALSE, 1) };

	b->p->columns = arena_alloc(b->a, PLAN_COLUMNS_MAX * sizeof(*b->p->columns));
	if (b->p->columns == NULL)
		return -ENOMEM;
	b->yes = unique(b, &yes);
	b->no = unique(b, &no);
	return b->yes == NULL || b->no == NULL ? -ENOMEM : 0;
}

void
planner_fini(struct planner *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(b->memo); i++)
		free(b->memo[i]);
	table_fini(&b->nodes);
	table_fini(&b->numbers);
	free(b->stack);
	free(b->checks);
	free(b->lanes);
}
