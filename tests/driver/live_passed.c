/* SPDX-License-Identifier: Apache-2.0 */
/* live_passed.c - descriptors that come from another process: a row for each. */
#include "proto/names.h"
#include "tests/driver/live_msg.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Note the descriptors received, from n[at] on. */
static void
note_passed(struct facts *f, const struct passing *p, size_t at)
{
	for (size_t i = 0; i < p->n; i++)
		f->n[at + i] = ((const int *) CMSG_DATA(&p->u.c))[i];
}

/* Receive the descriptors 'fd' through a socket to itself; the new ones are noted from n[at] on. */
static void
pass(struct facts *f, const int *fd, size_t n, size_t at, bool cloexec)
{
	struct passing p;
	struct msghdr m = msg_passing(&p, fd, n);
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || sendmsg(pair[0], &m, 0) != 1 ||
	    recvmsg(pair[1], &m, cloexec ? MSG_CMSG_CLOEXEC : 0) != 1)
		_exit(1);
	note_passed(f, &p, at);
}

static void
d_passed(struct facts *f)
{
	struct datagrams d = datagrams();
	int fd[6], pipes[2];

	fd[0] = open("passed", O_RDWR | O_CREAT | O_APPEND, 0600);
	fd[1] = open(".", O_RDONLY | O_DIRECTORY);
	fd[2] = pipe(pipes) == 0 ? pipes[0] : -1;
	fd[3] = d.fd;
	fd[4] = memfd_create("there", 0);
	fd[5] = eventfd(0, 0);
	for (size_t i = 0; i < 6; i++)
		f->n[i] = (int64_t) live_ino(fd[i]);
	pass(f, fd, 6, 10, false);
	pass(f, fd, 1, 16, true);
	f->n[17] = syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, getpid(), 0), fd[0], 0);
}

static void
c_passed(struct live *l)
{
	static const int64_t kind[] = { S_IFREG, S_IFDIR, S_IFIFO, S_IFSOCK, S_IFREG };
	const struct ev_hdr *r;
	char path[512];

	live_that(l, live_count(l, EV_TASK_FILE_PASSED) == 8, "a row for each descriptor");
	for (unsigned i = 0; i < 6; i++) {
		r = live_rec(l, EV_TASK_FILE_PASSED, i);
		live_num(l, r, "fd", l->f->n[10 + i]);
		live_num(l, r, "ino_num", l->f->n[i]);
		live_that(l,
		    i == 5 || (r != NULL && (record_num(r, schema_get(EV_TASK_FILE_PASSED),
						 EVP_TASK_FILE_PASSED_mode) &
						S_IFMT) == kind[i]),
		    "the kind of the file");
	}
	(void) snprintf(path, sizeof(path), "%s/passed", l->f->dir);
	r = live_rec(l, EV_TASK_FILE_PASSED, 0);
	live_text(l, r, "path", path);
	live_num(l, r, "flags",
	    NV_open_flags_O_RDWR | NV_open_flags_O_APPEND | NV_open_flags_O_LARGEFILE);
	live_text(l, live_rec(l, EV_TASK_FILE_PASSED, 1), "path", l->f->dir);
	r = live_rec(l, EV_TASK_FILE_PASSED, 3);
	live_num(l, r, "sk_family", AF_INET);
	live_num(l, r, "sk_type", SOCK_DGRAM);
	live_num(l, r, "sk_proto", IPPROTO_UDP);
	live_text(l, live_rec(l, EV_TASK_FILE_PASSED, 4), "path", "memfd:there");
	live_text(l, live_rec(l, EV_TASK_FILE_PASSED, 5), "path", "[eventfd]");
	for (unsigned i = 6; i < 8; i++) { /* closed by an exec */
		r = live_rec(l, EV_TASK_FILE_PASSED, i);
		live_num(l, r, "fd", l->f->n[10 + i]);
		live_text(l, r, "path", path);
		live_num(l, r, "flags",
		    NV_open_flags_O_RDWR | NV_open_flags_O_APPEND | NV_open_flags_O_LARGEFILE |
			NV_open_flags_O_CLOEXEC);
	}
}

/* Several messages of one call; the second passes nothing. */
static void
d_passed_mmsg(struct facts *f)
{
	struct passing p[3] = { 0 };
	struct mmsghdr m[3] = { 0 };
	int fd[3], pair[2];

	fd[0] = open("first", O_RDONLY | O_CREAT, 0600);
	fd[1] = open("second", O_RDONLY | O_CREAT, 0600);
	fd[2] = open("third", O_RDONLY | O_CREAT, 0600);
	for (size_t i = 0; i < 3; i++)
		f->n[10 + i] = (int64_t) live_ino(fd[i]);
	m[0].msg_hdr = msg_passing(&p[0], &fd[0], 1);
	m[1].msg_hdr = msg_passing(&p[1], fd, 0);
	m[1].msg_hdr.msg_control = NULL;
	m[1].msg_hdr.msg_controllen = 0;
	m[2].msg_hdr = msg_passing(&p[2], &fd[1], 2);
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0 || sendmmsg(pair[0], m, 3, 0) != 3 ||
	    recvmmsg(pair[1], m, 3, 0, NULL) != 3)
		_exit(1);
	note_passed(f, &p[0], 0);
	note_passed(f, &p[2], 1);
}

static void
c_passed_mmsg(struct live *l)
{
	static const char *const names[] = { "first", "second", "third" };
	char path[512];

	live_that(l, live_count(l, EV_RECVMMSG) == 3, "three messages");
	live_that(l, live_count(l, EV_TASK_FILE_PASSED) == 3, "a row for each descriptor");
	for (unsigned i = 0; i < 3; i++) {
		const struct ev_hdr *r = live_rec(l, EV_TASK_FILE_PASSED, i);

		(void) snprintf(path, sizeof(path), "%s/%s", l->f->dir, names[i]);
		live_num(l, r, "fd", l->f->n[i]);
		live_num(l, r, "ino_num", l->f->n[10 + i]);
		live_text(l, r, "path", path);
	}
}

const struct live_case passed_cases[] = {
	{ "recvmsg and pidfd_getfd, descriptors", d_passed, c_passed, NULL },
	{ "recvmmsg, descriptors", d_passed_mmsg, c_passed_mmsg, NULL },
	{ NULL, NULL, NULL, NULL },
};
