/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loss.h - loss windows: the times in which Mews was blind on a node, each with its cause.
 *
 * A window opens when something was lost and closes LOSS_TAIL_NS after the last event that may be
 * affected; one that opened because the node's state is lost stays open until a snapshot has
 * restored it. Alerts raised in a window name its causes. A node can be in several.
 */
#ifndef MEWS_COLLECTOR_ALERT_LOSS_H
#define MEWS_COLLECTOR_ALERT_LOSS_H

#include "common/buf.h"
#include "common/clock.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum loss_cause {
#define LOSS(name, priority, events, text) LOSS_##name,
#include "collector/alert/loss.def"
	LOSS_MAX,
};

#define LOSS_TAIL_NS (10 * NS_PER_S)
#define LOSS_OPEN    UINT64_MAX /* the end is not known yet */

/* Size of the names of all causes, each with a comma or the NUL after it. */
enum {
	LOSS_NAMES = 0
#define LOSS(name, priority, events, text) +sizeof(#name)
#include "collector/alert/loss.def"
};

const char *loss_name(enum loss_cause cause); /* "sensor_died" */
const char *loss_text(enum loss_cause cause); /* for people; a clause without a full stop */

/* The priority of the alert about this cause, an enum priority, or LOSS_QUIET. */
enum { LOSS_QUIET = -1 };
int loss_priority(enum loss_cause cause);

/* Is the number of events lost in such a window known? */
bool loss_counted(enum loss_cause cause);

/* Join the names of a set of causes (bit 1 << cause) with commas. Returns 'out'. */
const char *loss_names(uint32_t causes, char out[LOSS_NAMES]);

/* The windows of one node as its shard knows them, in the node's boot time; all zero: none. */
struct loss {
	uint64_t until[LOSS_MAX]; /* events up to here are in the window */
	uint64_t latest;          /* the latest of 'until' */
};

/* Open the window of this cause, or extend it, up to 'until'. True: it was not open at 'now'. */
bool loss_open(struct loss *l, enum loss_cause cause, uint64_t now, uint64_t until);

/* The node's state is complete again at 'now': windows without an end get one. */
void loss_whole(struct loss *l, uint64_t now);

/* Return the windows that contain an event of this time, as a set of causes. */
uint32_t loss_at(const struct loss *l, uint64_t ts);

/* The same for other threads to read; written by the node's shard. Realtime ns. */
struct loss_shown {
	_Atomic uint64_t opened[LOSS_MAX];  /* number of windows */
	_Atomic uint64_t since[LOSS_MAX];   /* start of the newest window */
	_Atomic uint64_t until[LOSS_MAX];   /* its end; LOSS_OPEN */
	_Atomic uint64_t told[LOSS_MAX];    /* 'opened' at the newest alert about it ... */
	_Atomic uint64_t told_at[LOSS_MAX]; /* ... and its time, monotonic ns; 0: no alert yet */
};

/* Return the windows open at 'now', as a set of causes. */
uint32_t loss_shown_open(const struct loss_shown *s, uint64_t now);

/* Append the JSON for the status: {"open":[...],"since":...,"windows":{...}}. */
void loss_json(const struct loss_shown *s, uint64_t now, struct buf *out);

#endif
