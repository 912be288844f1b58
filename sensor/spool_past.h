/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_past.h - durable batches that the collector may ask for once more.
 *
 * A collector that was killed continues from its checkpoint, which is some seconds old, and needs
 * the batches since. They are in memory only, without a gap up to the newest durable one, and the
 * first to go when the spool needs room: then a snapshot serves. Belongs to the spool.
 */
#ifndef MEWS_SENSOR_SPOOL_PAST_H
#define MEWS_SENSOR_SPOOL_PAST_H

#include <stddef.h>
#include <stdint.h>

struct spool_seg;

/* A batch of the spool. */
struct spool_entry {
	char *msg;             /* owned; NULL: not in memory */
	struct spool_seg *seg; /* its file; NULL: not saved. Without both: a hole */
	int64_t since; /* when it was closed, by the boot clock in ns; negative: before this boot */
	uint32_t at;   /* in the file */
	uint32_t n;    /* bytes */
	uint32_t events;
	uint32_t refused; /* how often the collector refused it */
};

struct spool_past {
	struct spool_entry *ring;
	size_t cap, head, n;
	uint64_t first; /* number of the oldest */
	uint64_t bytes;
};

void past_fini(struct spool_past *p);

/* Add the copy of an entry with the next number; its message is taken over. Without memory, or
 * after a gap, earlier ones are forgotten. */
void past_add(struct spool_past *p, uint64_t seq, const struct spool_entry *e);

/* Forget everything up to 'seq'. */
void past_forget(struct spool_past *p, uint64_t seq);

/* Forget the oldest until at most so many bytes are left. */
void past_shrink(struct spool_past *p, uint64_t bytes);

/* NULL: not here. */
struct spool_entry *past_get(const struct spool_past *p, uint64_t seq);

/* The oldest durable batch that can be sent again; 0: there is none. */
uint64_t past_first(const struct spool_past *p);

#endif
