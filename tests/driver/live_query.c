/* SPDX-License-Identifier: Apache-2.0 */
/* live_query.c - calls that change nothing: stat, getdents, getuid, getcwd... */
#include "tests/driver/live_rows.h"
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
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

/* Query the three ids 'r', 'e' and 's', and at an address that cannot be written. */
static void
three(struct facts *f, const char *call, const char *want, const char *none)
{
	int64_t r = live_mem(f, (int64_t[1]){ 0 }, 8), e = live_mem(f, (int64_t[1]){ 0 }, 8);
	int64_t s = live_mem(f, (int64_t[1]){ 0 }, 8);

	(void) CALL(f, call, r, e, s);
	WANT(f, "%s", want);
	(void) CALL(f, call, r, 8, s);
	WANT(f, "%s", none);
}

static void
user_ids(struct facts *f, const char *call)
{
	if (setresuid(1001, 0, 1003) != 0)
		_exit(1);
	three(f, call, "ruid=1001 euid=0 suid=1003", "ruid=- euid=- suid=-");
}

static void
t_getresuid(struct facts *f)
{
	user_ids(f, "getresuid");
}

static void
t_getresuid32(struct facts *f)
{
	user_ids(f, "getresuid32");
}

static void
group_ids(struct facts *f, const char *call)
{
	if (setresgid(1001, 1002, 1003) != 0)
		_exit(1);
	three(f, call, "rgid=1001 egid=1002 sgid=1003", "rgid=- egid=- sgid=-");
}

static void
t_getresgid(struct facts *f)
{
	group_ids(f, "getresgid");
}

static void
t_getresgid32(struct facts *f)
{
	group_ids(f, "getresgid32");
}

static void
t_getcwd(struct facts *f)
{
	int64_t room = live_mem(f, (char[256]){ 0 }, 256);

	(void) CALL(f, "getcwd", room, 256);
	WANT(f, "path=%s", f->dir);
	(void) CALL(f, "getcwd", room, 1); /* too small */
	WANT(f, "path=-");
}

/* Query the address of a socket, and of what is none. */
static void
address(struct facts *f, const char *call)
{
	int64_t room = live_mem(f, (char[128]){ 0 }, 128);
	int64_t len = live_mem(f, (int[1]){ 128 }, sizeof(int));
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0)
		_exit(1);
	(void) CALL(f, call, fd[0], room, len);
	WANT(f, " ");
	(void) CALL(f, call, 4711, room, len);
	WANT(f, " ");
}

static void
t_getsockname(struct facts *f)
{
	address(f, "getsockname");
}

static void
t_getpeername(struct facts *f)
{
	address(f, "getpeername");
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
	LIVE_ROW(getresuid),
	LIVE_ROW(getresuid32),
	LIVE_ROW(getresgid),
	LIVE_ROW(getresgid32),
	LIVE_ROW(getcwd),
	LIVE_ROW(getsockname),
	LIVE_ROW(getpeername),
	LIVE_ROW(ioctl),
	{ .name = NULL },
};
