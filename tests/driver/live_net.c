/* SPDX-License-Identifier: Apache-2.0 */
/* live_net.c - bind; connect: the requested address, and the resulting tuple. */
#include "tests/driver/live_rows.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

/* A listening socket on a free port of loopback; its address in 'sa'. */
static int
listener(int family, struct sockaddr_storage *sa, socklen_t *len)
{
	int fd = socket(family, SOCK_STREAM, 0);

	memset(sa, 0, sizeof(*sa));
	sa->ss_family = (sa_family_t) family;
	*len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	if (family == AF_INET)
		((struct sockaddr_in *) sa)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		((struct sockaddr_in6 *) sa)->sin6_addr = in6addr_loopback;
	if (bind(fd, (struct sockaddr *) sa, *len) != 0 || listen(fd, 4) != 0 ||
	    getsockname(fd, (struct sockaddr *) sa, len) != 0)
		_exit(1);
	return fd;
}

/* Encode an address and its port as a record holds them, from a sockaddr. */
static size_t
put_end(char *to, const struct sockaddr_storage *sa)
{
	const struct sockaddr_in *v4 = (const void *) sa;
	const struct sockaddr_in6 *v6 = (const void *) sa;
	size_t n = sa->ss_family == AF_INET ? 4 : 16;
	uint16_t port = ntohs(sa->ss_family == AF_INET ? v4->sin_port : v6->sin6_port);

	memcpy(to, n == 4 ? (const void *) &v4->sin_addr : (const void *) &v6->sin6_addr, n);
	to[n] = (char) (port & 0xff);
	to[n + 1] = (char) (port >> 8);
	return n + 2;
}

/* s[0]: the tuple, s[1]: the address, as expected in records; n[2], n[3]: their lengths. */
static void
note_connection(struct facts *f, int fd, const struct sockaddr_storage *peer)
{
	struct sockaddr_storage me;
	socklen_t len = sizeof(me);
	size_t n = 1;

	if (getsockname(fd, (struct sockaddr *) &me, &len) != 0)
		_exit(1);
	f->s[0][0] = f->s[1][0] = (char) peer->ss_family;
	n += put_end(f->s[0] + n, &me);
	n += put_end(f->s[0] + n, peer);
	f->n[2] = (int64_t) n;
	f->n[3] = 1 + (int64_t) put_end(f->s[1] + 1, peer);
}

static void
t_connect(struct facts *f)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct sockaddr_storage sa;
	const char *addr;
	socklen_t len;
	int fd, on;

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		on = listener(families[i], &sa, &len);
		fd = socket(families[i], SOCK_STREAM, 0);
		(void) CALL(f, "connect", fd, live_mem(f, &sa, len), len);
		note_connection(f, fd, &sa);
		addr = live_hex(f->s[1], (size_t) f->n[3]);
		WANT(f, "fd=%d addr=%s tuple=%s", fd, addr, live_hex(f->s[0], (size_t) f->n[2]));
		(void) close(on);
		fd = socket(families[i], SOCK_STREAM, 0);
		(void) CALL(f, "connect", fd, live_mem(f, &sa, len), len); /* refused */
		WANT(f, "fd=%d addr=%s tuple=-", fd, addr);
	}
	(void) CALL(f, "connect", 4711, live_mem(f, &sa, len), len);
	WANT(f, "fd=4711 addr=%s tuple=-", addr);
	fd = open("/dev/null", O_RDONLY); /* not a socket */
	(void) CALL(f, "connect", fd, live_mem(f, &sa, len), len);
	WANT(f, "fd=%d addr=%s tuple=-", fd, addr);
}

static void
t_bind(struct facts *f)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "here" };
	static const char end[] = { AF_INET, 127, 0, 0, 1, 0, 0 };
	static const char name[] = { AF_UNIX, 'h', 'e', 'r', 'e' };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void) CALL(f, "bind", fd, live_mem(f, &sa, sizeof(sa)), sizeof(sa));
	WANT(f, "fd=%d addr=%s", fd, live_hex(end, sizeof(end)));
	(void) CALL(f, "bind", 4713, live_mem(f, &sa, sizeof(sa)), sizeof(sa));
	WANT(f, "fd=4713 addr=%s", live_hex(end, sizeof(end)));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	(void) CALL(f, "bind", fd, live_mem(f, &un, sizeof(un)), sizeof(un));
	WANT(f, "fd=%d addr=%s", fd, live_hex(name, sizeof(name)));
	(void) CALL(f, "bind", fd, live_mem(f, &sa, sizeof(sa)), 0); /* no address at all */
	WANT(f, "fd=%d addr=-", fd);
}

