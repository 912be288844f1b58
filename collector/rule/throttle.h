/* SPDX-License-Identifier: Apache-2.0 */
/*
 * throttle.h - which matches of a node become alerts of their own, and one alert for the rest.
 *
 * Each rule has token buckets on the node: one for each process (thread group), and one for each
 * user that all processes of that user share, so that a process that forks gains nothing. A match
 * that finds both with a token is an alert. One that does not is an alert too if its output is new
 * in the window, which the first hundred outputs can be. The rest is counted in a summary, which
 * ends with the batch: it is committed with the batch or raised again with it, so a collector
 * that is killed loses no count, and there is nothing to flush.
 *
 * Time is the events' own (boot ns), so the same batches always give the same alerts. The state
 * is the node's and belongs to its shard thread. A bucket that is full again is forgotten, and a
 * node has at most THROTTLE_BUCKETS; above that, processes without a bucket share one per rule.
 */
#ifndef MEWS_COLLECTOR_RULE_THROTTLE_H
#define MEWS_COLLECTOR_RULE_THROTTLE_H

#include "collector/rule/rule.h"

enum {
	THROTTLE_BUCKETS = 4096,
	THROTTLE_DISTINCT = 100, /* outputs of a window that are alerts, tokens or not */
	THROTTLE_RATE_MAX = 1000000,
};
#define THROTTLE_WINDOW_NS 5000000000ull

/* Alerts a second, and at once. */
struct throttle_limit {
	uint64_t rate, burst;
};
struct throttle_limits {
	struct throttle_limit process; /* rate 0: every match is an alert */
	struct throttle_limit user;    /* rate 0: no limit of its own */
};

struct throttle;

int throttle_new(const struct throttle_limits *l, struct throttle **ret) MUST_CHECK; /* -ENOMEM */
void throttle_free(struct throttle *t);

/*
 * Is this match counted in a summary? false: it is an alert of its own, as it also is when memory
 * is out. 'scratch' is used.
 */
bool throttle_suppress(struct throttle *t, const struct rule *rule, const struct view *v,
    const struct alert_origin *o, struct fscratch *fs, struct buf *scratch);

/*
 * The end of a batch: the next of its summaries. 1, and *ret, the caller's; -ENOMEM: *nmatches are
 * told nowhere; 0: there are no more. 'o' is of the batch.
 */
int throttle_next_summary(struct throttle *t, const struct alert_origin *o, struct alert_scratch *s,
    struct alert **ret, uint64_t *nmatches) MUST_CHECK;

size_t throttle_buckets(const struct throttle *t); /* that are kept now */

#endif
