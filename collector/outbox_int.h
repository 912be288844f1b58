/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox_int.h - what the outbox_*.c files share; nobody else includes it.
 *
 * The commit thread is the only writer and owns 'db' with its statements; progress of streams,
 * places of outputs and set-aside alerts wait in memory ('lock') until it writes them. Readers
 * take a connection of their own from 'idle'.
 *
 * Locking: 'lock' guards everything below it, for a few instructions.
 */
#ifndef MEWS_COLLECTOR_OUTBOX_INT_H
#define MEWS_COLLECTOR_OUTBOX_INT_H

#include "collector/outbox.h"
#include "common/buf.h"
#include "common/queue.h"
#include <pthread.h>
#include <sqlite3.h>

#define OUTBOX_SCHEMA     1
#define OUTBOX_QUEUE      4096
#define OUTBOX_QUEUE_MAX  (64ULL << 20) /* bytes of alerts that wait */
#define OUTBOX_GROUP      512           /* of ours that are taken from the queue together */
#define OUTBOX_STREAMS    1024          /* buckets of the progress map */
#define OUTBOX_TICK_MS    250           /* places of outputs are written at least that often */
#define OUTBOX_RETRY_MS   200
#define OUTBOX_BUSY_MS    2000 /* how long SQLite waits for others */
#define OUTBOX_IDLE_CONNS 8
#define OUTBOX_PAGE       4096
/* A reader holds a snapshot for no more than this: it keeps the log from beginning anew. */
#define OUTBOX_READ_ROWS  256        /* copied */
#define OUTBOX_READ_BYTES (1U << 20) /* of them, and one row more */
#define OUTBOX_READ_SPAN  4096       /* looked at */

/*
 * Progress without alerts is not worth a write for each batch: a sensor tells in its Hello what
 * was durable. It is written with alerts, at the end, and otherwise so seldom that an idle
 * collector writes about 10 MB a day: a page in the log costs another in the file, and each commit
 * the file system's own journal.
 */
#define OUTBOX_QUIET_MS       300000
#define OUTBOX_QUIET_RATE     115   /* bytes a second, on average */
#define OUTBOX_QUIET_OVERHEAD 32768 /* of a commit */

/*
 * All files together stay within max_bytes and 64 MiB:
 *
 *	file    history up to max_bytes, and what one transaction adds         8 MiB
 *	log     up to its limit, and what one transaction adds            24 + 28 MiB
 *	rest    the log's index, the newest number                        less than 1 MiB
 *
 * A row dirties at most its own pages, one of each index and what splits of them add: a
 * transaction is at most OUTBOX_TX_ROWS new rows of OUTBOX_TX_BYTES together, and as many pruned.
 */
#define OUTBOX_TX_ROWS         1024
#define OUTBOX_TX_BYTES        (2ULL << 20)
#define OUTBOX_WAL_PAGES       1000 /* the checkpoint thread begins */
#define OUTBOX_WAL_RESTART     3072 /* the commit thread ends it, if little is left to move */
#define OUTBOX_WAL_LIMIT       6144 /* the commit thread waits until it has begun anew */
#define OUTBOX_WAL_PATIENCE_MS 5

enum outbox_stmt {
	ST_BEGIN,
	ST_COMMIT,
	ST_INSERT,
	ST_STREAM,
	ST_SEQ,
	ST_PLACE,
	ST_ASIDE,
	ST_PRUNE,
	ST_PRUNE_OLD,
	ST_OLDEST,
	ST_PAGES,
	ST_FREE,
	ST_COUNT,
};

/* How far one stream has come. */
struct outbox_progress {
	struct outbox_progress *next;
	struct stream_id id;
	uint64_t durable; /* may be told to others */
	uint64_t seq;     /* durable once the group in hand is committed */
	uint64_t writing; /* in the transaction in hand */
	uint64_t saved;   /* in the file, or 0 */
	uint64_t hand;    /* the last piece that it was part of */
};

struct outbox_place {
	char output[32];
	uint64_t rowid;
	uint64_t writing; /* in the transaction in hand */
	uint64_t saved;   /* in the file; UINT64_MAX: never yet */
};

struct outbox_aside {
	struct outbox_aside *next;
	char output[32];
	uint64_t rowid;
	char why[256];
};

struct outbox_reader {
	struct outbox_reader *next;
	sqlite3 *db;
	sqlite3_stmt *read;
	struct outbox_row rows[OUTBOX_READ_ROWS]; /* a slice, copied */
	size_t n;
	struct buf text; /* theirs */
};

