/* SPDX-License-Identifier: Apache-2.0 */
/* live_msg.c - messages in several pieces, pairs of sockets: sendmsg, recvmsg, socketpair... */
#include "tests/driver/live_msg.h"
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Build a list of struct iovec, for texts up to a NULL. */
static int64_t
pieces(struct facts *f, const char *const *text, size_t *n)
{
	int64_t at[8][2];

	for (*n = 0; text[*n] != NULL; ++*n) {
		at[*n][0] = live_str(f, text[*n]);
		at[*n][1] = (int64_t) strlen(text[*n]);
	}
	return live_words(f, at[0], 2 * *n);
}

int64_t
msg_header(struct facts *f, int64_t name, size_t len, const char *const *text, int64_t control,
    size_t room)
{
	size_t n;
	int64_t iov = pieces(f, text, &n);

	return live_words(f,
	    (const int64_t[7]){ name, (int64_t) len, iov, (int64_t) n, control, (int64_t) room, 0 },
	    7);
}

struct msghdr
msg_passing(struct passing *p, const int *fd, size_t n)
{
	p->u.c = (struct cmsghdr){ CMSG_LEN(n * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(&p->u.c), fd, n * sizeof(int));
	p->byte = 'x';
	p->v = (struct iovec){ &p->byte, 1 };
	p->n = n;
	return (struct msghdr){ .msg_iov = &p->v,
		.msg_iovlen = 1,
		.msg_control = &p->u,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };
}

static struct sockaddr_in
loopback(int fd)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t len = sizeof(sa);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *) &sa, sizeof(sa)) != 0 ||
	    getsockname(fd, (struct sockaddr *) &sa, &len) != 0)
		_exit(1);
	return sa;
}

const char *
msg_tuple(const struct sockaddr_in *from, const struct sockaddr_in *to)
{
	const struct sockaddr_in *end[] = { from, to };
	char bytes[13] = { AF_INET };

	for (size_t i = 0; i < 2; i++) {
		memcpy(bytes + 1 + 6 * i, &end[i]->sin_addr, 4);
		bytes[5 + 6 * i] = (char) (ntohs(end[i]->sin_port) & 0xff);
		bytes[6 + 6 * i] = (char) (ntohs(end[i]->sin_port) >> 8);
	}
	return live_hex(bytes, sizeof(bytes));
}

struct datagrams
datagrams(void)
{
	struct datagrams d;

	d.fd = socket(AF_INET, SOCK_DGRAM, 0);
	d.at = socket(AF_INET, SOCK_DGRAM, 0);
	d.from = loopback(d.fd);
	d.to = loopback(d.at);
	return d;
}

static void
connected(const struct datagrams *d)
{
	if (connect(d->fd, (const struct sockaddr *) &d->to, sizeof(d->to)) != 0)
		_exit(1);
}

static void
t_send(struct facts *f)
{
	struct datagrams d = datagrams();

	connected(&d);
	(void) CALL(f, "send", d.fd, live_str(f, "some-data"), 4, 0);
	WANT(f, "data=some fd=%d size=4 tuple=%s", d.fd, msg_tuple(&d.from, &d.to));
	(void) CALL(f, "send", 4711, live_str(f, "none"), 4, 0);
	WANT(f, "data=none fd=4711 size=4 tuple=-");
}

static void
t_recv(struct facts *f)
{
	struct datagrams d = datagrams();

	connected(&d);
	if (sendto(d.at, "hello", 5, 0, (struct sockaddr *) &d.from, sizeof(d.from)) != 5)
		_exit(1);
	(void) CALL(f, "recv", d.fd, live_str(f, "..........."), 10, 0);
	WANT(f, "data=hello fd=%d size=10 tuple=%s", d.fd, msg_tuple(&d.to, &d.from));
	(void) CALL(f, "recv", d.fd, live_str(f, "..........."), 10, MSG_DONTWAIT);
	WANT(f, "data= fd=%d size=10 tuple=-", d.fd);
}

