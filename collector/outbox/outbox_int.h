/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox_int.h - shared by the outbox_*.c files only.
 *
 * The commit thread is the only writer and owns 'db' with its statements; progress of streams,
 * cursors of outputs and set-aside alerts wait in memory ('lock') until it writes them. Readers
 * take a connection from 'idle'.
 *
 * Locking: 'lock' guards everything below it, for a few instructions.
 */
#ifndef MEWS_COLLECTOR_OUTBOX_OUTBOX_INT_H
#define MEWS_COLLECTOR_OUTBOX_OUTBOX_INT_H

#include "collector/outbox/outbox.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/queue.h"
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>

#define OUTBOX_SCHEMA      2
#define OUTBOX_APPLICATION 0x6d657773 /* "mews": SQLite's application_id */
#define OUTBOX_QUEUE       4096
#define OUTBOX_QUEUE_MAX   (64ULL << 20) /* bytes of queued alerts */
#define OUTBOX_GROUP       512           /* our transactions taken from the queue together */
#define OUTBOX_STREAMS     1024          /* buckets of the progress map */
#define OUTBOX_TICK_MS     250           /* maximum delay before outputs' cursors are written */
#define OUTBOX_RETRY_MS    200
#define OUTBOX_BUSY_MS     2000 /* how long SQLite waits for other connections */
#define OUTBOX_IDLE_CONNS  8
#define OUTBOX_PAGE        4096
/* Limits of a reader's snapshot, which prevents the log from restarting. */
#define OUTBOX_READ_ROWS  256        /* copied */
#define OUTBOX_READ_BYTES (1U << 20) /* of them, plus at most one row */
#define OUTBOX_READ_SPAN  4096       /* visited */

/*
 * Progress without alerts is not worth a write for each batch: a sensor's Hello states what was
 * durable. It is written with alerts, at the end, and otherwise so rarely that an idle collector
 * writes about 10 MB a day: a page in the log costs another in the file, and each commit the file
 * system's own journal.
 */
#define OUTBOX_QUIET_MS       300000
#define OUTBOX_QUIET_RATE     115   /* bytes a second, on average */
#define OUTBOX_QUIET_OVERHEAD 32768 /* of a commit */

/*
 * All files together stay within max_bytes and 64 MiB:
 *
 *	file    history up to max_bytes, and the growth of one transaction     8 MiB
 *	log     up to its limit, and the growth of one transaction       24 + 28 MiB
 *	rest    the log's index, the newest number                        less than 1 MiB
 *
 * A row dirties at most its own pages, one of each index and the pages added by their splits: a
 * transaction is at most OUTBOX_TX_ROWS new rows of OUTBOX_TX_BYTES together, and as many pruned.
 */
#define OUTBOX_TX_ROWS         1024
#define OUTBOX_TX_BYTES        (2ULL << 20)
#define OUTBOX_WAL_PAGES       1000 /* the checkpoint thread starts */
#define OUTBOX_WAL_RESTART     3072 /* the commit thread finishes it, if little is left to move */
#define OUTBOX_WAL_LIMIT       6144 /* the commit thread waits until the log has restarted */
#define OUTBOX_WAL_PATIENCE_MS 5

#define OUTBOX_NODES_MAX 4096 /* waiting to be written */
#define OUTBOX_CLOCKS    32   /* steps of the clock and boots that are remembered */

/* Created by every start, so that files of older collectors get them too; those collectors ignore
 * them. */
#define OUTBOX_LATER_TABLES                                                              \
	"CREATE TABLE IF NOT EXISTS node(cluster TEXT NOT NULL, node TEXT NOT NULL,"     \
	" boot TEXT NOT NULL, sensor_start INTEGER NOT NULL, seen INTEGER NOT NULL,"     \
	" stopped INTEGER NOT NULL, PRIMARY KEY(cluster, node)) WITHOUT ROWID;"          \
	"CREATE TABLE IF NOT EXISTS clock(n INTEGER PRIMARY KEY, boot INTEGER NOT NULL," \
	" ahead INTEGER NOT NULL);"

