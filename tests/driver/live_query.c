/* SPDX-License-Identifier: Apache-2.0 */
/* live_query.c - calls that change nothing: stat, getdents, getuid... */
#include "tests/driver/live_rows.h"
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Query a path that exists, and one that does not. */
static void
path(struct facts *f, const char *call)
{
	int64_t room = live_mem(f, (char[256]){ 0 }, 256);

	(void) CALL(f, call, live_str(f, "/"), room);
	WANT(f, "path=/");
	(void) CALL(f, call, live_str(f, "gone"), room);
	WANT(f, "path=gone");
}

static void
t_stat(struct facts *f)
{
	path(f, "stat");
}

static void
t_lstat(struct facts *f)
{
	path(f, "lstat");
}

static void
t_stat64(struct facts *f)
{
	path(f, "stat64");
}

static void
t_lstat64(struct facts *f)
{
	path(f, "lstat64");
}

static void
t_newfstatat(struct facts *f)
{
	int64_t room = live_mem(f, (char[256]){ 0 }, 256);

	(void) CALL(f, "newfstatat", 4711, live_str(f, "/"), room, AT_SYMLINK_NOFOLLOW);
	WANT(f, "dirfd=4711 path=/ flags=AT_SYMLINK_NOFOLLOW");
	(void) CALL(f, "newfstatat", AT_FDCWD, live_str(f, "gone"), room, 0);
	WANT(f, "dirfd=-100 path=gone flags=0");
}

/* Query a descriptor, and one that is not open; 'named': the event has it as a parameter. */
static void
descriptor(struct facts *f, const char *call, bool named)
{
	int64_t room = live_mem(f, (char[256]){ 0 }, 256);
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	(void) CALL(f, call, fd, room, 256);
	named ? WANT(f, "fd=%d", fd) : WANT(f, " ");
	(void) CALL(f, call, 4711, room, 256);
	named ? WANT(f, "fd=4711") : WANT(f, " ");
}

static void
t_fstat(struct facts *f)
{
	descriptor(f, "fstat", true);
}

static void
t_fstat64(struct facts *f)
{
	descriptor(f, "fstat64", false);
}

static void
t_getdents(struct facts *f)
{
	descriptor(f, "getdents", true);
}

static void
t_getdents64(struct facts *f)
{
	descriptor(f, "getdents64", true);
}

static void
t_epoll_wait(struct facts *f)
{
	int64_t room = live_mem(f, (char[256]){ 0 }, 256);
	int fd = epoll_create1(0);

	(void) CALL(f, "epoll_wait", fd, room, 3, 0);
	WANT(f, "maxevents=3");
	(void) CALL(f, "epoll_wait", fd, room, -1, 0);
	WANT(f, "maxevents=-1");
}

static void
one(struct facts *f, const char *call)
{
	(void) CALL(f, call, 0);
	WANT(f, " ");
}

static void
t_getuid(struct facts *f)
{
	one(f, "getuid");
}

static void
t_geteuid(struct facts *f)
{
	one(f, "geteuid");
}

static void
t_getgid(struct facts *f)
{
	one(f, "getgid");
}

static void
t_getegid(struct facts *f)
{
	one(f, "getegid");
}

static void
t_ioctl(struct facts *f)
{
	int64_t n = live_mem(f, (int[1]){ 0 }, sizeof(int));
	int fd[2];

	if (pipe(fd) != 0)
		_exit(1);
	(void) CALL(f, "ioctl", fd[0], 0x541b, n); /* FIONREAD */
	WANT(f, "fd=%d request=0x541b argument=%ld", fd[0], (long) n);
	(void) CALL(f, "ioctl", 4711, 0x80001234, 7);
	WANT(f, "fd=4711 request=0x80001234 argument=7");
}

const struct live_row query_rows[] = {
	LIVE_ROW(stat),
	LIVE_ROW(lstat),
	LIVE_ROW(stat64),
	LIVE_ROW(lstat64),
	LIVE_ROW(newfstatat),
	LIVE_ROW(fstat),
	LIVE_ROW(fstat64),
	LIVE_ROW(getdents),
	LIVE_ROW(getdents64),
	LIVE_ROW(epoll_wait),
	LIVE_ROW_ONE(getuid, "it cannot fail"),
	LIVE_ROW_ONE(geteuid, "it cannot fail"),
	LIVE_ROW_ONE(getgid, "it cannot fail"),
	LIVE_ROW_ONE(getegid, "it cannot fail"),
	LIVE_ROW(ioctl),
	{ NULL, NULL, NULL },
};
