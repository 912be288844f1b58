/* SPDX-License-Identifier: Apache-2.0 */
/*
 * throttle.h - decide which matches of a node become alerts, and summarize the rest.
 *
 * Each rule has token buckets on the node: one for each process (thread group), and one for each
 * user that all processes of that user share, so that a process that forks gains nothing. A match
 * that finds both with a token is an alert. Without a token it is still an alert if its output is
 * new in the window, which can hold the first hundred outputs. The rest is counted in a summary,
 * which ends with the batch: it is committed with the batch or raised again with it, so a killed
 * collector loses no count, and there is nothing to flush.
 *
 * Time is the events' own (boot ns), so the same batches always give the same alerts. The state
 * belongs to the node and its shard thread. A bucket that is full again is dropped, and a node has
 * at most THROTTLE_BUCKETS; above that, processes without a bucket share one per rule.
 */
#ifndef MEWS_COLLECTOR_RULE_THROTTLE_H
#define MEWS_COLLECTOR_RULE_THROTTLE_H

#include "collector/rule/rule.h"

enum {
	THROTTLE_BUCKETS = 4096,
	THROTTLE_DISTINCT = 100, /* outputs of a window that are alerts even without a token */
	THROTTLE_RATE_MAX = 1000000,
};
#define THROTTLE_WINDOW_NS 5000000000ull

/* Alerts per second, and at once. */
struct throttle_limit {
	uint64_t rate, burst;
};
struct throttle_limits {
	struct throttle_limit process; /* rate 0: every match is an alert */
	struct throttle_limit user;    /* rate 0: no such limit */
};

struct throttle;

int throttle_new(const struct throttle_limits *l, struct throttle **ret) MUST_CHECK; /* -ENOMEM */
void throttle_free(struct throttle *t);

/*
 * Is this match counted in a summary? false: it is an alert, also when memory is out. 'scratch' is
 * overwritten.
 */
bool throttle_suppress(struct throttle *t, const struct rule *rule, const struct view *v,
    const struct alert_origin *o, struct fscratch *fs, struct buf *scratch);

/*
 * At the end of a batch: get the next of its summaries. 1, and *ret, owned by the caller; -ENOMEM:
 * *nmatches matches are lost; 0: no more. 'o' is of the batch.
 */
int throttle_next_summary(struct throttle *t, const struct alert_origin *o, struct alert_scratch *s,
    struct alert **ret, uint64_t *nmatches) MUST_CHECK;

size_t throttle_buckets(const struct throttle *t); /* kept now */

#endif