struct outbox {
	char *path;
	uint64_t max_bytes, max_age_ms, min_free_bytes;
	bool read_only;
	int lock_fd;
	struct queue *queue;
	pthread_t committer, checkpointer;
	bool committing, checkpointing; /* the threads run */

	/* The commit thread's. */
	sqlite3 *db;
	sqlite3_stmt *st[ST_COUNT];
	uint64_t used;      /* bytes of pages that hold something */
	uint64_t oldest_ms; /* when the oldest alert was committed; 0: none */
	uint64_t hand;      /* counts pieces */
	int wal_again;      /* when the log has so many pages, see whether it can begin anew */
	bool busy;          /* the last group had company: gather */
	bool waiting;       /* a piece could not be committed yet */
	struct outbox_aside *asides_writing;
	struct {
		uint64_t inserted, duplicates, pruned, last_rowid;
		uint64_t streams; /* rows of them */
		bool all;         /* and they are all that waited */
	} tx;                     /* what the transaction in hand will have done */

	pthread_mutex_t moving; /* a checkpoint runs: SQLite refuses a second one */

	pthread_mutex_t lock;
	pthread_cond_t news;   /* last_rowid moved, or closing */
	pthread_cond_t chores; /* for the checkpoint thread, and the commit thread's pauses */
	bool closing;
	int wal_pages, wal_done; /* in the log; of those, how many a checkpoint has moved */
	uint64_t queued_bytes;
	uint64_t dirty_at; /* when the oldest unwritten place of an output came; 0: none; 1: now */
	uint64_t quiet_at; /* the same of a stream's progress; 0: none */
	uint64_t quiet_ms; /* how long that may wait */
	struct outbox_progress *streams[OUTBOX_STREAMS];
	size_t nstreams;
	struct outbox_place places[OUTBOX_OUTPUTS];
	size_t nplaces;
	struct outbox_aside *asides; /* newest first */
	struct outbox_reader *idle;
	size_t nidle;
	struct outbox_stats stats;
};

/* outbox_db.c: the only place that knows SQLite's error numbers. */
int outbox_err(int rc) MUST_CHECK;
int outbox_db_open(struct outbox *o, struct diag *d) MUST_CHECK;
void outbox_db_close(struct outbox *o);
int outbox_db_load(struct outbox *o, const struct outbox_cfg *cfg, struct diag *d) MUST_CHECK;
int outbox_exec(sqlite3 *db, const char *sql) MUST_CHECK;
/* Runs a statement of the commit thread to its end and resets it. */
int outbox_run(struct outbox *o, enum outbox_stmt st) MUST_CHECK;
/* The same for one that returns a number; *ret is untouched without a row. */
int outbox_number(struct outbox *o, enum outbox_stmt st, uint64_t *ret) MUST_CHECK;

/* outbox_commit.c */
void *outbox_commit_main(void *arg);
/* Commits do not go on, and why: for the stats. 'what' may be NULL. Takes 'lock'. */
void outbox_trouble(struct outbox *o, int r, const char *what);
/* Sleep on 'chores' until woken, ms have passed, or closing. Needs 'lock'. */
void outbox_pause(struct outbox *o, uint64_t ms);

/* outbox_prune.c. outbox_prune() is part of a write transaction; 1: it has made room, but not
 * enough yet; -ENOSPC: the history is full and only undelivered alerts are left. */
int outbox_prune(struct outbox *o) MUST_CHECK;
bool outbox_prune_due(struct outbox *o);
int outbox_measure(struct outbox *o) MUST_CHECK;

/* outbox_wal.c. outbox_wal_room() is the commit thread's, before a transaction; -EBUSY: the log
 * has reached its limit and somebody reads from it. */
int outbox_wal_room(struct outbox *o) MUST_CHECK;
void *outbox_checkpoint_main(void *arg);
int outbox_wal_hook(void *arg, sqlite3 *db, const char *name, int pages);

/* outbox_progress.c. get and free need 'lock'; only the commit thread makes and changes. */
struct outbox_progress *outbox_progress_get(struct outbox *o, const struct stream_id *id);
int outbox_progress_make(struct outbox *o, const struct stream_id *id) MUST_CHECK;
void outbox_progress_free(struct outbox *o, bool all);
/* What waits in memory, as part of a write transaction that holds the piece in hand or none: the
 * streams of the piece, or all of them if it is time; then, when it is committed. */
int outbox_progress_write(struct outbox *o, bool piece) MUST_CHECK;
void outbox_progress_written(struct outbox *o);
bool outbox_progress_due(struct outbox *o);

/* outbox_read.c */
void outbox_readers_free(struct outbox *o);

#endif
