/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offline.h - play a sensor's requests through process state without a collector: the base of
 * 'mewsctl replay', 'rules explain' and 'rules test'.
 *
 * One node, one thread. Parts that a collector adds are left out: order, loss windows, the outbox.
 */
#ifndef MEWS_COLLECTOR_CTL_OFFLINE_H
#define MEWS_COLLECTOR_CTL_OFFLINE_H

#include "collector/rule/rule.h"
#include "collector/state/state.h"
#include "proto/wire.pb-c.h"

struct offline;

/* Called for one event, with the state right after it; everything is borrowed until it returns. A
 * result other than 0 ends the play with it. */
typedef int offline_fn(
    void *arg, const struct view *v, const struct alert_origin *o, struct fscratch *fs);

/* Create a player without known processes. -ENOMEM. */
int offline_new(offline_fn *fn, void *arg, struct offline **ret) MUST_CHECK;
void offline_free(struct offline *o);

/*
 * Take one request: Hello starts a new node, Batch calls fn for each event and fills the state with
 * the rows of a snapshot, others are skipped. -EBADMSG and *why (static text): it does not decode;
 * -ENOMEM; the result of fn.
 */
int offline_request(struct offline *o, const Wire__Request *req, const char **why) MUST_CHECK;

/* Take a whole recording. -errno and *d; the result of fn, with *d untouched. */
int offline_recording(struct offline *o, const char *path, struct diag *d) MUST_CHECK;

/* The number of events for which fn was called. */
uint64_t offline_events(const struct offline *o);

#endif
