/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sock_parse.h - socket addresses as people write them, into the bytes that an event holds
 *(SOCKADDR and SOCKTUPLE in event.h).
 *
 *	SOCKADDR     10.0.0.1:443, [::1]:53, ::1:53, or the path of a unix socket: /run/x, @x
 *	SOCKTUPLE    10.0.0.2:40000->10.0.0.1:443, the path of a unix socket, or with the kernel's
 *	             addresses of its ends: ffff8c0a12->ffff8c0a34 /run/x
 */
#ifndef MEWS_PROTO_SOCK_PARSE_H
#define MEWS_PROTO_SOCK_PARSE_H

#include "common/buf.h"
#include <stdint.h>

/* Append the bytes to 'out'. -EINVAL: it is none of the forms, and 'out' may have a part; -ENOMEM.
 */
int sockaddr_parse(struct slice text, struct buf *out) MUST_CHECK;
int socktuple_parse(struct slice text, struct buf *out) MUST_CHECK;

/* Parse an address without a port. Returns its family (AF_*), or 0. */
int ip_parse(struct slice text, uint8_t ret[16]) MUST_CHECK;

#endif
