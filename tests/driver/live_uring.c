/* SPDX-License-Identifier: Apache-2.0 */
/* live_uring.c - operations through rings made with the raw system calls. */
#include "proto/names.h"
#include "tests/driver/live.h"
#include "tests/driver/raw_uring.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define V(word) NV_open_flags_##word

const struct ev_hdr *
live_by_ring(struct live *l, uint16_t type, unsigned k)
{
	for (size_t i = 0; i < l->nrecs; i++) {
		const struct ev_hdr *r = l->recs[i];

		if (r->type == type && (r->flags & EVF_URING) && k-- == 0)
			return r;
	}
	live_fail(l, "no such record of %s through a ring", schema_get(type)->name);
	return NULL;
}

static void
note_file(struct facts *f, unsigned at, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		_exit(1);
	f->n[at] = (int64_t) st.st_dev;
	f->n[at + 1] = (int64_t) st.st_ino;
}

static void
d_open(struct facts *f)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY, .resolve = RESOLVE_NO_XDEV };
	struct ring r;
	int dir = open(".", O_RDONLY | O_DIRECTORY);

	ring_open(&r, 8, 0);
	f->n[0] = dir;
	f->n[1] = ring_path(
	    &r, IORING_OP_OPENAT, dir, "new", 0640, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC);
	note_file(f, 2, "new");
	f->n[4] = ring_path(&r, IORING_OP_OPENAT, AT_FDCWD, "none/there", 0, O_WRONLY);
	f->n[5] = ring_do(&r, &(struct io_uring_sqe){ .opcode = IORING_OP_OPENAT2,
				  .fd = AT_FDCWD,
				  .addr = (uintptr_t) f->dir,
				  .len = sizeof(how),
				  .off = (uintptr_t) &how });
	f->n[6] =
	    ring_do(&r, &(struct io_uring_sqe){ .opcode = IORING_OP_CLOSE, .fd = (int) f->n[1] });
	f->n[7] = ring_do(&r, &(struct io_uring_sqe){ .opcode = IORING_OP_CLOSE, .fd = 4711 });
}

static void
c_open(struct live *l)
{
	const struct ev_hdr *r = live_by_ring(l, EV_OPENAT, 0);
	char path[300];

	live_that(l, l->f->n[1] >= 0 && l->f->n[5] >= 0, "the ring opens files");
	(void) snprintf(path, sizeof(path), "%s/new", l->f->dir);
	live_num(l, r, "fd", l->f->n[1]);
	live_num(l, r, "dirfd", l->f->n[0]);
	live_text(l, r, "name", "new");
	live_num(l, r, "flags", V(O_RDWR) | V(O_CREAT) | V(O_EXCL) | V(O_CLOEXEC) | V(O_F_CREATED));
	live_num(l, r, "mode", 0640);
	live_num(l, r, "dev", l->f->n[2]);
	live_num(l, r, "ino", l->f->n[3]);
	live_text(l, r, "realname", path);
	live_that(l, r != NULL && r->pid == (uint32_t) l->child && r->tid == r->pid,
	    "it is of the thread that submitted it");
	r = live_by_ring(l, EV_OPENAT, 1);
	live_num(l, r, "fd", l->f->n[4]);
	live_num(l, r, "fd", -ENOENT);
	live_num(l, r, "dirfd", AT_FDCWD);
	live_text(l, r, "name", "none/there");
	live_num(l, r, "flags", V(O_WRONLY));
	live_absent(l, r, "realname");
	r = live_by_ring(l, EV_OPENAT2, 0);
	live_num(l, r, "fd", l->f->n[5]);
	live_text(l, r, "name", l->f->dir);
	live_num(l, r, "flags", V(O_RDONLY) | V(O_DIRECTORY) | V(O_TMPFILE));
	live_num(l, r, "resolve", NV_openat2_resolve_RESOLVE_NO_XDEV);
	r = live_by_ring(l, EV_CLOSE, 0);
	live_num(l, r, "res", 0);
	live_num(l, r, "fd", l->f->n[1]);
	r = live_by_ring(l, EV_CLOSE, 1);
	live_num(l, r, "res", -EBADF);
	live_num(l, r, "fd", 4711);
}

