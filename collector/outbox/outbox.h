/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox.h - store alerts on disk before they are acknowledged, and keep their history.
 *
 * SQLite, WAL, synchronous=FULL. One thread commits: it gathers transactions for at most 2 ms and
 * writes them as one, or as several if they are large. Checkpoints run on another thread where
 * possible. An alert whose id is stored already is dropped (a batch sent again). A stream's durable
 * number is committed with its alerts.
 *
 * A batch without alerts is durable at once, since there is nothing to lose: its stream's progress
 * is written with the stream's next alerts, at the end, and otherwise every few minutes without an
 * fsync, so that an idle collector hardly writes. After a crash outbox_stream_seq() may be behind
 * what done() reported, by batches that raised no alert; it is never ahead.
 *
 * Bounded by age and by size: delivered alerts are pruned first; undelivered ones never silently
 * (when only they are left, commits wait, acknowledgement waits with them, and sensors spool). All
 * files together take at most max_bytes and 64 MiB; if another program's long read prevents the log
 * from restarting, commits wait for it. Disk errors are retried for ever; a corrupt file ends
 * commits ('corrupt' in the stats), and pending alerts stay unacknowledged.
 *
 * Damage is found at the start: integrity check, a checksum of each row, and the newest number,
 * which is also kept in PATH-high. Then all readable rows are copied to a fresh file, the damaged
 * one is set aside as PATH.damaged-TIME, and an alert "Mews outbox damaged" counts the losses. A
 * row with a wrong checksum is never returned.
 */
#ifndef MEWS_COLLECTOR_OUTBOX_OUTBOX_H
#define MEWS_COLLECTOR_OUTBOX_OUTBOX_H

#include "collector/alert/alert.h"
#include "common/diag.h"
#include "common/macros.h"
#include <stdbool.h>
#include <stdint.h>

struct outbox;

#define OUTBOX_OUTPUTS 16

struct outbox_output {
	const char *name;
	bool beginning; /* if new or disabled before: begin with the oldest alert not had */
};

struct outbox_cfg {
	const char *path;
	uint64_t max_bytes, max_age_ms; /* of the history; 0: no limit. Files: 64 MiB more */
	uint64_t min_free_bytes;        /* below this much free disk, commits wait */
	/* Outputs that must have an alert before it may be pruned; at most OUTBOX_OUTPUTS. One that
	 * is new to the file, or was not listed when it was last opened, begins after the newest
	 * alert there, unless 'beginning' is set. */
	const struct outbox_output *outputs;
	size_t noutputs;
	const char *cluster, *node; /* named in alerts of the outbox itself */
	bool read_only; /* read the file, even while in use: no threads, no outbox_put() */
};

/* A stream: one sensor process on one boot of one node. */
struct stream_id {
	char cluster[128], node[256], boot_id[40];
	uint64_t sensor_start;
};

/* The result of one batch of a stream. */
struct outbox_txn {
	const struct stream_id *stream; /* borrowed until done() */
	uint64_t seq;         /* this batch and all before it are durable after the commit */
	struct alert *alerts; /* a list; owned from outbox_put() on */
	/* Called once, on the commit thread: r 0, or -errno if it was given up at shutdown. */
	void (*done)(struct outbox_txn *t, int r);
	void *arg;
	size_t bytes; /* used by the outbox */
};

/* -errno and *d: the reason and the remedy. -EBADMSG: not an outbox, or a newer one; -EBUSY:
 * another collector has it; -ENOSPC; -EACCES and others as open(). Starts two threads, with all
 * signals blocked: for commits and for checkpoints. */
int outbox_open(const struct outbox_cfg *cfg, struct outbox **ret, struct diag *d) MUST_CHECK;

/* Check what outbox_open() would refuse, with its errors and messages, except a full disk and
 * damage that cannot be salvaged: creates, changes and scans nothing. */
int outbox_probe(const struct outbox_cfg *cfg, struct diag *d) MUST_CHECK;

/* Commit pending transactions, then stop; those that cannot be committed (no room) are given up:
 * done(-errno). 'o' must not be used any more. NULL is allowed. */
void outbox_close(struct outbox *o);

/* Queue a transaction. Any thread. 0: accepted, done() will come; those of one stream are committed
 * in order. -EAGAIN: the queue is full, try again. -ESHUTDOWN. On error the caller keeps 't'. */
int outbox_put(struct outbox *o, struct outbox_txn *t) MUST_CHECK;

/* Get the newest durable batch of a stream; 0 if none. Any thread. */
int outbox_stream_seq(struct outbox *o, const struct stream_id *s, uint64_t *ret) MUST_CHECK;

/* Nodes from which sensors have connected are remembered until they are forgotten, so that a
 * restarted collector knows which nodes to expect. */
struct outbox_node {
	struct stream_id id; /* of the newest sensor */
	uint64_t seen;       /* realtime ns: when it was last heard, within some minutes */
	bool stopped;        /* the sensor said Bye */
};

/* Remember a node in its present state, or forget it (only cluster and node of 'id' count). Any
 * thread; written within a second. -EAGAIN: too many are queued; -ENOMEM. */
int outbox_node_put(struct outbox *o, const struct outbox_node *n) MUST_CHECK;
int outbox_node_forget(struct outbox *o, const struct stream_id *id) MUST_CHECK;

/* Call fn for each node in the file, until it returns a negative number. 0, that, or -errno. */
int outbox_nodes(struct outbox *o, int (*fn)(void *arg, const struct outbox_node *n), void *arg);

/* A row as outputs and queries get it; texts are valid until the callback returns. */
struct outbox_row {
	uint64_t rowid;
	struct alert alert;
	uint64_t added; /* when it was committed, realtime ms */
};

