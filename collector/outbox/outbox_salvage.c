/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox_salvage.c - copy all readable rows of a damaged outbox to a fresh one.
 *
 * The fresh file is made beside the damaged one as PATH.fresh, and renamed PATH.salvaged once it is
 * complete and durable: from then on, whatever happens, the next start moves the damaged files
 * aside and puts it in their place. Numbers are kept, so outputs continue where they were.
 */
#include "collector/outbox/outbox_int.h"
#include "collector/rule/alert_internal.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct salvage {
	struct outbox *o;
	const struct outbox_cfg *cfg;
	sqlite3 *db, *old; /* the fresh file; the damaged one, as far as SQLite reads it */
	sqlite3_stmt *insert;
	uint64_t floor;   /* lower numbers were pruned */
	uint64_t ceiling; /* higher numbers were not known to be committed */
	uint64_t kept;    /* rows in between */
	uint64_t newest;
};

static int
found(void *arg, const struct outbox_record *r)
{
	struct salvage *s = arg;
	int rc;

	if (r->n < s->floor)
		return 0;
	outbox_record_bind(s->insert, r);
	rc = sqlite3_step(s->insert);
	(void) sqlite3_reset(s->insert);
	if (rc == SQLITE_DONE && sqlite3_changes(s->db) > 0) {
		s->kept += r->n <= s->ceiling;
		s->newest = MAX(s->newest, r->n);
	}
	return outbox_err(rc);
}

/* Copy the readable rows of a table; true: all of them. */
static bool
copy_table(struct salvage *s, const char *get_sql, const char *put_sql)
{
	sqlite3_stmt *get = NULL, *put = NULL;
	int rc = sqlite3_prepare_v2(s->old, get_sql, -1, &get, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(s->db, put_sql, -1, &put, NULL);
	while (outbox_err(rc) == 0 && (rc = sqlite3_step(get)) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(get); i++)
			(void) sqlite3_bind_value(put, i + 1, sqlite3_column_value(get, i));
		(void) sqlite3_step(put); /* skip a row that does not fit */
		(void) sqlite3_reset(put);
	}
	(void) sqlite3_finalize(get);
	(void) sqlite3_finalize(put);
	return rc == SQLITE_DONE;
}

/* An output continues after the higher of its two recorded cursors. If neither can be read, it
 * starts from the beginning: twice is better than never. */
static int
save_places(struct salvage *s, bool readable)
{
	const struct outbox_high *h = &s->o->high;
	sqlite3_stmt *st = NULL;
	uint64_t n;
	int r = outbox_err(sqlite3_prepare_v2(s->db,
	    "INSERT INTO place VALUES(?1, ?2) ON CONFLICT DO UPDATE SET n = max(n, excluded.n)", -1,
	    &st, NULL));

	for (size_t i = 0; r == 0 && i < s->cfg->noutputs; i++) {
		n = 0;
		if (!outbox_high_place(h, s->cfg->outputs[i].name, &n) &&
		    (readable || outbox_high_known(h)))
			continue; /* new, or in the table */
		(void) sqlite3_bind_text(st, 1, s->cfg->outputs[i].name, -1, SQLITE_STATIC);
		(void) sqlite3_bind_int64(st, 2, (sqlite3_int64) n);
		r = outbox_err(sqlite3_step(st));
		(void) sqlite3_reset(st);
	}
	(void) sqlite3_finalize(st);
	return r;
}

/* The number of alerts before the damage. */
static uint64_t
rows_before(const struct salvage *s)
{
	uint64_t n = 0;

	if (outbox_high_known(&s->o->high))
		return s->o->high.rows;
	if (outbox_ask(s->old, "SELECT count(*) FROM alert", &n) < 0)
		return 0;
	return n;
}

void
outbox_damage_text(const struct outbox *o, struct outbox_damage *d)
{
	(void) snprintf(d->text, sizeof(d->text),
	    "the outbox '%s' was damaged (%s): %lu alerts are lost, %lu are kept%s%s%s", o->path,
	    d->what, (unsigned long) d->lost, (unsigned long) d->kept,
	    d->aside[0] == '\0' ? "" : "; the damaged file is set aside as '", d->aside,
	    d->aside[0] == '\0' ? "" : "'");
}

int
outbox_damage_alert(const struct outbox *o, const struct outbox_cfg *cfg,
    const struct outbox_damage *d, struct alert **ret)
{
	const struct alert_internal_field fields[] = {
		{ "mews.damage", d->what, 0 },
		{ "mews.file", o->path, 0 },
		{ "mews.rows_kept", NULL, d->kept },
		{ "mews.rows_lost", NULL, d->lost },
		{ "mews.set_aside", d->aside, 0 },
	};
	const struct alert_internal a = {
		.rule = "Mews outbox damaged",
		.priority = PRIO_CRITICAL,
		.cluster = cfg->cluster == NULL ? "" : cfg->cluster,
		.node = cfg->node == NULL ? "" : cfg->node,
		.time = clock_real(),
		.output = d->text,
		.fields = fields,
		.nfields = ARRAY_SIZE(fields),
		.identity = d->identity,
	};

	return alert_internal(&a, NULL, ret);
}

/* Append the alert about the damage as the newest row. */
static int
save_alert(struct salvage *s, const struct outbox_damage *d)
{
	struct outbox_record rec;
	struct alert *a = NULL;
	int r = outbox_damage_alert(s->o, s->cfg, d, &a);

	if (r < 0)
		return r;
	outbox_record_of(&rec, a, s->newest + 1, clock_real() / NS_PER_MS);
	outbox_record_bind(s->insert, &rec);
	r = outbox_err(sqlite3_step(s->insert));
	(void) sqlite3_reset(s->insert);
	alert_free(a);
	return r;
}

