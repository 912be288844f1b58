/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain.h - which part of a condition decided, by the walk of filter_match().
 *
 * Slow. Not shared by threads.
 */
#ifndef MEWS_COLLECTOR_FILTER_EXPLAIN_H
#define MEWS_COLLECTOR_FILTER_EXPLAIN_H

#include "collector/filter/filter.h"

/* A sub-condition without 'and', 'or' and 'not'. */
struct explain_part {
	const char *text; /* canonical */
	const struct filter *filter;
	uint64_t decided; /* events for which it was reported by explain_event() */
};

struct explain;

/* Make it from a resolved condition's tree, which must have compiled. Lives in 'a'. -EINVAL and *d,
 * -ENOMEM. */
int explain_new(
    const struct expr *e, struct arena *a, struct explain **ret, struct diag *d) MUST_CHECK;

/*
 * Evaluate on one event. When the verdict is false, call fn for the sub-condition that decided
 * ('is' is its value); for each of several if any one of them alone would have been enough.
 */
typedef void explain_fn(void *arg, struct explain_part *p, bool is);
bool explain_event(
    struct explain *x, const struct view *v, struct fscratch *fs, explain_fn *fn, void *arg);

/* Call fn for all sub-conditions, in the order of the text. */
void explain_each(struct explain *x, void (*fn)(void *arg, struct explain_part *p), void *arg);

#endif
