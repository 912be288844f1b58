/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drop_log.h - what a sensor has dropped, as a line for the log: how many, of which type, and why.
 *
 * Both ends say the same: the sensor what it counts, the collector what it is told. A line comes
 * once so many are new, and at most every DROP_LOG_NS; until then they add up. One owner, one
 * thread.
 */
#ifndef MEWS_PROTO_DROP_LOG_H
#define MEWS_PROTO_DROP_LOG_H

#include "common/buf.h"
#include "common/clock.h"
#include "common/macros.h"
#include "proto/wire.h"

#define DROP_LOG_NS   (10 * NS_PER_S)
#define DROP_LOG_ROWS 512 /* kinds (type and cause) that are told apart */

/* After their number: calls whose arguments could not be saved at entry. */
#define DROP_LOG_UNSTASHED                                                                         \
	"system calls: no kernel memory was left to save their paths and addresses on entry, so "  \
	"they were read on exit, when another thread may already have changed them; their alerts " \
	"carry mews.reread. The usual cause is a process with very many threads: find it with "    \
	"'ps -eo nlwp,pid,comm --sort=-nlwp | head'"

struct drop_log {
	uint64_t at_least; /* events that are worth a line; 0: none are */
	uint64_t told;     /* monotonic ns: the last line; 0: none */
	uint64_t sum;      /* events told of */
	Wire__Drop *v;     /* the same by kind; owned; NULL: none */
	size_t n;
};

void drop_log_init(struct drop_log *l, uint64_t at_least);
void drop_log_fini(struct drop_log *l); /* a zeroed one is fine */

/* 'v': cumulative counts since the sensor's start. True: 'out' got a line to be logged, such as
 * "1500 events were dropped in the last 12 s: 1400 openat (no room in the kernel's ring), ...". */
bool drop_log_line(
    struct drop_log *l, Wire__Drop *const *v, size_t n, uint64_t now, struct buf *out);

#endif
