/* SPDX-License-Identifier: Apache-2.0 */
/* live_fd.c - calls that make a descriptor from numbers, and locks: eventfd, memfd_create, flock...
 */
#include "tests/driver/live_rows.h"
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* From now on a call that makes a descriptor fails. */
static void
no_more_fds(void)
{
	if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0, 0 }) != 0)
		_exit(1);
}

static void
t_socket(struct facts *f)
{
	(void) CALL(f, "socket", AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 17);
	WANT(f, "domain=AF_INET type=2 proto=17 flags=O_NONBLOCK|O_CLOEXEC");
	(void) CALL(f, "socket", AF_UNIX, SOCK_STREAM, 0);
	WANT(f, "domain=AF_UNIX type=1 proto=0 flags=0");
	(void) CALL(f, "socket", 4711, 3, 255);
	WANT(f, "domain=4711 type=3 proto=255 flags=0");
}

static void
t_listen(struct facts *f)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void) CALL(f, "listen", fd, 7);
	WANT(f, "fd=%d backlog=7", fd);
	(void) CALL(f, "listen", 4711, -1);
	WANT(f, "fd=4711 backlog=-1");
}

static void
t_shutdown(struct facts *f)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0)
		_exit(1);
	(void) CALL(f, "shutdown", fd[0], SHUT_WR);
	WANT(f, "fd=%d how=SHUT_WR", fd[0]);
	(void) CALL(f, "shutdown", fd[1], SHUT_RDWR);
	WANT(f, "fd=%d how=SHUT_RDWR", fd[1]);
	(void) CALL(f, "shutdown", 4711, SHUT_RD);
	WANT(f, "fd=4711 how=SHUT_RD");
}

static void
t_eventfd(struct facts *f)
{
	(void) CALL(f, "eventfd", 7);
	WANT(f, "initval=7 flags=0");
	no_more_fds();
	(void) CALL(f, "eventfd", 8);
	WANT(f, "initval=8 flags=0");
}

static void
t_eventfd2(struct facts *f)
{
	(void) CALL(f, "eventfd2", 7, EFD_NONBLOCK | EFD_CLOEXEC);
	WANT(f, "flags=O_NONBLOCK|O_CLOEXEC initval=7");
	(void) CALL(f, "eventfd2", 8, 0x40000000);
	WANT(f, "flags=0 initval=8");
}

static void
t_epoll_create(struct facts *f)
{
	(void) CALL(f, "epoll_create", 3);
	WANT(f, "size=3");
	(void) CALL(f, "epoll_create", -1);
	WANT(f, "size=-1");
}

static void
t_epoll_create1(struct facts *f)
{
	(void) CALL(f, "epoll_create1", EPOLL_CLOEXEC);
	WANT(f, "flags=EPOLL_CLOEXEC");
	(void) CALL(f, "epoll_create1", 1);
	WANT(f, "flags=0");
}

static void
t_inotify_init(struct facts *f)
{
	(void) CALL(f, "inotify_init", 0);
	WANT(f, "flags=0");
	no_more_fds();
	(void) CALL(f, "inotify_init", 0);
	WANT(f, "flags=0");
}

static void
t_inotify_init1(struct facts *f)
{
	(void) CALL(f, "inotify_init1", IN_CLOEXEC | IN_NONBLOCK);
	WANT(f, "flags=O_NONBLOCK|O_CLOEXEC");
	(void) CALL(f, "inotify_init1", 0x40000000);
	WANT(f, "flags=0");
}

static void
t_signalfd(struct facts *f)
{
	static const uint64_t set;

	(void) CALL(f, "signalfd", -1, live_mem(f, &set, sizeof(set)), sizeof(set));
	WANT(f, "fd=-1 mask=0 flags=0");
	(void) CALL(f, "signalfd", 4711, live_mem(f, &set, sizeof(set)), sizeof(set));
	WANT(f, "fd=4711 mask=0 flags=0");
}

static void
t_signalfd4(struct facts *f)
{
	static const uint64_t set;

	(void) CALL(f, "signalfd4", -1, live_mem(f, &set, sizeof(set)), sizeof(set), SFD_CLOEXEC);
	WANT(f, "flags=O_CLOEXEC fd=-1 mask=0");
	(void) CALL(f, "signalfd4", 4711, live_mem(f, &set, sizeof(set)), sizeof(set), 0);
	WANT(f, "flags=0 fd=4711 mask=0");
}

static void
t_timerfd_create(struct facts *f)
{
	(void) CALL(f, "timerfd_create", CLOCK_MONOTONIC, TFD_CLOEXEC);
	WANT(f, "clockid=1 flags=0");
	(void) CALL(f, "timerfd_create", 77, 0);
	WANT(f, "clockid=77 flags=0");
}

