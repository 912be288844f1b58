/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node.h - one node of the fleet as this process plays it: events in, batches out.
 *
 *   node_emit() -> encoder -> (pace) -> spool -> link -> collector
 *                                       backlog --^
 *
 * The kernel's source feeds the node that is this machine. A replay puts finished batches into the
 * spool (replay.c). Everything belongs to the loop thread; nothing is allocated per event.
 */
#ifndef MEWS_SENSOR_NODE_H
#define MEWS_SENSOR_NODE_H

#include "common/macros.h"
#include "proto/batch.h"
#include "proto/drop_log.h"
#include "sensor/account.h"
#include "sensor/backlog.h"
#include "sensor/env.h"
#include "sensor/identity.h"
#include "sensor/link.h"
#include "sensor/options.h"
#include "sensor/pace.h"
#include "sensor/redactor.h"
#include "sensor/source.h"
#include "sensor/spool.h"
#include "sensor/xport.h"
#include <stdbool.h>
#include <stdint.h>

#define NODE_NAME_MAX 256

/* Each event for each of the kernel's causes and two of the spool's, and the other causes. */
enum {
	NODE_DROPS_MAX = 8
#define EVENT(...) +5
#include "proto/events.def"
};

/* Drops since the start, by event and cause. */
struct node_drops {
	Wire__Drop v[NODE_DROPS_MAX];
	Wire__Drop *p[NODE_DROPS_MAX];
	size_t n;
	struct drv_hole hole[DROP_CAUSES]; /* when the newest were; 'last' 0: not known */
	Wire__Hole hv[DROP_CAUSES], *hp[DROP_CAUSES]; /* those that are known */
	size_t nholes;
};

struct node;

/* Callbacks of the nodes' owner. 'arg' is the owner's. */
struct node_owner {
	/* Capture these events from now on. */
	void (*interest)(void *arg, struct node *n, const Wire__Interest *in);
	/* Begin a snapshot: node_snapshot_begin(), node_row() for each row, node_snapshot_end().
	 * Drop a snapshot that is under way. */
	void (*snapshot)(void *arg, struct node *n, uint64_t id);
	/* Around the writing of a batch's file: as source_ops.mark, losses and settle. */
	bool (*mark)(void *arg, const struct source_mark *m);
	struct lost_kept *(*losses)(void *arg);
	void (*settle)(void *arg, bool saved);
	/* An earlier process's stream goes on after batch 'seq': as source_ops.resume and account.
	 */
	void (*resume)(void *arg, uint64_t seq, struct source_mark *ret);
	const struct account_kept *(*account)(void *arg, unsigned *ncpu);
	/* Add the source's drops and statistics; 'fresh': as they are now, not a moment ago. */
	void (*drops)(void *arg, struct node_drops *d, bool fresh);
	void (*stats)(void *arg, Wire__SensorStats *s);
	void (*note)(void *arg, struct node *n, enum log_level level, const char *text);
};

/* A node's position in its recording; replay.h. */
struct replay_cursor {
	size_t next;      /* next batch */
	uint64_t started; /* when this pass began; 0: not yet */
	uint64_t real0;   /* realtime then */
	uint64_t passes;  /* completed */
	bool fast;        /* not at the recorded pace */
};

struct node_cfg {
	const struct options *opt;            /* borrowed */
	const char *name, *cluster, *boot_id; /* copied */
	uint64_t sensor_start;
	int64_t skew_ns;           /* of its realtime clock */
	struct env *env;           /* borrowed */
	const Wire__Hello *hello;  /* of a recording, borrowed; NULL: this machine's */
	struct identity *identity; /* the node takes ownership; NULL: none */
	const struct node_owner *owner;
	void *arg;
	struct xport *xport;            /* NULL: no collector (recording) */
	uint64_t *due;                  /* written: when to call node_tick(); 0: now */
	struct redactor *redactor;      /* borrowed; NULL: secrets are not replaced */
	struct spool_disk *disk;        /* borrowed; NULL: the spool is in memory only, ... */
	unsigned disk_failed;           /* ... because its folder could not be used: 1 */
	const struct source_past *past; /* borrowed; NULL: nothing was taken over */
};

