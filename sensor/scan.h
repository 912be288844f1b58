/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan.h - what was there before capture began, as records: users, groups, tasks, descriptors.
 *
 * Which tasks and descriptors there are comes from the kernel's iterators (source.h's iter), names
 * and texts from the host's /proc. Another process decides how long some of these reads take: who
 * holds its memory lock (a page fault on a dead mount) keeps its cmdline and environ from being
 * read. So a scan runs in a process of its own (scanner.h), says what it is about to read before it
 * does, and can be begun anew behind it. Tasks come first, since all else is read with them.
 *
 * The output is a stream of records; a record of type 0 is a scan_note. What cannot be read (a
 * process that ended meanwhile, a permission) is counted and left out.
 */
#ifndef MEWS_SENSOR_SCAN_H
#define MEWS_SENSOR_SCAN_H

#include "common/macros.h"
#include "driver/abi.h"
#include <stdbool.h>
#include <stdint.h>

enum scan_step { SCAN_USERS, SCAN_GROUPS, SCAN_TASKS, SCAN_FILES, SCAN_DONE };

/* Where to begin: all zero for the whole. */
struct scan_order {
	uint32_t step; /* SCAN_* */
	uint32_t pid;  /* processes below are passed over in this step */
	uint32_t mute; /* cmdline and environ of this process are not read; 0: none */
};

struct scan_stats {
	uint64_t tasks, files, users, unreadable;
};

/* From here on: the next thing that is read. With SCAN_DONE, the last record, nothing more. */
struct scan_note {
	struct ev_hdr hdr; /* type 0; pid: the process, 0: none */
	uint64_t step;
	struct scan_stats stats; /* of this scan, so far */
};

/*
 * The scan, on the caller's thread. 'tasks' and 'files' give struct drv_task and struct drv_file up
 * to their end; 'out' takes the records, and is waited for. 0; -ENOMEM; -errno of reading the
 * iterators or of writing.
 */
int scan_run(
    const char *host_root, const struct scan_order *o, int tasks, int files, int out) MUST_CHECK;

#endif
