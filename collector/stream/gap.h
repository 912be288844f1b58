/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gap.h - gaps in what is known of a node: what prevents the statement that something did not
 * happen there.
 *
 * All times are realtime ns by the collector's clock. What is not known for certain counts as a
 * gap.
 */
#ifndef MEWS_COLLECTOR_STREAM_GAP_H
#define MEWS_COLLECTOR_STREAM_GAP_H

#include "collector/stream/stream.h"

enum gap {
#define GAP(name, text) GAP_##name,
#include "collector/stream/gap.def"
	GAP_MAX,
};

const char *gap_name(enum gap g); /* "clock_step" */
const char *gap_text(enum gap g); /* for people; a clause without a full stop */

#define COVERAGE_SLACK_NS (1 * NS_PER_S)  /* an event may be that long on its way */
#define COVERAGE_LATE_NS  (10 * NS_PER_S) /* "until now" allows for that much */
#define COVERAGE_CLOCK_NS (2 * NS_PER_S)  /* difference of two clocks that is tolerated */

/* Ingest: the sensor has this version, the newest one, in force. */
void coverage_confirm(struct stream *st, uint32_t version, uint64_t now);
/* Ingest: everything captured up to 'at' is in batches up to 'seq'. */
void coverage_mark(struct stream *st, uint64_t seq, uint64_t at);
/* Shard: the clocks when a batch was closed. */
void coverage_clocks(struct stream *st, uint64_t boot_ns, uint64_t real_ns, uint64_t now);

/* A gap of a node. */
struct coverage_gap {
	enum gap gap;
	uint64_t since, until; /* 0: unknown; until UINT64_MAX: it lasts */
	uint32_t losses;       /* GAP_loss: bits of enum loss_cause */
};

/*
 * Find what prevents the statement that no event happened on the node from 'since' to 'now' which a
 * sensor reports under the interest 'version' or a later one. Any thread. Returns the number of
 * gaps; *until: the node is covered up to then, if there is none.
 */
unsigned coverage_gaps(const struct stream *st, uint64_t since, uint64_t now, uint32_t version,
    struct coverage_gap ret[GAP_MAX], uint64_t *until);

#endif
