/* SPDX-License-Identifier: Apache-2.0 */
/* shard_nodes_int.h - shared by shard_nodes.c and node_image.c: the record of a node. */
#ifndef MEWS_COLLECTOR_SHARD_SHARD_NODES_INT_H
#define MEWS_COLLECTOR_SHARD_SHARD_NODES_INT_H

#include "collector/shard/node_clock.h"
#include "collector/shard/node_loss.h"
#include "collector/shard/shard_nodes.h"
#include "collector/state/image.h"
#include "common/intern.h"

struct node {
	struct node *next;
	struct stream *stream; /* held: the stream whose events made the state */
	struct state *state;
	struct throttle *throttle;
	struct node_loss loss;
	struct node_clock clock;
	uint64_t events;      /* evt.num */
	uint64_t image_seq;   /* the newest image is the state after this batch */
	uint64_t image_at;    /* no next image before then, monotonic ns */
	uint64_t image_bytes; /* the stream's bytes when it was taken */
	size_t image_size;    /* 0: none yet */
};

struct nodes {
	struct node *head;
	struct shard_counters *counters;
	struct intern *pool;
	struct rule_run *rules;
	struct fscratch *scratch;
	struct alert_scratch text;
	struct buf lost;     /* mews.loss of the current batch's alerts */
	struct batch *batch; /* the current one, or the memory of the last */
	struct state_limits limits;
	struct throttle_limits throttle;
	const struct alert_json *json;
	uint64_t log_drops;
	uint64_t published; /* monotonic ns */
	struct {
		struct checkpoint *to; /* borrowed; NULL: none */
		uint64_t every;        /* ns, per node */
		uint64_t looked;       /* monotonic ns: time of the last search for a node */
		bool unwritten;        /* a node has changed since its image */
		struct node *node;     /* the image that is being taken; NULL: none */
		struct state_image *writer;
		struct buf data;
	} image;
};

/* Make a new node's state that of a checkpoint's data. If it cannot be loaded, the file is set
 * aside, and the state is empty: false. */
bool node_resume(struct nodes *n, struct node *p, struct slice data);

/* A node's first image is due within the interval: nodes spread over it by their hash. */
void node_image_begin(struct nodes *n, struct node *p);

/* The node is about to be freed, or its state to change: give up its image. */
void node_image_drop(struct nodes *n, const struct node *p);

#endif
