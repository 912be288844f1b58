/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/plan/plan_int.h"
#include "common/counter.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

/*
 * All lanes of the event's type start in the set; each column removes those whose demand is not
 * met. A demand's verdict on a value is a bit of the value's row, so a value seen before costs a
 * look-up and an "and" for 64 lanes. Only lanes that remain are evaluated further.
 */

struct plan_run {
	const struct plan *plan;
	const struct view *v;
	struct fscratch *fs;
	const struct intern *pool; /* to which the rows belong */
	uint64_t event;            /* number of the current event */
	uint64_t seed;
	struct col *cols;
	uint64_t *verdict; /* per check: the event's number << 1 | verdict */
	uint64_t *in;      /* lanes */
	uint64_t *before;  /* buffer for lanes */
	uint8_t *stops;    /* per type: recall_early() */
	char *threads;     /* struct of_thread, by hash */
	size_t thread_size;
	uint64_t checks_run;
	counter *events;  /* per type */
	counter *unasked; /* per item: events for which an earlier item ended the evaluation */
	counter *checks;  /* per item */
};

/* For the lanes of an event type, from the program's first word on: which of them a thread
 * passes. */
struct of_thread {
	const struct state *state;
	const struct thread *thread;
	const struct program *program;
	uint64_t version;
	int64_t tid;
	struct word w[];
};

/* A column's rows. */
struct col {
	char *room, *rows; /* heap memory, and its part from a cache line's start on */
	size_t row_size;
	unsigned shift;
	struct row *now;
	uint64_t event; /* to which 'now' belongs */
};

enum { CACHE_LINE = 64 };

static struct row *
row_at(const struct col *c, size_t i)
{
	return (struct row *) (void *) (c->rows + i * c->row_size);
}

static int
make_rows(struct plan_run *r)
{
	for (uint32_t i = 0; i < r->plan->ncolumns; i++) {
		const struct column *column = &r->plan->columns[i];
		struct col *c = &r->cols[i];

		c->row_size = sizeof(struct row) + column->words * sizeof(struct word);
		c->shift = 64 - column->bits;
		c->room = calloc(1, (c->row_size << column->bits) + CACHE_LINE);
		if (c->room == NULL)
			return -ENOMEM;
		c->rows = c->room + (-(uintptr_t) c->room & (CACHE_LINE - 1));
	}
	return 0;
}

int
plan_run_new(const struct plan *p, struct plan_run **ret)
{
	struct plan_run *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return -ENOMEM;
	r->plan = p;
	if (getrandom(&r->seed, sizeof(r->seed), GRND_NONBLOCK) < 0)
		r->seed = (uintptr_t) r; /* at early boot: better than none */
	r->cols = calloc(p->ncolumns + 1, sizeof(*r->cols));
	r->verdict = calloc(p->nchecks + 1, sizeof(*r->verdict));
	r->in = calloc(p->words + 1, sizeof(*r->in));
	r->before = calloc(p->words + 1, sizeof(*r->before));
	r->thread_size = sizeof(struct of_thread) + p->words * sizeof(struct word);
	r->threads = calloc((size_t) 1 << PLAN_THREADS_BITS, r->thread_size);
	r->stops = calloc(EV_TYPE_MAX, sizeof(*r->stops));
	r->events = calloc(EV_TYPE_MAX, sizeof(*r->events));
	r->unasked = calloc(p->nitems + 1, sizeof(*r->unasked));
	r->checks = calloc(p->nitems + 1, sizeof(*r->checks));
	if (r->cols == NULL || r->verdict == NULL || r->in == NULL || r->before == NULL ||
	    r->threads == NULL || r->stops == NULL || r->events == NULL || r->unasked == NULL ||
	    r->checks == NULL || make_rows(r) < 0) {
		plan_run_free(r);
		return -ENOMEM;
	}
	*ret = r;
	return 0;
}

