/* SPDX-License-Identifier: Apache-2.0 */
/* reset.h - send, and report a peer that has gone in one way. */
#ifndef MEWS_COMMON_NNG_RESET_H
#define MEWS_COMMON_NNG_RESET_H

#include <sys/socket.h>

/* sendmsg() of the C library, with ECONNRESET in place of EPIPE. The program's own sendmsg() is
 * this one (--wrap, cmake/nng.cmake). Any thread. */
ssize_t reset_sendmsg(int fd, const struct msghdr *m, int flags);

#endif
