/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loss_past.h - what a node has lost in the hour before: from when to when, and how many events.
 *
 * A loss window (loss.h) is longer than its loss, since events after a loss may be affected, too.
 * Here is the loss itself: from when to when the sensor dropped events, if it says so; otherwise
 * from the last batch before it to the first after it. Times are realtime ns by the node's clock,
 * as those of its alerts. Memory is constant: of a cause with many losses the oldest become one.
 * Shard thread only.
 */
#ifndef MEWS_COLLECTOR_ALERT_LOSS_PAST_H
#define MEWS_COLLECTOR_ALERT_LOSS_PAST_H

#include "collector/alert/loss.h"

#define LOSS_PAST_NS  (3600 * NS_PER_S)
#define LOSS_PAUSE_NS NS_PER_S
#define LOSS_PAST_MAX 12 /* more than there are causes */

/* A loss, or several of a cause, the first 'since', the last 'until'. */
struct loss_span {
	uint64_t since, until; /* LOSS_OPEN: the end is not known yet */
	uint64_t events;       /* lost */
	uint32_t losses;
	uint32_t cause; /* enum loss_cause */
};

/* All zero: none. On disk, too: checkpoint_mark.h. */
struct loss_past {
	struct loss_span v[LOSS_PAST_MAX]; /* by 'since' of the newest of each */
	uint64_t n;
};

/* A loss has begun, ... */
void loss_past_open(
    struct loss_past *p, enum loss_cause cause, uint64_t since, uint64_t until, uint64_t events);
/* ... and has gone on, or the next one has begun: if there is no pause of LOSS_PAUSE_NS between, it
 * is the same. */
void loss_past_extend(
    struct loss_past *p, enum loss_cause cause, uint64_t since, uint64_t until, uint64_t events);

/* The node's state is complete again: losses without an end get one. */
void loss_past_whole(struct loss_past *p, uint64_t now);

/* Forget what ended more than LOSS_PAST_NS before 'now'. */
void loss_past_expire(struct loss_past *p, uint64_t now);

/* Can it be used, as read from a disk? */
bool loss_past_valid(const struct loss_past *p);

/* Append the value of mews.loss: a list of
 * {"cause":"sensor_died","events":null,"losses":1,"since":"2026-...Z","until":"2026-...Z"}.
 * events null: not known; until null: it lasts. Nothing, if there was no loss. */
void loss_past_json(const struct loss_past *p, struct buf *out);

#endif