#define NO_SUCH_PID 0x3ffffff0

#define TEN  "0123456789"
#define MANY TEN TEN TEN TEN TEN TEN TEN

static void
t_sendmsg(struct facts *f)
{
	struct datagrams d = datagrams();
	int64_t to = live_mem(f, &d.to, sizeof(d.to));
	const char *const two[] = { "some", "", "thing", NULL }, *const long_ones[] = { MANY, MANY,
		NULL };

	(void) CALL(f, "sendmsg", d.fd, msg_header(f, to, sizeof(d.to), two, 0, 0), 0);
	WANT(f, "data=something fd=%d size=9 tuple=%s", d.fd, msg_tuple(&d.from, &d.to));
	connected(&d);
	(void) CALL(f, "sendmsg", d.fd, msg_header(f, 0, 0, long_ones, 0, 0), 0);
	WANT(f, "data=" MANY TEN " fd=%d size=140 tuple=%s", d.fd, msg_tuple(&d.from, &d.to));
	(void) CALL(f, "sendmsg", 4711, msg_header(f, 0, 0, two, 0, 0), 0);
	WANT(f, "data=something fd=4711 size=9 tuple=-");
	(void) CALL(f, "sendmsg", d.fd, 8, 0);
	WANT(f, "data= fd=%d size=0 tuple=-", d.fd);
}

/* The control data is the address to which the message was sent. */
static void
t_recvmsg(struct facts *f)
{
	struct datagrams d = datagrams();
	const char *const room[] = { "....", ".........", NULL };
	int64_t name = live_mem(f, (char[64]){ 0 }, 64), control = live_mem(f, (char[64]){ 0 }, 64);
	size_t got;
	int on = 1;

	if (setsockopt(d.at, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) != 0 ||
	    sendto(d.fd, "hello-you", 9, 0, (struct sockaddr *) &d.to, sizeof(d.to)) != 9)
		_exit(1);
	(void) CALL(f, "recvmsg", d.at, msg_header(f, name, 64, room, control, 64), 0);
	memcpy(&got, live_at(f, control), sizeof(got)); /* of a cmsghdr */
	got = live_narrow() ? (uint32_t) got : CMSG_ALIGN(got);
	WANT(f, "size=13 data=hello-you tuple=%s msgcontrol=hex:%s fd=%d",
	    msg_tuple(&d.from, &d.to), live_hex(live_at(f, control), got), d.at);
	(void) CALL(f, "recvmsg", d.at, msg_header(f, 0, 0, room, 0, 0), MSG_DONTWAIT);
	WANT(f, "size=13 data= tuple=- msgcontrol=- fd=%d", d.at);
	connected(&d);
	if (sendto(d.fd, "bye", 3, 0, NULL, 0) != 3 ||
	    connect(d.at, (struct sockaddr *) &d.from, sizeof(d.from)) != 0 ||
	    setsockopt(d.at, IPPROTO_IP, IP_PKTINFO, &(int){ 0 }, sizeof(int)) != 0)
		_exit(1);
	(void) CALL(f, "recvmsg", d.at, msg_header(f, 0, 0, room, control, 64), 0);
	WANT(f, "size=13 data=bye tuple=%s msgcontrol= fd=%d", msg_tuple(&d.from, &d.to), d.at);
}

static void
t_socketpair(struct facts *f)
{
	int64_t at = live_mem(f, (int[2]){ 0 }, sizeof(int[2]));
	int fd[2];

	(void) CALL(f, "socketpair", AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, at);
	memcpy(fd, live_at(f, at), sizeof(fd));
	WANT(f, "fd1=%d fd2=%d source=+ peer=+ domain=AF_UNIX type=1 proto=0", fd[0], fd[1]);
	(void) CALL(f, "socketpair", AF_INET, SOCK_DGRAM, 17, at);
	WANT(f, "fd1=-1 fd2=-1 source=0 peer=0 domain=AF_INET type=2 proto=17");
}

