/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node.h - one node of the fleet as this process plays it: events in, batches out.
 *
 *   node_emit() -> encoder -> (pace) -> spool -> link -> collector
 *
 * A node that is the machine itself is fed by the kernel's source; one that replays a recording, by
 * replay.c, which puts finished batches into the spool. All of it belongs to the loop thread, and
 * nothing is allocated per event.
 */
#ifndef MEWS_SENSOR_NODE_H
#define MEWS_SENSOR_NODE_H

#include "common/macros.h"
#include "proto/batch.h"
#include "proto/drop_log.h"
#include "sensor/env.h"
#include "sensor/identity.h"
#include "sensor/link.h"
#include "sensor/options.h"
#include "sensor/pace.h"
#include "sensor/spool.h"
#include "sensor/xport.h"
#include <stdbool.h>
#include <stdint.h>

#define NODE_NAME_MAX  256
#define NODE_DROPS_MAX 256

/* What is dropped since the start, by event and cause. */
struct node_drops {
	Wire__Drop v[NODE_DROPS_MAX];
	Wire__Drop *p[NODE_DROPS_MAX];
	size_t n;
};

struct node;

/* Whoever owns the nodes. 'arg' is theirs. */
struct node_owner {
	/* Capture these events from now on. */
	void (*interest)(void *arg, struct node *n, const Wire__Interest *in);
	/* Begin a snapshot: node_snapshot_begin(), node_row() for each row, node_snapshot_end().
	 * One that is under way is given up. */
	void (*snapshot)(void *arg, struct node *n, uint64_t id);
	/* Add what the source dropped and what it says of itself. */
	void (*drops)(void *arg, struct node_drops *d);
	void (*stats)(void *arg, Wire__SensorStats *s);
	void (*note)(void *arg, struct node *n, enum log_level level, const char *text);
};

/* Where a node is in the recording that it plays; replay.h. */
struct replay_cursor {
	size_t next;      /* batch */
	uint64_t started; /* when this pass began; 0: not yet */
	uint64_t real0;   /* realtime then */
	uint64_t passes;  /* done */
	bool fast;        /* not at the recorded pace */
};

struct node_cfg {
	const struct options *opt;            /* borrowed */
	const char *name, *cluster, *boot_id; /* copied */
	uint64_t sensor_start;
	int64_t skew_ns;           /* of its realtime clock */
	struct env *env;           /* borrowed */
	const Wire__Hello *hello;  /* of a recording, borrowed; NULL: this machine's */
	struct identity *identity; /* becomes the node's; NULL: none */
	const struct node_owner *owner;
	void *arg;
	struct xport *xport; /* NULL: no collector (recording) */
};

/* The snapshot under way, as the batch being gathered has to tell of it. */
struct node_snapshot {
	uint64_t id; /* 0: none */
	uint64_t began;
	uint32_t part; /* of the next batch that has rows of it */
	uint32_t rows; /* that the batch being gathered has */
	bool last;     /* and these were the last */
};

struct node {
	struct node_cfg cfg;
	char name[NODE_NAME_MAX], cluster[NODE_NAME_MAX], boot_id[64];
	struct batch_enc *enc;
	struct buf data; /* of the batch being closed */
	struct pace pace;
	struct spool spool;
	struct link link;
	struct xport_end *end;
	char server_name[256];
	struct node_drops drops;
	struct drop_log drop_log;
	struct node_snapshot snap;
	uint32_t interest;  /* the version in force */
	uint64_t next_tick; /* when link or pace want the time */
	uint64_t events, batches, bytes;
	uint64_t lost; /* events that no memory was left for */
	struct replay_cursor cursor;
};

/* -ENOMEM, -EINVAL (the URL). On error the identity is still the caller's. */
int node_new(const struct node_cfg *cfg, struct node **ret) MUST_CHECK;
void node_free(struct node *n);

/* Take a record: source_emit_fn. */
int node_emit(struct node *n, const struct ev_hdr *rec) MUST_CHECK;

/* A snapshot's rows go into the batches among the events: they are told with it, resent with it and
 * lost with it. 'began' is boot time. The end closes the batch being gathered. */
void node_snapshot_begin(struct node *n, uint64_t id, uint64_t began);
int node_row(struct node *n, const struct ev_hdr *rec) MUST_CHECK;
void node_snapshot_end(struct node *n, uint64_t now);

/* Has it room for rows? They wait while the collector is away or behind: a snapshot pushes no event
 * out of the spool, and no event waits behind many rows. */
bool node_wants_rows(const struct node *n);

/* The current time, as the node's thread sees it, is passed to each of these. */

/* Close the batch being gathered, if there is one. */
void node_flush(struct node *n, uint64_t now);

/* Do what is due; n->next_tick says when to call again. */
void node_tick(struct node *n, uint64_t now);

/* A batch made elsewhere: number, clock pair and interest are set here. 0; -ENOMEM. */
int node_put_batch(struct node *n, Wire__Batch *b) MUST_CHECK;

/* A new stream of the same node: a new sensor start, numbers from 1. The link must be stopped. */
void node_restart(struct node *n, uint64_t sensor_start);

/* From now on, connect as this. Takes it. */
void node_set_identity(struct node *n, struct identity *id);

/* Give the connection up if the collector's certificate is not good any more; 'all': look at more
 * than its expiry. */
void node_check_peer(struct node *n, uint64_t now, bool all);

/* Bring n->drops up to date, and tell the owner (note) of what is new. */
void node_gather_drops(struct node *n);

/* Append the packed Hello. */
int node_hello(struct node *n, struct buf *out) MUST_CHECK;

void node_drop_add(struct node_drops *d, uint32_t event, uint32_t cause, uint64_t count);

#endif
