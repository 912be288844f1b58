/* SPDX-License-Identifier: Apache-2.0 */
/* live_uring_io.c - reads, writes and messages through rings. */
#include "tests/driver/live_msg.h"
#include "tests/driver/raw_uring.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define BIG 200 /* more than the snap length */

/* Do a request with a buffer, a list of pieces or a message. */
static int
do_at(struct ring *r, uint8_t opcode, int fd, const void *at, unsigned len)
{
	return ring_do(r, &(struct io_uring_sqe){
			      .opcode = opcode, .fd = fd, .addr = (uintptr_t) at, .len = len });
}

static void
d_files(struct facts *f)
{
	char in[64], big[BIG];
	char first[] = "first", second[] = "second";
	struct iovec out[2] = { { first, 5 }, { second, 6 } },
		     into[2] = { { in, 3 }, { in + 3, 9 } };
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	struct ring r;

	memset(big, 'b', sizeof(big));
	ring_open(&r, 8, 0);
	f->n[0] = fd;
	f->n[1] = do_at(&r, IORING_OP_WRITEV, fd, out, 2);
	f->n[2] = do_at(&r, IORING_OP_READV, fd, into, 2);
	f->n[3] = do_at(&r, IORING_OP_READ, fd, in, sizeof(in));
	f->n[4] = do_at(&r, IORING_OP_WRITE, fd, big, sizeof(big));
	f->n[5] = do_at(&r, IORING_OP_READ, 4711, in, sizeof(in));
	f->n[6] = do_at(&r, IORING_OP_WRITE, 4711, "lost", 4);
}

static void
c_files(struct live *l)
{
	const struct ev_hdr *r = live_by_ring(l, EV_WRITEV, 0);
	const int64_t *n = l->f->n;
	char big[80];

	memset(big, 'b', sizeof(big));
	live_that(l, n[1] == 11 && n[2] == 11 && n[3] == 11 && n[4] == BIG, "the ring does it");
	live_num(l, r, "res", 11);
	live_num(l, r, "fd", n[0]);
	live_num(l, r, "size", 11);
	live_text(l, r, "data", "firstsecond");
	r = live_by_ring(l, EV_READV, 0);
	live_num(l, r, "res", 11);
	live_num(l, r, "fd", n[0]);
	live_num(l, r, "size", 12);
	live_text(l, r, "data", "fir"); /* the list of pieces may be gone when they are filled */
	live_that(l, r != NULL && (r->flags & EVF_CUT), "that is marked");
	r = live_by_ring(l, EV_READ, 0);
	live_num(l, r, "res", 11);
	live_num(l, r, "fd", n[0]);
	live_num(l, r, "size", 64);
	live_text(l, r, "data", "firstsecond");
	live_that(l, r != NULL && !(r->flags & EVF_CUT), "and nothing else is");
	r = live_by_ring(l, EV_WRITE, 0);
	live_num(l, r, "res", BIG);
	live_num(l, r, "size", BIG);
	live_bytes(l, r, "data", big, sizeof(big));
	r = live_by_ring(l, EV_READ, 1);
	live_num(l, r, "res", -EBADF);
	live_num(l, r, "fd", 4711);
	live_absent(l, r, "data");
	r = live_by_ring(l, EV_WRITE, 1);
	live_num(l, r, "res", -EBADF);
	live_text(l, r, "data", "lost");
}

/* s[i]: a tuple of two addresses. */
static void
note_ends(struct facts *f, unsigned i, const struct sockaddr_in *from, const struct sockaddr_in *to)
{
	const struct sockaddr_in *const ends[] = { from, to };
	char *at = f->s[i];

	*at++ = AF_INET;
	for (unsigned k = 0; k < 2; k++) {
		uint16_t port = ntohs(ends[k]->sin_port);

		memcpy(at, &ends[k]->sin_addr, 4);
		at[4] = (char) (port & 0xff);
		at[5] = (char) (port >> 8);
		at += 6;
	}
}

static int
bound(struct sockaddr_in *sa)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(*sa);

	*sa = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (bind(fd, (struct sockaddr *) sa, len) != 0 ||
	    getsockname(fd, (struct sockaddr *) sa, &len) != 0)
		_exit(1);
	return fd;
}

/* Datagrams of sockets without a connection: each names its peer. */
static void
d_datagrams(struct facts *f)
{
	char addressed[] = "by address", none[] = "none"; /* on the stack, which is resident */
	struct sockaddr_in a, b, c, from;
	int fa = bound(&a), fb = bound(&b), fc = bound(&c);
	char in[32];
	char text[] = "by header";
	struct iovec out = { text, 9 }, into = { in, sizeof(in) };
	struct msghdr m = {
		.msg_name = &c, .msg_namelen = sizeof(c), .msg_iov = &out, .msg_iovlen = 1
	};
	struct ring r;

	ring_open(&r, 8, 0);
	note_ends(f, 0, &a, &b);
	note_ends(f, 1, &a, &c);
	f->n[0] = fa;
	f->n[1] = fb;
	f->n[2] = fc;
	f->n[3] = ring_do(&r, &(struct io_uring_sqe){ .opcode = IORING_OP_SEND,
				  .fd = fa,
				  .addr = (uintptr_t) addressed,
				  .len = 10,
				  .addr2 = (uintptr_t) &b,
				  .addr_len = sizeof(b) });
	f->n[4] = do_at(&r, IORING_OP_SENDMSG, fa, &m, 1);
	f->n[5] = do_at(&r, IORING_OP_RECV, fb, in, 4);
	m = (struct msghdr){
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &into, .msg_iovlen = 1
	};
	f->n[6] = do_at(&r, IORING_OP_RECVMSG, fc, &m, 1);
	f->n[7] = do_at(&r, IORING_OP_SEND, 0, none, 4);
	f->n[8] = do_at(&r, IORING_OP_RECV, 0, in, 4);
}

