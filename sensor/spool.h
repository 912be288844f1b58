/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool.h - batches that are not durable at the collector yet, in order.
 *
 * An entry is a request as it goes out: it never changes, so sending it again is sending the same
 * bytes. Memory is bounded: when it is full the oldest go, counted in events; whoever sends sees
 * the gap because the sequence number is gone. A batch that the collector will not take becomes a
 * hole (spool_discard). Numbers start at 1 and are given here.
 *
 * Only memory for now. A spool on disk, which survives the sensor, takes this place behind the same
 * functions. Not thread-safe: it belongs to the loop thread.
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
	uint32_t refused; /* how often the collector did */
};

struct spool {
	struct spool_entry *ring;
	size_t cap, head, n;
	uint64_t first; /* number of the oldest entry; of the next one if there is none */
	uint64_t bytes, max_bytes;
	uint64_t batches_dropped, events_dropped;         /* since the start: no room */
	uint64_t batches_quarantined, events_quarantined; /* since the start: refused */
};

void spool_init(struct spool *s, uint64_t max_bytes);
void spool_fini(struct spool *s);

/* The number that the next batch gets. */
uint64_t spool_next(const struct spool *s);

/* Add the batch with number spool_next(). On 0 'msg' (from malloc) is the spool's; on error
 * (-ENOMEM) it is still the caller's, and the number is not used. */
int spool_add(struct spool *s, char *msg, uint32_t n, uint32_t events) MUST_CHECK;

/* The batch of that number; NULL: not kept (durable, dropped, a hole, or not there yet). Good until
 * the next call that changes the spool. */
struct spool_entry *spool_get(struct spool *s, uint64_t seq);

/* The first batch kept at or after 'seq'; spool_next() if there is none. */
uint64_t spool_seek(const struct spool *s, uint64_t seq);

/* Everything up to here is durable: forget it. */
void spool_durable(struct spool *s, uint64_t seq);

/* The collector refused this batch for good: count it, leave a hole. */
void spool_discard(struct spool *s, uint64_t seq);

#endif
