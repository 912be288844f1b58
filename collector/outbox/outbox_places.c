/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox_places.c - where each output continues when the file is opened.
 *
 * An output that was enabled last time continues where it was. A new one, or one that was disabled,
 * gets no older alerts unless configured to: a SOC does not want last month's at once. The file
 * distinguishes them: when it is opened without an output that has a cursor, the row of that output
 * in the table 'place' is renamed "NAME off". A collector that does not know this takes such an
 * output for a new one.
 */
#include "collector/outbox/outbox_int.h"
#include <errno.h>

#define OFF " off"

static int
stored(struct outbox *o, const char *name, const char *suffix, uint64_t *n, bool *there)
{
	sqlite3_stmt *st = NULL;
	int rc =
	    sqlite3_prepare_v2(o->db, "SELECT n FROM place WHERE output = ?1 || ?2", -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(st, 2, suffix, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	*there = rc == SQLITE_ROW;
	if (rc == SQLITE_ROW)
		*n = (uint64_t) sqlite3_column_int64(st, 0);
	(void) sqlite3_finalize(st);
	return outbox_err(rc);
}

static int
count_after(struct outbox *o, uint64_t n, uint64_t *ret)
{
	char sql[80];

	(void) snprintf(
	    sql, sizeof(sql), "SELECT count(*) FROM alert WHERE n > %llu", (unsigned long long) n);
	return outbox_ask(o->db, sql, ret);
}

static int
load_place(struct outbox *o, const struct outbox_output *output)
{
	struct outbox_place *p = &o->places[o->nplaces];
	uint64_t n = 0;
	bool there = false, off;
	int r = stored(o, output->name, "", &n, &there);

	(void) snprintf(p->output, sizeof(p->output), "%s", output->name);
	p->saved = there ? n : UINT64_MAX;
	if (r == 0 && !there) {
		r = stored(o, output->name, OFF, &n, &off);
		if (r == 0 && !output->beginning) {
			r = count_after(o, n, &p->skipped);
			n = o->stats.last_rowid;
		}
	}
	p->rowid = n;
	if (r == 0)
		o->nplaces++;
	return r;
}

/* Rename the rows of disabled outputs. Without room on the disk they stay: such an output would
 * later continue where it was, and get more than configured. */
static int
leave_others(struct outbox *o, const struct outbox_cfg *cfg)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(o->db,
	    "UPDATE OR REPLACE place SET output = output || '" OFF "' WHERE output NOT LIKE '%" OFF
	    "' AND output NOT IN (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
	    " ?16)",
	    -1, &st, NULL);

	_Static_assert(OUTBOX_OUTPUTS == 16, "a parameter for each");
	for (size_t i = 0; rc == SQLITE_OK && i < OUTBOX_OUTPUTS; i++)
		rc = sqlite3_bind_text(st, (int) i + 1,
		    i < cfg->noutputs ? cfg->outputs[i].name : "", -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	(void) sqlite3_finalize(st);
	return outbox_err(rc) == -ENOSPC ? 0 : outbox_err(rc);
}

int
outbox_places_load(struct outbox *o, const struct outbox_cfg *cfg)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < cfg->noutputs; i++)
		r = load_place(o, &cfg->outputs[i]);
	return r < 0 || o->read_only ? r : leave_others(o, cfg);
}
