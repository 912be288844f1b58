/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_verdict.h - random events and random conditions; a seed gives the same ones each time.
 */
#ifndef MEWS_COLLECTOR_PLAN_TEST_VERDICT_H
#define MEWS_COLLECTOR_PLAN_TEST_VERDICT_H

#include "collector/filter/filter.h"
#include "tests/support/evbuild.h"

struct rng {
	uint64_t s;
};

/* 0 to n - 1, n > 0. */
static inline uint32_t
rnd(struct rng *r, uint32_t n)
{
	uint64_t x = r->s += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return (uint32_t) ((x ^ x >> 31) % n);
}

static inline bool
one_in(struct rng *r, uint32_t n)
{
	return rnd(r, n) == 0;
}

/* ---- test_verdict_events.c: a node's stream ---- */

enum { TIDS = 10, FEW = 6 };

struct stream {
	struct rng *r;
	struct evb b;
	uint64_t ts, epoch, num;
	uint64_t start[TIDS]; /* of the present holder of each tid */
	uint32_t tids;        /* below TIDS: how many are used */
	unsigned focus;       /* an event type that is frequent */
	unsigned few[FEW];    /* and others, so that calls meet on one thread */
};

/* Start a stream of events in which 'focus' is frequent. */
void stream_start(struct stream *s, struct rng *r, unsigned focus);

/* Make the next event, in a batch of its own, and fill the caller's part of *v. */
struct batch *stream_next(struct stream *s, struct state *state, struct view *v);

/* ---- test_verdict_rules.c: conditions ---- */

/* Remember a value of a field, for conditions to compare with. */
void values_learn(
    struct rng *r, const struct field_ref *f, const struct view *v, struct fscratch *fs);

void values_forget(void);

/* Choose a field, with an argument if it takes one. 'focus' NULL: any field. */
void random_field(struct rng *r, const struct field *focus, struct arena *a, struct field_ref *ret);

/* Make a condition, compiled into 'a', and its text. */
const struct filter *random_condition(
    struct rng *r, const struct field *focus, struct arena *a, const char **text);

/* Can conditions name the field, and is its value the same each time in one event? */
bool can_be_asked(const struct field *f);

#endif
