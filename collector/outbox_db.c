/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_db.c - the file: opened, checked, made; its statements. */
#include "collector/outbox_int.h"
#include "common/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION_ID 0x6d657773 /* "mews" */
#define STREAM_DAYS    30         /* a stream not heard of for longer is forgotten */

static const char schema[] = //
    "CREATE TABLE alert(n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " added INTEGER NOT NULL, time INTEGER NOT NULL, priority INTEGER NOT NULL,"
    " rule TEXT NOT NULL, cluster TEXT NOT NULL, node TEXT NOT NULL, json TEXT NOT NULL);"
    "CREATE INDEX alert_time ON alert(time);"
    "CREATE TABLE stream(cluster TEXT NOT NULL, node TEXT NOT NULL, boot TEXT NOT NULL,"
    " sensor_start INTEGER NOT NULL, seq INTEGER NOT NULL, updated INTEGER NOT NULL,"
    " PRIMARY KEY(cluster, node, boot, sensor_start)) WITHOUT ROWID;"
    "CREATE TABLE place(output TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE aside(output TEXT NOT NULL, n INTEGER NOT NULL, why TEXT NOT NULL,"
    " at INTEGER NOT NULL, PRIMARY KEY(output, n)) WITHOUT ROWID;";

static const char *const statements[ST_COUNT] = {
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_INSERT] =
	    "INSERT INTO alert(id, added, time, priority, rule, cluster, node, json)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT(id) DO NOTHING",
	[ST_STREAM] =
	    "INSERT INTO stream VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE"
	    " SET seq = max(seq, excluded.seq), updated = excluded.updated",
	[ST_SEQ] =
	    "SELECT seq FROM stream WHERE cluster = ?1 AND node = ?2 AND boot = ?3"
	    " AND sensor_start = ?4",
	[ST_PLACE] = "INSERT OR REPLACE INTO place VALUES(?1, ?2)",
	[ST_ASIDE] = "INSERT OR REPLACE INTO aside VALUES(?1, ?2, ?3, ?4)",
	[ST_PRUNE] =
	    "DELETE FROM alert WHERE n IN"
	    " (SELECT n FROM alert WHERE n <= ?1 ORDER BY n LIMIT ?2)",
	[ST_PRUNE_OLD] =
	    "DELETE FROM alert WHERE n IN (SELECT n FROM (SELECT n, added FROM alert"
	    " WHERE n <= ?1 ORDER BY n LIMIT ?2) WHERE added < ?3)",
	[ST_OLDEST] = "SELECT added FROM alert ORDER BY n LIMIT 1",
	[ST_PAGES] = "PRAGMA page_count",
	[ST_FREE] = "PRAGMA freelist_count",
};

int
outbox_err(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_READONLY:
		return -EACCES;
	default:
		return -EIO;
	}
}

int
outbox_exec(sqlite3 *db, const char *sql)
{
	return outbox_err(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int
outbox_run(struct outbox *o, enum outbox_stmt st)
{
	int rc;

	do
		rc = sqlite3_step(o->st[st]);
	while (rc == SQLITE_ROW);
	(void) sqlite3_reset(o->st[st]); /* repeats the error of the step */
	return outbox_err(rc);
}

int
outbox_number(struct outbox *o, enum outbox_stmt st, uint64_t *ret)
{
	int rc = sqlite3_step(o->st[st]);

	if (rc == SQLITE_ROW)
		*ret = (uint64_t) sqlite3_column_int64(o->st[st], 0);
	(void) sqlite3_reset(o->st[st]);
	return outbox_err(rc);
}

/* One number by a statement of its own; for opening only. */
static int
ask(sqlite3 *db, const char *sql, uint64_t *ret)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW)
			*ret = (uint64_t) sqlite3_column_int64(st, 0);
	}
	(void) sqlite3_finalize(st);
	return outbox_err(rc);
}

static int
fail(struct outbox *o, int r, struct diag *d)
{
	switch (r) {
	case -EBADMSG:
		diag_set(d, 0, 0,
		    "the outbox '%s' is corrupt; move it and its -wal and -shm files aside and "
		    "start "
		    "again (alerts in it that no output has yet are then only there)",
		    o->path);
		break;
	case -EBUSY:
		diag_set(d, 0, 0,
		    "another collector has the outbox '%s'; stop it, or set outbox.path to a file "
		    "of "
		    "its own",
		    o->path);
		break;
	case -ENOSPC:
		diag_set(
		    d, 0, 0, "no room on the disk for the outbox '%s'; free some space", o->path);
		break;
	case -ENOENT:
		diag_set(d, 0, 0,
		    "the folder of the outbox '%s' is missing; make it, or set outbox.path",
		    o->path);
		break;
	case -EACCES:
	case -EPERM:
	case -EROFS:
		diag_set(d, 0, 0,
		    "cannot write the outbox '%s': %s; let the collector's user write to it and to "
		    "its folder, or set outbox.path",
		    o->path, strerrordesc_np(-r));
		break;
	default:
		diag_set(d, 0, 0, "cannot open the outbox '%s': %s", o->path, strerrordesc_np(-r));
	}
	return r;
}

