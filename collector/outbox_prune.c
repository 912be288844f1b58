/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_prune.c - the history stays within its bounds, the log within its own. */
#include "collector/outbox_int.h"
#include "common/clock.h"
#include <errno.h>

#define PRUNE_ROWS  256 /* in one statement */
#define PRUNE_STEPS 8   /* statements in one transaction, so that commits stay short */

/* Every output has what is up to here. */
static uint64_t
delivered_to(struct outbox *o)
{
	uint64_t n = INT64_MAX;

	pthread_mutex_lock(&o->lock);
	for (size_t i = 0; i < o->nplaces; i++)
		n = MIN(n, o->places[i].rowid);
	pthread_mutex_unlock(&o->lock);
	return n;
}

int
outbox_measure(struct outbox *o)
{
	uint64_t pages = 0, unused = 0;
	int r = outbox_number(o, ST_PAGES, &pages);

	if (r == 0)
		r = outbox_number(o, ST_FREE, &unused);
	if (r < 0)
		return r;
	pthread_mutex_lock(&o->lock);
	o->stats.bytes = (pages - unused) * o->page_size;
	pthread_mutex_unlock(&o->lock);
	return 0;
}

static uint64_t
too_old(const struct outbox *o)
{
	uint64_t now = clock_real() / NS_PER_MS;

	return o->max_age_ms == 0 || now < o->max_age_ms ? 0 : now - o->max_age_ms;
}

/* One step: how many went, or -errno. */
static int
prune_step(struct outbox *o, enum outbox_stmt which, uint64_t upto, uint64_t before)
{
	sqlite3_stmt *st = o->st[which];
	int r;

	(void) sqlite3_bind_int64(st, 1, (sqlite3_int64) upto);
	(void) sqlite3_bind_int(st, 2, PRUNE_ROWS);
	if (which == ST_PRUNE_OLD)
		(void) sqlite3_bind_int64(st, 3, (sqlite3_int64) before);
	r = outbox_run(o, which);
	if (r < 0)
		return r;
	o->tx.pruned += (uint64_t) sqlite3_changes(o->db);
	return sqlite3_changes(o->db);
}

static int
after_prune(struct outbox *o)
{
	int r = outbox_exec(o->db, "DELETE FROM aside WHERE n < (SELECT min(n) FROM alert)");

	o->oldest_ms = 0;
	if (r == 0)
		r = outbox_number(o, ST_OLDEST, &o->oldest_ms);
	return r < 0 ? r : outbox_measure(o);
}

int
outbox_prune(struct outbox *o)
{
	uint64_t upto = delivered_to(o), before = too_old(o);
	int r = outbox_measure(o), gone = 0;

	if (r < 0)
		return r;
	for (int i = 0; i < PRUNE_STEPS && o->oldest_ms != 0 && o->oldest_ms < before; i++) {
		gone = prune_step(o, ST_PRUNE_OLD, upto, before);
		if (gone <= 0)
			break;
		r = after_prune(o);
		if (r < 0)
			return r;
	}
	for (int i = 0; gone >= 0 && i < PRUNE_STEPS; i++) {
		if (o->max_bytes == 0 || o->stats.bytes <= o->max_bytes)
			break;
		gone = prune_step(o, ST_PRUNE, upto, 0);
		if (gone == 0)
			return o->tx.pruned > 0 ? 0 : -ENOSPC;
		r = gone < 0 ? gone : after_prune(o);
		if (r < 0)
			return r;
	}
	if (o->oldest_ms == 0 && gone >= 0)
		return outbox_number(o, ST_OLDEST, &o->oldest_ms);
	return gone < 0 ? gone : 0;
}

bool
outbox_prune_due(struct outbox *o)
{
	return o->oldest_ms != 0 && o->oldest_ms < too_old(o) && !o->stats.corrupt &&
	       delivered_to(o) > o->stats.last_rowid - o->stats.rows;
}

int
outbox_wal_hook(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct outbox *o = arg;

	(void) db;
	(void) name;
	pthread_mutex_lock(&o->lock);
	o->wal_done = pages < o->wal_done ? 0 : o->wal_done; /* the log began anew */
	o->wal_pages = pages;
	if (pages - o->wal_done >= OUTBOX_WAL_PAGES)
		pthread_cond_broadcast(&o->chores);
	pthread_mutex_unlock(&o->lock);
	return SQLITE_OK;
}

/* Moves what the log holds into the file. Writers go on meanwhile, unless the log has grown so
 * long that they must wait for its end once, or it would never begin anew. */
static int
checkpoint(struct outbox *o, sqlite3 *db)
{
	int log = 0, moved = 0;
	int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &log, &moved);

	if (rc == SQLITE_OK && log > OUTBOX_WAL_LIMIT && moved < log) {
		pthread_mutex_lock(&o->write);
		rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &log, &moved);
		pthread_mutex_unlock(&o->write);
	}
	pthread_mutex_lock(&o->lock);
	o->wal_done = moved > 0 ? moved : o->wal_pages;
	o->stats.errors += rc != SQLITE_OK && rc != SQLITE_BUSY;
	pthread_mutex_unlock(&o->lock);
	return outbox_err(rc);
}

void *
outbox_checkpoint_main(void *arg)
{
	struct outbox *o = arg;
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(o->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	pthread_mutex_lock(&o->lock);
	while (rc == SQLITE_OK && !o->closing) {
		if (o->wal_pages - o->wal_done < OUTBOX_WAL_PAGES) {
			outbox_pause(o, 1000);
			continue;
		}
		pthread_mutex_unlock(&o->lock);
		if (checkpoint(o, db) < 0) {
			pthread_mutex_lock(&o->lock);
			outbox_pause(o, 1000);
			continue;
		}
		pthread_mutex_lock(&o->lock);
	}
	pthread_mutex_unlock(&o->lock);
	(void) sqlite3_close(db);
	return NULL;
}
