/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fdkind.h - the kind of a descriptor, by its link and the mode of its target.
 */
#ifndef MEWS_SENSOR_FDKIND_H
#define MEWS_SENSOR_FDKIND_H

#include "common/slice.h"
#include <stdint.h>

/* Values of task_file_anon_inode.fd_type: wire ABI, append only. */
enum fd_kind {
	FDK_UNKNOWN = 0,
	FDK_REGULAR = 1, /* also devices and anything else with a path */
	FDK_DIRECTORY = 2,
	FDK_PIPE = 7,
	FDK_SOCKET = 8,
	FDK_EVENT = 9,
	FDK_UNSUPPORTED = 10,
	FDK_SIGNALFD = 11,
	FDK_EPOLL = 12,
	FDK_INOTIFY = 13,
	FDK_TIMERFD = 14,
	FDK_BPF = 17,
	FDK_USERFAULTFD = 18,
	FDK_IO_URING = 19,
	FDK_MEMFD = 20,
	FDK_PIDFD = 21,
};

/* 'mode' is st_mode, 0 if unknown. */
enum fd_kind fd_kind(struct slice link, uint32_t mode);

/* Translate open() flags into those of events (names.def's open_flags). */
uint32_t fd_open_flags(uint32_t flags);

#endif
