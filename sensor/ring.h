/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.h - read the kernel's ring buffers as one stream in time order.
 *
 * Each CPU has its own ring. A drain reads the clock, notes every producer's position, and emits
 * the records before it that are older than the clock less a slack: a record is stamped shortly
 * before it is put into its ring, so all records of that age have arrived. A record still being
 * written ("busy") holds the rest back for at most RINGS_BUSY_NS; a record that comes later is
 * emitted out of order, and counted.
 *
 * Records are emitted in place, without a copy, except those whose flags need translation
 * (translate.h): the ring is read-only. Space is released afterwards. One thread; no allocation
 * after rings_new().
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
	uint64_t *consumer;        /* shared with the kernel: our read position */
	const uint64_t *producer;  /* shared: the kernel's write position */
	const char *data;          /* 'size' bytes, mapped twice in a row */
	uint64_t size;             /* a power of two */
	uint64_t pos;              /* of the next record */
	uint64_t limit;            /* the producer's position at the start of this drain */
	const struct ev_hdr *head; /* the next record, checked; NULL: none before the limit */
	uint64_t busy_since;       /* when the next record was first seen busy; 0: not busy */
	bool busy;
};

struct ring_set {
	struct ring *v;
	unsigned n;
	unsigned *heap; /* rings that have a head, oldest first */
	unsigned nheap;
	uint64_t last_ts;
	uint64_t emitted_to; /* every event before this time has been emitted, or is late */
	uint64_t held_ts;    /* of the record that the last drain held back as too young; 0: none */
	bool hold;           /* give space back with rings_release() only */
	bool crowded;        /* with 'hold': a quarter of a ring is read and not given back */
	struct translator *translator;
	struct source_stats stats;
};

/* Allocate 'n' rings; set each with ring_attach(). -ENOMEM. */
int rings_new(unsigned n, struct ring_set *ret) MUST_CHECK;
void rings_free(struct ring_set *s);

/* Set the memory of ring 'i', borrowed. */
void ring_attach(struct ring_set *s, unsigned i, void *consumer, const void *producer,
    const void *data, size_t size);

/*
 * Emit the records present at 'now' that are older than 'now - slack'. Read 'now' before the call.
 * With 'hold', it ends once 'crowded' is true. Returns the number of records; -errno of emit(),
 * whose record is offered again by the next drain.
 */
int rings_drain(
    struct ring_set *s, uint64_t now, uint64_t slack, source_emit_fn *emit, void *arg) MUST_CHECK;

/* With 'hold': give back what was read before these positions, one for each ring. */
void rings_release(struct ring_set *s, const uint64_t *pos);

/* Call fn for each record of a ring that its reader has not given back, borrowed until fn returns;
 * NULL: it does not pass record_check(), or is still being written. Nothing is changed. */
void ring_unread(const uint64_t *consumer, const uint64_t *producer, const char *data,
    uint64_t size, void (*fn)(void *arg, const struct ev_hdr *rec), void *arg);

/* Is there a record that has not been emitted? */
bool rings_pending(const struct ring_set *s);

/* Is more than half of a ring in use? */
bool rings_filling(const struct ring_set *s);

#endif
