/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool.h - batches that are not durable at the collector yet, in order.
 *
 * An entry is a complete request that never changes, so a resend sends the same bytes. Memory is
 * bounded. With a folder (spool_disk.h), batches that the caller saves are also in its files, and
 * survive the process; when memory is full it keeps only where they are. When the files are full,
 * the oldest goes; when nothing can be written, the oldest batches in memory. Their events are
 * counted; the sender sees the gap in the sequence numbers. A batch that the collector refuses
 * becomes a hole (spool_discard). Durable batches that are not in the collector's checkpoint yet
 * stay as long as there is room (spool_past.h). The spool assigns the numbers, from 1.
 *
 * Not thread-safe: it belongs to the loop thread.
 */
#ifndef MEWS_SENSOR_SPOOL_H
#define MEWS_SENSOR_SPOOL_H

#include "common/buf.h"
#include "common/macros.h"
#include "common/slice.h"
#include "sensor/lost.h"
#include "sensor/spool_disk.h"
#include "sensor/spool_past.h"
#include <stddef.h>
#include <stdint.h>

struct spool {
	struct spool_entry *ring;
	size_t cap, head, n;
	uint64_t first;            /* number of the oldest entry, or of the next one if empty */
	uint64_t bytes, max_bytes; /* in memory */
	uint64_t kept;             /* bytes of all batches */
	uint64_t durable;          /* everything up to here is */
	struct spool_past past;    /* durable batches after 'state'; they count towards max_bytes */
	uint64_t state;            /* UINT64_MAX: keep no durable ones */
	uint64_t saved;            /* every batch before it is saved, or gone */
	struct spool_disk *disk;   /* borrowed; NULL: none */
	struct buf hello;          /* for the files */
	struct buf read;           /* a batch read from a file */
	uint64_t batches_dropped, events_dropped;         /* since the start: no room */
	uint64_t batches_quarantined, events_quarantined; /* since the start: refused */
	uint64_t batches_damaged, events_damaged; /* since the start: not readable any more */
	struct lost dropped, quarantined;         /* what was in the former two */
};

void spool_init(struct spool *s, uint64_t max_bytes);

/* What is saved stays in the files. */
void spool_fini(struct spool *s);

/* The number that the next batch gets. */
uint64_t spool_next(const struct spool *s);

/* Add the batch with number spool_next(). On 0 the spool owns 'msg' (from malloc); on error
 * (-ENOMEM) the caller still does, and the number is not used. */
int spool_add(struct spool *s, char *msg, uint32_t n, uint32_t events) MUST_CHECK;

/* The batch with that number; NULL if not kept (durable, dropped, a hole, or not added yet). Valid
 * until the next call that changes the spool. */
struct spool_entry *spool_get(struct spool *s, uint64_t seq);

/* The bytes of a batch, valid until the next call with this spool. NULL: they cannot be read any
 * more; it is a hole now. */
const char *spool_msg(struct spool *s, struct spool_entry *e);

/* The first batch kept at or after 'seq'; spool_next() if there is none. */
uint64_t spool_seek(const struct spool *s, uint64_t seq);

/* Forget everything up to 'seq': it is durable. But see spool_keep(). */
void spool_durable(struct spool *s, uint64_t seq);

/* Keep durable batches after 'state' from now on, as long as there is room for them; UINT64_MAX:
 * none. */
void spool_keep(struct spool *s, uint64_t state);

/* The collector refused this batch for good: count it and leave a hole. */
void spool_discard(struct spool *s, uint64_t seq);

/* ---- with files ---- */

/* Use the folder; 'hello', copied, describes this process in it. -ENOMEM. */
int spool_use_disk(struct spool *s, struct spool_disk *disk, struct slice hello) MUST_CHECK;

/* Write all batches that are not in a file yet. 0; -errno: some are still not. */
int spool_save(struct spool *s);

/* The stream of an earlier sensor is continued, whose newest batch was 'seq' and whose files are
 * loaded: the next one is seq + 1. -ENOMEM. */
int spool_continue(struct spool *s, uint64_t seq) MUST_CHECK;

/* When the oldest batch that is not saved was closed, by the boot clock in ns, negative before this
 * boot; INT64_MAX: all are. And of all batches. */
int64_t spool_unsaved_since(const struct spool *s);
int64_t spool_oldest(const struct spool *s);

/* The events of all batches, or of those that are not saved. */
uint64_t spool_events(const struct spool *s, bool unsaved);

/* Save all, with an end mark: this process ends in order. */
int spool_end(struct spool *s);

/* Take over the batches of a file of an earlier sensor, behind those that the spool has; a file
 * without any is removed. *ended: an end mark is its last record. -ENOMEM. */
int spool_load(struct spool *s, struct spool_seg *seg, bool *ended) MUST_CHECK;

#endif
