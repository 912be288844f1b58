/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_letters.c - read dead letters: alerts that an output can never deliver. */
#include "collector/outbox/outbox_int.h"
#include <errno.h>
#include <stdlib.h>

/* One of the table's rows, copied before its alert is read. */
struct found {
	uint64_t rowid, since;
	char why[256];
};

/* Copy at most 'max' rows of an output. Returns their number, or -errno. */
static int
find(struct outbox_reader *rd, const char *output, uint64_t after, size_t max, struct found *ret)
{
	static const char sql[] =
	    "SELECT n, at, why FROM aside WHERE output = ?1 AND n > ?2 ORDER BY n LIMIT ?3";
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(rd->db, sql, -1, &st, NULL), n = 0;

	if (rc == SQLITE_OK) {
		(void) sqlite3_bind_text(st, 1, output, -1, SQLITE_STATIC);
		(void) sqlite3_bind_int64(st, 2, (sqlite3_int64) after);
		(void) sqlite3_bind_int64(st, 3, (sqlite3_int64) max);
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			struct found *f = &ret[n++];

			f->rowid = (uint64_t) sqlite3_column_int64(st, 0);
			f->since = (uint64_t) sqlite3_column_int64(st, 1) * NS_PER_MS;
			(void) snprintf(f->why, sizeof(f->why), "%s",
			    (const char *) sqlite3_column_text(st, 2));
		}
	}
	(void) sqlite3_finalize(st);
	return outbox_err(rc) < 0 ? outbox_err(rc) : n;
}

struct pass {
	struct outbox_letter letter;
	bool (*fn)(void *arg, const struct outbox_letter *l);
	void *arg;
	bool passed, more;
};

static bool
pass_row(void *arg, const struct outbox_row *row)
{
	struct pass *p = arg;

	if (row->rowid != p->letter.rowid)
		return false;
	p->letter.alert = &row->alert;
	p->passed = true;
	p->more = p->fn(p->arg, &p->letter);
	return false;
}

int
outbox_letters(struct outbox *o, const char *output, uint64_t after, size_t max,
    bool (*fn)(void *arg, const struct outbox_letter *l), void *arg)
{
	struct found *v = calloc(max, sizeof(*v));
	struct outbox_reader *rd = NULL;
	int r = v == NULL ? -ENOMEM : outbox_reader_get(o, &rd), n = 0;

	if (r == 0) {
		n = find(rd, output, after, max, v);
		outbox_reader_put(o, rd);
		r = MIN(n, 0);
	}
	for (int i = 0; r >= 0 && i < n; i++) {
		struct pass p = { { v[i].rowid, v[i].since, v[i].why, NULL }, fn, arg, false,
			true };

		r = outbox_read(o, v[i].rowid - 1, 1, pass_row, &p);
		if (r >= 0 && !p.passed)
			p.more = fn(arg, &p.letter);
		if (!p.more)
			n = i + 1;
	}
	free(v);
	return r < 0 ? r : n;
}

int
outbox_letters_count(struct outbox *o, const char *output, uint64_t *ret)
{
	struct outbox_reader *rd = NULL;
	sqlite3_stmt *st = NULL;
	int r = outbox_reader_get(o, &rd), rc;

	if (r < 0)
		return r;
	rc = sqlite3_prepare_v2(
	    rd->db, "SELECT count(*) FROM aside WHERE output = ?1", -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(st, 1, output, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW)
		*ret = (uint64_t) sqlite3_column_int64(st, 0);
	(void) sqlite3_finalize(st);
	outbox_reader_put(o, rd);
	return outbox_err(rc);
}
