/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_loss.h - what a shard has noticed to be lost on one node, and whom it tells: the counters,
 * the stream (for the status), the log, and through node_loss.windows the node's alerts.
 *
 * All of it belongs to the shard's thread.
 */
#ifndef MEWS_COLLECTOR_SHARD_NODE_LOSS_H
#define MEWS_COLLECTOR_SHARD_NODE_LOSS_H

#include "collector/alert/loss.h"
#include "collector/shard/shard.h"
#include "proto/drop_log.h"

struct node_loss {
	struct loss windows;
	struct shard_counters *counters;
	struct stream *stream; /* borrowed from the node */
	uint64_t drops;        /* of the stream, when last looked at; so are the next two */
	uint64_t gaps, malformed;
	uint64_t evicted;    /* the node's state, since it was made */
	uint64_t boot_ns;    /* of the newest batch */
	uint64_t seen;       /* when it was captured, realtime ns; 0: none was */
	struct drop_log log; /* of the drops, by type and cause */
	uint32_t owed;       /* windows that an alert is yet to tell of: bits of enum loss_cause */
};

/* A node begins with empty state: has there been one, or an earlier sensor? 'log_drops': so many
 * dropped events are worth a line in the log. */
void node_loss_begin(struct node_loss *l, struct shard_counters *counters, struct stream *stream,
    uint64_t log_drops);
void node_loss_fini(struct node_loss *l);

/* Before a batch's events. True: batches before it are missing, or were not decoded. */
bool node_loss_batch(struct node_loss *l, const Wire__Batch *batch);

/* After a batch's events: how many entries this node's state has had to forget so far. */
void node_loss_evicted(struct node_loss *l, uint64_t evicted);

/* This batch does not decode. */
void node_loss_undecodable(struct node_loss *l, const Wire__Batch *batch);

/* True: this cause wants an alert, for so many windows since the last one; node_loss_told() when it
 * is raised. A cause has one alert in BLIND_EVERY_NS: windows in between are counted in the next.
 */
bool node_loss_owed(struct node_loss *l, enum loss_cause *cause, uint64_t *times);
void node_loss_told(struct node_loss *l, enum loss_cause cause);

/* A snapshot has been applied: from this boot time on the state is whole. */
void node_loss_whole(struct node_loss *l, uint64_t boot_ns);

#endif