#define OUTBOX_TELL_NS (10 * NS_PER_S) /* how often slow steps of the start log their progress */
#define OUTBOX_SYNC_MS 20              /* maximum delay before the newest number is durable */

/* The columns of a row, in the order of struct outbox_record. */
#define OUTBOX_COLUMNS "n, id, added, time, priority, rule, cluster, node, json, sum"
/* The highest number ever used, including pruned rows: numbers are never reused. */
#define OUTBOX_NEWEST "SELECT coalesce(max(seq), 0) FROM sqlite_sequence"

enum outbox_stmt {
	ST_BEGIN,
	ST_COMMIT,
	ST_INSERT,
	ST_STREAM,
	ST_SEQ,
	ST_PLACE,
	ST_ASIDE,
	ST_NOT_ASIDE,
	ST_NODE,
	ST_FORGET,
	ST_PRUNE,
	ST_PRUNE_OLD,
	ST_OLDEST,
	ST_CLOCK,
	ST_OLD_CLOCKS,
	ST_PAGES,
	ST_FREE,
	ST_COUNT,
};

/* The progress of one stream. */
struct outbox_progress {
	struct outbox_progress *next;
	struct stream_id id;
	uint64_t durable; /* may be reported */
	uint64_t seq;     /* durable once the current group is committed */
	uint64_t writing; /* in the current transaction */
	uint64_t saved;   /* in the file, or 0 */
	uint64_t hand;    /* the last piece that contained it */
};

#define OUTBOX_PLACES (4 * OUTBOX_OUTPUTS) /* names of outputs in the life of a process */

struct outbox_place {
	char output[32];
	uint64_t rowid;
	uint64_t writing; /* in the current transaction */
	uint64_t saved;   /* in the file; UINT64_MAX: not yet */
	uint64_t skipped; /* alerts skipped when the file was opened */
	bool off;         /* the output is no more; its slot is kept for its name */
	bool leaving;     /* ... which the current transaction writes */
	bool left;        /* ... which is in the file */
};

struct outbox_aside {
	struct outbox_aside *next;
	char output[32];
	uint64_t rowid;
	bool drop; /* no longer set aside */
	char why[256];
};

/* A node to remember or to forget. */
struct outbox_news {
	struct outbox_news *next;
	struct outbox_node node;
	bool forget;
};

/* A row of the history; texts are borrowed. */
struct outbox_record {
	uint64_t n, added, time, priority;
	struct slice id, rule, cluster, node, json;
};

/* From number n on, alerts were committed in that boot, while the wall clock was so far ahead of
 * the boot clock. */
struct outbox_clock {
	uint64_t n, boot; /* clock_boot_tag() */
	int64_t ahead_ns;
};

/* The state of PATH-high: see outbox_high.c. */
enum outbox_high_state {
	HIGH_MISSING,
	HIGH_WHOLE,
	HIGH_HALF,    /* one of its two sectors is damaged */
	HIGH_DAMAGED, /* both are */
	HIGH_NEWER,   /* written by a newer collector */
};

struct outbox_high {
	enum outbox_high_state state; /* as it was loaded */
	uint64_t turn;
	uint64_t newest, oldest; /* numbers */
	uint64_t rows;
	size_t nplaces;
	struct {
		uint64_t output, n;
	} places[OUTBOX_OUTPUTS];
};

struct outbox_damage {
	char what[256]; /* description of the damage */
	uint64_t kept, lost;
	char aside[PATH_MAX];    /* path of the damaged file; "": it is missing */
	char identity[PATH_MAX]; /* of the alert: unique to this damage */
	char text[3 * PATH_MAX];
};

struct outbox_schema {
	uint64_t application, version, tables;
	bool ours;
};

