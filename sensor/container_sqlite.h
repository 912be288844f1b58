/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_sqlite.h - a text of an SQLite database, in which podman 5 keeps its containers.
 *
 * SQLite gets a copy in memory: a command of podman may hold the file's lock for long, and a path
 * could name another file by then. The database may be a hostile user's: its size, the memory and
 * the steps of a query are bounded. What is only in a write-ahead log (podman has none) is not
 * found. One thread.
 */
#ifndef MEWS_SENSOR_CONTAINER_SQLITE_H
#define MEWS_SENSOR_CONTAINER_SQLITE_H

#include "common/buf.h"
#include "common/macros.h"
#include "common/slice.h"

#define SQLITE_VALUE_MAX (256u << 10)

/* Append the text, or the bytes, of the first column of the first row of a query, in which ?1 is
 * 'key'. 0; -ENOENT: there is none; -EBADMSG: the file is no such database, is damaged, is being
 * written, or takes too long; -EFBIG: it is too large; or another -errno. */
int sqlite_text(int fd, const char *query, struct slice key, struct buf *value) MUST_CHECK;

#endif
