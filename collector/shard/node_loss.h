/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_loss.h - detect losses on one node, and report them: to the counters, the stream (for the
 * status), the log, and through node_loss.windows the node's alerts.
 *
 * Shard thread only.
 */
#ifndef MEWS_COLLECTOR_SHARD_NODE_LOSS_H
#define MEWS_COLLECTOR_SHARD_NODE_LOSS_H

#include "collector/alert/loss_past.h"
#include "collector/checkpoint/checkpoint.h"
#include "collector/shard/shard_stats.h"
#include "collector/stream/stream.h"
#include "proto/drop_log.h"
#include "proto/wire.h"

struct node_loss {
	struct loss windows;
	struct loss_past past;
	struct shard_counters *counters;
	struct stream *stream; /* borrowed from the node */
	uint64_t drops;        /* of the stream, at the last check; so are the next two */
	uint64_t gaps, malformed;
	uint64_t holes[DROP_CAUSES]; /* the end of the newest drops of each cause, boot ns */
	uint64_t evicted;            /* evictions from the node's state since its creation */
	uint64_t boot_ns;            /* of the newest batch */
	uint64_t seen;               /* when it was captured, realtime ns; 0: no batch yet */
	uint64_t silences;           /* of the stream, the same */
	struct drop_log log;         /* of the drops, by type and cause */
	uint32_t owed;               /* windows without an alert yet: bits of enum loss_cause */
};

/* A node starts with empty state: was there an earlier one, or an earlier sensor? 'log_drops': the
 * number of dropped events that is logged. 'past': of its earlier stream; NULL: none. */
void node_loss_begin(struct node_loss *l, struct shard_counters *counters, struct stream *stream,
    uint64_t log_drops, const struct loss_past *past);

/* A node continues from a checkpoint, where nothing was lost since. */
void node_loss_resume(struct node_loss *l, struct shard_counters *counters, struct stream *stream,
    uint64_t log_drops, const struct checkpoint_mark *mark);
void node_loss_fini(struct node_loss *l);

/* Called before a batch's events. True: batches before it are missing, or were not decoded. */
bool node_loss_batch(struct node_loss *l, const Wire__Batch *batch);

/* Called after a batch's events are noted: does the account balance? */
void node_loss_account(struct node_loss *l, const Wire__Batch *batch);

/* Called after a batch's events, with the number of entries that the state has forgotten so far. */
void node_loss_evicted(struct node_loss *l, uint64_t evicted);

/* Called for a batch that does not decode. */
void node_loss_undecodable(struct node_loss *l, const Wire__Batch *batch);

/* True: an alert is due for this cause, for so many windows since the last one; call
 * node_loss_told() when it is raised. A cause has one alert in BLIND_EVERY_NS: windows in between
 * are counted in the next. */
bool node_loss_owed(struct node_loss *l, enum loss_cause *cause, uint64_t *times);
void node_loss_told(struct node_loss *l, enum loss_cause cause);

/* A snapshot has been applied: the state is complete from this boot time on. */
void node_loss_whole(struct node_loss *l, uint64_t boot_ns);

#endif
