/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox.h - alerts on disk before anybody is told that they are safe; and their history.
 *
 * SQLite, WAL, synchronous=FULL. One thread commits: it gathers transactions for at most 2 ms and
 * writes them as one, or as several if they are large. Checkpoints happen off that thread as far as
 * they can. An alert whose id is there already is dropped (a batch sent again). How far a stream is
 * durable is committed with its alerts.
 *
 * A batch without any alert is durable at once, since there is nothing to lose: its stream's
 * progress is written with the stream's next alerts, at the end, and otherwise every few minutes
 * without an fsync, so that an idle collector hardly writes. After a crash outbox_stream_seq() may
 * be behind what done() said, by batches that raised no alert; it is never ahead.
 *
 * Bounded by age and by size: delivered alerts are pruned first; undelivered ones never silently
 * (when only they are left, commits wait, acknowledgement waits with them, and sensors spool). All
 * files together take at most max_bytes and 64 MiB; if another program's long read keeps the log
 * from beginning anew, commits wait for it. Errors of the disk are retried for ever; a corrupt file
 * ends commits ('corrupt' in the stats), and what was put stays unacknowledged.
 *
 * Damage is found at the start: integrity check, a checksum of each row, and the newest number,
 * which is kept in PATH-high too. Then what can be read goes into a fresh file, the damaged one is
 * set aside as PATH.damaged-TIME, and an alert "Mews outbox damaged" counts what is lost. A row
 * whose checksum is wrong is never shown.
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
	bool beginning; /* if it is new or was off: from the oldest alert that it has not had */
};

struct outbox_cfg {
	const char *path;
	uint64_t max_bytes, max_age_ms; /* of the history; 0: no bound. Files: 64 MiB more */
	uint64_t min_free_bytes;        /* below this much free disk, commits wait */
	/* Those that must have an alert before it may be pruned; at most OUTBOX_OUTPUTS. One that
	 * is new to the file, or was not among them the last time that it was opened, begins after
	 * the newest alert there, unless it says 'beginning'. */
	const struct outbox_output *outputs;
	size_t noutputs;
	const char *cluster, *node; /* whom alerts of the outbox itself name */
	bool read_only; /* to look into the file, whoever has it: no thread, no outbox_put() */
};

/* A stream: one sensor process on one boot of one node. */
struct stream_id {
	char cluster[128], node[256], boot_id[40];
	uint64_t sensor_start;
};

/* What one batch of a stream produced. */
struct outbox_txn {
	const struct stream_id *stream; /* borrowed until done() */
	uint64_t seq;         /* this batch, and all before it, are durable after the commit */
	struct alert *alerts; /* a list; owned from outbox_put() on */
	/* Called on the commit thread, once: r 0, or -errno when it was given up at shutdown. */
	void (*done)(struct outbox_txn *t, int r);
	void *arg;
	size_t bytes; /* the outbox's own */
};

/* -errno and *d: what is wrong and what to do. -EBADMSG: not an outbox, or a newer one; -EBUSY:
 * another collector has it; -ENOSPC; -EACCES and others as open(). Starts two threads, with all
 * signals blocked: for commits and for checkpoints. */
int outbox_open(const struct outbox_cfg *cfg, struct outbox **ret, struct diag *d) MUST_CHECK;

/* What outbox_open() would refuse, with its errors and sentences, but for a disk without room and
 * for damage that cannot be salvaged: nothing is made, changed or read through. */
int outbox_probe(const struct outbox_cfg *cfg, struct diag *d) MUST_CHECK;

/* Commits what was put, then stops; what cannot be committed (no room) is given up: done(-errno).
 * Nobody may use 'o' any more. NULL is fine. */
void outbox_close(struct outbox *o);

/* Any thread. 0: taken, done() will come; what was put for a stream is committed in that order.
 * -EAGAIN: the queue is full, try again. -ESHUTDOWN. On error 't' is still the caller's. */
int outbox_put(struct outbox *o, struct outbox_txn *t) MUST_CHECK;

/* The newest durable batch of a stream; 0 if none. Any thread. */
int outbox_stream_seq(struct outbox *o, const struct stream_id *s, uint64_t *ret) MUST_CHECK;

/* The nodes that sensors have connected from are remembered until they are forgotten: a collector
 * that starts anew knows of whom it should hear. */
struct outbox_node {
	struct stream_id id; /* of the newest sensor */
	uint64_t seen;       /* realtime ns: when it was heard of last, within some minutes */
	bool stopped;        /* the sensor said that it stops */
};