void
plan_run_free(struct plan_run *r)
{
	if (r == NULL)
		return;
	for (uint32_t i = 0; r->cols != NULL && i < r->plan->ncolumns; i++)
		free(r->cols[i].room);
	free(r->cols);
	free(r->verdict);
	free(r->in);
	free(r->before);
	free(r->threads);
	free(r->stops);
	free(r->events);
	free(r->unasked);
	free(r->checks);
	free(r);
}

static void
forget(struct plan_run *r)
{
	for (uint32_t i = 0; i < r->plan->ncolumns; i++)
		memset(r->cols[i].rows, 0, r->cols[i].row_size << r->plan->columns[i].bits);
}

static bool
is_of(const struct row *row, const struct key *key)
{
	return row->key.k[0] == key->k[0] && row->key.k[1] == key->k[1];
}

/* Make a row in which only lanes without a demand are known, as passing. It replaces the first of
 * its pair, which replaces the second. */
static struct row *
new_row(const struct plan_run *r, const struct column *c, const struct col *col, size_t i,
    const struct key *key)
{
	struct row *row = row_at(col, i);

	memcpy(row_at(col, i + 1), row, col->row_size);
	row->key = *key;
	for (uint32_t w = 0; w < r->plan->words; w++)
		row->w[w] = (struct word){ ~c->care[w], ~c->care[w] };
	for (uint32_t w = r->plan->words; w < c->words; w++)
		row->w[w] = (struct word){ 0, 0 };
	return row;
}

/* The row of the column's value on this event: one of a pair. */
static struct row *
row_of(struct plan_run *r, unsigned column)
{
	const struct column *c = &r->plan->columns[column];
	struct col *col = &r->cols[column];
	struct row *row;
	struct key key;
	size_t i;

	if (col->event == r->event)
		return col->now;
	key = field_key_get(&c->key, r->v, r->fs, r->seed);
	i = (key.k[0] ^ key.k[1] << 20) * 0x9e3779b97f4a7c15u >> col->shift & ~(size_t) 1;
	row = row_at(col, i);
	if (!is_of(row, &key)) {
		row = row_at(col, i + 1);
		if (!is_of(row, &key))
			row = new_row(r, c, col, i, &key);
	}
	col->event = r->event;
	col->now = row;
	return row;
}

static bool run_node(struct plan_run *r, const struct node *n);

static bool
run_test(struct plan_run *r, uint32_t check)
{
	uint64_t *v = &r->verdict[check];

	if (*v >> 1 != r->event) {
		r->checks_run++;
		*v = r->event << 1 | check_run(r->plan->checks[check].test, r->v, r->fs);
	}
	return *v & 1;
}

/* Evaluate and remember. Results for which memory ran out are not remembered. */
static bool
learn(struct plan_run *r, struct row *row, uint32_t bit, const struct node *n)
{
	uint64_t mask = 1ULL << (bit % 64);
	struct word *w = &row->w[bit / 64];
	bool pass = run_node(r, n);

	w->pass = pass ? w->pass | mask : w->pass & ~mask;
	if (!fscratch_failed(r->fs))
		w->known |= mask;
	return pass;
}

static bool
run_memo(struct plan_run *r, const struct node *n)
{
	struct row *row = row_of(r, (unsigned) n->column);
	const struct word *w = &row->w[n->bit / 64];

	if (w->known >> (n->bit % 64) & 1)
		return w->pass >> (n->bit % 64) & 1;
	return learn(r, row, n->bit, n->kids[0]);
}

static bool
run_node(struct plan_run *r, const struct node *n)
{
	switch ((enum node_kind) n->kind) {
	case N_FALSE:
		return false;
	case N_TRUE:
		return true;
	case N_CHECK:
		return run_test(r, n->check) != n->negated;
	case N_MEMO:
		return run_memo(r, n);
	case N_AND:
		for (uint32_t i = 0; i < n->n; i++) {
			if (!run_node(r, n->kids[i]))
				return false;
		}
		return true;
	case N_OR:
		for (uint32_t i = 0; i < n->n; i++) {
			if (run_node(r, n->kids[i]))
				return true;
		}
		return false;
	}
	return false;
}

