/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_msg.h - messages between datagram sockets, for tests of calls that send and receive them.
 */
#ifndef MEWS_TESTS_DRIVER_LIVE_MSG_H
#define MEWS_TESTS_DRIVER_LIVE_MSG_H

#include "tests/driver/live_rows.h"
#include <netinet/in.h>
#include <sys/socket.h>

/* Two sockets on loopback and their addresses. */
struct datagrams {
	int fd, at;
	struct sockaddr_in from, to;
};

/* Make both; exits the process on failure. */
struct datagrams datagrams(void);

/* Pass a message header as an argument: its address, the pieces of its text, its control data. */
int64_t msg_header(struct facts *f, int64_t name, size_t len, const char *const *text,
    int64_t control, size_t room);

/* A message with descriptors, with its own memory. */
struct passing {
	union {
		struct cmsghdr c;
		char room[CMSG_SPACE(8 * sizeof(int))];
	} u;
	struct iovec v;
	char byte;
	size_t n;
};

/* Make the message that passes n descriptors, at most 8, and the byte 'x'. It receives them, too.
 */
struct msghdr msg_passing(struct passing *p, const int *fd, size_t n);

/* The tuple of such sockets for WANT(). */
const char *msg_tuple(const struct sockaddr_in *from, const struct sockaddr_in *to);

#endif
