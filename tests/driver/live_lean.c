/* SPDX-License-Identifier: Apache-2.0 */
/* live_lean.c - events of which process state needs a part, and that part alone. */
#include "common/macros.h"
#include "tests/driver/live_msg.h"
#include "tests/driver/live_procfs.h"
#include <errno.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint16_t clones[] = { EV_CLONE, EV_CLONE3, EV_FORK, EV_VFORK };
static const uint16_t messages[] = { EV_SENDTO, EV_RECVFROM, EV_SENDMSG, EV_RECVMSG };

/* Capture these events, and what ends a case. */
static void
want(void *st, const uint16_t *events, size_t n, bool lean)
{
	struct interest in = { .lean = { 0 } };

	for (size_t i = 0; i < n; i++) {
		event_set_add(&in.events, events[i]);
		if (lean)
			in.lean[events[i] / 64] |= 1ULL << (events[i] % 64);
	}
	for (size_t i = 0; i < ARRAY_SIZE(clones); i++) {
		event_set_add(&in.events, clones[i]);
		if (lean || events != clones)
			in.lean[clones[i] / 64] |= 1ULL << (clones[i] % 64);
	}
	event_set_add(&in.events, EV_CLOSE_RANGE);
	event_set_add(&in.events, EV_PROCEXIT);
	(void) source_bpf.set_interest(st, &in);
}

/* ---- clone ---- */

static void
born(struct facts *f, long res)
{
	if (res == 0)
		_exit(0);
	f->n[f->nmade++] = res < 0 ? -errno : res;
	if (res > 0)
		(void) waitpid((pid_t) res, NULL, 0);
}

static void
d_parents(struct facts *f)
{
	struct clone_args a = { .exit_signal = SIGCHLD, .flags = CLONE_FS };
	struct rlimit lim = { 333, 444 };
	pid_t pid;

	(void) setrlimit(RLIMIT_NOFILE, &lim);
	born(f, syscall(SYS_clone, SIGCHLD | CLONE_FS, 0, 0, 0, 0));
	born(f, syscall(SYS_clone3, &a, sizeof(a)));
	born(f, syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0)); /* without CLONE_VM: EINVAL */
	f->n[50] = proc_status(getpid(), "VmSize", 0, 10);
#if defined(SYS_fork)
	born(f, syscall(SYS_fork));
	pid = vfork();
	if (pid == 0)
		_exit(0);
	born(f, pid);
#else
	(void) pid;
#endif
}

/* The k-th record of the trigger as a parent. */
static const struct ev_hdr *
own(const struct live *l, uint16_t type, unsigned k)
{
	for (size_t i = 0; i < l->nrecs; i++) {
		const struct ev_hdr *r = l->recs[i];

		if (r->type == type && r->tid == (uint32_t) l->child &&
		    record_num(r, schema_get(type), EVP_CLONE_res) != 0 && k-- == 0)
			return r;
	}
	return NULL;
}

static void
check_parent(struct live *l, const struct ev_hdr *r, int64_t res, int64_t flags)
{
	char cmdline[4096];
	size_t n = read_proc(getpid(), "cmdline", cmdline, sizeof(cmdline));
	size_t exe = strlen(cmdline);

	live_that(l, r != NULL, "there is a record of the parent");
	live_num(l, r, "res", res);
	live_bytes(l, r, "exe", cmdline, exe);
	live_bytes(l, r, "args", cmdline + exe + 1, n - exe - 1);
	live_num(l, r, "tid", l->child);
	live_num(l, r, "pid", l->child);
	live_num(l, r, "ptid", getpid());
	live_text(l, r, "cwd", l->f->dir);
	live_num(l, r, "fdlimit", 333);
	live_range(l, r, "pgft_min", 1, 100000);
	live_range(l, r, "vm_size", MIN(l->f->n[50] - 1024, UINT32_MAX), l->f->n[50] + 1024);
	live_text(l, r, "comm", "test_live");
	live_num(l, r, "flags", flags);
	live_num(l, r, "uid", 0);
	live_num(l, r, "gid", 0);
	live_num(l, r, "vtid", l->child);
	live_num(l, r, "vpid", l->child);
}

