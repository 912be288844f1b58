/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drop_log.h - a sensor's drops as a log line: how many, of which type, and why.
 *
 * Sensor and collector log the same: the sensor its own counts, the collector those it receives. A
 * line comes after 'at_least' new drops, at most every DROP_LOG_NS; until then they add up. One
 * owner, one thread.
 */
#ifndef MEWS_PROTO_DROP_LOG_H
#define MEWS_PROTO_DROP_LOG_H

#include "common/buf.h"
#include "common/clock.h"
#include "common/macros.h"
#include "proto/wire.h"

#define DROP_LOG_NS   (10 * NS_PER_S)
#define DROP_LOG_ROWS 512 /* kinds (event and cause) counted separately */

/* Follows a number: calls whose arguments could not be saved at entry. */
#define DROP_LOG_UNSTASHED                                                                         \
	"system calls: no kernel memory was left to save their paths and addresses on entry, so "  \
	"they were read on exit, when another thread may already have changed them; their alerts " \
	"carry mews.reread. The usual cause is a process with very many threads: find it with "    \
	"'ps -eo nlwp,pid,comm --sort=-nlwp | head'"

struct drop_log {
	uint64_t at_least; /* new drops for a line; 0: never */
	uint64_t told;     /* monotonic ns of the last line; 0: none */
	uint64_t sum;      /* drops logged so far */
	Wire__Drop *v;     /* the same by kind; owned; NULL: none */
	size_t n;
};

void drop_log_init(struct drop_log *l, uint64_t at_least);
void drop_log_fini(struct drop_log *l); /* a zeroed one is allowed */

/* 'v': cumulative counts since the sensor's start. True: 'out' got a line to log, such as "1500
 * events were dropped in the last 12 s: 1400 openat (no room in the kernel's ring), ...". */
bool drop_log_line(
    struct drop_log *l, Wire__Drop *const *v, size_t n, uint64_t now, struct buf *out);

/* The name of a cause for labels and JSON: "ring_full"; NULL: unknown. */
const char *drop_name(uint32_t cause);

#endif