static void
t_memfd_create(struct facts *f)
{
	(void) CALL(f, "memfd_create", live_str(f, "secret"), MFD_CLOEXEC | MFD_ALLOW_SEALING);
	WANT(f, "name=secret flags=MFD_CLOEXEC|MFD_ALLOW_SEALING");
	(void) CALL(f, "memfd_create", live_str(f, "other"), 0x40000000);
	WANT(f, "name=other flags=0");
}

static void
t_pidfd_open(struct facts *f)
{
	(void) CALL(f, "pidfd_open", getpid(), 0);
	WANT(f, "pid=%d flags=0", getpid());
	(void) CALL(f, "pidfd_open", -1, 04000);
	WANT(f, "pid=-1 flags=PIDFD_NONBLOCK");
}

static void
t_pidfd_getfd(struct facts *f)
{
	int fd = (int) syscall(SYS_pidfd_open, getpid(), 0);

	(void) CALL(f, "pidfd_getfd", fd, 2, 0);
	WANT(f, "pid_fd=%d target_fd=2 flags=0", fd);
	(void) CALL(f, "pidfd_getfd", 4711, 4712, 7);
	WANT(f, "pid_fd=4711 target_fd=4712 flags=7");
}

static void
t_userfaultfd(struct facts *f)
{
	(void) CALL(f, "userfaultfd", O_CLOEXEC | O_NONBLOCK);
	WANT(f, "flags=O_NONBLOCK|O_CLOEXEC");
	(void) CALL(f, "userfaultfd", 0x40000000);
	WANT(f, "flags=0");
}

static void
t_flock(struct facts *f)
{
	int fd = open(f->dir, O_RDONLY | O_DIRECTORY);

	(void) CALL(f, "flock", fd, LOCK_SH | LOCK_NB);
	WANT(f, "fd=%d operation=LOCK_SH|LOCK_NB", fd);
	(void) CALL(f, "flock", 4711, LOCK_UN);
	WANT(f, "fd=4711 operation=LOCK_UN");
}

static void
pipe_ends(struct facts *f, const char *call, const char *also)
{
	int64_t at = live_mem(f, (int[2]){ 0 }, sizeof(int[2]));
	int fd[2];

	(void) CALL(f, call, at, O_CLOEXEC | O_NONBLOCK);
	memcpy(fd, (void *) (intptr_t) at, sizeof(fd));
	WANT(f, "fd1=%d fd2=%d ino=%lu%s", fd[0], fd[1], live_ino(fd[0]), also);
	no_more_fds();
	(void) CALL(f, call, at, O_CLOEXEC | O_NONBLOCK);
	WANT(f, "fd1=-1 fd2=-1 ino=0%s", also);
}

static void
t_pipe(struct facts *f)
{
	pipe_ends(f, "pipe", "");
}

static void
t_pipe2(struct facts *f)
{
	pipe_ends(f, "pipe2", " flags=O_NONBLOCK|O_CLOEXEC");
}

#define DIGITS "0123456789"
#define SNAP   DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS /* the snap length: 80 */

static void
t_read(struct facts *f)
{
	int fd[2];

	if (pipe(fd) != 0 || write(fd[1], SNAP SNAP, 160) != 160)
		_exit(1);
	(void) CALL(f, "read", fd[0], live_str(f, "......"), 5);
	WANT(f, "data=01234 fd=%d size=5", fd[0]);
	(void) CALL(f, "read", fd[0], live_mem(f, SNAP SNAP, 160), 160);
	WANT(f, "data=56789%.75s fd=%d size=160", SNAP, fd[0]);
	(void) CALL(f, "read", 4711, live_str(f, "......"), 5);
	WANT(f, "data= fd=4711 size=5");
}

static void
t_write(struct facts *f)
{
	int fd = open("/dev/null", O_WRONLY);

	(void) CALL(f, "write", fd, live_mem(f, SNAP SNAP, 160), 160);
	WANT(f, "data=" SNAP " fd=%d size=160", fd);
	(void) CALL(f, "write", 4711, live_str(f, "some-bytes"), 4);
	WANT(f, "data=some fd=4711 size=4");
}

const struct live_row fd_rows[] = {
	LIVE_ROW(read),
	LIVE_ROW(write),
	LIVE_ROW(pipe),
	LIVE_ROW(pipe2),
	LIVE_ROW(socket),
	LIVE_ROW(listen),
	LIVE_ROW(shutdown),
	LIVE_ROW(eventfd),
	LIVE_ROW(eventfd2),
	LIVE_ROW(epoll_create),
	LIVE_ROW(epoll_create1),
	LIVE_ROW(inotify_init),
	LIVE_ROW(inotify_init1),
	LIVE_ROW(signalfd),
	LIVE_ROW(signalfd4),
	LIVE_ROW(timerfd_create),
	LIVE_ROW(memfd_create),
	LIVE_ROW(pidfd_open),
	LIVE_ROW(pidfd_getfd),
	LIVE_ROW(userfaultfd),
	LIVE_ROW(flock),
	{ NULL, NULL, NULL },
};
