/* SPDX-License-Identifier: Apache-2.0 */
/* shard_nodes_int.h - shared by shard_nodes.c, node_events.c and node_image.c: the record of a
 * node.
 */
#ifndef MEWS_COLLECTOR_SHARD_SHARD_NODES_INT_H
#define MEWS_COLLECTOR_SHARD_SHARD_NODES_INT_H

#include "collector/shard/node_clock.h"
#include "collector/shard/node_loss.h"
#include "collector/shard/shard_nodes.h"
#include "collector/state/image.h"
#include "common/intern.h"

/* A state that is being loaded. */
struct node_load {
	struct state_load *image;
	size_t size;
	struct checkpoint_mark mark;
};

struct node {
	struct node *next;
	struct stream *stream; /* held: the stream whose events made the state */
	struct state *state;
	struct throttle *throttle;
	struct node_load *load; /* NULL: the state is complete */
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
	struct kubes *kubes;
	const struct kube_side *kube; /* during a batch: of its node's cluster; NULL: none */
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

/* Begin to load a new node's state from a checkpoint's data, which must live until it is loaded.
 * False: there is nothing to load, or no memory. */
bool node_load_begin(struct nodes *n, struct node *p, struct slice data);

/* Load for about a millisecond. 0: go on; 1: the state is complete. -EBADMSG: it is empty, and the
 * file set aside. -ENOMEM: there is none, and the node is only good to be freed. */
int node_load_more(struct nodes *n, struct node *p) MUST_CHECK;
void node_load_drop(struct node *p); /* before the state is freed */

/* The node of a stream; a new one has an empty state. NULL: no memory. */
struct node *node_for(struct nodes *n, struct stream *stream);

/* A node's first image is due within the interval: nodes spread over it by their hash. */
void node_image_begin(struct nodes *n, struct node *p);

/* The node is about to be freed, or its state to change: give up its image. */
void node_image_drop(struct nodes *n, const struct node *p);

#endif
