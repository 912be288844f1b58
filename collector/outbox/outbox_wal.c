/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox_wal.c - keep the log short.
 *
 * The checkpoint thread moves the log's pages into the file while commits continue. Alone it never
 * finishes while there are commits: a log restarts only when a writer finds all of it moved and no
 * reader in it. So the commit thread, between two transactions, moves the rest itself once the log
 * is long, and stops beyond the limit. Our own readers hold no snapshot during callbacks
 * (outbox_read.c), so they never block the log.
 */
#include "collector/outbox/outbox_int.h"
#include "common/cond.h"
#include <errno.h>
#include <unistd.h>

int
outbox_wal_hook(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct outbox *o = arg;

	(void) db;
	(void) name;
	pthread_mutex_lock(&o->lock);
	o->wal_done = pages < o->wal_done ? 0 : o->wal_done; /* the log has restarted */
	o->wal_pages = pages;
	if (pages - o->wal_done >= OUTBOX_WAL_PAGES)
		pthread_cond_broadcast(&o->chores);
	pthread_mutex_unlock(&o->lock);
	return SQLITE_OK;
}

void
outbox_pause(struct outbox *o, uint64_t ms)
{
	if (!o->closing)
		(void) cond_wait(&o->chores, &o->lock, cond_until((int) ms));
}

/* Caller holds 'moving'. -EBUSY: another connection reads from the log, or writes to it. */
static int
checkpoint(struct outbox *o, sqlite3 *db, int mode)
{
	int log = -1, moved = -1;
	int rc = sqlite3_wal_checkpoint_v2(db, NULL, mode, &log, &moved);

	if (rc == SQLITE_OK && log < 0)
		rc = SQLITE_MISUSE; /* a connection that has never read does not know the log */
	pthread_mutex_lock(&o->lock);
	if (rc == SQLITE_OK && mode == SQLITE_CHECKPOINT_RESTART)
		o->wal_pages = o->wal_done = 0;
	else if (moved >= 0 && moved <= o->wal_pages)
		o->wal_done = moved;
	o->stats.errors += rc != SQLITE_OK && rc != SQLITE_BUSY;
	pthread_mutex_unlock(&o->lock);
	return outbox_err(rc);
}

int
outbox_wal_room(struct outbox *o)
{
	bool must;
	int r = 0;

	pthread_mutex_lock(&o->lock);
	must = o->wal_pages >= OUTBOX_WAL_LIMIT;
	if (!must && (o->wal_pages < o->wal_again || o->wal_pages - o->wal_done > OUTBOX_WAL_PAGES))
		r = 1; /* short, or the checkpoint thread still has to move most of it */
	pthread_mutex_unlock(&o->lock);
	if (r > 0)
		return 0;
	(void) sqlite3_busy_timeout(o->db, must ? OUTBOX_BUSY_MS : OUTBOX_WAL_PATIENCE_MS);
	pthread_mutex_lock(&o->moving);
	r = checkpoint(o, o->db, SQLITE_CHECKPOINT_RESTART);
	pthread_mutex_unlock(&o->moving);
	(void) sqlite3_busy_timeout(o->db, OUTBOX_BUSY_MS);
	pthread_mutex_lock(&o->lock);
	o->wal_again = r == 0 ? OUTBOX_WAL_RESTART : o->wal_pages + OUTBOX_WAL_PAGES / 4;
	pthread_mutex_unlock(&o->lock);
	return must ? r : 0;
}

/* Open a connection and read once: only then does it know the log. */
static int
open_reader(struct outbox *o, sqlite3 **ret)
{
	int rc = sqlite3_open_v2(o->path, ret, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(*ret, OUTBOX_BUSY_MS);
	if (rc != SQLITE_OK)
		return outbox_err(rc);
	return outbox_exec(*ret, "PRAGMA synchronous=FULL; SELECT count(*) FROM sqlite_schema");
}

static bool
enough_to_move(const struct outbox *o)
{
	return o->wal_pages - o->wal_done >= OUTBOX_WAL_PAGES;
}

/* Make the newest number durable, once for several commits. Caller holds 'lock'. */
static void
sync_high(struct outbox *o)
{
	int r;

	o->high_dirty = false;
	pthread_mutex_unlock(&o->lock);
	r = fdatasync(o->high_fd);
	pthread_mutex_lock(&o->lock);
	o->stats.errors += r < 0;
	if (!enough_to_move(o))
		outbox_pause(o, OUTBOX_SYNC_MS);
}

/* Sleep until there is enough to move; false: closing. Caller holds 'lock'. */
static bool
wait_for_pages(struct outbox *o)
{
	while (!o->closing && !enough_to_move(o)) {
		if (o->high_dirty)
			sync_high(o);
		else
			outbox_pause(o, 1000);
	}
	return !o->closing;
}

void *
outbox_checkpoint_main(void *arg)
{
	struct outbox *o = arg;
	sqlite3 *db = NULL;
	int r = open_reader(o, &db), before;

	pthread_mutex_lock(&o->lock);
	while (wait_for_pages(o)) {
		before = o->wal_done;
		pthread_mutex_unlock(&o->lock);
		if (r < 0) { /* it could not be opened: retry */
			(void) sqlite3_close(db);
			db = NULL;
			r = open_reader(o, &db);
		}
		if (r == 0) {
			pthread_mutex_lock(&o->moving);
			r = checkpoint(o, db, SQLITE_CHECKPOINT_PASSIVE);
			pthread_mutex_unlock(&o->moving);
		}
		pthread_mutex_lock(&o->lock);
		if (o->high_dirty)
			sync_high(o);
		if (r < 0 || o->wal_done == before) /* a disk error, or a reader in the way */
			outbox_pause(o, OUTBOX_RETRY_MS);
	}
	pthread_mutex_unlock(&o->lock);
	(void) sqlite3_close(db);
	return NULL;
}