/* A lock file of our own: closing the database's file would drop SQLite's locks on it. */
static int
take_lock(struct outbox *o)
{
	char path[4096];
	int r;

	if (snprintf(path, sizeof(path), "%s.lock", o->path) >= (int) sizeof(path))
		return -ENAMETOOLONG;
	o->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (o->lock_fd < 0)
		return -errno;
	if (flock(o->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	r = open(o->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* private from the start */
	if (r < 0)
		return -errno;
	(void) close(r);
	return 0;
}

static int
check(struct outbox *o)
{
	sqlite3_stmt *st = NULL;
	const char *text;
	int r = outbox_err(sqlite3_prepare_v2(o->db, "PRAGMA quick_check(1)", -1, &st, NULL));

	if (r == 0)
		r = outbox_err(sqlite3_step(st));
	if (r == 0) {
		text = (const char *) sqlite3_column_text(st, 0);
		if (text == NULL || strcmp(text, "ok") != 0)
			r = -EBADMSG;
	}
	(void) sqlite3_finalize(st);
	return r;
}

static int
make(struct outbox *o)
{
	char sql[2048];

	(void) snprintf(sql, sizeof(sql),
	    "BEGIN IMMEDIATE; %s PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT;", schema,
	    APPLICATION_ID, OUTBOX_SCHEMA);
	return outbox_exec(o->db, sql);
}

static int
recognise(struct outbox *o, struct diag *d)
{
	uint64_t app = 0, version = 0, tables = 0;
	int r = ask(o->db, "PRAGMA application_id", &app);

	if (r == 0)
		r = ask(o->db, "PRAGMA user_version", &version);
	if (r == 0)
		r = ask(o->db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (r < 0)
		return fail(o, r, d);
	if (tables == 0 && !o->read_only) {
		r = make(o);
		return r < 0 ? fail(o, r, d) : 0;
	}
	if (app != APPLICATION_ID) {
		diag_set(d, 0, 0, "'%s' is not an outbox of Mews; set outbox.path to another file",
		    o->path);
		return -EBADMSG;
	}
	if (version != OUTBOX_SCHEMA) {
		diag_set(d, 0, 0,
		    "the outbox '%s' has schema %llu, this collector knows %d; run the version "
		    "that "
		    "wrote it, or move the file aside",
		    o->path, (unsigned long long) version, OUTBOX_SCHEMA);
		return -EBADMSG;
	}
	r = check(o);
	return r < 0 ? fail(o, r, d) : 0;
}

static int
prepare(struct outbox *o)
{
	int r;

	for (size_t i = 0; i < ST_COUNT; i++) {
		r = outbox_err(sqlite3_prepare_v3(
		    o->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &o->st[i], NULL));
		if (r < 0)
			return r;
	}
	return 0;
}

int
outbox_db_open(struct outbox *o, struct diag *d)
{
	int flags =
	    SQLITE_OPEN_NOMUTEX | (o->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
	int r = o->read_only ? 0 : take_lock(o);

	if (r == 0 && o->read_only && access(o->path, R_OK) < 0)
		r = -errno;
	if (r < 0)
		return fail(o, r, d);
	r = outbox_err(sqlite3_open_v2(o->path, &o->db, flags, NULL));
	if (r < 0)
		return fail(o, r, d);
	(void) sqlite3_busy_timeout(o->db, OUTBOX_BUSY_MS);
	if (!o->read_only) {
		r = outbox_exec(o->db,
		    "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		    "PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=16777216;"
		    "PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON;"
		    "PRAGMA trusted_schema=OFF");
		if (r < 0)
			return fail(o, r, d);
	}
	r = recognise(o, d);
	if (r < 0)
		return r;
	r = o->read_only ? 0 : prepare(o);
	return r < 0 ? fail(o, r, d) : 0;
}

void
outbox_db_close(struct outbox *o)
{
	for (size_t i = 0; i < ST_COUNT; i++)
		(void) sqlite3_finalize(o->st[i]);
	(void) sqlite3_close(o->db); /* the last connection: a checkpoint, and the log goes */
	o->db = NULL;
	if (o->lock_fd >= 0)
		(void) close(o->lock_fd);
	o->lock_fd = -1;
}

/* An output that the file does not know begins after the newest alert: its history was not
 * promised to it. */
static int
load_place(struct outbox *o, const char *name)
{
	struct outbox_place *p = &o->places[o->nplaces];
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(o->db, "SELECT n FROM place WHERE output = ?1", -1, &st, NULL);

	(void) snprintf(p->output, sizeof(p->output), "%s", name);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		p->rowid = (uint64_t) sqlite3_column_int64(st, 0);
		p->saved = p->rowid;
	} else if (rc == SQLITE_DONE) {
		p->rowid = o->stats.last_rowid;
		p->saved = UINT64_MAX;
	}
	(void) sqlite3_finalize(st);
	if (outbox_err(rc) == 0)
		o->nplaces++;
	return outbox_err(rc);
}

int
outbox_db_load(struct outbox *o, const struct outbox_cfg *cfg, struct diag *d)
{
	uint64_t now = clock_real() / NS_PER_MS;
	char sql[128];
	int r;

	(void) snprintf(sql, sizeof(sql), "DELETE FROM stream WHERE updated < %llu",
	    (unsigned long long) (now - STREAM_DAYS * 86400000ULL));
	r = o->read_only ? 0 : outbox_exec(o->db, sql);
	if (r == 0) /* highest ever, pruned ones included: numbers are never used again */
		r = ask(o->db, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence",
		    &o->stats.last_rowid);
	if (r == 0)
		r = ask(o->db, "SELECT count(*) FROM alert", &o->stats.rows);
	if (r == 0)
		r = ask(o->db, "SELECT count(*) FROM aside", &o->stats.set_aside);
	for (size_t i = 0; r == 0 && i < cfg->noutputs && i < OUTBOX_OUTPUTS; i++)
		r = load_place(o, cfg->outputs[i]);
	if (r == 0 && !o->read_only)
		r = outbox_number(o, ST_OLDEST, &o->oldest_ms);
	if (r == 0 && !o->read_only)
		r = outbox_measure(o);
	return r < 0 ? fail(o, r, d) : 0;
}
