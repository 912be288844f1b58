/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - evaluate many conditions together, so that common parts are evaluated once.
 *
 * A plan is immutable, so threads share it; it lives in its arena. A plan_run belongs to a thread:
 * its remembered verdicts on values seen before, and counters. Plan and filter_match() always
 * agree. How it works: README.md.
 */
#ifndef MEWS_COLLECTOR_PLAN_PLAN_H
#define MEWS_COLLECTOR_PLAN_PLAN_H

#include "collector/filter/filter.h"

struct plan;
struct plan_run;

/* A condition, and the events on which it is evaluated. */
struct plan_item {
	const struct filter *filter;
	const struct event_set *events;
};

/* The filters are borrowed and live as long as the plan. -ENOMEM. */
int plan_new(const struct plan_item *v, size_t n, struct arena *a, struct plan **ret) MUST_CHECK;

/* 'p' is borrowed. -ENOMEM. */
int plan_run_new(const struct plan *p, struct plan_run **ret) MUST_CHECK;
void plan_run_free(struct plan_run *r);

/* Called when an item's condition holds. false: evaluate no further items on this event. */
typedef bool plan_hit_fn(void *arg, uint32_t item);

/*
 * Evaluate all items on an event, in order. Resets 'fs'; allocates nothing else. A run is for
 * events of one pool of texts; with another pool everything remembered is dropped.
 */
void plan_event(
    struct plan_run *r, const struct view *v, struct fscratch *fs, plan_hit_fn *hit, void *arg);

/* For one item: the events on which it was evaluated, and the checks run for it because no verdict
 * on the value was known. Any thread. */
struct plan_counts {
	uint64_t evals, checks;
};
void plan_run_counts(const struct plan_run *r, uint32_t item, struct plan_counts *ret);

#endif
