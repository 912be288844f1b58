/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.h - a scan's rows on their way into the node's batches, a slice at a time.
 *
 *	scanner's worker --socket--> snapshot_tick() --node_row()--> batches, among the events
 *
 * A row is handed on when all events that are older have been, at most SNAPSHOT_SLICE of them every
 * SNAPSHOT_SLICE_NS, and only while the node has room (node_wants_rows()): so the worker waits for
 * the collector, not the other way round. A worker that says nothing is stuck in what it said that
 * it would read: it is left to the scanner, and another goes on behind it. Belongs to the loop
 * thread; never blocks, and holds no more than SNAPSHOT_BYTES.
 */
#ifndef MEWS_SENSOR_SNAPSHOT_H
#define MEWS_SENSOR_SNAPSHOT_H

#include "common/clock.h"
#include "common/macros.h"
#include "sensor/node.h"
#include "sensor/scanner.h"
#include "sensor/source.h"
#include <stdint.h>

#define SNAPSHOT_SLICE    512
#define SNAPSHOT_SLICE_NS (5 * NS_PER_MS)
#define SNAPSHOT_BYTES    (2 * EV_RECORD_MAX)

struct snapshot {
	const struct source_ops *src; /* borrowed */
	void *st;
	struct scanner *scanner; /* borrowed */
	struct node *node;       /* of the snapshot under way; NULL: there is none */
	uint64_t id, began;      /* boot ns */
	int fd;                  /* where rows come from; -1: no worker */
	struct scan_order order; /* what the worker was told */
	struct scan_note at;     /* what it said last */
	struct scan_stats stats; /* of all workers of this snapshot */
	unsigned stuck;          /* workers so far */
	uint64_t heard;      /* monotonic: when it last said something, or was not listened to */
	uint64_t next;       /* when to go on */
	size_t from, to;     /* what of 'buf' is there */
	uint64_t unreadable; /* since the start: what was there and could not be read */
	char buf[SNAPSHOT_BYTES] __attribute__((aligned(8)));
};

/* Begin one for this node; what is under way is given up. */
void snapshot_begin(struct snapshot *s, struct node *n, uint64_t id, uint64_t now);

/* Do what is due. When to call again; UINT64_MAX: none is under way. */
uint64_t snapshot_tick(struct snapshot *s, uint64_t now);

static inline bool
snapshot_busy(const struct snapshot *s)
{
	return s->node != NULL;
}

/* Give up what is under way, if anything. */
void snapshot_drop(struct snapshot *s);

#endif
