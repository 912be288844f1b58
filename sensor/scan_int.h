/* SPDX-License-Identifier: Apache-2.0 */
/* scan_int.h - between scan.c and scan_proc.c. */
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
	int fd;         /* where records go */
	struct buf out; /* not written yet */
	struct scan_stats stats;
	struct proc_info proc;
	struct sockets sockets;
	struct rec rec;
	uint64_t start;   /* of the process being scanned */
	uint64_t read_at; /* of its rows */
	bool gone;        /* that process is not there any more */
};

/* Add the record in s->rec. -ENOMEM, -errno of writing. */
int scan_add(struct scan *s) MUST_CHECK;

/* Say what is read next, and write all that is gathered. The same errors. */
int scan_at(struct scan *s, enum scan_step step, uint32_t pid) MUST_CHECK;

/* A process's threads, the main one first; a descriptor. The same errors; what has gone or cannot
 * be read is no error. */
int scan_process(struct scan *s, const struct drv_task *t, size_t n) MUST_CHECK;
int scan_file(struct scan *s, const struct drv_file *f) MUST_CHECK;

#endif