/* A tuple in hexadecimal: from the first end to the second. */
static const char *
tuple(const struct sockaddr_storage *from, const struct sockaddr_storage *to)
{
	char bytes[64];
	size_t n = 1;

	bytes[0] = (char) from->ss_family;
	n += put_end(bytes + n, from);
	n += put_end(bytes + n, to);
	return live_hex(bytes, n);
}

static struct sockaddr_storage
end_of(int fd)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *) &sa, &len) != 0)
		_exit(1);
	return sa;
}

/* A socket of this machine, and its address. */
static int
on_loopback(int family, int type, struct sockaddr_storage *sa)
{
	int fd = socket(family, type, 0);

	memset(sa, 0, sizeof(*sa));
	sa->ss_family = (sa_family_t) family;
	if (family == AF_INET)
		((struct sockaddr_in *) sa)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		((struct sockaddr_in6 *) sa)->sin6_addr = in6addr_loopback;
	if (bind(fd, (struct sockaddr *) sa, sizeof(*sa)) != 0)
		_exit(1);
	*sa = end_of(fd);
	return fd;
}

static void
accept_one(struct facts *f, const char *call, const char *also)
{
	struct sockaddr_storage server, client;
	int fd = on_loopback(AF_INET, SOCK_STREAM, &server), c[2];

	if (listen(fd, 7) != 0)
		_exit(1);
	for (size_t i = 0; i < 2; i++) {
		c[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(c[i], (struct sockaddr *) &server, sizeof(server)) != 0)
			_exit(1);
	}
	client = end_of(c[0]);
	(void) CALL(f, call, fd, 0, 0, SOCK_CLOEXEC);
	WANT(f, "tuple=%s queuepct=14 queuelen=1 queuemax=7%s", tuple(&client, &server), also);
	(void) CALL(f, call, 4711, 0, 0, SOCK_CLOEXEC);
	WANT(f, "tuple=- queuepct=0 queuelen=0 queuemax=0%s", also);
}

static void
t_accept(struct facts *f)
{
	accept_one(f, "accept", "");
}

static void
t_accept4(struct facts *f)
{
	accept_one(f, "accept4", " flags=O_CLOEXEC");
}

static void
t_sendto(struct facts *f)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct sockaddr_storage from, to;

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		int fd = on_loopback(families[i], SOCK_DGRAM, &from);

		(void) on_loopback(families[i], SOCK_DGRAM, &to);
		(void) CALL(f, "sendto", fd, live_str(f, "some-data"), 4, 0,
		    live_mem(f, &to, sizeof(to)), sizeof(to));
		WANT(f, "data=some fd=%d size=4 tuple=%s", fd, tuple(&from, &to));
		if (connect(fd, (struct sockaddr *) &to, sizeof(to)) != 0)
			_exit(1);
		(void) CALL(f, "sendto", fd, live_str(f, "more"), 4, 0, 0, 0);
		WANT(f, "data=more fd=%d size=4 tuple=%s", fd, tuple(&from, &to));
	}
	{ /* no family, which the kernel takes for IPv4 */
		int fd = on_loopback(AF_INET, SOCK_DGRAM, &from);
		struct sockaddr_storage any;

		(void) on_loopback(AF_INET, SOCK_DGRAM, &to);
		any = to;
		any.ss_family = AF_UNSPEC;
		(void) CALL(f, "sendto", fd, live_str(f, "some-data"), 4, 0,
		    live_mem(f, &any, sizeof(any)), sizeof(struct sockaddr_in));
		WANT(f, "data=some fd=%d size=4 tuple=%s", fd, tuple(&from, &to));
	}
	(void) CALL(f, "sendto", 4711, live_str(f, "none"), 4, 0, 0, 0);
	WANT(f, "data=none fd=4711 size=4 tuple=-");
}

