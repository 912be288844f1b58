/* SPDX-License-Identifier: Apache-2.0 */
/* scan_int.h - shared by scan.c, scan_proc.c and scan_out.c. */
#ifndef MEWS_SENSOR_SCAN_INT_H
#define MEWS_SENSOR_SCAN_INT_H

#include "sensor/event_build.h"
#include "sensor/procfs.h"
#include "sensor/scan.h"
#include "sensor/sockets.h"

#define USERS_MAX (64u << 20) /* bytes of a passwd or group file */

struct scan {
	const char *host_root;
	struct scan_order order;
	int fd;         /* output for records */
	struct buf out; /* not written yet */
	struct scan_stats stats;
	struct proc_info proc;
	struct sockets sockets;
	struct rec rec;
	uint64_t start;   /* of the process being scanned */
	uint64_t read_at; /* time of reading its rows */
	bool gone;        /* that process has ended */
};

/* scan_out.c: add the record in s->rec. -ENOMEM, -errno of writing. */
int scan_add(struct scan *s) MUST_CHECK;

/* Announce the next read, and write everything gathered. The same errors. */
int scan_at(struct scan *s, enum scan_step step, uint32_t pid) MUST_CHECK;

/* Add a process's threads, the main one first; a descriptor. The same errors; ended or unreadable
 * ones are no error. */
int scan_process(struct scan *s, const struct drv_task *t, size_t n) MUST_CHECK;
int scan_file(struct scan *s, const struct drv_file *f) MUST_CHECK;

#endif
