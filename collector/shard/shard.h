/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shard.h - the threads that own nodes: decode, state, rules, alerts.
 *
 * A node belongs to one shard; only that thread uses its state, the intern pool and the scratch
 * memory. Others send ops through a bounded queue, which serves each node in turn; when it has no
 * room for a node, shard_put() refuses and ingest pushes back on that sensor (credit 0).
 */
#ifndef MEWS_COLLECTOR_SHARD_SHARD_H
#define MEWS_COLLECTOR_SHARD_SHARD_H

#include "collector/outbox/outbox.h"
#include "collector/shard/shard_nodes.h"
#include "collector/shard/shard_queue.h"

struct shard_cfg {
	struct nodes_cfg nodes;
	struct outbox *outbox;
	unsigned queue; /* ops */
};

struct shards;

int shards_start(unsigned n, const struct shard_cfg *cfg, struct shards **ret) MUST_CHECK;
void shards_stop(struct shards *s); /* drains and joins */

/* The number of a node's shard among n: by its hash, so it is the same after a restart. By the
 * upper bits: a shard's queue tells its nodes apart by the lower ones. */
static inline size_t
shard_number(const struct stream *st, unsigned n)
{
	return (st->hash >> 32) % n;
}

struct shard *shards_of(struct shards *s, const struct stream *st);

/* 0: the shard owns the op. -EAGAIN: no room for its node, the caller keeps the op. Any thread. */
int shard_put(struct shard *s, struct op *op) MUST_CHECK;

/*
 * Make every shard switch to these rules, between two of its ops: a batch is evaluated by one set.
 * Everything that a shard needs is created before any of them changes; -ENOMEM: none does. Main
 * thread only, and not again until shards_settled() returns true: then all have switched, and the
 * old sets are freed.
 */
int shards_offer_rules(struct shards *s, struct ruleset *rules) MUST_CHECK;
bool shards_settled(struct shards *s);

void shards_counters(struct shards *s, struct shard_stats *ret);

/* Add to v the events evaluated of each type. */
void shards_types(struct shards *s, uint64_t v[EV_TYPE_MAX]);

#endif
