/* SPDX-License-Identifier: Apache-2.0 */
/* live_entry.c - arguments are read at entry, even if they change during the call. */
#include "tests/driver/live.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* The raw call, without the C library's conversions; -errno. */
#define CALL(...) call_result(syscall(__VA_ARGS__))

static long
call_result(long r)
{
	return r < 0 ? -errno : r;
}

static void
path_in(struct facts *f, unsigned i, const char *name)
{
	(void) snprintf(f->s[i], sizeof(f->s[i]), "%.200s/%s", f->dir, name);
}

/* The path is in a page of a file that was not yet touched through this mapping. */
static void
d_not_resident(struct facts *f)
{
	int fd = memfd_create("page", 0);
	char *p;

	path_in(f, 0, "hidden");
	if (write(fd, f->s[0], strlen(f->s[0]) + 1) < 0)
		_exit(1);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	f->n[0] = CALL(SYS_open, p, O_WRONLY | O_CREAT, 0600);
	f->n[1] = CALL(SYS_open, p, O_RDONLY, 0);
	f->n[2] = CALL(SYS_open, (char *) 8, O_RDONLY, 0);
}

static void
c_not_resident(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_OPEN, 0);

	live_num(l, r, "fd", l->f->n[0]);
	live_text(l, r, "name", l->f->s[0]);
	live_that(
	    l, r != NULL && (r->flags & EVF_REREAD), "the first was read at exit, and says so");
	r = live_rec(l, EV_OPEN, 1);
	live_text(l, r, "name", l->f->s[0]);
	live_that(l, r != NULL && !(r->flags & EVF_REREAD), "the second was read at entry");
	r = live_rec(l, EV_OPEN, 2);
	live_num(l, r, "fd", -EFAULT);
	live_absent(l, r, "name");
}

/* Another thread changes the path while the kernel waits in open(): a FIFO without a writer. */
static void *
change_path(void *arg)
{
	struct facts *f = arg;
	char path[64], state[16];

	while (__atomic_load_n(&f->n[5], __ATOMIC_ACQUIRE) == 0)
		(void) sched_yield();
	(void) snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int) f->n[5]);
	do { /* until the other thread sleeps in its call */
		int fd = open(path, O_RDONLY);

		memset(state, 0, sizeof(state));
		if (read(fd, state, sizeof(state) - 1) < 0)
			_exit(1);
		close(fd);
	} while (strtol(state, NULL, 10) != SYS_open || state[0] == 'r');
	memcpy(f->s[1], "innocent", 9);
	f->n[1] = CALL(SYS_openat, AT_FDCWD, f->s[0], O_WRONLY, 0);
	return NULL;
}

static void
d_changed(struct facts *f)
{
	pthread_t t;

	path_in(f, 0, "fifo");
	path_in(f, 1, "fifo");
	if (mkfifo(f->s[0], 0600) != 0 || pthread_create(&t, NULL, change_path, f) != 0)
		_exit(1);
	__atomic_store_n(&f->n[5], CALL(SYS_gettid), __ATOMIC_RELEASE);
	f->n[0] = CALL(SYS_open, f->s[1], O_RDONLY, 0);
	(void) pthread_join(t, NULL);
}

static void
c_changed(struct live *l)
{
	const struct ev_hdr *r = NULL;

	for (unsigned k = 0; k < live_count(l, EV_OPEN); k++) {
		r = live_rec(l, EV_OPEN, k);
		if (record_num(r, schema_get(EV_OPEN), EVP_OPEN_fd) == l->f->n[0])
			break;
	}
	live_text(l, r, "name", l->f->s[0]);
	live_that(l, strcmp(l->f->s[1], "innocent") == 0, "the path was changed");
}

static void
d_long(struct facts *f)
{
	memset(f->s[0], 'x', 5000);
	memset(f->s[1], 'y', 4096);
	(void) CALL(SYS_open, f->s[0], O_RDONLY, 0);
	(void) CALL(SYS_open, f->s[1], O_RDONLY, 0);
	(void) CALL(SYS_link, f->s[0], f->s[1]);
}

