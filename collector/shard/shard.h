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
#include "collector/rule/rule.h"
#include "collector/rule/throttle.h"
#include "collector/state/state.h"
#include "collector/stream/stream.h"
#include "common/macros.h"
#include "proto/wire.pb-c.h"

enum op_type {
	OP_HELLO, /* ingest -> shard: a stream has (re)connected; interfaces in 'req' */
	OP_BATCH, /* ingest -> shard: the next batch of a stream, in order; 'req' travels with it */
	OP_BYE,   /* ingest -> shard: the sensor has stopped for good */
	OP_WAKE,  /* main   -> shard: take new rules, if idle */
};

struct op {
	enum op_type type;
	struct stream *stream; /* held (stream_ref) by the op; NULL for WAKE */
	Wire__Request *req;    /* owned by the op; wire__request__free_unpacked() */
	void (*done)(void *arg);
	void *arg;
	struct op *next; /* used by the queue */
};

struct shard_cfg {
	struct outbox *outbox;
	struct ruleset *rules; /* the first set; held by each shard */
	uint64_t intern_bytes;
	struct state_limits state;
	struct throttle_limits throttle; /* per node */
	const struct alert_json *json;   /* of alerts about losses; NULL: Falco's defaults */
	uint64_t log_drops; /* log a node's dropped events from this number on; 0: never */
	unsigned queue;     /* ops */
};

struct shards;

/* A shard's counters: written by its thread, read by any. */
struct shard_counters {
#define STAT(name, kind, help) _Atomic uint64_t name;
#include "collector/shard/shard_stats.def"
	_Atomic uint64_t types[EV_TYPE_MAX]; /* events evaluated, by EV_* */
	_Atomic uint64_t losses[LOSS_MAX];   /* loss windows opened, by cause */
};

/* The sum over all shards. */
struct shard_stats {
#define STAT(name, kind, help) uint64_t name;
#include "collector/shard/shard_stats.def"
	uint64_t losses[LOSS_MAX]; /* loss windows opened, by cause */
	uint64_t queued;           /* ops waiting */
	unsigned shards;
};

int shards_start(unsigned n, const struct shard_cfg *cfg, struct shards **ret) MUST_CHECK;
void shards_stop(struct shards *s); /* drains and joins */

/* Return the shard of a node: by hash of cluster and name, so it is the same after a restart. */
struct shard *shards_of(struct shards *s, const struct stream *st);

/* 0: the shard owns the op. -EAGAIN: no room for its node, the caller keeps the op. Any thread. */
int shard_put(struct shard *s, struct op *op) MUST_CHECK;

/* Free an op that shard_put() did not take, and all that it holds. */
void op_free(struct op *op);

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
