/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan.h - the state from before capture began, as records: users, groups, tasks, descriptors.
 *
 * The kernel's iterators (source.h's iter) list tasks and descriptors; names and texts come from
 * the host's /proc. Some of these reads can block on another process: one that holds its memory
 * lock (a page fault on a dead mount) blocks cmdline and environ. So a scan runs in a separate
 * process (scanner.h), announces each read, and can be restarted after a stuck one. Tasks come
 * first: all else needs them.
 *
 * The output is a stream of records; a record of type 0 is a scan_note. Anything unreadable (a
 * process that ended meanwhile, a permission) is counted and left out.
 */
#ifndef MEWS_SENSOR_SCAN_H
#define MEWS_SENSOR_SCAN_H

#include "common/macros.h"
#include "driver/abi.h"
#include <stdbool.h>
#include <stdint.h>

enum scan_step {
	SCAN_USERS,
	SCAN_GROUPS,
	SCAN_TASKS,
	SCAN_FILES,
	SCAN_DONE,
	SCAN_CONTAINERS, /* no scan: the worker answers questions about containers */
};

/* The starting point; all zero: the whole scan. */
struct scan_order {
	uint32_t step; /* SCAN_* */
	uint32_t pid;  /* skip processes below it in this step */
	uint32_t mute; /* do not read cmdline and environ of this process; 0: none */
};

struct scan_stats {
	uint64_t tasks, files, users, unreadable;
};

/* Announces the next read. With SCAN_DONE it is the last record. */
struct scan_note {
	struct ev_hdr hdr; /* type 0; pid: the process, 0: none */
	uint64_t step;
	struct scan_stats stats; /* of this scan, so far */
};

/*
 * Run a scan on the caller's thread. 'tasks' and 'files' deliver struct drv_task and struct
 * drv_file until they end; writes records to 'out', blocking. 0; -ENOMEM; -errno of reading the
 * iterators or of writing.
 */
int scan_run(
    const char *host_root, const struct scan_order *o, int tasks, int files, int out) MUST_CHECK;

#endif