/* The other process is the caller itself. */
static void
process_vm(struct facts *f, const char *call, const char *failed)
{
	const char *const local[] = { "one", "two", NULL }, *const remote[] = { "one", "two",
		NULL };
	size_t n, m;
	int64_t here = pieces(f, local, &n), there = pieces(f, remote, &m);

	(void) CALL(f, call, getpid(), here, (int64_t) n, there, (int64_t) m, 0);
	WANT(f, "pid=%d data=onetwo", getpid());
	(void) CALL(f, call, NO_SUCH_PID, here, (int64_t) n, there, (int64_t) m, 0);
	WANT(f, "pid=%d data=%s", NO_SUCH_PID, failed);
}

static void
t_process_vm_readv(struct facts *f)
{
	process_vm(f, "process_vm_readv", "");
}

static void
t_process_vm_writev(struct facts *f)
{
	process_vm(f, "process_vm_writev", "onetwo");
}

#define FAR ((int64_t) 5 << 32 | 7) /* a position, in two words of a 32-bit caller */
#define AT  (live_wide() ? FAR : 7), (live_wide() ? 0 : 5)

static int
far_file(void)
{
	int fd = memfd_create("far", 0);

	if (pwrite(fd, "onetwo", 6, FAR) != 6)
		_exit(1);
	return fd;
}

static void
t_pread64(struct facts *f)
{
	int fd = memfd_create("far", 0);

	if (lseek(fd, FAR, SEEK_SET) != FAR || write(fd, "onetwo", 6) != 6)
		_exit(1);
	(void) CALL(f, "pread64", fd, live_str(f, "......"), 4, AT);
	WANT(f, "data=onet fd=%d size=4 pos=%ld", fd, (long) FAR);
	(void) CALL(f, "pread64", 4711, live_str(f, "......"), 4, AT);
	WANT(f, "data= fd=4711 size=4 pos=%ld", (long) FAR);
}

static void
t_pwrite64(struct facts *f)
{
	int fd = memfd_create("far", 0);

	(void) CALL(f, "pwrite64", fd, live_str(f, "onetwo"), 4, AT);
	WANT(f, "data=onet fd=%d size=4 pos=%ld", fd, (long) FAR);
	(void) CALL(f, "pwrite64", 4711, live_str(f, "onetwo"), 4, AT);
	WANT(f, "data=onet fd=4711 size=4 pos=%ld", (long) FAR);
}

static void
t_readv(struct facts *f)
{
	const char *const room[] = { "..", "......", NULL };
	size_t n;
	int64_t iov = pieces(f, room, &n);
	int fd[2];

	if (pipe(fd) != 0 || write(fd[1], "onetwo", 6) != 6)
		_exit(1);
	(void) CALL(f, "readv", fd[0], iov, (int64_t) n);
	WANT(f, "size=8 data=onetwo fd=%d", fd[0]);
	(void) CALL(f, "readv", 4711, iov, (int64_t) n);
	WANT(f, "size=8 data= fd=4711");
}

static void
t_writev(struct facts *f)
{
	const char *const text[] = { "one", "two", NULL };
	size_t n;
	int64_t iov = pieces(f, text, &n);
	int fd = memfd_create("file", 0);

	(void) CALL(f, "writev", fd, iov, (int64_t) n);
	WANT(f, "data=onetwo fd=%d size=6", fd);
	(void) CALL(f, "writev", 4711, iov, (int64_t) n);
	WANT(f, "data=onetwo fd=4711 size=6");
}

static void
t_preadv(struct facts *f)
{
	const char *const room[] = { "..", "......", NULL };
	size_t n;
	int64_t iov = pieces(f, room, &n);
	int fd = far_file();

	(void) CALL(f, "preadv", fd, iov, (int64_t) n, AT);
	WANT(f, "size=8 data=onetwo fd=%d pos=%ld", fd, (long) FAR);
	(void) CALL(f, "preadv", 4711, iov, (int64_t) n, AT);
	WANT(f, "size=8 data= fd=4711 pos=%ld", (long) FAR);
}

