/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_int.h - between snapshot.c and snapshot_proc.c. */
#ifndef MEWS_SENSOR_SNAPSHOT_INT_H
#define MEWS_SENSOR_SNAPSHOT_INT_H

#include "proto/batch.h"
#include "sensor/procfs.h"
#include "sensor/rec.h"
#include "sensor/snapshot.h"
#include "sensor/sockets.h"

#define USERS_MAX (64u << 20) /* bytes of a passwd or group file */

struct scan {
	const struct snap_cfg *cfg;
	struct batch_enc *enc;
	struct buf data;
	struct link_parts parts;
	struct snap_stats stats;
	struct proc_info proc;
	struct sockets sockets;
	struct rec rec;
	const struct drv_task *main; /* of the process being scanned */
	uint64_t read_at;
};

/* Add the record in s->rec. -ENOMEM. */
int scan_add(struct scan *s) MUST_CHECK;

/* A process: its threads (the main one first), its descriptors. -ENOMEM; what has gone or cannot be
 * read is no error. */
int scan_process(struct scan *s, const struct drv_task *t, size_t n) MUST_CHECK;

#endif
