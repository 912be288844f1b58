/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shard_queue.h - the ops waiting for a shard: many threads put, one takes, each node in turn.
 *
 * An op waits for those of its own node, and for one op of each other node that has any: the
 * backlog of one node delays the others by no more than that. Nodes are distinguished by hash, so
 * two of a thousand may share a turn. Bounded as a whole and per node; a node with few ops waiting
 * may put one even when the queue is full of others'. Locking: one mutex, held for a few
 * instructions.
 */
#ifndef MEWS_COLLECTOR_SHARD_SHARD_QUEUE_H
#define MEWS_COLLECTOR_SHARD_SHARD_QUEUE_H

#include "collector/stream/stream.h"
#include "common/buf.h"
#include "common/macros.h"
#include "proto/wire.pb-c.h"
#include <stddef.h>

enum op_type {
	OP_HELLO, /* ingest -> shard: a stream has (re)connected; interfaces in 'req' */
	OP_BATCH, /* ingest -> shard: the next batch of a stream, in order; 'req' travels with it */
	OP_BYE,   /* ingest -> shard: the sensor has stopped for good */
	OP_PS,    /* API    -> shard: list processes of a node; 'arg' is the struct ps_ask */
	OP_WAKE,  /* main   -> shard: take new rules, if idle */
};

struct op {
	enum op_type type;
	struct stream *stream; /* held (stream_ref) by the op; NULL for WAKE */
	Wire__Request *req;    /* owned by the op; wire__request__free_unpacked() */
	struct buf data;       /* HELLO: the node's checkpoint, if it continues from one */
	void (*done)(void *arg);
	void *arg;
	struct op *next; /* used by the queue, then by the taker */
};

/* Free an op that shard_put() did not take, and all that it holds. */
void op_free(struct op *op);

struct shard_queue;

enum { SHARD_QUEUE_OWN = 4 }; /* ops that a node may always have waiting */

/* 'cap': ops of all nodes; one node may have half of it. -ENOMEM. */
int shard_queue_new(size_t cap, struct shard_queue **ret) MUST_CHECK;
void shard_queue_free(struct shard_queue *q); /* must be empty */

/* 0: the queue owns 'op'. -EAGAIN: no room for this node. -ESHUTDOWN: closed. */
int shard_queue_put(struct shard_queue *q, struct op *op) MUST_CHECK;

/* Wait up to timeout_ms for an op (-1: for ever). 1, and *ret; 0: none; -ESHUTDOWN: closed and
 * empty. With only ops that are held it does not wait: 0. */
int shard_queue_take(struct shard_queue *q, int timeout_ms, struct op **ret) MUST_CHECK;

/* The taker passes over the ops of this stream's node, until it releases it as often. Taker only.
 */
void shard_queue_hold(struct shard_queue *q, const struct stream *st);
void shard_queue_release(struct shard_queue *q, const struct stream *st);

size_t shard_queue_len(struct shard_queue *q);

/* Refuse further puts; the taker drains the rest. */
void shard_queue_close(struct shard_queue *q);

#endif