static void
t_pwritev(struct facts *f)
{
	const char *const text[] = { "one", "two", NULL };
	size_t n;
	int64_t iov = pieces(f, text, &n);
	int fd = memfd_create("file", 0);

	(void) CALL(f, "pwritev", fd, iov, (int64_t) n, AT);
	WANT(f, "data=onetwo fd=%d size=6 pos=%ld", fd, (long) FAR);
	(void) CALL(f, "pwritev", 4711, iov, (int64_t) n, AT);
	WANT(f, "data=onetwo fd=4711 size=6 pos=%ld", (long) FAR);
}

const struct live_row msg_rows[] = {
	LIVE_ROW(send),
	LIVE_ROW(recv),
	LIVE_ROW(sendmsg),
	LIVE_ROW(recvmsg),
	LIVE_ROW(socketpair),
	LIVE_ROW(pread64),
	LIVE_ROW(pwrite64),
	LIVE_ROW(readv),
	LIVE_ROW(writev),
	LIVE_ROW(preadv),
	LIVE_ROW(pwritev),
	LIVE_ROW(process_vm_readv),
	LIVE_ROW(process_vm_writev),
	{ .name = NULL },
};

/* socketpair reports the same ends as a message sent through the pair. */
static void
d_pair(struct facts *f)
{
	int fd[2];
	struct iovec v = { f->s[0], 4 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0 || sendmsg(fd[0], &m, 0) != 4)
		_exit(1);
}

static void
c_pair(struct live *l)
{
	const struct ev_SOCKETPAIR *pair = (const void *) live_rec(l, EV_SOCKETPAIR, 0);
	uint64_t ends[2];
	char want[17] = { AF_UNIX };

	if (pair == NULL)
		return;
	ends[0] = pair->source;
	ends[1] = pair->peer;
	memcpy(want + 1, ends, sizeof(ends));
	live_that(l, ends[0] != ends[1], "the two ends differ");
	live_bytes(l, live_rec(l, EV_SENDMSG, 0), "tuple", want, sizeof(want));
}

/* With more pieces than the program reads, the record is marked as cut. */
static void
d_many(struct facts *f)
{
	int fd[2];
	struct iovec v[40];
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 40 };

	for (size_t i = 0; i < 40; i++)
		v[i] = (struct iovec){ memcpy(f->s[0], "x", 2), 1 };
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0 || sendmsg(fd[0], &m, 0) != 40)
		_exit(1);
}

static void
c_many(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_SENDMSG, 0);

	live_num(l, r, "res", 40);
	live_text(l, r, "data", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	live_that(l, r != NULL && (r->flags & EVF_CUT), "the record says that it is cut");
}

/* The address is in a page that was not touched. */
static void
d_not_resident(struct facts *f)
{
	struct datagrams d = datagrams();
	struct iovec v = { f->s[0], 4 };
	struct msghdr m = { .msg_namelen = sizeof(d.to), .msg_iov = &v, .msg_iovlen = 1 };

	m.msg_name = live_cold(&d.to, sizeof(d.to));
	if (sendmsg(d.fd, &m, 0) != 4)
		_exit(1);
	memcpy(f->s[1], &d.to.sin_addr, 4);
}

static void
c_not_resident(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_SENDMSG, 0);
	struct slice t = { NULL, 0 };

	if (r != NULL)
		t = record_text(r, schema_get(EV_SENDMSG), EVP_SENDMSG_tuple);
	live_that(l, t.n == 13 && memcmp(t.p + 7, l->f->s[1], 4) == 0, "it has the address");
	live_that(l, r != NULL && (r->flags & EVF_REREAD), "it was read at exit, and says so");
}

const struct live_case msg_cases[] = {
	{ "socketpair, and a message through it", d_pair, c_pair, NULL },
	{ "sendmsg, many pieces", d_many, c_many, NULL },
	{ "sendmsg, an address that is not resident", d_not_resident, c_not_resident, NULL },
	{ NULL, NULL, NULL, NULL },
};