static int
fill(struct salvage *s, bool summed, struct outbox_damage *d)
{
	char wal[PATH_MAX];
	uint64_t newest = 0, before;
	bool places;
	int r;

	outbox_path(s->o, "-wal", wal);
	r = outbox_pages_search(s->o->path, wal, summed, found, s);
	if (r < 0)
		return r;
	places = copy_table(
	    s, "SELECT output, n FROM place", "INSERT OR REPLACE INTO place VALUES(?1, ?2)");
	(void) copy_table(s, "SELECT * FROM stream",
	    "INSERT OR REPLACE INTO stream VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
	(void) copy_table(
	    s, "SELECT * FROM aside", "INSERT OR REPLACE INTO aside VALUES(?1, ?2, ?3, ?4)");
	(void) copy_table(
	    s, "SELECT * FROM node", "INSERT OR REPLACE INTO node VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
	r = save_places(s, places);
	if (outbox_ask(s->old, OUTBOX_NEWEST, &newest) == 0)
		s->newest = MAX(s->newest, newest);
	s->newest = MAX(s->newest, s->o->high.newest);
	before = rows_before(s);
	d->kept = s->kept;
	d->lost = before > s->kept ? before - s->kept : 0;
	outbox_damage_text(s->o, d);
	return r < 0 ? r : save_alert(s, d);
}

static int
open_fresh(struct salvage *s, const char *path)
{
	int r;

	(void) unlink(path);
	r = outbox_err(sqlite3_open_v2(
	    path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL));
	if (r == 0) /* durability matters only once it is complete */
		r = outbox_exec(s->db,
		    "PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
		    "PRAGMA cache_size=-65536");
	if (r == 0)
		r = outbox_schema_make(s->db);
	if (r == 0)
		r = outbox_err(sqlite3_prepare_v2(s->db,
		    "INSERT OR IGNORE INTO alert(" OUTBOX_COLUMNS
		    ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
		    -1, &s->insert, NULL));
	return r == 0 ? outbox_exec(s->db, "BEGIN") : r;
}

/* Open the old file for its small tables; that may fail. */
static void
open_old(struct salvage *s)
{
	if (sqlite3_open_v2(s->o->path, &s->old, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		NULL) == SQLITE_OK)
		(void) sqlite3_db_config(s->old, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

static int
sync_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0600) < 0 || fsync(fd) < 0)
		r = -errno;
	(void) close(fd);
	return r;
}

/* -ENOSPC: less free space than the fresh file may need. */
static int
room_for_it(const struct outbox *o)
{
	struct statvfs v;
	struct stat sb;
	char wal[PATH_MAX];
	uint64_t need = 0;

	outbox_path(o, "-wal", wal);
	if (stat(o->path, &sb) == 0)
		need += (uint64_t) sb.st_size;
	if (stat(wal, &sb) == 0)
		need += (uint64_t) sb.st_size;
	if (statvfs(o->path, &v) < 0)
		return 0;
	return (uint64_t) v.f_bavail * v.f_frsize >= need ? 0 : -ENOSPC;
}

int
outbox_salvage_finish(struct outbox *o, const char *aside)
{
	char done[PATH_MAX], fresh[PATH_MAX], shm[PATH_MAX], name[PATH_MAX];
	int r;

	outbox_path(o, ".fresh", fresh);
	outbox_path(o, ".salvaged", done);
	outbox_path(o, "-shm", shm);
	if (access(done, F_OK) < 0) {
		(void) unlink(fresh);
		return 0;
	}
	if (aside == NULL) {
		outbox_damaged_name(o, name);
		aside = name;
	}
	/* The log first: it would be taken for the fresh file's. */
	r = outbox_damaged_move(o, "-wal", aside);
	if (r == 0)
		r = outbox_damaged_move(o, "-high", aside);
	if (r == 0)
		r = outbox_damaged_move(o, "", aside);
	(void) unlink(shm);
	if (r == 0 && rename(done, o->path) < 0)
		r = -errno;
	return r < 0 ? r : file_sync_folder(o->path);
}

int
outbox_salvage(struct outbox *o, const struct outbox_cfg *cfg, bool summed, struct outbox_damage *d)
{
	struct salvage s = { .o = o, .cfg = cfg, .floor = o->high.oldest, .ceiling = INT64_MAX };
	char fresh[PATH_MAX], done[PATH_MAX];
	int r = room_for_it(o);

	if (r < 0)
		return r;
	log_warn("outbox '%s' is damaged (%s): copying all readable rows to a fresh file", o->path,
	    d->what);
	if (outbox_high_known(&o->high))
		s.ceiling = o->high.newest;
	outbox_damaged_name(o, d->aside);
	(void) snprintf(d->identity, sizeof(d->identity), "%s", d->aside);
	outbox_path(o, ".fresh", fresh);
	outbox_path(o, ".salvaged", done);
	open_old(&s);
	r = open_fresh(&s, fresh);
	if (r == 0)
		r = fill(&s, summed, d);
	if (r == 0)
		r = outbox_exec(s.db, "COMMIT");
	(void) sqlite3_finalize(s.insert);
	(void) sqlite3_close(s.db);
	(void) sqlite3_close(s.old);
	if (r == 0)
		r = sync_file(fresh);
	if (r == 0 && rename(fresh, done) < 0)
		r = -errno;
	if (r == 0)
		r = file_sync_folder(o->path);
	if (r == 0)
		r = outbox_salvage_finish(o, d->aside);
	if (r < 0)
		(void) unlink(fresh);
	return r;
}
