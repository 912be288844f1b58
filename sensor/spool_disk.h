/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_disk.h - the folder of a spool: files of bounded size, written one after another, each
 * removed as a whole.
 *
 * Files of earlier sensors stay until their batches are durable. The folder is locked: one sensor
 * uses it at a time. Failures are logged here, each cause once until it is over, and counted; the
 * caller keeps what could not be written. Nothing is synchronized: batches survive the end of the
 * process, not a power failure. Loop thread only; the folder must be on a local disk, since a write
 * can wait for it.
 */
#ifndef MEWS_SENSOR_SPOOL_DISK_H
#define MEWS_SENSOR_SPOOL_DISK_H

#include "common/buf.h"
#include "common/macros.h"
#include "sensor/spool_file.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPOOL_FILES 64 /* that a full spool has, about */

/* A file. */
struct spool_seg {
	struct spool_seg *next; /* newer */
	uint64_t number;        /* its name */
	uint64_t stream;        /* equal for files of one sensor process */
	uint64_t bytes, begin;  /* size; where the first record is */
	uint32_t live;          /* batches in it that are still needed */
	bool ours;              /* written by this process */
	bool skip;              /* of an earlier sensor, and not to be delivered by this one */
	void *owner;            /* the spool that has its batches; NULL: none */
};

struct spool_disk {
	char *path;
	int dir;
	struct spool_seg *head, *tail; /* oldest first */
	struct spool_seg *out, *in;    /* open for writing, for reading */
	int out_fd, in_fd;
	uint64_t max_bytes, min_free, file_bytes;
	uint64_t bytes; /* of all files */
	uint64_t next;  /* number of the next file */
	uint64_t retry_at;
	int said;                 /* the failure that was logged, -errno; 0: none */
	uint64_t errors, damaged; /* failed writes; files and records that could not be read */
};

/* Make the folder if it is missing, lock it and list its files. -errno, logged. */
int spool_disk_open(
    const char *path, uint64_t max_bytes, uint64_t min_free, struct spool_disk **ret) MUST_CHECK;

/* Files with needed batches stay. NULL is nothing. */
void spool_disk_close(struct spool_disk *d);

/*
 * Append a record to the newest file, or to a new one that begins with 'hello'. 0: *seg and *at say
 * where, and it is needed until spool_disk_release(). -EDQUOT: no room within max_bytes; remove the
 * oldest file and try again. -EAGAIN: a write failed a moment ago. Another -errno, logged.
 */
int spool_disk_append(struct spool_disk *d, struct slice hello, struct spool_rec *rec,
    struct slice msg, struct spool_seg **seg, uint32_t *at) MUST_CHECK;

/* A batch is not needed any more. The file goes with its last one. */
void spool_disk_release(struct spool_disk *d, struct spool_seg *seg);

/* Read a record back. -EBADMSG: it is damaged, logged; -errno; -ENOMEM. */
int spool_disk_read(
    struct spool_disk *d, struct spool_seg *seg, uint32_t at, struct buf *msg) MUST_CHECK;

/* Append the Hello of a file. */
int spool_disk_hello(struct spool_disk *d, struct spool_seg *seg, struct buf *hello) MUST_CHECK;

/* Call fn for each record of a file; 'whole': its request is intact. Logs where the file ends torn.
 * 0 or fn's -errno, which ends it. */
int spool_disk_scan(struct spool_disk *d, struct spool_seg *seg,
    int (*fn)(void *arg, const struct spool_rec *rec, uint32_t at, bool whole),
    void *arg) MUST_CHECK;

/* Remove a file, whatever is in it. */
void spool_disk_remove(struct spool_disk *d, struct spool_seg *seg);

#endif
