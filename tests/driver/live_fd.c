/* SPDX-License-Identifier: Apache-2.0 */
/* live_fd.c - calls that make a descriptor or work on one: eventfd, memfd_create, flock, splice...
 */
#include "tests/driver/live_rows.h"
#include <fcntl.h>
#include <limits.h>
#include <linux/io_uring.h>
#include <stdlib.h>
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
	memcpy(fd, live_at(f, at), sizeof(fd));
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

/* Three bytes in a file. */
static int
small_file(void)
{
	int fd = open("small", O_CREAT | O_RDWR, 0600);

	if (write(fd, "abc", 3) != 3 || lseek(fd, 0, SEEK_SET) != 0)
		_exit(1);
	return fd;
}

static void
t_lseek(struct facts *f)
{
	int fd = open("small", O_CREAT | O_RDWR, 0600);

	(void) CALL(f, "lseek", fd, 7, SEEK_END);
	WANT(f, "fd=%d offset=7 whence=SEEK_END", fd);
	(void) CALL(f, "lseek", fd, -1, SEEK_CUR);
	WANT(f, "fd=%d offset=-1 whence=SEEK_CUR", fd);
	(void) CALL(f, "lseek", 4711, 0, SEEK_SET);
	WANT(f, "fd=4711 offset=0 whence=SEEK_SET");
}

static void
t_splice(struct facts *f)
{
	int fd = small_file(), p[2];

	if (pipe(p) != 0)
		_exit(1);
	(void) CALL(f, "splice", fd, 0, p[1], 0, 10, SPLICE_F_MOVE | SPLICE_F_MORE);
	WANT(f, "fd_in=%d fd_out=%d size=10 flags=SPLICE_F_MOVE|SPLICE_F_MORE", fd, p[1]);
	(void) CALL(f, "splice", 4711, 0, 4712, 0, 10, 0);
	WANT(f, "fd_in=4711 fd_out=4712 size=10 flags=0");
}

static void
t_sendfile(struct facts *f)
{
	int fd = small_file(), null = open("/dev/null", O_WRONLY);
	int64_t at = live_mem(f, (int64_t[1]){ 1 }, sizeof(int64_t));

	(void) CALL(f, "sendfile", null, fd, at, 10);
	WANT(f, "offset=3 out_fd=%d in_fd=%d size=10", null, fd);
	(void) CALL(f, "sendfile", 4711, 4712, 0, 10);
	WANT(f, "offset=0 out_fd=4711 in_fd=4712 size=10");
}

static void
t_copy_file_range(struct facts *f)
{
	int fd = small_file(), to = open("copy", O_CREAT | O_RDWR, 0600);

	(void) CALL(f, "copy_file_range", fd, 0, to, 0, 10, 0);
	WANT(f, "fdout=%d offout=0 fdin=%d offin=0 len=10", to, fd);
	(void) CALL(f, "copy_file_range", 4711, 5, 4712, 6, 10, 0);
	WANT(f, "fdout=4712 offout=6 fdin=4711 offin=5 len=10");
}

static void
t_io_uring_setup(struct facts *f)
{
	static const struct io_uring_params none = { .flags = IORING_SETUP_CLAMP };
	int64_t at = live_mem(f, &none, sizeof(none));
	struct io_uring_params p;

	(void) CALL(f, "io_uring_setup", 3, at);
	memcpy(&p, live_at(f, at), sizeof(p)); /* as the kernel filled it */
	WANT(f,
	    "entries=3 sq_entries=%u cq_entries=%u flags=IORING_SETUP_CLAMP sq_thread_cpu=0 "
	    "sq_thread_idle=0 features=%u",
	    p.sq_entries, p.cq_entries, p.features & 0x7ff);
	p = (struct io_uring_params){
		.flags = IORING_SETUP_SQ_AFF, .sq_thread_cpu = 5, .sq_thread_idle = 6
	};
	(void) CALL(f, "io_uring_setup", 4, live_mem(f, &p, sizeof(p)));
	WANT(f,
	    "entries=4 sq_entries=0 cq_entries=0 flags=IORING_SETUP_SQ_AFF sq_thread_cpu=5 "
	    "sq_thread_idle=6 features=0");
}

static void
t_io_uring_enter(struct facts *f)
{
	static struct io_uring_params p;
	int fd = (int) syscall(SYS_io_uring_setup, 1, &p);

	(void) CALL(f, "io_uring_enter", fd, 0, 0, 0);
	WANT(f, "fd=%d to_submit=0 min_complete=0 flags=0 sig=0", fd);
	(void) CALL(f, "io_uring_enter", 4711, 3, 2, IORING_ENTER_GETEVENTS);
	WANT(f, "fd=4711 to_submit=3 min_complete=2 flags=IORING_ENTER_GETEVENTS sig=0");
}

static void
t_io_uring_register(struct facts *f)
{
	static struct io_uring_params p;
	int fd = (int) syscall(SYS_io_uring_setup, 1, &p);
	int64_t at = live_mem(f, (int[1]){ 2 }, sizeof(int));

	(void) CALL(f, "io_uring_register", fd, IORING_REGISTER_FILES, at, 1);
	WANT(f, "fd=%d opcode=IORING_REGISTER_FILES arg=%ld nr_args=1", fd, (long) at);
	(void) CALL(f, "io_uring_register", 4711, IORING_UNREGISTER_BUFFERS, 7, 8);
	WANT(f, "fd=4711 opcode=IORING_UNREGISTER_BUFFERS arg=7 nr_args=8");
}

static void
t_open_by_handle_at(struct facts *f)
{
	struct {
		struct file_handle h;
		char room[MAX_HANDLE_SZ];
	} handle = { .h.handle_bytes = MAX_HANDLE_SZ };
	char path[PATH_MAX];
	int64_t at;
	int dir = open(f->dir, O_RDONLY | O_DIRECTORY), mount, fd;

	(void) close(small_file());
	if (name_to_handle_at(dir, "small", &handle.h, &mount, 0) != 0 ||
	    realpath("small", path) == NULL)
		_exit(1);
	at = live_mem(f, &handle, sizeof(handle));
	fd = (int) CALL(f, "open_by_handle_at", dir, at, O_RDWR | O_CLOEXEC);
	WANT(f, "mountfd=%d flags=O_RDWR|O_CLOEXEC path=%s dev=%lu ino=%lu", dir, path,
	    live_dev(fd), live_ino(fd));
	(void) CALL(f, "open_by_handle_at", 4711, at, O_RDONLY);
	WANT(f, "mountfd=4711 flags=O_RDONLY path=- dev=0 ino=0");
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
	LIVE_ROW(lseek),
	LIVE_ROW(splice),
	LIVE_ROW(sendfile),
	LIVE_ROW(copy_file_range),
	LIVE_ROW(io_uring_setup),
	LIVE_ROW(io_uring_enter),
	LIVE_ROW(io_uring_register),
	LIVE_ROW(open_by_handle_at),
	{ .name = NULL },
};
