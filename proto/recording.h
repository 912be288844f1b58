/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recording.h - requests in a file: what a sensor would send, to be sent again later.
 *
 * RECORDING_MAGIC, then frames: a 32-bit little-endian length and that many bytes of a Request. The
 * first is a Hello. A recording holds what its events held, secrets too: it is created 0600. Not
 * thread-safe.
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

/* Append. -EMSGSIZE: longer than WIRE_MESSAGE_MAX; -EINVAL: the first, and no Hello; -errno. After
 * an error of writing the file ends with a torn frame: close it. */
int recorder_put(struct recorder *w, const Wire__Request *req) MUST_CHECK;

/* The same with a request that is packed already. It is not looked into. */
int recorder_put_packed(struct recorder *w, const void *msg, size_t n) MUST_CHECK;

/* -errno if what was put did not reach the file. NULL is fine. */
int recorder_close(struct recorder *w);

struct recording;

/* -EBADMSG: not a recording; -errno. */
int recording_open(const char *path, struct recording **ret) MUST_CHECK;
void recording_close(struct recording *r);

/*
 * The next request: 1, and *ret is the caller's (wire__request__free_unpacked(r, NULL)); 0 at the
 * end; -EBADMSG, and *why says in a few words what is wrong at recording_offset(); -ENOMEM; -errno.
 */
int recording_next(struct recording *r, Wire__Request **ret, const char **why) MUST_CHECK;

/* Where in the file the last frame began. */
uint64_t recording_offset(const struct recording *r);

#endif