static void
d_names(struct facts *f)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY);
	struct ring r;

	ring_open(&r, 8, 0);
	memset(f->s[0], 'x', 3000); /* too long for the small table */
	(void) !symlink("one", "one");
	f->n[0] = dir;
	f->n[1] = ring_path(&r, IORING_OP_MKDIRAT, dir, "folder", 0751, 0);
	f->n[2] = ring_paths(&r, IORING_OP_SYMLINKAT, dir, "folder", 0, "sym", 0);
	f->n[3] = ring_paths(&r, IORING_OP_LINKAT, dir, "one", AT_FDCWD, "two", 0);
	f->n[4] = ring_paths(&r, IORING_OP_RENAMEAT, AT_FDCWD, "two", dir, "three", 1);
	f->n[5] = ring_path(&r, IORING_OP_UNLINKAT, dir, "folder", 0, AT_REMOVEDIR);
	f->n[6] = ring_path(&r, IORING_OP_UNLINKAT, AT_FDCWD, f->s[0], 0, 0);
	f->n[7] = ring_paths(&r, IORING_OP_RENAMEAT, AT_FDCWD, f->s[0], AT_FDCWD, f->s[0], 0);
}

static void
c_names(struct live *l)
{
	const struct ev_hdr *r = live_by_ring(l, EV_MKDIRAT, 0);

	for (unsigned i = 1; i < 6; i++)
		live_that(l, l->f->n[i] == 0, "the ring does it");
	live_num(l, r, "res", 0);
	live_num(l, r, "dirfd", l->f->n[0]);
	live_text(l, r, "path", "folder");
	live_num(l, r, "mode", 0751);
	r = live_by_ring(l, EV_SYMLINKAT, 0);
	live_num(l, r, "res", 0);
	live_text(l, r, "target", "folder");
	live_num(l, r, "linkdirfd", l->f->n[0]);
	live_text(l, r, "linkpath", "sym");
	r = live_by_ring(l, EV_LINKAT, 0);
	live_num(l, r, "olddir", l->f->n[0]);
	live_text(l, r, "oldpath", "one");
	live_num(l, r, "newdir", AT_FDCWD);
	live_text(l, r, "newpath", "two");
	live_num(l, r, "flags", 0);
	r = live_by_ring(l, EV_RENAMEAT2, 0);
	live_num(l, r, "olddirfd", AT_FDCWD);
	live_text(l, r, "oldpath", "two");
	live_num(l, r, "newdirfd", l->f->n[0]);
	live_text(l, r, "newpath", "three");
	live_num(l, r, "flags", NV_renameat2_flags_RENAME_NOREPLACE);
	r = live_by_ring(l, EV_UNLINKAT, 0);
	live_num(l, r, "res", 0);
	live_num(l, r, "dirfd", l->f->n[0]);
	live_text(l, r, "name", "folder");
	live_num(l, r, "flags", NV_unlinkat_flags_AT_REMOVEDIR);
	r = live_by_ring(l, EV_UNLINKAT, 1);
	live_num(l, r, "res", -ENAMETOOLONG);
	live_text(l, r, "name", l->f->s[0]);
	r = live_by_ring(l, EV_RENAMEAT2, 1);
	live_num(l, r, "res", -ENAMETOOLONG);
	live_text(l, r, "oldpath", l->f->s[0]);
	live_text(l, r, "newpath", l->f->s[0]);
}