static void
t_recvfrom(struct facts *f)
{
	struct sockaddr_storage from, to, other = { .ss_family = AF_INET };
	int fd = on_loopback(AF_INET, SOCK_DGRAM, &from), at;
	socklen_t len = sizeof(from);

	at = on_loopback(AF_INET, SOCK_DGRAM, &to);
	if (sendto(fd, "hello", 5, 0, (struct sockaddr *) &to, sizeof(to)) != 5)
		_exit(1);
	(void) CALL(f, "recvfrom", at, live_str(f, "..........."), 10, 0,
	    live_mem(f, &to, sizeof(to)), live_mem(f, &len, sizeof(len)));
	WANT(f, "data=hello tuple=%s fd=%d size=10", tuple(&from, &to), at);
	(void) CALL(f, "recvfrom", at, live_str(f, "..........."), 10, MSG_DONTWAIT, 0, 0);
	WANT(f, "data= tuple=- fd=%d size=10", at);
	/* On a connected socket the kernel returns no name: ignore the contents of the buffer. */
	fd = on_loopback(AF_INET, SOCK_STREAM, &to);
	at = socket(AF_INET, SOCK_STREAM, 0);
	if (listen(fd, 1) != 0 || connect(at, (struct sockaddr *) &to, sizeof(to)) != 0)
		_exit(1);
	from = end_of(at);
	fd = accept(fd, NULL, NULL);
	if (send(at, "bye", 3, 0) != 3)
		_exit(1);
	((struct sockaddr_in *) &other)->sin_addr.s_addr = htonl(0x08080808);
	(void) CALL(f, "recvfrom", fd, live_str(f, "..........."), 10, 0,
	    live_mem(f, &other, sizeof(other)), live_mem(f, &len, sizeof(len)));
	WANT(f, "data=bye tuple=%s fd=%d size=10", tuple(&from, &to), fd);
}

const struct live_row net_rows[] = {
	LIVE_ROW(bind),
	LIVE_ROW(connect),
	LIVE_ROW(accept),
	LIVE_ROW(accept4),
	LIVE_ROW(sendto),
	LIVE_ROW(recvfrom),
	{ .name = NULL },
};

static void
c_inet(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_CONNECT, 0);

	live_that(l, l->f->n[0] == 0, "it connected");
	live_num(l, r, "res", 0);
	live_bytes(l, r, "tuple", l->f->s[0], (size_t) l->f->n[2]);
	live_num(l, r, "fd", l->f->n[1]);
	live_bytes(l, r, "addr", l->f->s[1], (size_t) l->f->n[3]);
}

static void
d_unreadable(struct facts *f)
{
	f->n[1] = socket(AF_INET, SOCK_STREAM, 0);
	(void) syscall(SYS_connect, f->n[1], (void *) 8, sizeof(struct sockaddr_in));
}

static void
c_unreadable(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_CONNECT, 0);

	live_num(l, r, "res", -EFAULT);
	live_num(l, r, "fd", l->f->n[1]);
	live_absent(l, r, "addr");
	live_absent(l, r, "tuple");
}

/* A connect that is not answered, because the backlog is full, is in progress. */
static void
d_in_progress(struct facts *f)
{
	struct sockaddr_storage sa;
	socklen_t len;

	(void) listener(AF_INET, &sa, &len);
	for (int i = 0; i < 16; i++) {
		f->n[1] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		f->n[0] = syscall(SYS_connect, f->n[1], &sa, len) == 0 ? 0 : -errno;
		note_connection(f, (int) f->n[1], &sa);
	}
}

static void
c_in_progress(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_CONNECT, 15);

	live_num(l, r, "res", -EINPROGRESS);
	live_bytes(l, r, "tuple", l->f->s[0], (size_t) l->f->n[2]);
	live_num(l, r, "fd", l->f->n[1]);
	live_bytes(l, r, "addr", l->f->s[1], (size_t) l->f->n[3]);
}

static void
d_datagram(struct facts *f)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons(5353),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_storage peer;

	memset(&peer, 0, sizeof(peer));
	memcpy(&peer, &sa, sizeof(sa));
	f->n[1] = socket(AF_INET, SOCK_DGRAM, 0);
	f->n[0] = syscall(SYS_connect, f->n[1], &sa, sizeof(sa));
	note_connection(f, (int) f->n[1], &peer);
}

static void
d_unix(struct facts *f)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void) snprintf(sa.sun_path, sizeof(sa.sun_path), "%.64s/sock", f->dir);
	(void) snprintf(f->s[1], sizeof(f->s[1]), "%s", sa.sun_path);
	if (bind(fd, (struct sockaddr *) &sa, sizeof(sa)) != 0 || listen(fd, 4) != 0)
		_exit(1);
	f->n[1] = socket(AF_UNIX, SOCK_STREAM, 0);
	f->n[0] = syscall(SYS_connect, f->n[1], &sa, sizeof(sa));
	memset(&sa.sun_path, 0, sizeof(sa.sun_path));
	(void) snprintf(sa.sun_path + 1, sizeof(sa.sun_path) - 1, "abstract");
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	(void) syscall(SYS_connect, fd, &sa, offsetof(struct sockaddr_un, sun_path) + 9);
}

