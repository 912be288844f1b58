/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_file.h - a file instead of a collector: Hello, then batches as they are closed.
 *
 * Written batches count as durable: the spool drops them. Belongs to the loop thread.
 */
#ifndef MEWS_SENSOR_RECORD_FILE_H
#define MEWS_SENSOR_RECORD_FILE_H

#include "common/buf.h"
#include "common/diag.h"
#include "common/macros.h"
#include "sensor/spool.h"
#include <stddef.h>
#include <stdint.h>

struct record;

/* Create the file, mode 0600. -errno and *d. */
int record_open(const char *path, struct record **ret, struct diag *d) MUST_CHECK;

/* Write a packed Hello; it must come first. -errno. */
int record_hello(struct record *r, const struct buf *msg) MUST_CHECK;

/* Write everything in the spool. -errno. */
int record_spool(struct record *r, struct spool *s) MUST_CHECK;

uint64_t record_events(const struct record *r);
uint64_t record_bytes(const struct record *r);

/* Flush and close: -errno and *d if the file is incomplete. Always frees. */
int record_close(struct record *r, struct diag *d) MUST_CHECK;

#endif
