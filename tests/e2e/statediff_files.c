/* SPDX-License-Identifier: Apache-2.0 */
/* statediff_files.c - actions on files, folders, sockets and other descriptors. */
#include "tests/e2e/statediff_moves.h"
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/close_range.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- files ---- */

void
m_open(struct who *w)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	int dirfd, flags = modes[roll(w->p, 3)];
	long path = pick_path(w, &dirfd);

	flags |= chance(w, 70) ? O_CREAT : 0;
	flags |= chance(w, 50) ? O_CLOEXEC : 0;
	flags |= chance(w, 20) ? O_APPEND : 0;
	switch (dirfd == AT_FDCWD ? roll(w->p, 4) : 3 + roll(w->p, 2)) {
	case 0:
		(void) CALL(w, open, path, flags, 0666);
		break;
	case 1:
		(void) CALL(w, creat, path, 0666);
		break;
	case 2:
	case 3:
		(void) CALL(w, openat, dirfd, path, flags, 0666);
		break;
	default: {
		const uint64_t how[3] = { (uint64_t) flags, flags & O_CREAT ? 0666 : 0, 0 };

		(void) CALL(w, openat2, dirfd, path, put(w, how, sizeof(how)), sizeof(how));
	}
	}
}

void
m_open_dir(struct who *w)
{
	char path[NAME];

	(void) snprintf(path, sizeof(path), "%s/%s", root_of(w), pick_dir(w));
	(void) CALL(w, openat, AT_FDCWD, put_text(w, path),
	    O_RDONLY | O_DIRECTORY | (chance(w, 50) ? O_CLOEXEC : 0));
}

/* By the handle of an open file, which the director asks for. */
void
m_open_handle(struct who *w)
{
	union {
		struct file_handle h;
		char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} handle = { .h.handle_bytes = MAX_HANDLE_SZ };
	const int fd = pick_fd(w);
	char path[64], link[NAME] = "";
	int mount;

	(void) snprintf(path, sizeof(path), "/proc/%d/task/%d/fd/%d", w->a->pid, w->a->tid, fd);
	if (readlink(path, link, sizeof(link) - 1) > 0 &&
	    strncmp(link, w->p->dir, strlen(w->p->dir)) == 0 &&
	    name_to_handle_at(AT_FDCWD, path, &handle.h, &mount, AT_SYMLINK_FOLLOW) == 0)
		(void) CALL(w, open_by_handle_at, fd, put(w, &handle, sizeof(handle)),
		    O_RDONLY | cloexec(w));
}

void
m_close(struct who *w)
{
	(void) CALL(w, close, pick_fd(w));
}

void
m_dup(struct who *w)
{
	const long from = pick_fd(w), to = 3 + (long) roll(w->p, FD_MAX - 3);

	switch (roll(w->p, 5)) {
	case 0:
		(void) CALL(w, dup, from);
		break;
	case 1:
		(void) CALL(w, dup2, from, to);
		break;
	case 2:
		(void) CALL(w, dup3, from, to, chance(w, 50) ? O_CLOEXEC : 0);
		break;
	case 3:
		(void) CALL(w, fcntl, from, F_DUPFD, to);
		break;
	default:
		(void) CALL(w, fcntl, from, F_DUPFD_CLOEXEC, to);
		break;
	}
}

void
m_tmpfile(struct who *w)
{
	char path[NAME];

	(void) snprintf(path, sizeof(path), "%s/%s", root_of(w), pick_dir(w));
	(void) CALL(w, openat, AT_FDCWD, put_text(w, path), O_TMPFILE | O_RDWR | cloexec(w), 0600);
}

void
m_close_range(struct who *w)
{
	static const unsigned flags[] = { 0, 0, CLOSE_RANGE_CLOEXEC };
	const long first = MAX(pick_fd(w), 3);

	(void) CALL(w, close_range, first, chance(w, 10) ? ~0u : first + (long) roll(w->p, 6),
	    flags[roll(w->p, 3)]);
}

void
m_set_cloexec(struct who *w)
{
	(void) CALL(w, fcntl, pick_fd(w), F_SETFD, chance(w, 50) ? FD_CLOEXEC : 0);
}

