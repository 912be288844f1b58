/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace.h - when a batch is closed.
 *
 * Each batch pays for one interval. A batch is closed at once while at most PACE_BURST intervals
 * are paid ahead; otherwise when that time is over, or when enough bytes are gathered. While
 * nothing can be sent (no connection, no credit) batches get denser: they are closed by size, or
 * after PACE_HELD_NS. So an idle node sends promptly, also short bursts, and a busy node sends
 * dense batches.
 *
 * It has no clock and no batch: the caller passes time and sizes. Not thread-safe.
 */
#ifndef MEWS_SENSOR_PACE_H
#define MEWS_SENSOR_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACE_BURST   16
#define PACE_HELD_NS 250000000ULL
#define PACE_NEVER   UINT64_MAX

struct pace {
	uint64_t interval_ns; /* constant: between two batches of a busy node */
	size_t bytes;         /* constant: gathered bytes that close a batch early */
	uint64_t left_ns;     /* when the last batch was closed; 0: none yet */
	uint64_t paid_ns;     /* end of the intervals paid so far */
};

/* When to close the batch that holds 'bytes': a time (now or earlier: at once), or PACE_NEVER
 * without events. 'open': a batch can be sent now. */
uint64_t pace_due(const struct pace *p, size_t events, size_t bytes, bool open);

/* No batch is closed for its age before this time. */
uint64_t pace_rest(const struct pace *p);

/* Record that a batch was closed. */
void pace_left(struct pace *p, uint64_t now);

#endif