/* Evaluate lanes that a row does not know yet. */
static void
learn_lanes(struct plan_run *r, const struct column *c, struct row *row, uint32_t w, uint64_t lanes)
{
	for (; lanes != 0; lanes &= lanes - 1) {
		uint32_t lane = w * 64 + (uint32_t) __builtin_ctzll(lanes);
		uint64_t before = r->checks_run;

		(void) learn(r, row, lane, c->lane[lane]);
		counter_add(&r->checks[r->plan->lanes[lane].item], r->checks_run - before);
	}
}

/* Keep only lanes that the column passes. false: none is left. */
static bool
sift(struct plan_run *r, const struct program *g, unsigned column)
{
	const struct column *c = &r->plan->columns[column];
	const uint64_t *care = c->care;
	uint32_t first = g->first, end = g->end;
	uint64_t *in = r->in, cared = 0, left = 0;
	struct row *row;

	for (uint32_t w = first; w < end; w++)
		cared |= in[w] & care[w];
	if (cared == 0)
		return true;
	row = row_of(r, column);
	for (uint32_t w = first; w < end; w++) {
		uint64_t unknown = in[w] & ~row->w[w].known;

		if (UNLIKELY(unknown != 0))
			learn_lanes(r, c, row, w, unknown);
		in[w] &= row->w[w].pass;
		left |= in[w];
	}
	return left != 0;
}

/* ---- lanes that the process decides ---- */

static struct of_thread *
of_thread(const struct plan_run *r, const struct program *g)
{
	uint64_t h = ((uintptr_t) r->v->thread >> 4) + ((uintptr_t) g >> 4);

	h = h * 0x9e3779b97f4a7c15u >> (64 - PLAN_THREADS_BITS);
	return (struct of_thread *) (void *) (r->threads + h * r->thread_size);
}

/* The thread's entry for this event type; a new one is empty. */
static struct of_thread *
recall_thread(struct plan_run *r, const struct program *g)
{
	const struct view *v = r->v;
	struct of_thread *t = of_thread(r, g);
	uint64_t version = state_version(v->state, g->pieces);

	if (t->thread == v->thread && t->program == g && t->version == version &&
	    t->tid == v->thread->tid && t->state == v->state)
		return t;
	*t = (struct of_thread){ v->state, v->thread, g, version, v->thread->tid };
	for (uint32_t w = 0; w < g->end - g->first; w++)
		t->w[w] = (struct word){ 0, 0 };
	return t;
}

/* Remove lanes that the thread is known to stop. Were there any? */
static bool
stop_known(struct plan_run *r, const struct program *g, const struct of_thread *t)
{
	uint64_t stopped = 0;

	for (uint32_t w = g->first; w < g->end; w++) {
		const struct word *k = &t->w[w - g->first];

		stopped |= r->in[w] & k->known & ~k->pass;
		r->in[w] &= k->pass | ~k->known;
	}
	return stopped != 0;
}

/* Remove lanes whose part about the process is false. */
static void
ask_process(struct plan_run *r, const struct program *g)
{
	for (uint32_t w = g->first; w < g->end; w++) {
		for (uint64_t left = r->in[w]; left != 0; left &= left - 1) {
			uint32_t bit = (uint32_t) __builtin_ctzll(left);

			if (!run_node(r, r->plan->lanes[w * 64 + bit].process))
				r->in[w] &= ~(1ULL << bit);
		}
	}
}

/* Evaluate lanes unknown for the process, so that the thread's next event need not. */
static void
learn_thread(struct plan_run *r, const struct program *g, struct of_thread *t)
{
	uint64_t unknown = 0;

	for (uint32_t w = g->first; w < g->end; w++) {
		r->before[w] = r->in[w];
		r->in[w] &= ~t->w[w - g->first].known;
		unknown |= r->in[w];
	}
	for (uint32_t i = 0; unknown != 0 && i < g->nprocess; i++) {
		if (!sift(r, g, g->columns[i]))
			break;
	}
	if (unknown != 0)
		ask_process(r, g);
	for (uint32_t w = g->first; w < g->end; w++) {
		struct word *k = &t->w[w - g->first];

		k->pass |= r->in[w];
		k->known |= r->before[w];
		r->in[w] = r->before[w] & k->pass;
	}
	if (fscratch_failed(r->fs))
		t->program = NULL;
}

