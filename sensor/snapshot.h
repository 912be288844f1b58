/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.h - what was there before capture began: tasks, their descriptors, users and groups.
 *
 * Who exists comes from the kernel's task iterator (only it knows a task's exact start); the rest
 * from one pass over the host's /proc, by a thread of its own, since it takes long. Capture is on
 * already, so nothing falls between; an entry carries the time at which it was read. What cannot be
 * read (a process that ended meanwhile, a permission) is counted and left out.
 */
#ifndef MEWS_SENSOR_SNAPSHOT_H
#define MEWS_SENSOR_SNAPSHOT_H

#include "common/macros.h"
#include "driver/abi.h"
#include "sensor/link.h"
#include <stddef.h>
#include <stdint.h>

/* All threads of the system. */
struct snap_tasks {
	struct drv_task *v;
	size_t n, cap;
};

int snap_tasks_add(void *tasks, const struct drv_task *t); /* source_task_fn; -ENOMEM */
void snap_tasks_fini(struct snap_tasks *t);

struct snap_cfg {
	const char *host_root; /* borrowed */
	uint64_t id;
	size_t part_bytes; /* of a part, at most about this */
	int compression;
};

struct snap_stats {
	uint64_t tasks, files, users, unreadable;
};

/* The scan itself, on the caller's thread. Sorts the tasks. -ENOMEM. */
int snapshot_scan(const struct snap_cfg *cfg, struct snap_tasks *tasks, struct link_parts *ret,
    struct snap_stats *stats) MUST_CHECK;

struct snapshot;

/* The scan on a thread of its own, which calls wake(arg) at its end. Takes the tasks. */
int snapshot_start(const struct snap_cfg *cfg, struct snap_tasks *tasks, void (*wake)(void *arg),
    void *arg, struct snapshot **ret) MUST_CHECK;

bool snapshot_ready(const struct snapshot *s);

/* Wait for its end, take the result, free it. Its id, which is 0 only for NULL. */
uint64_t snapshot_finish(struct snapshot *s, struct link_parts *ret, struct snap_stats *stats);

#endif