/* The snapshot under way, as described in the open batch. */
struct node_snapshot {
	uint64_t id; /* 0: none */
	uint64_t began;
	uint32_t part; /* of the next batch with rows */
	uint32_t rows; /* in the open batch */
	bool last;     /* the open batch ends the snapshot */
};

struct node {
	struct node_cfg cfg;
	char name[NODE_NAME_MAX], cluster[NODE_NAME_MAX], boot_id[64];
	struct batch_enc *enc;
	struct buf data; /* of a batch while it is closed */
	struct pace pace;
	size_t news;            /* events with news in the open batch */
	struct spool spool;     /* of our own stream */
	struct backlog backlog; /* delivered before */
	struct link link;       /* delivers one of the two */
	bool stopping;
	struct xport_end *end;
	char server_name[256];
	struct node_drops drops;
	struct drop_log drop_log;
	struct account *account; /* NULL: no event of a source yet, or no memory */
	struct node_snapshot snap;
	uint32_t infos;    /* rows of node_info() in the open batch */
	uint32_t interest; /* the version in force */
	uint64_t *due;     /* when link or pace need a tick: cfg.due */
	uint64_t events, batches, bytes;
	uint64_t lost; /* events lost because memory ran out */
	uint64_t kept; /* of those that the spool lost, how many losses() has */
	struct replay_cursor cursor;
};

/* -ENOMEM, -EINVAL (the URL). On error the identity is still the caller's. */
int node_new(const struct node_cfg *cfg, struct node **ret) MUST_CHECK;
void node_free(struct node *n);

/* Take a record: source_emit_fn. */
int node_emit(struct node *n, const struct ev_hdr *rec) MUST_CHECK;

/* Add a row of our own, which belongs to no snapshot, before the next record. -errno: not now. */
int node_info(struct node *n, const struct ev_hdr *rec) MUST_CHECK;

/* Put a snapshot's rows into the batches among the events: they are resent and lost with the batch.
 * 'began' is boot time. node_snapshot_end() closes the open batch. */
void node_snapshot_begin(struct node *n, uint64_t id, uint64_t began);
int node_row(struct node *n, const struct ev_hdr *rec) MUST_CHECK;
void node_snapshot_end(struct node *n, uint64_t now);

/* Is there room for rows? Rows wait while the collector is away or behind, so that a snapshot
 * pushes no event out of the spool and delays no event for long. */
bool node_wants_rows(const struct node *n);

/* 'now' is the current time as the node's thread sees it. */

/* Begin to stop: deliver what is left until 'deadline', then end the link. */
void node_stop(struct node *n, uint64_t now, uint64_t deadline);

/* The link has ended: save what is left. Returns the number of events that are lost. */
uint64_t node_end(struct node *n);

/* Close the open batch, if any. */
void node_flush(struct node *n, uint64_t now);

/* Do what is due; *n->due says when to call again. */
void node_tick(struct node *n, uint64_t now);

/* Add a batch made elsewhere; sets its number and interest. 0; -ENOMEM. */
int node_put_batch(struct node *n, Wire__Batch *b) MUST_CHECK;

/* Begin a new stream of the same node: new sensor start, numbers from 1. The link must be
 * stopped. */
void node_restart(struct node *n, uint64_t sensor_start);

/* Use this identity for new connections; with another certificate, connect anew: the collector ends
 * a connection when the certificate that it was made with expires. Takes ownership. */
void node_set_identity(struct node *n, struct identity *id, uint64_t now);

/* Close the connection if the collector's certificate is no longer valid; 'all': check more than
 * its expiry. */
void node_check_peer(struct node *n, uint64_t now, bool all);

/* Update n->drops, and report new drops to the owner (note). 'fresh': as in node_owner.drops. */
void node_gather_drops(struct node *n, bool fresh);

/* node_past.c: go on where the process ended whose driver was taken over: with its stream, if every
 * batch was in a file; else with a new one, but without the events that its files have. And with
 * its account. Once each, before the first record. -ENOMEM. */
int node_go_on(struct node *n) MUST_CHECK;
int node_go_on_counting(struct node *n) MUST_CHECK;

/* Append the packed Hello. */
int node_hello(struct node *n, struct buf *out) MUST_CHECK;

/* d->v and d->p are set up here, from d->n on. */
void node_drop_add(struct node_drops *d, uint32_t event, uint32_t cause, uint64_t count);

#endif