struct outbox_reader {
	struct outbox_reader *next;
	sqlite3 *db;
	sqlite3_stmt *read;
	struct outbox_row rows[OUTBOX_READ_ROWS]; /* a slice, copied */
	size_t n;
	struct buf text;           /* of the rows */
	uint64_t last;             /* number of the last row visited */
	_Atomic uint64_t *damaged; /* the outbox's counter of rows left out */
};

struct outbox {
	char *path;
	uint64_t max_bytes, max_age_ms, min_free_bytes;
	bool read_only;
	int lock_fd, high_fd;
	struct queue *queue;
	pthread_t committer, checkpointer;
	bool committing, checkpointing; /* the threads are running */

	/* Commit thread only. */
	sqlite3 *db;
	sqlite3_stmt *st[ST_COUNT];
	uint64_t used;                  /* bytes of pages in use */
	uint64_t oldest_ms;             /* commit time of the oldest alert; 0: none */
	uint64_t oldest_n;              /* its number, or the next one */
	_Atomic uint64_t damaged_bytes; /* of files set aside */
	struct outbox_high high;
	uint64_t hand; /* counts the pieces */
	int wal_again; /* at this length of the log, check again whether it can restart */
	bool busy;     /* several of the last group had alerts: gather */
	bool migrated; /* from schema 1, at this start */
	bool waiting;  /* a piece could not be committed yet */
	struct outbox_aside *asides_writing;
	struct outbox_news *nodes_writing; /* in order of arrival */
	size_t places_writing;
	struct {
		uint64_t inserted, duplicates, pruned, last_rowid;
		uint64_t streams;          /* rows of streams */
		bool all;                  /* all that waited are written */
		struct outbox_clock clock; /* n 0: nothing new */
	} tx;                              /* what the current transaction will have done */
	uint64_t times[OUTBOX_TX_ROWS];    /* event times of the alerts that it inserted */

	_Atomic uint64_t damaged_rows; /* left out on reads */
	pthread_mutex_t moving;        /* a checkpoint runs: SQLite refuses a second one */

	pthread_mutex_t lock;
	pthread_cond_t news;   /* last_rowid advanced, or closing */
	pthread_cond_t chores; /* wakes the checkpoint thread, and the commit thread from pauses */
	bool closing;
	bool high_dirty;         /* written, not yet durable */
	int wal_pages, wal_done; /* in the log; of those, moved by a checkpoint */
	uint64_t queued_bytes;
	uint64_t dirty_at; /* arrival of the oldest unwritten cursor; 0: none; 1: now */
	uint64_t quiet_at; /* the same for a stream's progress; 0: none */
	uint64_t quiet_ms; /* how long that may wait */
	struct outbox_progress *streams[OUTBOX_STREAMS];
	size_t nstreams;
	struct outbox_place places[OUTBOX_PLACES]; /* never moved */
	size_t nplaces;
	struct outbox_aside *asides; /* newest first */
	struct outbox_news *nodes;   /* newest first */
	size_t nnodes;
	struct outbox_reader *idle;
	size_t nidle;
	struct outbox_clock clocks[OUTBOX_CLOCKS]; /* by number; only the commit thread writes */
	size_t nclocks;
	struct outbox_stats stats;
};

/* outbox_db.c: the only place that knows SQLite's error numbers. */
int outbox_err(int rc) MUST_CHECK;
int outbox_db_connect(struct outbox *o) MUST_CHECK;
int outbox_db_prepare(struct outbox *o) MUST_CHECK;
void outbox_db_close(struct outbox *o);
int outbox_exec(sqlite3 *db, const char *sql) MUST_CHECK;
/* Run a one-time query for one number; *ret is untouched without a row. */
int outbox_ask(sqlite3 *db, const char *sql, uint64_t *ret) MUST_CHECK;
/* Run a statement of the commit thread to its end and reset it. */
int outbox_run(struct outbox *o, enum outbox_stmt st) MUST_CHECK;
/* The same for a statement that returns a number; *ret is untouched without a row. */
int outbox_number(struct outbox *o, enum outbox_stmt st, uint64_t *ret) MUST_CHECK;
/* Bind the stream to the parameters ?1 to ?4. */
void outbox_stream_bind(sqlite3_stmt *st, const struct stream_id *id);

