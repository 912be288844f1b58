/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace.h - when a batch leaves.
 *
 * Each batch pays for one interval. At once while at most PACE_BURST intervals are paid ahead;
 * otherwise when that time is over, or when enough is gathered. While nothing can be sent (no
 * connection, no credit) batches get denser: they close on size, or after PACE_HELD_NS. So an idle
 * node is prompt, also when a few things happen at a time, and a busy one is dense.
 *
 * Knows no clock and no batch: it is told the time and the sizes. Not thread-safe.
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
	size_t bytes;         /* constant: gathered bytes that make a batch leave before its time */
	uint64_t left_ns;     /* when the last batch left; 0: none yet */
	uint64_t paid_ns;     /* the intervals of those that left end here */
};

/* When the batch that holds 'bytes' is to leave: a time (now or before: at once), or PACE_NEVER
 * when there are no events. 'open': what leaves can be sent now. */
uint64_t pace_due(const struct pace *p, size_t events, size_t bytes, bool open);

/* Before this time no batch leaves for its age. */
uint64_t pace_rest(const struct pace *p);

/* A batch left. */
void pace_left(struct pace *p, uint64_t now);

#endif
