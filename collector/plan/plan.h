/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - many conditions asked together, so that what they share is asked once.
 *
 * A plan is immutable, so threads share it; it lives in the arena that it was made in. A plan_run
 * is a thread's own: the verdicts that it remembers of values seen before, and counters. Plan and
 * filter_match() always agree. How it works: README.md.
 */
#ifndef MEWS_COLLECTOR_PLAN_PLAN_H
#define MEWS_COLLECTOR_PLAN_PLAN_H

#include "collector/filter/filter.h"

struct plan;
struct plan_run;

/* A condition, and the events that it is asked on. */
struct plan_item {
	const struct filter *filter;
	const struct event_set *events;
};

/* The filters are borrowed and live as long as the plan. -ENOMEM. */
int plan_new(const struct plan_item *v, size_t n, struct arena *a, struct plan **ret) MUST_CHECK;

/* 'p' is borrowed. -ENOMEM. */
int plan_run_new(const struct plan *p, struct plan_run **ret) MUST_CHECK;
void plan_run_free(struct plan_run *r);

/* An item's condition holds. false: ask no further ones on this event. */
typedef bool plan_hit_fn(void *arg, uint32_t item);

/*
 * Ask all items about an event, in their order. Resets 'fs'; allocates nothing else. A run is asked
 * about events of one pool of texts; when another one comes, what was remembered is forgotten.
 */
void plan_event(
    struct plan_run *r, const struct view *v, struct fscratch *fs, plan_hit_fn *hit, void *arg);

/* Of one item: how many events it was asked about, and how many checks had to be run for it since
 * no verdict on the value was known. Any thread may ask. */
struct plan_counts {
	uint64_t evals, checks;
};
void plan_run_counts(const struct plan_run *r, uint32_t item, struct plan_counts *ret);

#endif
