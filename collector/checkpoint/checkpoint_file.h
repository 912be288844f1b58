/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_file.h - the file of one node: a head with a checksum, then its data, compressed. */
#ifndef MEWS_COLLECTOR_CHECKPOINT_CHECKPOINT_FILE_H
#define MEWS_COLLECTOR_CHECKPOINT_CHECKPOINT_FILE_H

#include "collector/outbox/outbox.h"
#include "common/buf.h"
#include "common/macros.h"

#define CHECKPOINT_DATA_MAX (1u << 30) /* bytes of data, decompressed */

/* Room for a file's name. */
enum { CHECKPOINT_NAME = 40 };

/* The name of a node's file, by the hash of the node, with a suffix. */
void checkpoint_name(uint64_t hash, const char *suffix, char name[CHECKPOINT_NAME]);

/* Pack a file into 'file' (cleared first). -ENOMEM; -EFBIG: too much data. */
int checkpoint_pack(const struct stream_id *id, struct slice data, struct buf *file) MUST_CHECK;

/* Append the data of a file. -ENOENT: it is of another stream or version; -EBADMSG: damaged;
 * -ENOMEM. */
int checkpoint_unpack(const struct stream_id *id, struct slice file, struct buf *data) MUST_CHECK;

/* Replace a node's file in two steps: nobody sees a part of it, not even after a loss of power.
 * Write it aside; the descriptor, or -errno. */
int checkpoint_aside(int dir, uint64_t hash, struct slice file) MUST_CHECK;

/* Wait until it is on the disk, close the descriptor, and move it into place, for good once the
 * folder is synced. -errno: the earlier file stays. */
int checkpoint_place(int dir, uint64_t hash, int fd) MUST_CHECK;

#endif
