/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool.h - batches that are not durable at the collector yet, in order.
 *
 * An entry is a complete request that never changes, so a resend sends the same bytes. Memory is
 * bounded: when it is full, the oldest entries are dropped and their events counted; the sender
 * sees the gap in the sequence numbers. A batch that the collector refuses becomes a hole
 * (spool_discard). The spool assigns the numbers, from 1.
 *
 * Only in memory for now. A spool on disk, which survives the sensor, will have the same functions.
 * Not thread-safe: it belongs to the loop thread.
 */
#ifndef MEWS_SENSOR_SPOOL_H
#define MEWS_SENSOR_SPOOL_H

#include "common/macros.h"
#include "common/slice.h"
#include <stddef.h>
#include <stdint.h>

struct spool_entry {
	char *msg;  /* owned; NULL: a hole */
	uint32_t n; /* bytes */
	uint32_t events;
	uint32_t refused; /* how often the collector refused it */
};

struct spool {
	struct spool_entry *ring;
	size_t cap, head, n;
	uint64_t first; /* number of the oldest entry, or of the next one if empty */
	uint64_t bytes, max_bytes;
	uint64_t batches_dropped, events_dropped;         /* since the start: no room */
	uint64_t batches_quarantined, events_quarantined; /* since the start: refused */
};

void spool_init(struct spool *s, uint64_t max_bytes);
void spool_fini(struct spool *s);

/* The number that the next batch gets. */
uint64_t spool_next(const struct spool *s);

/* Add the batch with number spool_next(). On 0 the spool owns 'msg' (from malloc); on error
 * (-ENOMEM) the caller still does, and the number is not used. */
int spool_add(struct spool *s, char *msg, uint32_t n, uint32_t events) MUST_CHECK;

/* The batch with that number; NULL if not kept (durable, dropped, a hole, or not added yet). Valid
 * until the next call that changes the spool. */
struct spool_entry *spool_get(struct spool *s, uint64_t seq);

/* The first batch kept at or after 'seq'; spool_next() if there is none. */
uint64_t spool_seek(const struct spool *s, uint64_t seq);

/* Forget everything up to 'seq': it is durable. */
void spool_durable(struct spool *s, uint64_t seq);

/* The collector refused this batch for good: count it and leave a hole. */
void spool_discard(struct spool *s, uint64_t seq);

#endif
