/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_prune.c - keep the history within its bounds. */
#include "collector/outbox/outbox_int.h"
#include "common/clock.h"
#include <errno.h>

#define PRUNE_ROWS  256                           /* per statement */
#define PRUNE_STEPS (OUTBOX_TX_ROWS / PRUNE_ROWS) /* statements per transaction */

/* The number up to which every output has all alerts. */
static uint64_t
delivered_to(struct outbox *o)
{
	uint64_t n = INT64_MAX;

	pthread_mutex_lock(&o->lock);
	for (size_t i = 0; i < o->nplaces; i++) {
		if (!o->places[i].off)
			n = MIN(n, o->places[i].rowid);
	}
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
	o->used = (pages - unused) * OUTBOX_PAGE;
	return 0;
}

static uint64_t
too_old(const struct outbox *o)
{
	uint64_t now = clock_real() / NS_PER_MS;

	return o->max_age_ms == 0 || now < o->max_age_ms ? 0 : now - o->max_age_ms;
}

/* Prune once: returns the number of deleted rows, or -errno. */
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

int
outbox_oldest(struct outbox *o)
{
	sqlite3_stmt *st = o->st[ST_OLDEST];
	int rc = sqlite3_step(st);

	o->oldest_ms = 0;
	o->oldest_n = o->stats.last_rowid + 1;
	if (rc == SQLITE_ROW) {
		o->oldest_ms = (uint64_t) sqlite3_column_int64(st, 0);
		o->oldest_n = (uint64_t) sqlite3_column_int64(st, 1);
	}
	(void) sqlite3_reset(st);
	return outbox_err(rc);
}

static int
after_prune(struct outbox *o)
{
	int r = outbox_exec(o->db, "DELETE FROM aside WHERE n < (SELECT min(n) FROM alert)");

	if (r == 0)
		r = outbox_oldest(o);
	return r < 0 ? r : outbox_measure(o);
}

static bool
too_large(const struct outbox *o)
{
	return o->max_bytes > 0 && o->used + o->damaged_bytes > o->max_bytes;
}

int
outbox_prune(struct outbox *o)
{
	uint64_t upto = delivered_to(o), before = too_old(o);
	int r = outbox_measure(o), gone = 1;

	if (r == 0 && o->oldest_ms == 0)
		r = outbox_oldest(o);
	while (r == 0 && too_large(o) && outbox_damaged_drop(o))
		; /* files set aside go first */
	for (int i = 0; r == 0 && gone > 0 && i < PRUNE_STEPS; i++) {
		bool old = o->oldest_ms != 0 && o->oldest_ms < before;

		if (!old && !too_large(o))
			break;
		gone = prune_step(o, too_large(o) ? ST_PRUNE : ST_PRUNE_OLD, upto, before);
		r = gone > 0 ? after_prune(o) : MIN(gone, 0);
	}
	if (r < 0 || !too_large(o))
		return r;
	return o->tx.pruned > 0 ? 1 : -ENOSPC;
}

bool
outbox_prune_due(struct outbox *o)
{
	return o->oldest_ms != 0 && o->oldest_ms < too_old(o) && !o->stats.corrupt &&
	       delivered_to(o) > o->stats.last_rowid - o->stats.rows;
}
