/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.h - the kernel's ring buffers, read as one stream in the order of time.
 *
 * Each CPU has a ring of its own. A drain reads the clock, notes where every producer stands, and
 * emits what lies before and is older than the clock less a slack: a record is stamped shortly
 * before it is put into its ring, so whatever is that old is there by now. A record that is still
 * being written ("busy") holds the rest back for at most RINGS_BUSY_NS; what then comes too late
 * is emitted all the same, and counted.
 *
 * Records are emitted where they lie, without a copy, but for those whose flags are translated on
 * the way (translate.h): a ring is not ours to write. Its space is given back afterwards. One
 * thread; no allocation after rings_new().
 */
#ifndef MEWS_SENSOR_RING_H
#define MEWS_SENSOR_RING_H

#include "common/macros.h"
#include "proto/event.h"
#include "sensor/source.h"
#include "sensor/translate.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RINGS_BUSY_NS 10000000ULL

struct ring {
	uint64_t *consumer;        /* shared with the kernel: how far we have read */
	const uint64_t *producer;  /* shared: how far it has written */
	const char *data;          /* 'size' bytes, mapped twice in a row */
	uint64_t size;             /* a power of two */
	uint64_t pos;              /* of the next record */
	uint64_t limit;            /* the producer's position noted at this drain */
	const struct ev_hdr *head; /* the next record, checked; NULL: none before the limit */
	uint64_t busy_since;       /* when the next record was first seen busy; 0: it is not */
	bool busy;
};

struct ring_set {
	struct ring *v;
	unsigned n;
	unsigned *heap; /* rings that have a head, the oldest first */
	unsigned nheap;
	uint64_t last_ts;
	uint64_t emitted_to; /* what happened before this time has been emitted, or is late */
	uint64_t held_ts; /* of the record that the last drain held back for its youth; 0: none */
	struct translator *translator;
	struct source_stats stats;
};

/* 'n' rings, each to be set by ring_attach(). -ENOMEM. */
int rings_new(unsigned n, struct ring_set *ret) MUST_CHECK;
void rings_free(struct ring_set *s);

/* The memory of ring 'i', borrowed. */
void ring_attach(struct ring_set *s, unsigned i, void *consumer, const void *producer,
    const void *data, size_t size);

/*
 * Emit what was there at 'now' and is older than 'now - slack'. 'now' was read before the call. The
 * number of records; -errno of emit(), whose record is offered again by the next drain.
 */
int rings_drain(
    struct ring_set *s, uint64_t now, uint64_t slack, source_emit_fn *emit, void *arg) MUST_CHECK;

/* Is there a record that has not been emitted? */
bool rings_pending(const struct ring_set *s);

#endif
