/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.h - add a scan's rows to the node's batches, a slice at a time.
 *
 *	scanner's worker --socket--> snapshot_tick() --node_row()--> batches, among the events
 *
 * A row is added after all older events, at most SNAPSHOT_SLICE rows every SNAPSHOT_SLICE_NS, and
 * only while the node has room (node_wants_rows()): the worker waits for the collector, not the
 * other way round. A silent worker is stuck in the read that it announced: the scanner kills it,
 * and another continues after it. Belongs to the loop thread; never blocks, and holds at most
 * SNAPSHOT_BYTES.
 */
#ifndef MEWS_SENSOR_SNAPSHOT_H
#define MEWS_SENSOR_SNAPSHOT_H

#include "common/clock.h"
#include "common/macros.h"
#include "sensor/containers.h"
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
	struct scanner *scanner;       /* borrowed */
	struct containers *containers; /* borrowed */
	struct node *node;             /* of the snapshot under way; NULL: none */
	uint64_t id, began;            /* boot ns */
	int fd;                        /* delivers the rows; -1: no worker */
	struct scan_order order;       /* the worker's order */
	struct scan_note at;           /* its last note */
	struct scan_stats stats;       /* of all workers of this snapshot */
	unsigned stuck;                /* stuck workers so far */
	uint64_t heard;      /* monotonic: when it last wrote, or the loop last did not read */
	uint64_t next;       /* when to continue */
	size_t from, to;     /* the valid part of 'buf' */
	uint64_t unreadable; /* since the start: rows that could not be read */
	char buf[SNAPSHOT_BYTES] __attribute__((aligned(8)));
};

/* Begin a snapshot for this node; drop one that is under way. */
void snapshot_begin(struct snapshot *s, struct node *n, uint64_t id, uint64_t now);

/* Do what is due. Returns when to call again; UINT64_MAX: no snapshot is under way. */
uint64_t snapshot_tick(struct snapshot *s, uint64_t now);

static inline bool
snapshot_busy(const struct snapshot *s)
{
	return s->node != NULL;
}

/* Drop the snapshot under way, if any. */
void snapshot_drop(struct snapshot *s);

#endif
