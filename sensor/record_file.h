/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_file.h - a file in the place of a collector: Hello, then batches as they are closed.
 *
 * What is written is durable: the spool forgets it. Belongs to the loop thread.
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

/* Made anew, mode 0600. -errno and *d. */
int record_open(const char *path, struct record **ret, struct diag *d) MUST_CHECK;

/* A packed Hello, the first of all. -errno. */
int record_hello(struct record *r, const struct buf *msg) MUST_CHECK;

/* Everything in the spool. -errno. */
int record_spool(struct record *r, struct spool *s) MUST_CHECK;

uint64_t record_events(const struct record *r);
uint64_t record_bytes(const struct record *r);

/* Flush and close: -errno and *d if the file is not whole. Frees in any case. */
int record_close(struct record *r, struct diag *d) MUST_CHECK;

#endif