/* Files that only the ring knows. */
static void
d_fixed(struct facts *f)
{
	int32_t none[8] = { -1, -1, -1, -1, -1, -1, -1, -1 };
	struct ring r;

	ring_open(&r, 8, 0);
	ring_register(&r, none, 8);
	f->n[0] = ring_do(&r, &(struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
				  .fd = AT_FDCWD,
				  .addr = (uintptr_t) "fixed",
				  .open_flags = O_WRONLY | O_CREAT,
				  .len = 0600,
				  .file_index = 1 + 5 });
	f->n[1] = ring_do(&r,
	    &(struct io_uring_sqe){
		.opcode = IORING_OP_SOCKET, .fd = AF_INET, .off = SOCK_DGRAM, .file_index = ~0U });
	f->n[2] = ring_do(
	    &r, &(struct io_uring_sqe){
		    .opcode = IORING_OP_SHUTDOWN, .flags = IOSQE_FIXED_FILE, .fd = (int) f->n[1] });
	f->n[3] = ring_do(
	    &r, &(struct io_uring_sqe){
		    .opcode = RING_OP_FIXED_FD_INSTALL, .flags = IOSQE_FIXED_FILE, .fd = 5 });
	f->n[4] =
	    ring_do(&r, &(struct io_uring_sqe){ .opcode = IORING_OP_CLOSE, .file_index = 1 + 5 });
}

static void
c_fixed(struct live *l)
{
	const struct ev_hdr *r = live_by_ring(l, EV_OPENAT, 0);

	live_that(l, l->f->n[0] == 0, "the ring opens its own file");
	live_that(l, l->f->n[1] >= 0, "and makes its own socket");
	live_num(l, r, "fd", URING_FIXED + 5);
	live_text(l, r, "name", "fixed");
	live_absent(l, r, "realname");
	r = live_by_ring(l, EV_SOCKET, 0);
	live_num(l, r, "fd", URING_FIXED + l->f->n[1]);
	r = live_by_ring(l, EV_SHUTDOWN, 0);
	live_num(l, r, "fd", URING_FIXED + l->f->n[1]);
	live_num(l, r, "res", l->f->n[2]);
	if (l->f->n[3] != -EINVAL) { /* since 6.8 */
		r = live_by_ring(l, EV_DUP, 0);
		live_num(l, r, "res", l->f->n[3]);
		live_num(l, r, "oldfd", URING_FIXED + 5);
	}
	r = live_by_ring(l, EV_CLOSE, 0);
	live_num(l, r, "res", 0);
	live_num(l, r, "fd", URING_FIXED + 5);
}

/* Threads of the kernel do the work: one that polls the ring, or a pool. */
static void
d_threads(struct facts *f)
{
	struct ring r;

	ring_open(&r, 8, IORING_SETUP_SQPOLL);
	f->n[0] = ring_path(&r, IORING_OP_OPENAT, AT_FDCWD, "polled", 0600, O_RDWR | O_CREAT);
	ring_open(&r, 8, 0);
	f->n[1] = ring_do(&r, &(struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
				  .flags = IOSQE_ASYNC,
				  .fd = AT_FDCWD,
				  .addr = (uintptr_t) "pooled",
				  .open_flags = O_RDWR | O_CREAT,
				  .len = 0600 });
	note_file(f, 2, "polled");
	note_file(f, 4, "pooled");
}

static void
c_threads(struct live *l)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct ev_hdr *r = live_by_ring(l, EV_OPENAT, i);

		live_that(l, l->f->n[i] >= 0, "the ring opens it");
		live_num(l, r, "fd", l->f->n[i]);
		live_text(l, r, "name", i == 0 ? "polled" : "pooled");
		live_num(l, r, "ino", l->f->n[3 + 2 * i]);
		live_that(l, r != NULL && r->pid == (uint32_t) l->child && r->tid == r->pid,
		    "it is of the process and not of the kernel's thread");
	}
}