static void
c_datagrams(struct live *l)
{
	const struct ev_hdr *r = live_by_ring(l, EV_SENDTO, 0);
	const int64_t *n = l->f->n;

	live_that(l, n[3] == 10 && n[4] == 9 && n[5] == 4 && n[6] == 9, "the ring does it");
	live_num(l, r, "res", 10);
	live_num(l, r, "fd", n[0]);
	live_num(l, r, "size", 10);
	live_text(l, r, "data", "by address");
	live_bytes(l, r, "tuple", l->f->s[0], 13);
	r = live_by_ring(l, EV_SENDMSG, 0);
	live_num(l, r, "res", 9);
	live_num(l, r, "fd", n[0]);
	live_num(l, r, "size", 9);
	live_text(l, r, "data", "by header");
	live_bytes(l, r, "tuple", l->f->s[1], 13);
	r = live_by_ring(l, EV_RECVFROM, 0);
	live_num(l, r, "res", 4);
	live_num(l, r, "fd", n[1]);
	live_num(l, r, "size", 4);
	live_text(l, r, "data", "by a");
	r = live_by_ring(l, EV_RECVMSG, 0);
	live_num(l, r, "res", 9);
	live_num(l, r, "fd", n[2]);
	live_num(l, r, "size", 32);
	live_text(l, r, "data", "by header");
	live_bytes(l, r, "tuple", l->f->s[1], 13);
	r = live_by_ring(l, EV_SENDTO, 1);
	live_num(l, r, "res", n[7]);
	live_num(l, r, "res", -ENOTSOCK);
	live_text(l, r, "data", "none");
	live_absent(l, r, "tuple");
	r = live_by_ring(l, EV_RECVFROM, 1);
	live_num(l, r, "res", n[8]);
	live_absent(l, r, "data");
}

/* A descriptor that is passed. */
static void
d_passed(struct facts *f)
{
	struct passing p;
	struct msghdr m;
	struct ring r;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		_exit(1);
	m = msg_passing(&p, &pair[0], 1);
	ring_open(&r, 8, 0);
	f->n[0] = do_at(&r, IORING_OP_SENDMSG, pair[0], &m, 1);
	memset(&p.u, 0, sizeof(p.u));
	f->n[1] = do_at(&r, IORING_OP_RECVMSG, pair[1], &m, 1);
	f->n[2] = (int64_t) m.msg_controllen;
	memcpy(f->s[0], &p.u, sizeof(p.u));
}

static void
c_passed(struct live *l)
{
	const struct ev_hdr *r = live_by_ring(l, EV_RECVMSG, 0);

	live_that(l, l->f->n[0] == 1 && l->f->n[1] == 1, "the ring passes it");
	live_num(l, r, "res", 1);
	live_text(l, r, "data", "x");
	live_bytes(l, r, "msgcontrol", l->f->s[0], (size_t) l->f->n[2]);
}

const struct live_case uring_io_cases[] = {
	{ "io_uring: reads and writes", d_files, c_files, NULL },
	{ "io_uring: datagrams", d_datagrams, c_datagrams, NULL },
	{ "io_uring: a descriptor that is passed", d_passed, c_passed, NULL },
	{ NULL, NULL, NULL, NULL },
};

/* Only the state wants messages: of those through a ring, received descriptors. */
static void
c_passed_lean(struct live *l)
{
	const struct ev_hdr *r = live_by_ring(l, EV_RECVMSG, 0);

	live_bytes(l, r, "msgcontrol", l->f->s[0], (size_t) l->f->n[2]);
	live_absent(l, r, "data");
	live_that(l, live_count(l, EV_SENDMSG) == 0, "its sending is not captured");
}

static void
c_none(struct live *l)
{
	live_that(l, l->f->n[3] == 10, "the ring does it");
	live_that(
	    l, live_count(l, EV_SENDTO) + live_count(l, EV_SENDMSG) == 0, "nothing is captured");
	live_that(l, live_count(l, EV_RECVFROM) + live_count(l, EV_RECVMSG) == 0, "nothing at all");
}

static void
c_no_files(struct live *l)
{
	live_that(l, l->f->n[1] == 11, "the ring does it");
	live_that(l, live_count(l, EV_READ) + live_count(l, EV_WRITE) == 0, "nothing is captured");
	live_that(l, live_count(l, EV_READV) + live_count(l, EV_WRITEV) == 0, "nothing at all");
}

void
live_uring_lean(struct live *l)
{
	static const uint16_t messages[] = { EV_SENDTO, EV_SENDMSG, EV_RECVFROM, EV_RECVMSG },
			      harness[] = { EV_CLONE, EV_CLONE3, EV_FORK, EV_VFORK, EV_PROCEXIT,
				      EV_CLOSE_RANGE };
	static const struct live_case
	    passed = { "io_uring: a descriptor that is passed, for the state", d_passed,
		    c_passed_lean, NULL },
	    datagrams = { "io_uring: datagrams that no rule wants", d_datagrams, c_none, NULL },
	    files = { "io_uring: files that no rule wants", d_files, c_no_files, NULL };
	struct interest in = { .lean = { 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(harness); i++)
		event_set_add(&in.events, harness[i]);
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		event_set_add(&in.events, messages[i]);
		in.lean[messages[i] / 64] |= 1ULL << (messages[i] % 64);
	}
	(void) source_bpf.set_interest(l->st, &in);
	live_run(l, &passed);
	live_run(l, &datagrams);
	live_run(l, &files);
	live_all(l->st);
}
