/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recording.h - requests in a file: record what a sensor would send, to send it later.
 *
 * RECORDING_MAGIC, then frames: a 32-bit little-endian length and that many bytes of a Request. The
 * first is a Hello. A recording may contain secrets from its events, so it is created with mode
 * 0600. Not thread-safe.
 */
#ifndef MEWS_PROTO_RECORDING_H
#define MEWS_PROTO_RECORDING_H

#include "common/macros.h"
#include "proto/wire.pb-c.h"
#include <stddef.h>
#include <stdint.h>

struct recorder;

/* Create or replace a file. -errno. */
int recorder_open(const char *path, struct recorder **ret) MUST_CHECK;

/* Append a request. -EMSGSIZE: longer than WIRE_MESSAGE_MAX; -EINVAL: the first is no Hello;
 * -errno. After a write error the file ends with a torn frame: close it. */
int recorder_put(struct recorder *w, const Wire__Request *req) MUST_CHECK;

/* The same with a request that is already packed, without checking it. */
int recorder_put_packed(struct recorder *w, const void *msg, size_t n) MUST_CHECK;

/* Close. -errno if some data did not reach the file. NULL is allowed. */
int recorder_close(struct recorder *w);

struct recording;

/* -EBADMSG: not a recording; -errno. */
int recording_open(const char *path, struct recording **ret) MUST_CHECK;
void recording_close(struct recording *r);

/*
 * Read the next request: 1, and the caller owns *ret (wire__request__free_unpacked(r, NULL)); 0 at
 * the end; -EBADMSG, and *why says in a few words what is wrong at recording_offset(); -ENOMEM;
 * -errno.
 */
int recording_next(struct recording *r, Wire__Request **ret, const char **why) MUST_CHECK;

/* The file offset of the last frame. */
uint64_t recording_offset(const struct recording *r);

#endif
