/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_int.h - construction and parts of a plan; plan*.c only.
 *
 *	plan_node.c   conditions of all items as one graph of nodes, without duplicates
 *	plan_fold.c   simplify a condition for an event type; split it by column
 *	plan.c        lanes, columns, programs
 *	plan_run.c    evaluate an event
 */
#ifndef MEWS_COLLECTOR_PLAN_PLAN_INT_H
#define MEWS_COLLECTOR_PLAN_PLAN_INT_H

#include "collector/field/field_key.h"
#include "collector/filter/filter_prog.h"
#include "collector/plan/plan.h"
#include "common/array.h"
#include "common/hashtable.h"

enum {
	PLAN_COLUMNS_MAX = 256,     /* fields beyond are read again on each event */
	PLAN_MEMO_BYTES = 24 << 20, /* of a run's rows, about */
	PLAN_ROWS_MIN = 64,
	PLAN_ROWS_MAX = 1 << 13,
	PLAN_THREADS_BITS = 11, /* 2^bits threads whose verdicts a run remembers */
	NO_COLUMN = -1,
};
#define NO_LANE UINT32_MAX /* its condition is false on every event of the type */

enum node_kind { N_FALSE, N_TRUE, N_CHECK, N_MEMO, N_AND, N_OR };

/*
 * A condition, or a part of it, in negation normal form: only checks are negated. Equal ones share
 * a node. N_MEMO stands for the node below it, whose verdict is a bit in a column's row.
 */
struct node {
	uint8_t kind;
	bool negated;   /* CHECK */
	bool direct;    /* a part of it has no column */
	int16_t column; /* the only one that it depends on, or NO_COLUMN */
	uint32_t check; /* CHECK */
	uint32_t bit;   /* MEMO */
	uint32_t cost;
	uint32_t n; /* kids */
	struct node **kids;
	uint64_t columns[PLAN_COLUMNS_MAX / 64]; /* that it depends on */
	/* while the plan is made: */
	uint64_t hash;
	uint32_t mark; /* 'as' was made for this mark */
	struct node *as;
};

/* A check, evaluated at most once per event. */
struct pcheck {
	const struct test *test;
	int16_t column;
};

/* Verdicts on a value: bits of lanes, then of memos. */
struct word {
	uint64_t known, pass;
};
struct row {
	struct key key;
	struct word w[];
};

/*
 * A value that conditions test. A lane's node here is the demand of its condition on this value
 * only: if it is false, so is the condition.
 */
struct column {
	struct field_key key;
	struct node **lane; /* per lane; NULL: no demand */
	struct node **memo;
	uint64_t *care; /* lanes with a demand */
	uint32_t nmemo;
	uint32_t words; /* of a row */
	uint32_t bits;  /* 2^bits rows */
};

/* One condition on some event types. */
struct lane {
	struct node *node;
	/* the parts that no column decides (N_TRUE: none): about the process, and the others */
	struct node *process, *rest;
	uint32_t item;
	uint32_t next; /* of the same item, 1 + its number; 0: none */
};

struct slot {
	uint32_t item, lane;
};

/* An event type. */
struct program {
	uint32_t first, end;     /* words of lanes */
	const uint64_t *all;     /* the lanes, from word 'first' on */
	const uint16_t *columns; /* of the process, then others */
	uint32_t nprocess, ncolumns;
	bool of_process;          /* some part is about the process */
	unsigned pieces;          /* of the state, that the answers depend on */
	const struct slot *slots; /* in the items' order */
	uint32_t nslots;
};

struct plan {
	struct program *program[EV_TYPE_MAX]; /* NULL: no condition applies */
	struct pcheck *checks;
	struct column *columns;
	struct lane *lanes;
	uint32_t nchecks, ncolumns, nlanes, nitems;
	uint32_t words;                          /* of all lanes */
	uint64_t process[PLAN_COLUMNS_MAX / 64]; /* columns of the process */
};

/* A plan under construction. What the plan keeps is in 'a'; the vectors are on the heap. */
struct planner {
	struct arena *a;
	struct plan *p;
	struct table nodes;   /* of struct node *: each once */
	struct table numbers; /* of the checks */
	struct node **stack;  /* kids of the nodes being made */
	size_t top, stack_cap;
	/* these become part of the plan: */
	struct pcheck *checks;
	struct lane *lanes;
	struct node **memo[PLAN_COLUMNS_MAX];
	size_t check_cap, lane_cap, memo_cap[PLAN_COLUMNS_MAX];
	uint32_t mark;
	struct node *yes, *no;
};

/* ---- plan_node.c; NULL: no memory ---- */

int planner_init(struct planner *b) MUST_CHECK;
void planner_fini(struct planner *b);

int node_push(struct planner *b, struct node *n) MUST_CHECK; /* n == NULL: -ENOMEM */
/* Join the nodes from b->stack[base] on, and pop them. */
struct node *node_join(struct planner *b, enum node_kind kind, size_t base);
struct node *node_check(struct planner *b, const struct test *t, bool negated);
struct node *node_memo(struct planner *b, struct node *of);
struct node *node_of(struct planner *b, const struct cond *c, bool negated);

static inline bool
node_has_column(const struct node *n, unsigned column)
{
	return n->columns[column / 64] >> (column % 64) & 1;
}

/* ---- plan_fold.c; NULL: no memory ---- */

/* Simplify a node for events of a type. b->mark must be new for each type. */
struct node *node_on_type(struct planner *b, struct node *n, unsigned num);
/* Its demand on one column: N_TRUE if none. b->mark must be new. */
struct node *node_demand(struct planner *b, struct node *n, unsigned column);
/* The remainder of a condition whose demands are met: the part about the process, or the rest. */
struct node *node_rest(struct planner *b, struct node *n, bool process);

#endif