static void
c_unix(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_CONNECT, 0);
	struct slice t = { NULL, 0 };
	char want[256] = { AF_UNIX };
	size_t n = strlen(l->f->s[1]);

	live_num(l, r, "res", 0);
	live_num(l, r, "fd", l->f->n[1]);
	memcpy(want + 1, l->f->s[1], n);
	live_bytes(l, r, "addr", want, n + 1);
	if (r != NULL)
		t = record_text(r, schema_get(EV_CONNECT), EVP_CONNECT_tuple);
	live_that(l, t.n == 17 + n && t.p[0] == AF_UNIX && memcmp(t.p + 17, l->f->s[1], n) == 0,
	    "the tuple ends with the path");
	live_that(l, t.n > 17 && memcmp(t.p + 1, t.p + 9, 8) != 0, "the two ends differ");
	r = live_rec(l, EV_CONNECT, 1);
	live_num(l, r, "res", -ECONNREFUSED);
	live_text(l, r, "addr", "\001abstract");
}

/* The address is in a page that was not touched. */
static void
d_not_resident(struct facts *f)
{
	struct sockaddr_storage sa;
	socklen_t len;
	void *p;

	(void) listener(AF_INET, &sa, &len);
	p = live_cold(&sa, len);
	f->n[1] = socket(AF_INET, SOCK_STREAM, 0);
	f->n[0] = syscall(SYS_connect, f->n[1], p, len);
	note_connection(f, (int) f->n[1], &sa);
}

static void
c_not_resident(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_CONNECT, 0);

	c_inet(l);
	live_that(l, r != NULL && (r->flags & EVF_REREAD), "it was read at exit, and says so");
}

/* A message that connects: TCP Fast Open. */
static void
d_fast_open(struct facts *f)
{
	struct sockaddr_storage sa;
	struct iovec v = { f->s[4], 4 };
	struct msghdr m = { .msg_name = &sa, .msg_iov = &v, .msg_iovlen = 1 };
	socklen_t len;

	(void) listener(AF_INET, &sa, &len);
	m.msg_namelen = len;
	f->n[1] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	f->n[0] =
	    sendto((int) f->n[1], "fast", 4, MSG_FASTOPEN, (void *) &sa, len) < 0 ? -errno : 4;
	note_connection(f, (int) f->n[1], &sa);
	f->n[5] = socket(AF_INET, SOCK_STREAM, 0);
	f->n[4] = sendmsg((int) f->n[5], &m, MSG_FASTOPEN);
}

static void
c_fast_open(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_CONNECT, 0);

	live_that(l, l->f->n[0] == -EINPROGRESS, "there was no cookie");
	live_num(l, r, "res", -EINPROGRESS);
	live_bytes(l, r, "tuple", l->f->s[0], (size_t) l->f->n[2]);
	live_num(l, r, "fd", l->f->n[1]);
	live_bytes(l, r, "addr", l->f->s[1], (size_t) l->f->n[3]);
	r = live_rec(l, EV_SENDTO, 0);
	live_num(l, r, "res", -EINPROGRESS);
	live_bytes(l, r, "tuple", l->f->s[0], (size_t) l->f->n[2]);
	r = live_rec(l, EV_CONNECT, 1);
	live_num(l, r, "res", 0);
	live_num(l, r, "fd", l->f->n[5]);
	live_bytes(l, r, "addr", l->f->s[1], (size_t) l->f->n[3]);
	r = live_rec(l, EV_SENDMSG, 0);
	live_num(l, r, "res", l->f->n[4]);
	live_that(l, live_count(l, EV_CONNECT) == 2, "two connections");
}

const struct live_case net_cases[] = {
	{ "sendto and sendmsg, TCP Fast Open", d_fast_open, c_fast_open, NULL },
	{ "connect, an address that cannot be read", d_unreadable, c_unreadable, NULL },
	{ "connect, in progress", d_in_progress, c_in_progress, NULL },
	{ "connect, a datagram socket", d_datagram, c_inet, NULL },
	{ "connect, a local socket", d_unix, c_unix, NULL },
	{ "connect, an address that is not resident", d_not_resident, c_not_resident, NULL },
	{ NULL, NULL, NULL, NULL },
};
