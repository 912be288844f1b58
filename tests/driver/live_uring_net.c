/* SPDX-License-Identifier: Apache-2.0 */
/* live_uring_net.c - sockets through rings. */
#include "proto/names.h"
#include "tests/driver/live.h"
#include "tests/driver/raw_uring.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Put an address and its port at 'to' as a record holds them. */
static size_t
put_end(char *to, const struct sockaddr_in *sa)
{
	uint16_t port = ntohs(sa->sin_port);

	memcpy(to, &sa->sin_addr, 4);
	to[4] = (char) (port & 0xff);
	to[5] = (char) (port >> 8);
	return 6;
}

/* s[i]: both ends of a connected socket as a tuple, from here to the peer or the other way. */
static void
note_tuple(struct facts *f, unsigned i, int fd, bool inbound)
{
	struct sockaddr_in me, peer;
	socklen_t len = sizeof(me), len2 = sizeof(peer);

	if (getsockname(fd, (struct sockaddr *) &me, &len) != 0 ||
	    getpeername(fd, (struct sockaddr *) &peer, &len2) != 0)
		_exit(1);
	f->s[i][0] = AF_INET;
	(void) put_end(f->s[i] + 1, inbound ? &peer : &me);
	(void) put_end(f->s[i] + 7, inbound ? &me : &peer);
}

/* A listening TCP socket; its address. */
static int
listen_at(struct sockaddr_in *sa)
{
	int server = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(*sa);

	*sa = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (bind(server, (struct sockaddr *) sa, len) != 0 || listen(server, 4) != 0 ||
	    getsockname(server, (struct sockaddr *) sa, &len) != 0)
		_exit(1);
	return server;
}

static void
d_net(struct facts *f)
{
	struct sockaddr_in sa;
	int server = listen_at(&sa);
	struct ring r;

	ring_open(&r, 8, 0);
	f->n[0] = server;
	f->n[1] = ring_do(&r, &(struct io_uring_sqe){ .opcode = IORING_OP_SOCKET,
				  .fd = AF_INET,
				  .off = SOCK_STREAM | SOCK_CLOEXEC,
				  .len = 0 });
	f->n[2] = ring_do(&r, &(struct io_uring_sqe){ .opcode = IORING_OP_CONNECT,
				  .fd = (int) f->n[1],
				  .addr = (uintptr_t) &sa,
				  .off = sizeof(sa) });
	f->n[3] = ring_do(
	    &r, &(struct io_uring_sqe){
		    .opcode = IORING_OP_ACCEPT, .fd = server, .accept_flags = SOCK_CLOEXEC });
	note_tuple(f, 0, (int) f->n[1], false);
	note_tuple(f, 1, (int) f->n[3], true);
	f->s[2][0] = AF_INET;
	(void) put_end(f->s[2] + 1, &sa);
	f->n[4] =
	    ring_do(&r, &(struct io_uring_sqe){
			    .opcode = IORING_OP_SHUTDOWN, .fd = (int) f->n[1], .len = SHUT_RDWR });
	close(server);
	f->n[5] = socket(AF_INET, SOCK_STREAM, 0);
	f->n[6] = ring_do(&r, &(struct io_uring_sqe){ .opcode = IORING_OP_CONNECT,
				  .fd = (int) f->n[5],
				  .addr = (uintptr_t) &sa,
				  .off = sizeof(sa) });
}

static void
c_net(struct live *l)
{
	const struct ev_hdr *r = live_by_ring(l, EV_SOCKET, 0);

	live_that(l, l->f->n[1] >= 0 && l->f->n[3] >= 0, "the ring makes sockets");
	live_num(l, r, "fd", l->f->n[1]);
	live_num(l, r, "domain", NV_socket_domain_AF_INET);
	live_num(l, r, "type", SOCK_STREAM);
	live_num(l, r, "proto", 0);
	live_num(l, r, "flags", NV_fd_flags_O_CLOEXEC);
	r = live_by_ring(l, EV_CONNECT, 0);
	live_num(l, r, "res", l->f->n[2]);
	live_num(l, r, "fd", l->f->n[1]);
	live_bytes(l, r, "tuple", l->f->s[0], 13);
	live_bytes(l, r, "addr", l->f->s[2], 7);
	r = live_by_ring(l, EV_ACCEPT4, 0);
	live_num(l, r, "fd", l->f->n[3]);
	live_bytes(l, r, "tuple", l->f->s[1], 13);
	live_num(l, r, "queuemax", 4);
	live_num(l, r, "flags", NV_fd_flags_O_CLOEXEC);
	r = live_by_ring(l, EV_SHUTDOWN, 0);
	live_num(l, r, "res", 0);
	live_num(l, r, "fd", l->f->n[1]);
	live_num(l, r, "how", NV_shutdown_how_SHUT_RDWR);
	r = live_by_ring(l, EV_CONNECT, 1);
	live_num(l, r, "res", -ECONNREFUSED);
	live_num(l, r, "fd", l->f->n[5]);
	live_absent(l, r, "tuple");
	live_bytes(l, r, "addr", l->f->s[2], 7);
}