static void
c_parents(struct live *l)
{
	check_parent(l, own(l, EV_CLONE, 0), l->f->n[0], 0x2);
	check_parent(l, own(l, EV_CLONE3, 0), l->f->n[1], 0x2);
	check_parent(l, own(l, EV_CLONE, 1), -EINVAL, 0x800);
#if defined(SYS_fork)
	check_parent(l, own(l, EV_FORK, 0), l->f->n[3], 0);
	check_parent(l, own(l, EV_VFORK, 0), l->f->n[4], 0x8000000 | 0x8000);
	live_that(l, live_count(l, EV_FORK) == 2, "fork has two sides");
#endif
	for (unsigned i = 0; i < 2; i++) /* the child's side too */
		live_num(l, live_rec_of(l, i == 0 ? EV_CLONE : EV_CLONE3, l->f->n[i]), "res", 0);
}

static void
c_children(struct live *l)
{
	for (size_t i = 0; i < l->nrecs; i++) {
		const struct ev_hdr *r = l->recs[i];

		if (r->type == EV_CLONE || r->type == EV_CLONE3 || r->type == EV_FORK ||
		    r->type == EV_VFORK)
			live_num(l, r, "res", 0);
	}
	live_that(l, live_count(l, EV_CLONE) == 2,
	    "only the child's side: of the trigger, and its clone");
	live_that(l, live_count(l, EV_CLONE3) == 1, "and of a clone3");
}

void
live_parents(struct live *l)
{
	static const struct live_case both = { "both sides of a clone", d_parents, c_parents,
		NULL };
	static const struct live_case one = { "a clone that no rule wants", d_parents, c_children,
		NULL };

	want(l->st, clones, ARRAY_SIZE(clones), false);
	live_run(l, &both);
	want(l->st, clones, ARRAY_SIZE(clones), true);
	live_run(l, &one);
}

/* ---- messages ---- */

static int
bound(int type, struct sockaddr_in *a)
{
	int fd = socket(AF_INET, type, 0);
	socklen_t n = sizeof(*a);

	*a = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(0x7f000001) } };
	if (fd < 0 || bind(fd, (struct sockaddr *) a, n) != 0 ||
	    getsockname(fd, (struct sockaddr *) a, &n) != 0)
		_exit(1);
	return fd;
}

enum { MESSAGES = 1000 };

/* A connected stream: by sendto and recvfrom, by sendmsg and recvmsg. */
static void
d_stream(struct facts *f UNUSED)
{
	struct sockaddr_in a;
	int server = bound(SOCK_STREAM, &a), to = socket(AF_INET, SOCK_STREAM, 0), from;
	char c = 'x';
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	if (listen(server, 1) != 0 || connect(to, (struct sockaddr *) &a, sizeof(a)) != 0 ||
	    (from = accept(server, NULL, NULL)) < 0)
		_exit(1);
	for (int i = 0; i < MESSAGES; i++) {
		if (send(to, &c, 1, 0) != 1 || recv(from, &c, 1, 0) != 1 ||
		    sendmsg(to, &m, 0) != 1 || recvmsg(from, &m, 0) != 1)
			_exit(1);
	}
}

static unsigned
count_messages(const struct live *l)
{
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		n += live_count(l, messages[i]);
	return n;
}

static void
c_stream(struct live *l)
{
	live_that(l, WIFEXITED(l->status) && WEXITSTATUS(l->status) == 0, "the trigger ran");
	live_that(l, count_messages(l) == 0, "no message of a connected stream");
}

static void
c_stream_wanted(struct live *l)
{
	live_that(l, count_messages(l) == 4 * MESSAGES, "each message, if a rule wants them");
}