void
m_pipe(struct who *w)
{
	const int v[2] = { 0 };
	const long at = put(w, v, sizeof(v));

	if (chance(w, 30))
		(void) CALL(w, pipe, at);
	else
		(void) CALL(w, pipe2, at, cloexec(w));
}

void
m_special(struct who *w)
{
	const uint64_t signals = 1u << (SIGUSR1 - 1);

	switch (roll(w->p, 12)) {
	case 8:
		(void) CALL(w, signalfd, -1, put(w, &signals, sizeof(signals)), sizeof(signals));
		break;
	case 9:
		(void) CALL(w, eventfd, 0);
		break;
	case 10:
		(void) CALL(w, epoll_create, 1);
		break;
	case 11:
		(void) CALL(w, inotify_init, 0);
		break;
	case 0:
		(void) CALL(w, eventfd2, 0, cloexec(w));
		break;
	case 1:
		(void) CALL(w, epoll_create1, cloexec(w));
		break;
	case 2:
		(void) CALL(w, timerfd_create, 1, cloexec(w));
		break;
	case 3:
		(void) CALL(w, signalfd4, -1, put(w, &signals, sizeof(signals)), sizeof(signals),
		    cloexec(w));
		break;
	case 4:
		(void) CALL(w, inotify_init1, cloexec(w));
		break;
	case 5:
		(void) CALL(
		    w, memfd_create, put_text(w, "memory"), chance(w, 50) ? MFD_CLOEXEC : 0);
		break;
	case 6:
		(void) CALL(w, userfaultfd, cloexec(w));
		break;
	default:
		(void) CALL(w, pidfd_open, pick_pid(w), 0);
	}
}

/* A ring, or a map. */
void
m_kernel(struct who *w)
{
	const struct io_uring_params params = { 0 };
	const union bpf_attr map = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
	};

	if (chance(w, 50))
		(void) CALL(w, io_uring_setup, 1, put(w, &params, sizeof(params)));
	else
		(void) CALL(w, bpf, BPF_MAP_CREATE, put(w, &map, sizeof(map)), sizeof(map));
}

void
m_chdir(struct who *w)
{
	char path[NAME];
	int fd = pick_dirfd(w);

	if (fd >= 0 && chance(w, 50)) {
		(void) CALL(w, fchdir, fd);
		return;
	}
	if (chance(w, 50))
		(void) snprintf(path, sizeof(path), "../d%lu", roll(w->p, 4));
	else
		(void) snprintf(path, sizeof(path), "%s/%s", root_of(w), pick_dir(w));
	(void) CALL(w, chdir, put_text(w, path));
}

void
m_chroot(struct who *w)
{
	struct play *p = w->p;
	bool outside = false;
	char path[NAME];

	for (int i = 0; i < SLOTS; i++) /* one process stays outside */
		outside |= p->actor[i].alive && !p->actor[i].jailed && p->actor[i].pid != w->a->pid;
	if (w->a->jailed || !outside)
		return;
	(void) snprintf(path, sizeof(path), "%s/jail", p->dir);
	if (CALL(w, chroot, put_text(w, path)) < 0)
		return;
	for (int i = 0; i < SLOTS; i++)
		p->actor[i].jailed |= p->actor[i].pid == w->a->pid;
	(void) CALL(w, chdir, put_text(w, "/d0"));
}

/* A path as the director sees it. */
static long
put_host_path(struct who *w, char host[NAME], const char *name)
{
	const char *dir = pick_dir(w);
	char path[NAME];

	(void) snprintf(
	    host, NAME, "%s/%s%s/%s", w->p->dir, w->a->jailed ? "jail/" : "", dir, name);
	(void) snprintf(path, sizeof(path), "%s/%s/%s", root_of(w), dir, name);
	return put_text(w, path);
}

void
m_rename(struct who *w)
{
	char name[NAME], from[NAME], to[NAME];
	long old, new;

	pick_name(w, name);
	old = put_host_path(w, from, name);
	(void) snprintf(name, sizeof(name), "r%lu", w->p->names);
	new = put_host_path(w, to, name);
	if ((chance(w, 50) ? CALL(w, rename, old, new)
			   : CALL(w, renameat2, AT_FDCWD, old, AT_FDCWD, new, 0)) < 0)
		return;
	w->p->names++;
	name_changed(from, to);
}

