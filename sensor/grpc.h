/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grpc.h - one unary call of gRPC over a connected socket.
 *
 * HTTP/2 with prior knowledge, and no more of it than one request with small headers and one answer
 * need: headers of the answer are skipped, so an error of the service is an answer without a
 * message. Whoever answers is not trusted: lengths are checked, and the answer is bounded.
 */
#ifndef MEWS_SENSOR_GRPC_H
#define MEWS_SENSOR_GRPC_H

#include "common/buf.h"
#include "common/macros.h"
#include "common/slice.h"
#include <stdint.h>

#define GRPC_ANSWER_MAX (1u << 20)
#define GRPC_TEXT_MAX   126 /* bytes of the method's path and of a header */

struct grpc_header {
	const char *name, *value; /* name in lower case */
};

/* Call 'path' ("/package.Service/Method") with a message of protobuf, and append the answer's
 * message. 'fd' is a non-blocking stream socket, of no more use afterwards; 'deadline' is of
 * clock_mono(). 0; -ETIMEDOUT; -ENOENT: an answer without a message; -EBADMSG: not HTTP/2, or too
 * much; -EINVAL: a text is too long; or another -errno. */
int grpc_call(int fd, uint64_t deadline, const char *path, const struct grpc_header *extra,
    struct slice request, struct buf *answer) MUST_CHECK;

#endif
