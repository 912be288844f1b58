/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_sqlite.h - one value of an SQLite database, in which podman 5 keeps its containers.
 *
 * Read without its lock and without the library, as container_bolt.h: a command of podman may hold
 * the lock for long, the file may be a hostile user's, and the sensor stays small. Every number of
 * the file is checked, and the pages of one look-up are bounded. What changes meanwhile, and what
 * is only in a write-ahead log (podman has none), is not found. The file format is version 3.
 */
#ifndef MEWS_SENSOR_CONTAINER_SQLITE_H
#define MEWS_SENSOR_CONTAINER_SQLITE_H

#include "common/buf.h"
#include "common/macros.h"
#include "common/slice.h"

#define SQLITE_VALUE_MAX (256u << 10)

/* Append a text, or bytes: of the row of 'table' whose first column is 'key', the column 'i'. 0;
 * -ENOENT: there is none; -EBADMSG: the file is damaged, or being written. */
int sqlite_get(
    int fd, struct slice table, struct slice key, unsigned i, struct buf *value) MUST_CHECK;

#endif
