/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offline.h - requests of a sensor through process state, without a collector: what 'mewsctl
 * replay', 'rules explain' and 'rules test' stand on.
 *
 * One node, one thread. What a collector would add is left out: order, loss windows, the outbox.
 */
#ifndef MEWS_COLLECTOR_CTL_OFFLINE_H
#define MEWS_COLLECTOR_CTL_OFFLINE_H

#include "collector/rule/rule.h"
#include "collector/state/state.h"
#include "proto/wire.pb-c.h"

struct offline;

/* One event, with the state right after it; everything is borrowed until it returns. Not 0 ends the
 * play with it. */
typedef int offline_fn(
    void *arg, const struct view *v, const struct alert_origin *o, struct fscratch *fs);

/* Nothing is known of any process yet. -ENOMEM. */
int offline_new(offline_fn *fn, void *arg, struct offline **ret) MUST_CHECK;
void offline_free(struct offline *o);

/*
 * Take one request: Hello begins a node anew, Batch calls fn for each event and fills the state
 * with the rows of a snapshot, others are passed over. -EBADMSG and *why (static text): it does not
 * decode; -ENOMEM; what fn returned.
 */
int offline_request(struct offline *o, const Wire__Request *req, const char **why) MUST_CHECK;

/* Take all of a recording. -errno and *d; what fn returned, and *d untouched. */
int offline_recording(struct offline *o, const char *path, struct diag *d) MUST_CHECK;

/* Events that fn was called for. */
uint64_t offline_events(const struct offline *o);

#endif
