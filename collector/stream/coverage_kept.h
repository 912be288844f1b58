/* SPDX-License-Identifier: Apache-2.0 */
/* coverage_kept.h - what of a node's coverage goes on after a restart of the collector. */
#ifndef MEWS_COLLECTOR_STREAM_COVERAGE_KEPT_H
#define MEWS_COLLECTOR_STREAM_COVERAGE_KEPT_H

#include "collector/alert/loss.h"
#include "collector/stream/stream.h"

/* What of it, and of the losses, goes on after a restart of the collector; on disk, too:
 * checkpoint_mark.h. As of the batch of the mark: what happened later is found again in the batches
 * since, which the sensor still has. */
struct coverage_kept {
	uint64_t confirmed[COVERAGE_VERSIONS];
	uint32_t version[COVERAGE_VERSIONS];
	uint64_t complete, stepped;
	int64_t wall;
	uint64_t opened[LOSS_MAX], since[LOSS_MAX], until[LOSS_MAX]; /* of struct loss_shown */
};

/* Shard. */
void coverage_keep(const struct stream *st, struct coverage_kept *ret);

/* Ingest: the sensor of a stream that an earlier collector had confirmed these versions. */
void coverage_resume_versions(struct stream *st, const struct coverage_kept *k);

/* Shard, once the node's state is loaded: the rest. */
void coverage_resume(struct stream *st, const struct coverage_kept *k);

/* Ingest: the sensor comes with an interest that is not ours: what was confirmed before says
 * nothing about the time in between. */
void coverage_foreign(struct stream *st);

#endif