/* When a row was committed, by the boot clock in ns; before this boot it is negative or 0. No step
 * of the wall clock changes it, but for rows of collectors that did not note them. Any thread. */
int64_t outbox_since(struct outbox *o, const struct outbox_row *row);

/* Read rows after 'after', at most 'max', oldest first; fn returns false to stop, and may take
 * long: nothing is locked meanwhile. Any thread. Returns their number, or -errno. */
int outbox_read(struct outbox *o, uint64_t after, int max,
    bool (*fn)(void *arg, const struct outbox_row *row), void *arg);

/* The query of 'mewsctl alerts'. NULL or 0: any. */
struct outbox_query {
	const char *rule, *node, *cluster, *id;
	uint64_t since, until; /* realtime ns */
	int priority_max;      /* -1: any */
	uint64_t after;        /* rowid */
	uint64_t before;       /* rowid; 0: any */
	int limit;
	bool newest_first;
};
int outbox_select(struct outbox *o, const struct outbox_query *q,
    bool (*fn)(void *arg, const struct outbox_row *row), void *arg);

/* A separate connection, for a caller that must not delay others: between two calls it holds
 * nothing that others need, and it never takes the outbox's lock. One thread at a time. */
struct outbox_reader;
int outbox_reader_open(struct outbox *o, struct outbox_reader **ret) MUST_CHECK;
void outbox_reader_close(struct outbox_reader *rd); /* NULL is nothing */

/* The rows after 'after', up to 'upto', that contain a query's results; empty: after >= upto. */
struct outbox_span {
	uint64_t after, upto;
};
int outbox_reader_span(
    struct outbox_reader *rd, const struct outbox_query *q, struct outbox_span *ret) MUST_CHECK;

/* Read the next part of the span, a few milliseconds' worth, and shorten the span by it: at its
 * front, or at its end with q->newest_first. Calls fn, which returns true, for each row that
 * matches the query, at most 'max' (q->limit is ignored). Returns their number, or -errno. */
int outbox_reader_slice(struct outbox_reader *rd, const struct outbox_query *q,
    struct outbox_span *span, size_t max, bool (*fn)(void *arg, const struct outbox_row *row),
    void *arg) MUST_CHECK;

/* An output is enabled, or is no more, while the file is open: as if it had been opened anew with
 * or without it. Any thread. -ENOSPC: too many names were used; -errno of reading. */
int outbox_output_on(struct outbox *o, const struct outbox_output *output) MUST_CHECK;
void outbox_output_off(struct outbox *o, const char *output);

/* Get an output's cursor: everything up to 'rowid' is delivered, or was skipped when the file was
 * opened: *skipped alerts (may be NULL). Saved in batches; any thread. -ENOENT: not one of
 * cfg.outputs. */
int outbox_cursor(
    struct outbox *o, const char *output, uint64_t *ret, uint64_t *skipped) MUST_CHECK;
void outbox_delivered(struct outbox *o, const char *output, uint64_t rowid);

/* Set an alert aside that this output can never deliver. It is kept with the reason, and counted.
 * -ENOMEM: try again. */
int outbox_set_aside(
    struct outbox *o, const char *output, uint64_t rowid, const char *why) MUST_CHECK;

/* The alert that was set aside has been delivered after all. -ENOMEM: try again. */
int outbox_not_aside(struct outbox *o, const char *output, uint64_t rowid) MUST_CHECK;

/* An alert that was set aside: a dead letter. */
struct outbox_letter {
	uint64_t rowid, since; /* realtime ns */
	const char *why;
	const struct alert *alert; /* NULL: its row is damaged */
};

/* Read an output's dead letters, written up to a moment ago: those after row 'after', at most
 * 'max', oldest first; fn returns false to stop. Any thread. Returns their number, or -errno. */
int outbox_letters(struct outbox *o, const char *output, uint64_t after, size_t max,
    bool (*fn)(void *arg, const struct outbox_letter *l), void *arg) MUST_CHECK;
/* Their number. */
int outbox_letters_count(struct outbox *o, const char *output, uint64_t *ret) MUST_CHECK;

/* Block until there is a row after 'after', timeout, or close; true: there is one. */
bool outbox_wait(struct outbox *o, uint64_t after, int timeout_ms);

/* Seconds from an event, by its node's clock, to the commit of its alert: buckets' upper bounds. */
#define OUTBOX_LATENCY_BOUNDS                                                                   \
	{                                                                                       \
		0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, \
		    300                                                                         \
	}
enum { OUTBOX_LATENCY_BUCKETS = 17 }; /* the last one collects the overflow */

struct outbox_stats {
	uint64_t rows;  /* of the history */
	uint64_t bytes; /* of all files, including those set aside */
	uint64_t committed, duplicates, commits, pruned, set_aside;
	uint64_t errors;     /* commits or checkpoints that failed */
	uint64_t stalled_ms; /* total time that commits have waited */
	uint64_t queued;     /* transactions that wait for their commit */
	uint64_t last_rowid;
	uint64_t latency[OUTBOX_LATENCY_BUCKETS]; /* alerts committed, by latency ... */
	uint64_t latency_ns;                      /* ... and its sum */
	uint64_t lost;                            /* alerts lost to damage found at the start */
	uint64_t damaged; /* rows left out on later reads because of a wrong checksum */
	bool full;        /* commits wait for room: on the disk, or within max_bytes */
	bool corrupt;     /* commits have ended */
	char error[256];  /* why commits are stopped now; "" */
};
void outbox_stats(struct outbox *o, struct outbox_stats *ret);

#endif
