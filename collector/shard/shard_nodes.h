/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shard_nodes.h - the nodes of one shard: apply a batch to a node's state, and raise its alerts.
 *
 * Shard thread only; only the counters are read by others.
 */
#ifndef MEWS_COLLECTOR_SHARD_SHARD_NODES_H
#define MEWS_COLLECTOR_SHARD_SHARD_NODES_H

#include "collector/kube/kube.h"
#include "collector/rule/rule.h"
#include "collector/rule/throttle.h"
#include "collector/shard/shard_stats.h"
#include "collector/state/state.h"
#include "collector/stream/stream.h"
#include "common/macros.h"
#include "proto/wire.pb-c.h"

struct nodes_cfg {
	struct ruleset *rules; /* the first set; held by each shard */
	uint64_t intern_bytes;
	struct state_limits state;
	struct throttle_limits throttle; /* per node */
	const struct alert_json *json;   /* of alerts about losses; NULL: Falco's defaults */
	struct checkpoint *checkpoint;   /* borrowed; NULL: none */
	uint64_t checkpoint_ns;          /* time between two images of a node; not 0 */
	struct kubes *kubes;             /* borrowed; NULL: none */
	uint64_t log_drops; /* log a node's dropped events from this number on; 0: never */
};

struct nodes;

int nodes_new(
    const struct nodes_cfg *cfg, struct shard_counters *counters, struct nodes **ret) MUST_CHECK;
void nodes_free(struct nodes *n);

/* A new stream starts with the state in 'data', of a checkpoint; without any with empty state, and
 * waits for its snapshot. A known one continues. False: the state is yet to be loaded; call
 * node_load() until it is, with 'data' alive, and no other function with this stream. */
bool node_hello(
    struct nodes *n, struct stream *stream, const Wire__Hello *hello, struct slice data) MUST_CHECK;

/* Load the state for about a millisecond. True: it is complete, or, if the checkpoint is damaged or
 * memory is short, empty. */
bool node_load(struct nodes *n, struct stream *stream, const Wire__Hello *hello) MUST_CHECK;
void node_bye(struct nodes *n, struct stream *stream);

/* The state of the stream's node; NULL: there is none, or another stream has made it. */
struct state *node_state(const struct stream *stream);

/* Decode, apply, evaluate (unless the batch is durable already, from before a restart); rows of a
 * snapshot are applied in order with the events. *alerts (NULL on entry) becomes the list of alerts
 * raised, in the events' order; the caller owns them. */
void node_batch(
    struct nodes *n, struct stream *stream, const Wire__Batch *batch, struct alert **alerts);

/* Evaluate with these rules from now on; returns the previous ones, which the caller owns. */
struct rule_run *nodes_swap_rules(struct nodes *n, struct rule_run *rules) MUST_CHECK;

/* Take images of changed nodes for the checkpoint, for about a millisecond; call between two ops.
 * Returns the stream whose image is not complete: none of its ops may run until it is. NULL:
 * none. */
struct stream *nodes_image(struct nodes *n);

/* Has a node changed since its image? Then call nodes_image() now and then. */
bool nodes_unwritten(const struct nodes *n);

/* Update the gauges, and forget nodes that have been gone too long. */
void nodes_publish(struct nodes *n);

#endif
