/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shard_nodes.h - the nodes of one shard: what a batch does to a node's state, and which alerts it
 * raises.
 *
 * All of it belongs to the shard's thread; the counters alone are read by others.
 */
#ifndef MEWS_COLLECTOR_SHARD_SHARD_NODES_H
#define MEWS_COLLECTOR_SHARD_SHARD_NODES_H

#include "collector/shard/shard.h"

struct nodes;

int nodes_new(
    const struct shard_cfg *cfg, struct shard_counters *counters, struct nodes **ret) MUST_CHECK;
void nodes_free(struct nodes *n);

/* A new stream begins with empty state, and waits for its snapshot; a known one goes on. */
void node_hello(struct nodes *n, struct stream *stream, const Wire__Hello *hello);
void node_bye(struct nodes *n, struct stream *stream);

/* Decode, apply, evaluate; rows of a snapshot are applied in their place. *alerts (NULL on entry)
 * becomes the list of the alerts raised, in the events' order; they are the caller's. */
void node_batch(
    struct nodes *n, struct stream *stream, const Wire__Batch *batch, struct alert **alerts);

/* Evaluate with this from now on; what was used until now is the caller's. */
struct rule_run *nodes_swap_rules(struct nodes *n, struct rule_run *rules) MUST_CHECK;

/* Bring the gauges up to date, and forget nodes that are gone for good. */
void nodes_publish(struct nodes *n);

#endif
