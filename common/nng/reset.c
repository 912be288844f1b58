/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NNG's error for EPIPE is NNG_ECLOSED, which NNG 1.5.2 takes for the end of the listener while a
 * connection is negotiated: it accepts nobody any more. A peer that resets its connection when the
 * greeting is sent would cause it. sendmsg() is the C library's, so this holds in both ways and
 * with every version.
 */
#include "common/nng/reset.h"
#include <errno.h>

ssize_t __real_sendmsg(int fd, const struct msghdr *m, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags);

ssize_t
reset_sendmsg(int fd, const struct msghdr *m, int flags)
{
	ssize_t n = __real_sendmsg(fd, m, flags);

	if (n < 0 && errno == EPIPE)
		errno = ECONNRESET;
	return n;
}

/* Weak: a test has its own. */
ssize_t __attribute__((weak)) __wrap_sendmsg(int fd, const struct msghdr *m, int flags)
{
	return reset_sendmsg(fd, m, flags);
}