static void
c_long(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_OPEN, 0);

	live_num(l, r, "fd", -ENAMETOOLONG);
	live_bytes(l, r, "name", l->f->s[0], 4096);
	live_that(l, r != NULL && (r->flags & EVF_CUT), "5000 bytes are cut, and it says so");
	r = live_rec(l, EV_OPEN, 1);
	live_bytes(l, r, "name", l->f->s[1], 4096);
	live_that(l, r != NULL && !(r->flags & EVF_CUT), "4096 bytes are not cut");
	r = live_rec(l, EV_LINK, 0);
	live_bytes(l, r, "oldpath", l->f->s[0], 4096);
	live_bytes(l, r, "newpath", l->f->s[1], 4096);
	live_that(l, r != NULL && (r->flags & EVF_CUT), "a cut link says so");
	for (size_t i = 0; i < l->nrecs; i++)
		live_that(l, !(l->recs[i]->flags & EVF_REREAD), "long paths are read at entry");
}

/*
 * One path of a link is changed while the kernel waits for the other one, whose page this thread
 * provides later.
 */
struct late_page {
	struct facts *f;
	int uffd;
	char *page;
	const char *text;
};

static void *
give_page(void *arg)
{
	struct late_page *p = arg;
	static char text[4096] __attribute__((aligned(4096)));
	struct uffdio_copy copy = {
		.dst = (uintptr_t) p->page, .src = (uintptr_t) text, .len = sizeof(text)
	};
	struct uffd_msg msg;

	(void) snprintf(text, sizeof(text), "%s", p->text);
	if (read(p->uffd, &msg, sizeof(msg)) != sizeof(msg))
		_exit(1);
	memcpy(p->f->s[1], "innocent", 9);
	if (ioctl(p->uffd, UFFDIO_COPY, &copy) != 0)
		_exit(1);
	return NULL;
}

static void
link_changed(struct facts *f, bool late_first)
{
	struct late_page p = { f, (int) syscall(SYS_userfaultfd, O_CLOEXEC), NULL,
		late_first ? "source" : "target" };
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	pthread_t t;

	p.page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reg.range.start = (uintptr_t) p.page;
	reg.range.len = 4096;
	if (p.uffd < 0 || ioctl(p.uffd, UFFDIO_API, &api) != 0 ||
	    ioctl(p.uffd, UFFDIO_REGISTER, &reg) != 0)
		_exit(1);
	memcpy(f->s[1], late_first ? "target" : "source", 7);
	if (pthread_create(&t, NULL, give_page, &p) != 0)
		_exit(1);
	f->n[0] = late_first ? CALL(SYS_link, p.page, f->s[1]) : CALL(SYS_link, f->s[1], p.page);
	f->n[1] = access("target", F_OK);
	(void) pthread_join(t, NULL);
}

/* Kernels before 7.0 read the second one first. */
static void
d_link_changed(struct facts *f)
{
	(void) CALL(SYS_creat, "source", 0600);
	link_changed(f, true);
	if (f->n[1] != 0) {
		link_changed(f, false);
		f->n[2] = 1; /* then the second call is checked */
	}
}

static void
c_link_changed(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_LINK, (unsigned) l->f->n[2]);

	live_num(l, r, "res", 0);
	live_text(l, r, "oldpath", "source");
	live_text(l, r, "newpath", "target");
	live_that(l, l->f->n[1] == 0 && strcmp(l->f->s[1], "innocent") == 0,
	    "the path was changed when the kernel had read it");
	live_that(l, r != NULL && (r->flags & EVF_REREAD), "the other one was read at exit");
}

/* Threads that wait in calls, in open of a FIFO and in connect to a full queue, do not use up
 * others' memory: others' paths and addresses are still read at entry. */
#define CROWD 600

/* The FIFO and the full queue on which the crowd waits, and the ids of its threads so far. */
struct crowd {
	const char *fifo;
	struct sockaddr_un queue;
	_Atomic pid_t tid[CROWD]; /* 0: not yet told */
	_Atomic unsigned n;
};

