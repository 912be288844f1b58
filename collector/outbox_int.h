/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox_int.h - what the outbox_*.c files share; nobody else includes it.
 *
 * The commit thread is the only writer and owns 'db' with its statements; progress of streams,
 * places of outputs and set-aside alerts wait in memory ('lock') until it writes them. Readers
 * take a connection of their own from 'idle'.
 *
 * Locking: 'lock' guards everything below it, for a few instructions. 'write' is held around a
 * write transaction, so that the checkpoint thread can keep writers out for a moment.
 */
#ifndef MEWS_COLLECTOR_OUTBOX_INT_H
#define MEWS_COLLECTOR_OUTBOX_INT_H

#include "collector/outbox.h"
#include "common/queue.h"
#include <pthread.h>
#include <sqlite3.h>

#define OUTBOX_SCHEMA     1
#define OUTBOX_QUEUE      4096
#define OUTBOX_QUEUE_MAX  (64ULL << 20) /* bytes of alerts that wait */
#define OUTBOX_GROUP      512           /* transactions in one commit */
#define OUTBOX_STREAMS    1024          /* buckets of the progress map */
#define OUTBOX_TICK_MS    250           /* progress is written at least that often */
#define OUTBOX_RETRY_MS   200
#define OUTBOX_WAL_PAGES  1000  /* a checkpoint begins */
#define OUTBOX_WAL_LIMIT  16384 /* writers wait for one */
#define OUTBOX_IDLE_CONNS 8

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
	uint64_t page_size;
	uint64_t oldest_ms; /* when the oldest alert was committed; 0: none */
	bool busy;          /* the last group had company: gather */
	struct outbox_aside *asides_writing;
	struct {
		uint64_t inserted, duplicates, pruned, last_rowid;
	} tx; /* what the transaction in hand will have done */

	pthread_mutex_t write;

	pthread_mutex_t lock;
	pthread_cond_t news;   /* last_rowid moved, or closing */
	pthread_cond_t chores; /* for the checkpoint thread, and the commit thread's pauses */
	bool closing;
	int wal_pages, wal_done; /* in the log; of those, how many a checkpoint has moved */
	uint64_t queued_bytes;
	uint64_t dirty_at; /* when the oldest unwritten progress came; 0: none; 1: now */
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

/* outbox_prune.c. outbox_prune() is part of a write transaction; -ENOSPC: the history is full and
 * only undelivered alerts are left. */
int outbox_prune(struct outbox *o) MUST_CHECK;
bool outbox_prune_due(struct outbox *o);
int outbox_measure(struct outbox *o) MUST_CHECK;
void *outbox_checkpoint_main(void *arg);
int outbox_wal_hook(void *arg, sqlite3 *db, const char *name, int pages);

/* outbox_progress.c. get and free need 'lock'; only the commit thread makes and changes. */
struct outbox_progress *outbox_progress_get(struct outbox *o, const struct stream_id *id);
int outbox_progress_make(struct outbox *o, const struct stream_id *id) MUST_CHECK;
void outbox_progress_free(struct outbox *o, bool all);
/* All that waits in memory, as part of a write transaction, which holds the group in hand or does
 * not; then, when it is committed. */
int outbox_progress_write(struct outbox *o, bool group) MUST_CHECK;
void outbox_progress_written(struct outbox *o);
bool outbox_progress_due(struct outbox *o);

/* outbox_read.c */
void outbox_readers_free(struct outbox *o);

#endif