/* Remember it as it is now, or forget it (of 'id', cluster and node alone count). Any thread;
 * written within a second. -EAGAIN: too many wait for that; -ENOMEM. */
int outbox_node_put(struct outbox *o, const struct outbox_node *n) MUST_CHECK;
int outbox_node_forget(struct outbox *o, const struct stream_id *id) MUST_CHECK;

/* Calls fn for each that is in the file, until it returns a negative number. 0, that, or -errno. */
int outbox_nodes(struct outbox *o, int (*fn)(void *arg, const struct outbox_node *n), void *arg);

/* A row, as outputs and queries see it; texts live until the callback returns. */
struct outbox_row {
	uint64_t rowid;
	struct alert alert;
};

/* Any thread: rows after 'after', at most 'max', oldest first; fn returns false to stop, and may
 * take its time: nothing is locked meanwhile. Returns how many, or -errno. */
int outbox_read(struct outbox *o, uint64_t after, int max,
    bool (*fn)(void *arg, const struct outbox_row *row), void *arg);

/* What 'mewsctl alerts' asks. NULL or 0: any. */
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

/* A connection of the caller's own, for a caller that nobody is to wait for: between two calls it
 * holds nothing that others need, and it never takes the outbox's lock. One thread at a time. */
struct outbox_reader;
int outbox_reader_open(struct outbox *o, struct outbox_reader **ret) MUST_CHECK;
void outbox_reader_close(struct outbox_reader *rd); /* NULL is nothing */

/* The rows after 'after', up to 'upto', among which those of a query are; none: after >= upto. */
struct outbox_span {
	uint64_t after, upto;
};
int outbox_reader_span(
    struct outbox_reader *rd, const struct outbox_query *q, struct outbox_span *ret) MUST_CHECK;

/* Looks at the next part of the span, a few milliseconds' worth, and makes the span shorter by it:
 * from its front, or from its end with q->newest_first. Calls fn, which returns true, for each row
 * that the query asks for, at most 'max' (q->limit does not count). How many, or -errno. */
int outbox_reader_slice(struct outbox_reader *rd, const struct outbox_query *q,
    struct outbox_span *span, size_t max, bool (*fn)(void *arg, const struct outbox_row *row),
    void *arg) MUST_CHECK;

/* An output's place: everything up to 'rowid' is delivered, or was passed over when the file was
 * opened: *skipped alerts (may be NULL). Saved in batches; any thread. -ENOENT: not one of
 * cfg.outputs. */
int outbox_cursor(
    struct outbox *o, const char *output, uint64_t *ret, uint64_t *skipped) MUST_CHECK;
void outbox_delivered(struct outbox *o, const char *output, uint64_t rowid);

/* Set aside: this output can never deliver this alert. Kept, with the reason, and counted. -ENOMEM:
 * try again. */
int outbox_set_aside(
    struct outbox *o, const char *output, uint64_t rowid, const char *why) MUST_CHECK;

/* Blocks until a row after 'after' is there, or timeout, or close; true: there is. */
bool outbox_wait(struct outbox *o, uint64_t after, int timeout_ms);

/* Seconds from an event, by its node's clock, to the commit of its alert: upper bounds of buckets.
 */
#define OUTBOX_LATENCY_BOUNDS                                                                   \
	{                                                                                       \
		0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, \
		    300                                                                         \
	}
enum { OUTBOX_LATENCY_BUCKETS = 17 }; /* the last is of all that is longer */

struct outbox_stats {
	uint64_t rows;  /* of the history */
	uint64_t bytes; /* of all files, also of those that were set aside */
	uint64_t committed, duplicates, commits, pruned, set_aside;
	uint64_t errors;     /* commits or checkpoints that failed */
	uint64_t stalled_ms; /* how long commits have waited, all together */
	uint64_t queued;     /* transactions that wait for their commit */
	uint64_t last_rowid;
	uint64_t
	    latency[OUTBOX_LATENCY_BUCKETS]; /* alerts committed, by the time that it took ... */
	uint64_t latency_ns;                 /* ... all together */
	uint64_t lost;                       /* alerts lost to damage, found at the start */
	uint64_t damaged; /* rows left out on reads since, because their checksum is wrong */
	bool full;        /* commits wait for room: on the disk, or within max_bytes */
	bool corrupt;     /* commits have ended */
	char error[256];  /* why commits do not go on now; "" */
};
void outbox_stats(struct outbox *o, struct outbox_stats *ret);

#endif
