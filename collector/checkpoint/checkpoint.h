/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint.h - nodes' states on disk: one file per node, replaced as a whole.
 *
 * Shards give it images (state/image.h); a thread writes each when all that it contains is durable.
 * So a state on disk never contains a batch whose alerts might still be lost. Locking: one mutex,
 * for the list of images; files are written and read without it.
 */
#ifndef MEWS_COLLECTOR_CHECKPOINT_CHECKPOINT_H
#define MEWS_COLLECTOR_CHECKPOINT_CHECKPOINT_H

#include "collector/checkpoint/checkpoint_mark.h"
#include "collector/stream/stream.h"
#include "common/buf.h"
#include "common/diag.h"
#include "common/macros.h"
#include <stdbool.h>
#include <stdint.h>

struct checkpoint;

/* Use a folder on a local disk, created if its parent exists, and start the thread. -EBUSY:
 * another collector uses it; -errno: it cannot be used; *d says so. */
int checkpoint_open(const char *path, struct checkpoint **ret, struct diag *d) MUST_CHECK;

/* Write what can be written, and stop. NULL is nothing. */
void checkpoint_close(struct checkpoint *c);

/* Check what checkpoint_open() would refuse, and create nothing. -EBUSY: another collector uses
 * it. */
int checkpoint_probe(const char *path, struct diag *d) MUST_CHECK;

/* Is there room for an image? Any thread. */
bool checkpoint_has_room(struct checkpoint *c);

/* Write 'data' (a mark, then an image) when mark.seq is durable. It is taken over, and cleared. An
 * earlier one of the stream that is not written yet is dropped. -ENOMEM: it is lost. Any thread. */
int checkpoint_put(struct checkpoint *c, struct stream *st, struct buf *data) MUST_CHECK;

/* Append the data of a stream. 0; -ENOENT: there is none; -EBADMSG: it was damaged, and is set
 * aside and logged. Reads and decompresses a file: not for a shard. Any thread. */
int checkpoint_read(struct checkpoint *c, const struct stream_id *id, struct buf *data) MUST_CHECK;

/* A state was loaded, or could not be ('why'), which is logged. Any thread. */
void checkpoint_used(struct checkpoint *c, const struct stream_id *id, const char *why);

/* Its folder, open until checkpoint_close(). */
int checkpoint_folder(const struct checkpoint *c);

struct checkpoint_stats {
	uint64_t written, bytes; /* files, and their bytes, since the start */
	uint64_t failed;         /* writes */
	uint64_t loaded;         /* states that continued from a file */
	uint64_t damaged;        /* files set aside */
	uint64_t waiting;        /* images, now */
};
/* All 0 for NULL. */
void checkpoint_stats(struct checkpoint *c, struct checkpoint_stats *ret);

#endif