/* Datagrams: ten to one peer, ten to another, one to the first; ten answers of the second. */
static void
d_datagrams(struct facts *f)
{
	struct sockaddr_in a[2], from;
	int fd = socket(AF_INET, SOCK_DGRAM, 0),
	    to[2] = { bound(SOCK_DGRAM, &a[0]), bound(SOCK_DGRAM, &a[1]) };
	socklen_t n = sizeof(from);
	char c = 'x';

	for (int i = 0; i < 21; i++) {
		if (sendto(fd, &c, 1, 0, (struct sockaddr *) &a[i / 10 % 2], sizeof(a[0])) != 1)
			_exit(1);
	}
	for (int i = 0; i < 10; i++) {
		if (recvfrom(to[1], &c, 1, 0, (struct sockaddr *) &from, &n) != 1)
			_exit(1);
	}
	for (int i = 0; i < 10; i++) { /* the same ends, the other way */
		if (sendto(to[1], &c, 1, 0, (struct sockaddr *) &from, n) != 1)
			_exit(1);
	}
	f->n[0] = ntohs(a[0].sin_port);
	f->n[1] = ntohs(a[1].sin_port);
	f->n[2] = ntohs(from.sin_port);
	if (connect(fd, (struct sockaddr *) &a[0], sizeof(a[0])) != 0)
		_exit(1);
	for (int i = 0; i < 10; i++) {
		if (send(fd, &c, 1, 0) != 1)
			_exit(1);
	}
}

/* Check both ports of a record's ends. */
static void
check_ends(struct live *l, const struct ev_hdr *r, int64_t source, int64_t peer)
{
	struct slice t = { NULL, 0 };
	uint16_t sport = 0, dport = 0;
	int i = r == NULL ? -1 : live_param(l, r, "tuple");

	if (i >= 0)
		t = record_text(r, schema_get(r->type), (unsigned) i);
	if (t.n == 13) {
		memcpy(&sport, t.p + 5, 2);
		memcpy(&dport, t.p + 11, 2);
	}
	live_that(l, sport == source && dport == peer, "it has the ends of the message");
}

static void
c_datagrams(struct live *l)
{
	const int64_t *n = l->f->n;

	live_that(l, live_count(l, EV_SENDTO) == 3, "a datagram for each change of the peer");
	check_ends(l, live_rec(l, EV_SENDTO, 0), n[2], n[0]);
	check_ends(l, live_rec(l, EV_SENDTO, 1), n[2], n[1]);
	check_ends(l, live_rec(l, EV_SENDTO, 2), n[2], n[0]);
	live_that(l, live_count(l, EV_RECVFROM) == 1, "one of ten from the same peer");
	check_ends(l, live_rec(l, EV_RECVFROM, 0), n[2], n[1]);
	live_absent(l, live_rec(l, EV_SENDTO, 0), "data");
}

/* A stream that passes a descriptor, once. */
static void
d_passing(struct facts *f UNUSED)
{
	struct passing p;
	struct msghdr m;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		_exit(1);
	for (int i = 0; i < 3; i++) {
		m = msg_passing(&p, &pair[0], i == 1 ? 1 : 0);
		if (sendmsg(pair[0], &m, 0) != 1)
			_exit(1);
		m = msg_passing(&p, &pair[0], 1);
		if (recvmsg(pair[1], &m, 0) != 1)
			_exit(1);
	}
}

static void
c_passing(struct live *l)
{
	live_that(l, WIFEXITED(l->status) && WEXITSTATUS(l->status) == 0, "the trigger ran");
	live_that(l, live_count(l, EV_RECVMSG) == 1, "the message that passed a descriptor");
	live_that(l, live_count(l, EV_SENDMSG) == 0, "not its sending");
}

void
live_lean(struct live *l)
{
	static const struct live_case cases[] = {
		{ "a stream that no rule wants", d_stream, c_stream, NULL },
		{ "datagrams that no rule wants", d_datagrams, c_datagrams, NULL },
		{ "a passed descriptor", d_passing, c_passing, NULL },
	};
	static const struct live_case wanted = { "a stream that a rule wants", d_stream,
		c_stream_wanted, NULL };

	want(l->st, messages, ARRAY_SIZE(messages), true);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		live_run(l, &cases[i]);
	want(l->st, messages, ARRAY_SIZE(messages), false);
	live_run(l, &wanted);
}