/* outbox_start.c. outbox_fail() sets *d to the reason and returns 'r'. */
int outbox_start(struct outbox *o, const struct outbox_cfg *cfg, struct diag *d) MUST_CHECK;
/* After outbox_start(): read the numbers that are kept in memory. */
int outbox_load(struct outbox *o, const struct outbox_cfg *cfg, struct diag *d) MUST_CHECK;
int outbox_fail(const struct outbox *o, int r, struct diag *d);
/* Refuse a file of another program or a newer collector: -EBADMSG, and *d. */
int outbox_refuse(const struct outbox *o, const struct outbox_schema *s, struct diag *d);

/* outbox_places.c. The first loads the outputs' cursors when the file is opened. */
struct outbox_place *outbox_place_of(struct outbox *o, const char *output); /* with 'lock' */
/* Rename the row of an output that is no more. The commit thread. */
int outbox_place_leave(struct outbox *o, const char *output) MUST_CHECK;
int outbox_places_load(struct outbox *o, const struct outbox_cfg *cfg) MUST_CHECK;

/* outbox_schema.c */
int outbox_schema_make(sqlite3 *db) MUST_CHECK;
int outbox_schema_look(sqlite3 *db, struct outbox_schema *ret) MUST_CHECK;
int outbox_schema_migrate(struct outbox *o) MUST_CHECK;

/* outbox_record.c */
uint64_t outbox_record_sum(const struct outbox_record *r);
void outbox_record_of(struct outbox_record *ret, const struct alert *a, uint64_t n, uint64_t added);
/* The parameters ?1 to ?10 are OUTBOX_COLUMNS; 'r' must live until the statement is reset. */
void outbox_record_bind(sqlite3_stmt *st, const struct outbox_record *r);
/* Read a row of OUTBOX_COLUMNS, borrowed from the statement; false: its checksum is wrong. */
bool outbox_record_read(sqlite3_stmt *st, struct outbox_record *ret);
/* Check a row without a checksum: does it have an alert's shape, and its JSON end with its id? */
bool outbox_record_plausible(const struct outbox_record *r);

/* Can an alert's id have this length? It is a UUID; in files of earlier versions, 32 hex digits. */
static inline bool
outbox_id_length_ok(size_t n)
{
	return n == ALERT_ID_SIZE - 1 || n == 32;
}

/* outbox_high.c. Loaded and rewritten at the start, then written by the commit thread. */
int outbox_high_load(struct outbox *o) MUST_CHECK;
int outbox_high_make(struct outbox *o) MUST_CHECK;
void outbox_high_write(struct outbox *o);
bool outbox_high_place(const struct outbox_high *h, const char *output, uint64_t *ret);
static inline bool
outbox_high_known(const struct outbox_high *h)
{
	return h->state == HIGH_WHOLE || h->state == HIGH_HALF;
}

/* outbox_check.c: -EBADMSG, and d->what, if anything is damaged. */
int outbox_check(struct outbox *o, bool summed, struct outbox_damage *d) MUST_CHECK;

/* outbox_pages.c: find every intact row in the pages of a file and its log, in any order, some more
 * than once. -errno of opening, or the result of fn. */
typedef int (*outbox_found_fn)(void *arg, const struct outbox_record *r);
int outbox_pages_search(
    const char *db, const char *log, bool summed, outbox_found_fn fn, void *arg) MUST_CHECK;