static void *
wait_in_open(void *arg)
{
	struct crowd *c = arg;
	int fd;

	c->tid[c->n++] = gettid();
	fd = open(c->fifo, O_RDONLY);
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void *
wait_in_connect(void *arg)
{
	struct crowd *c = arg;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	c->tid[c->n++] = gettid();
	(void) connect(fd, (const struct sockaddr *) &c->queue, sizeof(c->queue));
	close(fd);
	return NULL;
}

static bool
waits(pid_t tid)
{
	char path[64], call[16] = { 0 };
	long nr = -1;
	int fd;

	(void) snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	fd = open(path, O_RDONLY);
	if (fd >= 0 && read(fd, call, sizeof(call) - 1) > 0 && call[0] != 'r')
		nr = strtol(call, NULL, 10);
	close(fd);
	return nr == SYS_openat || nr == SYS_connect;
}

/* Looks at each thread until it waits and not again: each look makes three events. */
static void
wait_for_sleepers(const struct crowd *c)
{
	while (c->n < CROWD)
		(void) usleep(1000);
	for (unsigned i = 0; i < CROWD; i++) {
		while (!waits(c->tid[i]))
			(void) usleep(10000);
	}
}

/* A listener whose queue is filled by one connection. */
static int
full_queue(struct crowd *c)
{
	int on = socket(AF_UNIX, SOCK_STREAM, 0), first = socket(AF_UNIX, SOCK_STREAM, 0);

	c->queue = (struct sockaddr_un){ .sun_family = AF_UNIX, .sun_path = "queue" };
	if (bind(on, (const struct sockaddr *) &c->queue, sizeof(c->queue)) != 0 ||
	    listen(on, 0) != 0 ||
	    connect(first, (const struct sockaddr *) &c->queue, sizeof(c->queue)) != 0)
		_exit(1);
	return on;
}

/* Another process: n[1] is the result of its open, n[2] of its connect. */
static void
call_beside(struct facts *f)
{
	struct sockaddr_un none = { .sun_family = AF_UNIX, .sun_path = "none" };
	char path[] = "/no/such"; /* on the stack, which is resident */

	f->n[1] = CALL(SYS_open, path, O_RDONLY, 0);
	f->n[2] = CALL(SYS_connect, socket(AF_UNIX, SOCK_STREAM, 0), &none, sizeof(none));
	f->n[3] = getpid();
}

static void
d_crowd(struct facts *f)
{
	struct crowd c = { .fifo = f->s[0] };
	pthread_attr_t small;
	pthread_t t[CROWD];
	int end, on;

	path_in(f, 0, "fifo");
	(void) pthread_attr_init(&small);
	(void) pthread_attr_setstacksize(&small, 65536);
	if (mkfifo(f->s[0], 0600) != 0)
		_exit(1);
	on = full_queue(&c);
	for (unsigned i = 0; i < CROWD; i++) {
		void *(*wait_in)(void *) = i % 2 == 0 ? wait_in_open : wait_in_connect;

		if (pthread_create(&t[i], &small, wait_in, &c) != 0)
			_exit(1);
	}
	wait_for_sleepers(&c);
	if (fork() == 0) {
		call_beside(f);
		_exit(0);
	}
	(void) wait(NULL);
	end = open(f->s[0], O_RDWR);
	close(on); /* connects waiting for its queue are refused */
	for (unsigned i = 0; i < CROWD; i++)
		(void) pthread_join(t[i], NULL);
	close(end);
}

static void
c_crowd(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_OPEN, 0);
	unsigned opened = 0, connected = 0;

	live_text(l, r, "name", "/no/such");
	live_that(l, r != NULL && !(r->flags & EVF_REREAD), "another's path is read at entry");
	live_num(l, r, "fd", l->f->n[1]);
	r = live_rec_of(l, EV_CONNECT, l->f->n[3]);
	live_that(l, r != NULL && !(r->flags & EVF_REREAD), "another's address is read at entry");
	live_num(l, r, "res", l->f->n[2]);
	for (size_t i = 0; i < l->nrecs; i++) {
		bool ours;

		r = l->recs[i];
		ours = r->tid != r->pid && !(r->flags & EVF_REREAD);
		opened += r->type == EV_OPENAT && ours;
		connected += r->type == EV_CONNECT && ours;
	}
	live_that(
	    l, opened == CROWD / 2 && connected == CROWD / 2, "and so is each of the crowd's");
}

const struct live_case entry_cases[] = {
	{ "a path that is not resident", d_not_resident, c_not_resident, NULL },
	{ "a path changed during the call", d_changed, c_changed, NULL },
	{ "a link's path changed during the call", d_link_changed, c_link_changed, NULL },
	{ "paths that are too long", d_long, c_long, NULL },
	{ "a crowd that waits in open and connect", d_crowd, c_crowd, NULL },
	{ NULL, NULL, NULL, NULL },
};
