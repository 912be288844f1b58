/* SPDX-License-Identifier: Apache-2.0 */
/* live_option.c - setsockopt and getsockopt. */
#include "tests/driver/live_rows.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A value as stored: its kind, then 'n' bytes. */
static const char *
value(char kind, const void *p, size_t n)
{
	char bytes[64] = { kind };

	memcpy(bytes + 1, p, n);
	return live_hex(bytes, 1 + n);
}

static const char *
number(char kind, int64_t v, size_t n)
{
	return value(kind, &v, n);
}

static int
tcp_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		_exit(1);
	return fd;
}

static int64_t
word(struct facts *f, int v)
{
	return live_mem(f, &v, sizeof(v));
}

static void
t_setsockopt(struct facts *f)
{
	static const int64_t limit[2] = { 5, 7 };
	int fd = tcp_socket();
	size_t old = live_wide() ? 16 : 8;

	(void) CALL(f, "setsockopt", fd, SOL_SOCKET, SO_REUSEADDR, word(f, 1), 4);
	WANT(f, "fd=%d level=SOL_SOCKET optname=SO_REUSEADDR val=%s optlen=4", fd, number(2, 1, 4));
	(void) CALL(f, "setsockopt", fd, SOL_SOCKET, SO_RCVTIMEO,
	    live_wide() ? live_mem(f, limit, old) : live_words(f, limit, 2), (int64_t) old);
	WANT(f, "fd=%d level=SOL_SOCKET optname=SO_RCVTIMEO val=%s optlen=%zu", fd,
	    number(4, 5000007000, 8), old);
	(void) CALL(f, "setsockopt", fd, SOL_SOCKET, 67, live_mem(f, limit, 16), 16);
	WANT(f, "fd=%d level=SOL_SOCKET optname=UNKNOWN val=%s optlen=16", fd,
	    number(4, 5000007000, 8)); /* SO_SNDTIMEO_NEW */
	(void) CALL(f, "setsockopt", fd, SOL_SOCKET, SO_BINDTODEVICE, live_str(f, "lo"), 2);
	WANT(f, "fd=%d level=SOL_SOCKET optname=SO_BINDTODEVICE val=%s optlen=2", fd,
	    value(0, "lo", 2));
	(void) CALL(f, "setsockopt", fd, IPPROTO_TCP, TCP_NODELAY, word(f, 1), 4);
	WANT(f, "fd=%d level=SOL_TCP optname=UNKNOWN val=%s optlen=4", fd, number(0, 1, 4));
	(void) CALL(f, "setsockopt", 4711, IPPROTO_IP, IP_TTL, word(f, 7), 4);
	WANT(f, "fd=4711 level=UNKNOWN optname=UNKNOWN val=%s optlen=4", number(0, 7, 4));
}

/* The error of a connection that nobody accepted. */
static int
refused(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int bound = tcp_socket(), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	socklen_t len = sizeof(to);

	if (bind(bound, (struct sockaddr *) &to, len) != 0 ||
	    getsockname(bound, (struct sockaddr *) &to, &len) != 0)
		_exit(1);
	(void) connect(fd, (struct sockaddr *) &to, len);
	return fd;
}

static void
t_getsockopt(struct facts *f)
{
	int64_t room = live_mem(f, (char[64]){ 0 }, 64), len = word(f, 64);
	int fd = refused(), on = 1;

	(void) CALL(f, "getsockopt", fd, SOL_SOCKET, SO_ERROR, room, len);
	WANT(f, "fd=%d level=SOL_SOCKET optname=SO_ERROR val=%s optlen=4", fd,
	    number(1, -ECONNREFUSED, 8));
	if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) != 0)
		_exit(1);
	(void) CALL(f, "getsockopt", fd, SOL_SOCKET, SO_KEEPALIVE, live_mem(f, (char[8]){ 0 }, 8),
	    word(f, 8));
	WANT(f, "fd=%d level=SOL_SOCKET optname=SO_KEEPALIVE val=%s optlen=4", fd, number(2, 1, 4));
	(void) CALL(f, "getsockopt", 4711, SOL_SOCKET, SO_TYPE, room, word(f, 9));
	WANT(f, "fd=4711 level=SOL_SOCKET optname=SO_TYPE val=- optlen=9");
}

const struct live_row option_rows[] = {
	LIVE_ROW(setsockopt),
	LIVE_ROW(getsockopt),
	{ .name = NULL },
};
