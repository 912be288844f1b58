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
stored(sqlite3 *db, const char *name, const char *suffix, uint64_t *n, bool *there)
{
	sqlite3_stmt *st = NULL;
	int rc =
	    sqlite3_prepare_v2(db, "SELECT n FROM place WHERE output = ?1 || ?2", -1, &st, NULL);

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
	int r = stored(o->db, output->name, "", &n, &there);

	(void) snprintf(p->output, sizeof(p->output), "%s", output->name);
	p->saved = there ? n : UINT64_MAX;
	if (r == 0 && !there) {
		r = stored(o->db, output->name, OFF, &n, &off);
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

struct outbox_place *
outbox_place_of(struct outbox *o, const char *output)
{
	for (size_t i = 0; i < o->nplaces; i++) {
		if (strcmp(o->places[i].output, output) == 0)
			return &o->places[i];
	}
	return NULL;
}

int
outbox_place_leave(struct outbox *o, const char *output)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(o->db,
	    "UPDATE OR REPLACE place SET output = output || '" OFF "' WHERE output = ?1", -1, &st,
	    NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(st, 1, output, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	(void) sqlite3_finalize(st);
	return outbox_err(rc);
}

/* Where an output was when it was disabled; 0: it is new. */
static int
left_at(struct outbox *o, const char *output, uint64_t *ret)
{
	struct outbox_reader *rd = NULL;
	int r = outbox_reader_get(o, &rd);
	bool there;

	if (r < 0)
		return r;
	*ret = 0;
	r = stored(rd->db, output, OFF, ret, &there);
	outbox_reader_put(o, rd);
	return r;
}

/* Take a slot for its name. Caller holds 'lock'. */
static struct outbox_place *
take_place(struct outbox *o, const char *output)
{
	struct outbox_place *p = outbox_place_of(o, output);

	if (p != NULL || o->nplaces == OUTBOX_PLACES)
		return p;
	p = &o->places[o->nplaces++];
	(void) snprintf(p->output, sizeof(p->output), "%s", output);
	p->off = p->left = true;
	p->saved = UINT64_MAX;
	return p;
}

int
outbox_output_on(struct outbox *o, const struct outbox_output *output)
{
	struct outbox_place *p;
	uint64_t n = 0, newest;
	int r = left_at(o, output->name, &n);

	if (r < 0)
		return r;
	pthread_mutex_lock(&o->lock);
	p = take_place(o, output->name);
	if (p != NULL && p->off) {
		newest = o->stats.last_rowid;
		n = p->left ? n : p->rowid; /* not written yet: it is where it was */
		p->skipped = output->beginning || newest < n ? 0 : MIN(newest - n, o->stats.rows);
		p->rowid = output->beginning ? n : newest;
		p->off = p->left = false;
		o->dirty_at = 1;
	}
	pthread_mutex_unlock(&o->lock);
	return p == NULL ? -ENOSPC : 0;
}

void
outbox_output_off(struct outbox *o, const char *output)
{
	struct outbox_place *p;

	pthread_mutex_lock(&o->lock);
	p = outbox_place_of(o, output);
	if (p != NULL && !p->off) {
		p->off = true;
		p->left = false;
		o->dirty_at = 1;
	}
	pthread_mutex_unlock(&o->lock);
}
