/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/fdkind.h"
#include "common/macros.h"
#include <fcntl.h>
#include <sys/stat.h>

static const struct {
	const char *prefix;
	enum fd_kind kind;
} by_name[] = {
	{ "socket:[", FDK_SOCKET },
	{ "pipe:[", FDK_PIPE },
	{ "/memfd:", FDK_MEMFD },
	{ "anon_inode:[eventfd", FDK_EVENT },
	{ "anon_inode:[eventpoll", FDK_EPOLL },
	{ "anon_inode:[signalfd", FDK_SIGNALFD },
	{ "anon_inode:[timerfd", FDK_TIMERFD },
	{ "anon_inode:[userfaultfd", FDK_USERFAULTFD },
	{ "anon_inode:[io_uring", FDK_IO_URING },
	{ "anon_inode:[pidfd", FDK_PIDFD },
	{ "anon_inode:inotify", FDK_INOTIFY },
	{ "anon_inode:bpf", FDK_BPF },
	{ "pidfd:[", FDK_PIDFD },
};

enum fd_kind
fd_kind(struct slice link, uint32_t mode)
{
	for (size_t i = 0; i < ARRAY_SIZE(by_name); i++) {
		if (slice_starts(link, slice_str(by_name[i].prefix)))
			return by_name[i].kind;
	}
	if (link.n == 0 || link.p[0] != '/')
		return FDK_UNSUPPORTED;
	if (S_ISDIR(mode))
		return FDK_DIRECTORY;
	return S_ISFIFO(mode) ? FDK_PIPE : FDK_REGULAR;
}

/* To: the values of names.def's open_flags. */
static const struct {
	uint32_t from, to;
} flag_bits[] = {
	{ O_CREAT, 0x4 },
	{ O_APPEND, 0x8 },
	{ O_DSYNC, 0x10 },
	{ O_EXCL, 0x20 },
	{ O_NONBLOCK, 0x40 },
	{ O_SYNC & ~O_DSYNC, 0x80 },
	{ O_TRUNC, 0x100 },
	{ O_DIRECT, 0x200 },
	{ O_DIRECTORY, 0x400 },
	{ 0100000, 0x800 }, /* O_LARGEFILE, which the headers call 0 */
	{ O_CLOEXEC, 0x1000 },
	{ O_TMPFILE & ~O_DIRECTORY, 0x2000 },
};

uint32_t
fd_open_flags(uint32_t flags)
{
	uint32_t v = (flags & O_ACCMODE) == O_RDWR     ? 0x3
		     : (flags & O_ACCMODE) == O_WRONLY ? 0x2
						       : 0x1;

	for (size_t i = 0; i < ARRAY_SIZE(flag_bits); i++) {
		if ((flags & flag_bits[i].from) == flag_bits[i].from)
			v |= flag_bits[i].to;
	}
	return v;
}
