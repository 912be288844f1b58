/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox_clock.c - how long an alert has waited, whatever happened to the clock since.
 *
 * A row has the wall time of its commit. A few rows of another table say how far that clock was
 * ahead of the boot clock, in which boot, and from which number on: one for each boot and step.
 */
#include "collector/outbox/outbox_int.h"
#include <stdlib.h>

#define STEP_NS (100 * NS_PER_MS) /* less is the clock's discipline */

static const char newest_clocks[] = "SELECT n, boot, ahead FROM clock ORDER BY n DESC LIMIT ?1";

int
outbox_clock_load(struct outbox *o)
{
	sqlite3_stmt *st = NULL;
	struct outbox_clock all[OUTBOX_CLOCKS];
	size_t n = 0;
	int rc = sqlite3_prepare_v2(o->db, newest_clocks, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int(st, 1, OUTBOX_CLOCKS);
	while (rc == SQLITE_OK && n < OUTBOX_CLOCKS && sqlite3_step(st) == SQLITE_ROW)
		all[n++] = (struct outbox_clock){ (uint64_t) sqlite3_column_int64(st, 0),
			(uint64_t) sqlite3_column_int64(st, 1), sqlite3_column_int64(st, 2) };
	rc = sqlite3_finalize(st);
	for (o->nclocks = 0; o->nclocks < n; o->nclocks++)
		o->clocks[o->nclocks] = all[n - 1 - o->nclocks];
	return outbox_err(rc);
}

int
outbox_clock_note(struct outbox *o, const struct clock_stamp *now, uint64_t next)
{
	const struct outbox_clock *last = o->nclocks == 0 ? NULL : &o->clocks[o->nclocks - 1];
	struct outbox_clock c = { next, now->boot, (int64_t) (now->real_ns - now->boot_ns) };
	sqlite3_stmt *st = o->st[ST_CLOCK];
	int r;

	/* only this thread writes 'clocks' */
	if (last != NULL && last->boot == c.boot && llabs(last->ahead_ns - c.ahead_ns) < STEP_NS)
		return 0;
	(void) sqlite3_bind_int64(st, 1, (sqlite3_int64) c.n);
	(void) sqlite3_bind_int64(st, 2, (sqlite3_int64) c.boot);
	(void) sqlite3_bind_int64(st, 3, c.ahead_ns);
	r = outbox_run(o, ST_CLOCK);
	if (r == 0) {
		(void) sqlite3_bind_int(o->st[ST_OLD_CLOCKS], 1, OUTBOX_CLOCKS);
		r = outbox_run(o, ST_OLD_CLOCKS);
	}
	if (r == 0)
		o->tx.clock = c;
	return r;
}

void
outbox_clock_noted(struct outbox *o)
{
	if (o->tx.clock.n == 0)
		return;
	if (o->nclocks > 0 && o->clocks[o->nclocks - 1].n == o->tx.clock.n)
		o->nclocks--; /* no alert between two steps */
	if (o->nclocks == OUTBOX_CLOCKS)
		memmove(o->clocks, o->clocks + 1, --o->nclocks * sizeof(*o->clocks));
	o->clocks[o->nclocks++] = o->tx.clock;
}

int64_t
outbox_since(struct outbox *o, const struct outbox_row *row)
{
	struct clock_stamp now = clock_stamp(), then = { .boot = now.boot };
	int64_t ahead = (int64_t) (now.real_ns - now.boot_ns); /* of the unknown: as now */

	pthread_mutex_lock(&o->lock);
	for (size_t i = 0; i < o->nclocks && o->clocks[i].n <= row->rowid; i++) {
		then.boot = o->clocks[i].boot;
		ahead = o->clocks[i].ahead_ns;
	}
	pthread_mutex_unlock(&o->lock);
	then.real_ns = row->added * NS_PER_MS;
	then.boot_ns = (uint64_t) MAX((int64_t) then.real_ns - ahead, 0);
	return clock_since(&then, &now);
}