static bool
is_empty(const struct plan_run *r, const struct program *g)
{
	uint64_t left = 0;

	for (uint32_t w = g->first; w < g->end; w++)
		left |= r->in[w];
	return left == 0;
}

enum { STOPS_MAX = 64, STOPS_EVERY = 64 };

/* Check the thread before the other columns if that has stopped lanes recently; occasionally to see
 * whether it would. */
static struct of_thread *
recall_early(struct plan_run *r, const struct program *g)
{
	uint8_t *stops = &r->stops[r->v->ev->schema->num];
	struct of_thread *t;

	if (!g->of_process || (*stops == 0 && r->event % STOPS_EVERY != 0))
		return NULL;
	t = recall_thread(r, g);
	*stops =
	    (uint8_t) (stop_known(r, g, t) ? MIN(*stops + 8, (int) STOPS_MAX) : MAX(*stops - 1, 0));
	return t;
}

/* false: no lane is left. */
static bool
sift_all(struct plan_run *r, const struct program *g)
{
	struct of_thread *t = recall_early(r, g);

	if (t != NULL && is_empty(r, g))
		return false;
	for (uint32_t i = g->nprocess; i < g->ncolumns; i++) {
		if (!sift(r, g, g->columns[i]))
			return false;
	}
	if (g->of_process && t == NULL) {
		t = recall_thread(r, g);
		(void) stop_known(r, g, t);
	}
	if (t != NULL)
		learn_thread(r, g, t);
	return !is_empty(r, g);
}

/* ---- an event ---- */

/* Evaluate the rest of lanes that passed all columns. */
static void
ask_rest(struct plan_run *r, const struct program *g, plan_hit_fn *hit, void *arg)
{
	for (uint32_t i = 0; i < g->nslots; i++) {
		uint32_t lane = g->slots[i].lane, item = g->slots[i].item;
		uint64_t before = r->checks_run;
		bool holds;

		if (lane == NO_LANE || !(r->in[lane / 64] >> (lane % 64) & 1))
			continue;
		holds = run_node(r, r->plan->lanes[lane].rest);
		counter_add(&r->checks[item], r->checks_run - before);
		if (holds && !hit(arg, item)) {
			while (++i < g->nslots)
				counter_add(&r->unasked[g->slots[i].item], 1);
		}
	}
}

void
plan_event(
    struct plan_run *r, const struct view *v, struct fscratch *fs, plan_hit_fn *hit, void *arg)
{
	const struct program *g = r->plan->program[v->ev->schema->num];

	if (g == NULL)
		return;
	counter_add(&r->events[v->ev->schema->num], 1);
	if (g->end == 0)
		return;
	if (UNLIKELY(r->pool != state_pool(v->state))) {
		if (r->pool != NULL)
			forget(r);
		r->pool = state_pool(v->state);
	}
	r->v = v;
	r->fs = fs;
	r->event++;
	fscratch_reset(fs);
	for (uint32_t w = g->first; w < g->end; w++)
		r->in[w] = g->all[w - g->first];
	if (sift_all(r, g))
		ask_rest(r, g, hit, arg);
}

static bool
is_asked(const struct program *g, uint32_t item)
{
	for (uint32_t i = 0; g != NULL && i < g->nslots; i++) {
		if (g->slots[i].item == item)
			return true;
	}
	return false;
}

void
plan_run_counts(const struct plan_run *r, uint32_t item, struct plan_counts *ret)
{
	uint64_t events = 0, unasked;

	for (size_t i = 0; i < EV_TYPE_MAX; i++) {
		uint64_t n = counter_get(&r->events[i]);

		if (n > 0 && is_asked(r->plan->program[i], item))
			events += n;
	}
	unasked = counter_get(&r->unasked[item]);
	ret->evals = events - MIN(events, unasked);
	ret->checks = counter_get(&r->checks[item]);
}
