/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_bolt.h - one value of a bbolt database, in which podman 4 keeps its containers.
 *
 * Read without its lock, since a command of podman may hold that for long: what changes meanwhile
 * is not found. Every number of the file is checked, and the pages of one look-up are bounded. The
 * file format is that of go.etcd.io/bbolt, version 2.
 */
#ifndef MEWS_SENSOR_CONTAINER_BOLT_H
#define MEWS_SENSOR_CONTAINER_BOLT_H

#include "common/buf.h"
#include "common/macros.h"
#include "common/slice.h"

#define BOLT_VALUE_MAX (256u << 10)

/* Append the value of the last of 'n' keys; those before are buckets, each in the one before. 0;
 * -ENOENT: there is none; -EBADMSG: the file is damaged, or being written. */
int bolt_get(int fd, const struct slice *keys, size_t n, struct buf *value) MUST_CHECK;

#endif
