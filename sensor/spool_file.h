/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_file.h - the format of a spool's file: batches of one sensor process, one after another.
 *
 *   file    head, the packed Hello of the sensor that wrote it, records
 *   record  spool_rec, the packed request
 *
 * Little-endian. All is covered by XXH3 sums: a record's head by its own, so that a damaged request
 * is skipped and counted by its head; a damaged head, as a torn tail has one, ends the file. The
 * last record of a sensor that was stopped in order is an end mark: empty, number 0.
 *
 * Nothing is synchronized to the disk: what a killed process wrote is in the kernel's cache.
 */
#ifndef MEWS_SENSOR_SPOOL_FILE_H
#define MEWS_SENSOR_SPOOL_FILE_H

#include "common/buf.h"
#include "common/clock.h"
#include "common/macros.h"
#include "common/slice.h"
#include <stdbool.h>
#include <stdint.h>

#define SPOOL_FILE_MAGIC "MEWSSPL2" /* the last character is the version; 1 is read too */
#define SPOOL_HELLO_MAX  (256u << 10)

struct spool_rec {
	uint32_t n; /* bytes of the request that follows; 0: an end mark */
	uint32_t events;
	uint64_t seq;
	uint64_t durable;          /* the newest durable batch then */
	struct clock_stamp closed; /* when the batch was; of version 1: only real_ns is known */
	uint64_t sum;              /* of the request */
	uint64_t check;            /* of the fields above */
};

/* Write head and Hello into an empty file; *end: where the first record begins. -errno. */
int spool_file_begin(int fd, struct slice hello, uint64_t *end) MUST_CHECK;

/* Write a record at *at, and advance *at. n, sum and check of 'rec' are set here. On -errno
 * (-ENOSPC too) nothing of it stays in the file. */
int spool_file_append(int fd, uint64_t *at, struct spool_rec *rec, struct slice msg) MUST_CHECK;

/* Read head and Hello (appended to 'hello'); *at: the first record. -EBADMSG: not a spool's file,
 * or its head is damaged; -EPROTONOSUPPORT: of another version; -ENOMEM; -errno of the read. */
int spool_file_open(int fd, struct buf *hello, uint64_t *at) MUST_CHECK;

/* Read the record at *at. 1: *rec and, unless 'msg' is NULL, its request in 'msg' (replaced), and
 * *at is behind it. 0: the file ends here. -EILSEQ: the request is damaged, *rec is set, *at is
 * behind it. -EBADMSG: torn or damaged; nothing more can be read. -ENOMEM; -errno of the read. */
int spool_file_next(int fd, uint64_t *at, struct spool_rec *rec, struct buf *msg) MUST_CHECK;

#endif
