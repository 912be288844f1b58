/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backlog.h - what earlier sensors of this node left in the spool's folder, one after the other.
 *
 * A stream is one sensor process, and its alerts' ids contain its start: so its batches are
 * delivered in its own name (its Hello, its numbers) before this process begins its own stream. A
 * file is indexed when the ones before it are nearly sent. Loop thread only.
 */
#ifndef MEWS_SENSOR_BACKLOG_H
#define MEWS_SENSOR_BACKLOG_H

#include "common/macros.h"
#include "proto/wire.h"
#include "sensor/spool.h"
#include <stdbool.h>

struct backlog {
	struct spool_disk *disk; /* borrowed; NULL: none */
	struct spool spool;      /* of the stream that is being delivered */
	Wire__Request *hello;    /* its; NULL: nothing is being delivered */
	uint64_t stream;         /* of its files */
	bool ended;              /* that sensor was stopped in order */
};

/*
 * The files of the stream 'start': into 's', which continues it, or, if that is NULL, only look at
 * them. Returns the number of the newest batch there, 0 without any; -ENOMEM.
 */
int64_t backlog_adopt(struct backlog *b, struct spool *s, uint64_t start, const char *node,
    const char *cluster) MUST_CHECK;

/* Begin with the oldest stream left. True: there is one. Those of another node or cluster, and
 * those that cannot be read, stay where they are, logged. */
bool backlog_begin(struct backlog *b, const char *node, const char *cluster);

/* Index the stream's next file if the batches from 'next' on are few. */
void backlog_more(struct backlog *b, uint64_t next);

/* Is everything of the stream durable, or lost? */
bool backlog_over(const struct backlog *b);

/* End the stream, if there is one; 'refused': this collector does not take it, do not try again.
 * Its counters are added to those of 's'; what is left of it stays in its files. */
void backlog_end(struct backlog *b, struct spool *s, bool refused);

#endif
