/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/fdkind.h"
#include "common/macros.h"
#include "sensor/translate.h"
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

uint32_t
fd_open_flags(uint32_t flags)
{
	return (uint32_t) translate_value(schema_get(EV_OPEN)->params[EVP_OPEN_flags].names, flags);
}