void
m_unlink(struct who *w)
{
	int dirfd;
	long path = pick_path(w, &dirfd);

	(void) CALL(w, unlinkat, dirfd, path, 0);
}

/* ---- sockets ---- */

void
m_socketpair(struct who *w)
{
	const int v[2] = { 0 };

	(void) CALL(w, socketpair, AF_UNIX, (chance(w, 50) ? SOCK_STREAM : SOCK_DGRAM) | cloexec(w),
	    0, put(w, v, sizeof(v)));
}

void
m_socket(struct who *w)
{
	static const long families[] = { AF_INET, AF_INET6, AF_UNIX, AF_NETLINK };

	(void) CALL(w, socket, families[roll(w->p, 4)], SOCK_DGRAM | cloexec(w), 0);
}

/* A server and its client in one process. */
void
m_tcp(struct who *w)
{
	const struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
		.sin_port = chance(w, 50) ? 0 : htons((uint16_t) (15000 + roll(w->p, 5000))) };
	const socklen_t n = sizeof(a);
	const long at = put(w, &a, sizeof(a)), size = put(w, &n, sizeof(n));
	const long server = CALL(w, socket, AF_INET, SOCK_STREAM | cloexec(w), 0);
	const long client = CALL(w, socket, AF_INET, SOCK_STREAM | cloexec(w), 0);

	if (server < 0 || client < 0 || CALL(w, bind, server, at, sizeof(a)) < 0 ||
	    CALL(w, listen, server, 5) < 0 || CALL(w, getsockname, server, at, size) < 0 ||
	    CALL(w, connect, client, at, sizeof(a)) < 0)
		return;
	if (chance(w, 50))
		(void) CALL(w, accept, server, 0, 0);
	else
		(void) CALL(w, accept4, server, 0, 0, cloexec(w));
	if (chance(w, 50))
		(void) CALL(w, close, server);
}

enum { PASSED_MAX = 3 };

/* Pass descriptors through a pair of sockets. */
void
m_pass(struct who *w)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(PASSED_MAX * sizeof(int))];
	} control = { .h = { 0, SOL_SOCKET, SCM_RIGHTS } };
	const size_t n = 1 + roll(w->p, PASSED_MAX);
	const int pair[2] = { 0 };
	const int *ends = address(put(w, pair, sizeof(pair)));
	struct iovec iov = { address(put(w, "x", 1)), 1 };
	struct mmsghdr m = { .msg_hdr = {
				 .msg_iov = address(put(w, &iov, sizeof(iov))), .msg_iovlen = 1 } };
	const long flags = chance(w, 50) ? MSG_CMSG_CLOEXEC : 0;
	long message;

	for (size_t i = 0; i < n; i++) {
		const int fd = pick_fd(w);

		memcpy(CMSG_DATA(&control.h) + i * sizeof(fd), &fd, sizeof(fd));
	}
	control.h.cmsg_len = CMSG_LEN(n * sizeof(int));
	m.msg_hdr.msg_control = address(put(w, &control, sizeof(control)));
	m.msg_hdr.msg_controllen = CMSG_SPACE(n * sizeof(int));
	message = put(w, &m, sizeof(m));
	if (CALL(w, socketpair, AF_UNIX, SOCK_STREAM | cloexec(w), 0, (long) ends) < 0 ||
	    CALL(w, sendmsg, ends[0], message, 0) < 0)
		return;
	if (chance(w, 50))
		(void) CALL(w, recvmsg, ends[1], message, flags);
	else
		(void) CALL(w, recvmmsg, ends[1], message, 1, flags, 0);
}

void
m_take(struct who *w)
{
	struct who other = { .p = w->p, .i = (int) roll(w->p, SLOTS) };
	long pidfd;

	other.a = &w->p->actor[other.i];
	if (!other.a->alive)
		return;
	pidfd = CALL(w, pidfd_open, other.a->pid, 0);
	if (pidfd >= 0)
		(void) CALL(w, pidfd_getfd, pidfd, pick_fd(&other), 0);
}