/* bind and listen exist since 6.11. */
static void
d_bind(struct facts *f)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct ring r;

	ring_open(&r, 8, 0);
	f->s[0][0] = AF_INET;
	(void) put_end(f->s[0] + 1, &sa);
	f->n[0] = fd;
	f->n[1] = ring_do(&r,
	    &(struct io_uring_sqe){
		.opcode = RING_OP_BIND, .fd = fd, .addr = (uintptr_t) &sa, .addr2 = sizeof(sa) });
	f->n[2] =
	    ring_do(&r, &(struct io_uring_sqe){ .opcode = RING_OP_LISTEN, .fd = fd, .len = 7 });
	f->n[3] =
	    ring_do(&r, &(struct io_uring_sqe){ .opcode = RING_OP_LISTEN, .fd = 0, .len = 7 });
}

static void
c_bind(struct live *l)
{
	const struct ev_hdr *r;

	if (l->f->n[1] == -EINVAL)
		return; /* this kernel does not have it */
	r = live_by_ring(l, EV_BIND, 0);
	live_num(l, r, "res", l->f->n[1]);
	live_num(l, r, "fd", l->f->n[0]);
	live_bytes(l, r, "addr", l->f->s[0], 7);
	r = live_by_ring(l, EV_LISTEN, 0);
	live_num(l, r, "res", 0);
	live_num(l, r, "fd", l->f->n[0]);
	live_num(l, r, "backlog", 7);
	r = live_by_ring(l, EV_LISTEN, 1);
	live_num(l, r, "res", -ENOTSOCK);
	live_num(l, r, "fd", 0);
}

/* One request takes several connections (since 5.19); its completions are without a request, and
 * name it since 6.15 only. */
static void
d_multishot(struct facts *f)
{
	struct sockaddr_in sa;
	int server = listen_at(&sa);
	struct ring r;

	ring_open(&r, 8, 0);
	ring_put(&r, &(struct io_uring_sqe){ .opcode = IORING_OP_ACCEPT,
			 .fd = server,
			 .ioprio = IORING_ACCEPT_MULTISHOT,
			 .user_data = 77 });
	ring_enter(&r, 1, 0);
	for (unsigned i = 0; i < 2; i++) {
		if (connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *) &sa, sizeof(sa)) !=
		    0)
			_exit(1);
		f->n[i] = ring_result(&r);
		note_tuple(f, i, (int) f->n[i], true);
	}
}

static void
c_multishot(struct live *l)
{
	struct utsname u;
	unsigned major = 0, minor = 0;

	(void) uname(&u);
	/* NOLINTNEXTLINE(cert-err34-c): the kernel's format */
	if (sscanf(u.release, "%u.%u", &major, &minor) != 2 || major * 1000 + minor < 6015)
		return;
	for (unsigned i = 0; i < 2; i++) {
		const struct ev_hdr *r = live_by_ring(l, EV_ACCEPT4, i);

		live_num(l, r, "fd", l->f->n[i]);
		live_bytes(l, r, "tuple", l->f->s[i], 13);
	}
}

const struct live_case uring_net_cases[] = {
	{ "io_uring: sockets", d_net, c_net, NULL },
	{ "io_uring: bind and listen", d_bind, c_bind, NULL },
	{ "io_uring: one accept for many", d_multishot, c_multishot, NULL },
	{ NULL, NULL, NULL, NULL },
};