/* outbox_salvage.c. Nobody may have the file open; d->what is set, the rest is filled in. */
int outbox_salvage(struct outbox *o, const struct outbox_cfg *cfg, bool summed,
    struct outbox_damage *d) MUST_CHECK;
/* Repeat the last step if it was interrupted; 'aside' NULL: choose a new name. */
int outbox_salvage_finish(struct outbox *o, const char *aside) MUST_CHECK;
void outbox_damage_text(const struct outbox *o, struct outbox_damage *d);
int outbox_damage_alert(const struct outbox *o, const struct outbox_cfg *cfg,
    const struct outbox_damage *d, struct alert **ret) MUST_CHECK;

/* outbox_damaged.c: files that were set aside, and paths. */
void outbox_path(const struct outbox *o, const char *suffix, char ret[PATH_MAX]);
void outbox_damaged_name(const struct outbox *o, char ret[PATH_MAX]);
int outbox_damaged_move(const struct outbox *o, const char *suffix, const char *to) MUST_CHECK;
void outbox_damaged_count(struct outbox *o); /* sums up, and deletes all but the newest few */
bool outbox_damaged_drop(struct outbox *o);  /* deletes the oldest one; false: there is none */

/* outbox_commit.c */
void *outbox_commit_main(void *arg);
/* Record that commits are stopped, and why, for the stats. 'what' may be NULL. Takes 'lock'. */
void outbox_trouble(struct outbox *o, int r, const char *what);

/* outbox_prune.c. outbox_prune() is part of a write transaction; 1: it made room, but not enough
 * yet; -ENOSPC: the history is full and only undelivered alerts are left. */
int outbox_prune(struct outbox *o) MUST_CHECK;
bool outbox_prune_due(struct outbox *o);
int outbox_measure(struct outbox *o) MUST_CHECK;
int outbox_oldest(struct outbox *o) MUST_CHECK;

/* outbox_wal.c. The commit thread calls outbox_wal_room() before a transaction; -EBUSY: the log has
 * reached its limit and a connection still reads from it. */
int outbox_wal_room(struct outbox *o) MUST_CHECK;
void *outbox_checkpoint_main(void *arg);
int outbox_wal_hook(void *arg, sqlite3 *db, const char *name, int pages);
/* Sleep on 'chores' until woken, ms have passed, or closing. Caller holds 'lock'. */
void outbox_pause(struct outbox *o, uint64_t ms);

/* outbox_progress.c. get and free need 'lock'; only the commit thread adds and changes entries. */
struct outbox_progress *outbox_progress_get(struct outbox *o, const struct stream_id *id);
int outbox_progress_make(struct outbox *o, const struct stream_id *id) MUST_CHECK;
void outbox_progress_free(struct outbox *o, bool all);
/* Write what waits in memory, in a write transaction with the current piece or without one: the
 * streams of the piece, or all of them if it is time. ..._written() follows the commit. */
int outbox_progress_write(struct outbox *o, bool piece) MUST_CHECK;
void outbox_progress_written(struct outbox *o);
bool outbox_progress_due(struct outbox *o);

/* outbox_nodes.c. Write what waits, in a write transaction; ..._written() follows the commit. */
int outbox_nodes_write(struct outbox *o) MUST_CHECK;
void outbox_nodes_written(struct outbox *o);

/* outbox_clock.c. In a write transaction, before the first alert, which gets number 'next';
 * ..._noted() follows the commit, under the lock. */
int outbox_clock_load(struct outbox *o) MUST_CHECK;
int outbox_clock_note(struct outbox *o, const struct clock_stamp *now, uint64_t next) MUST_CHECK;
void outbox_clock_noted(struct outbox *o);

/* outbox_read.c. A connection for reading; give it back. */
int outbox_reader_get(struct outbox *o, struct outbox_reader **ret) MUST_CHECK;
void outbox_reader_put(struct outbox *o, struct outbox_reader *rd);
void outbox_readers_free(struct outbox *o);

#endif