/* A path that changes after its submission: the request waits for another one. */
static void
d_changed(struct facts *f)
{
	struct __kernel_timespec soon = { .tv_nsec = 20000000 };
	char path[16] = "true";
	struct ring r;

	ring_open(&r, 8, 0);
	ring_put(&r, &(struct io_uring_sqe){ .opcode = IORING_OP_TIMEOUT,
			 .flags = IOSQE_IO_HARDLINK,
			 .addr = (uintptr_t) &soon,
			 .len = 1 });
	ring_put(&r, &(struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
			 .fd = AT_FDCWD,
			 .addr = (uintptr_t) path,
			 .open_flags = O_RDWR | O_CREAT,
			 .len = 0600 });
	ring_enter(&r, 2, 0);
	memcpy(path, "fake", sizeof("fake"));
	(void) ring_result(&r);
	f->n[1] = ring_result(&r);
	f->n[0] = access("true", F_OK);
}

static void
c_changed(struct live *l)
{
	const struct ev_hdr *r = live_by_ring(l, EV_OPENAT, 0);

	live_that(l, l->f->n[0] == 0, "the kernel opened the path as it was");
	live_num(l, r, "fd", l->f->n[1]);
	live_text(l, r, "name", "true");
	live_that(l, r != NULL && !(r->flags & EVF_REREAD), "it was read in time");
}

/* Requests without a completion if they succeed. */
static void
d_silent(struct facts *f)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_OPENAT,
		.flags = IOSQE_CQE_SKIP_SUCCESS,
		.fd = AT_FDCWD,
		.addr = (uintptr_t) "quiet",
		.open_flags = O_WRONLY | O_CREAT | O_EXCL,
		.len = 0600 };
	struct ring r;

	ring_open(&r, 8, 0);
	ring_put(&r, &sqe);
	ring_enter(&r, 1, 0);
	while (access("quiet", F_OK) != 0) /* the harness ends the wait */
		(void) sched_yield();
	f->n[0] = ring_do(&r, &sqe);
}

static void
c_silent(struct live *l)
{
	const struct ev_hdr *r = live_by_ring(l, EV_OPENAT, 0);

	live_that(l, l->f->n[0] == -EEXIST, "the ring makes it once");
	for (unsigned i = 0; i < 2; i++) {
		r = live_by_ring(l, EV_OPENAT, i);
		live_absent(l, r, "fd"); /* presumed to succeed, with an unknown descriptor */
		live_text(l, r, "name", "quiet");
	}
	r = live_by_ring(l, EV_OPENAT, 2);
	live_num(l, r, "fd", -EEXIST);
	live_text(l, r, "name", "quiet");
}

/* More completions than the ring has room for. */
static void
d_overflow(struct facts *f)
{
	struct ring r;

	ring_open(&r, 4, 0); /* room for 8 completions */
	for (unsigned i = 0; i < 12; i++) {
		(void) snprintf(f->s[0] + i * 16, 16, "o%u", i);
		(void) close(creat(f->s[0] + i * 16, 0600)); /* else the order is not certain */
		ring_put(&r, &(struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
				 .fd = AT_FDCWD,
				 .addr = (uintptr_t) (f->s[0] + i * 16),
				 .user_data = i });
		ring_enter(&r, 1, 0);
	}
	for (unsigned i = 0; i < 12; i++)
		f->n[i] = ring_result(&r);
}

static void
c_overflow(struct live *l)
{
	for (unsigned i = 0; i < 12; i++) {
		const struct ev_hdr *r = live_by_ring(l, EV_OPENAT, i);

		live_num(l, r, "fd", l->f->n[i]);
		live_text(l, r, "name", l->f->s[0] + i * (size_t) 16);
	}
}

const struct live_case uring_cases[] = {
	{ "io_uring: open and close", d_open, c_open, NULL },
	{ "io_uring: names", d_names, c_names, NULL },
	{ "io_uring: files of the ring", d_fixed, c_fixed, NULL },
	{ "io_uring: the kernel's threads", d_threads, c_threads, NULL },
	{ "io_uring: a path that changes", d_changed, c_changed, NULL },
	{ "io_uring: no completion on success", d_silent, c_silent, NULL },
	{ "io_uring: no room for completions", d_overflow, c_overflow, NULL },
	{ NULL, NULL, NULL, NULL },
};
