/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_db.c - SQLite: its errors, the connection of the commit thread, its statements. */
#include "collector/outbox/outbox_int.h"
#include "common/clock.h"
#include <errno.h>
#include <unistd.h>

static const char *const statements[ST_COUNT] = {
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_INSERT] = "INSERT INTO alert(" OUTBOX_COLUMNS
		      ")"
		      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT(id) DO NOTHING",
	[ST_STREAM] =
	    "INSERT INTO stream VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE"
	    " SET seq = max(seq, excluded.seq), updated = excluded.updated",
	[ST_SEQ] =
	    "SELECT seq FROM stream WHERE cluster = ?1 AND node = ?2 AND boot = ?3"
	    " AND sensor_start = ?4",
	[ST_PLACE] = "INSERT OR REPLACE INTO place VALUES(?1, ?2)",
	[ST_ASIDE] = "INSERT OR REPLACE INTO aside VALUES(?1, ?2, ?3, ?4)",
	[ST_NOT_ASIDE] = "DELETE FROM aside WHERE output = ?1 AND n = ?2",
	[ST_NODE] = "INSERT OR REPLACE INTO node VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[ST_FORGET] = "DELETE FROM node WHERE cluster = ?1 AND node = ?2",
	[ST_PRUNE] =
	    "DELETE FROM alert WHERE n IN"
	    " (SELECT n FROM alert WHERE n <= ?1 ORDER BY n LIMIT ?2)",
	[ST_PRUNE_OLD] =
	    "DELETE FROM alert WHERE n IN (SELECT n FROM (SELECT n, added FROM alert"
	    " WHERE n <= ?1 ORDER BY n LIMIT ?2) WHERE added < ?3)",
	[ST_OLDEST] = "SELECT added, n FROM alert ORDER BY n LIMIT 1",
	[ST_CLOCK] = "INSERT OR REPLACE INTO clock VALUES(?1, ?2, ?3)",
	[ST_OLD_CLOCKS] =
	    "DELETE FROM clock WHERE n NOT IN (SELECT n FROM clock ORDER BY n DESC LIMIT ?1)",
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
	(void) sqlite3_reset(o->st[st]); /* returns the error of the step again */
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

int
outbox_ask(sqlite3 *db, const char *sql, uint64_t *ret)
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

int
outbox_db_connect(struct outbox *o)
{
	int flags = SQLITE_OPEN_NOMUTEX;
	int r = outbox_err(sqlite3_open_v2(o->path, &o->db,
	    flags | (o->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE), NULL));

	if (r == 0)
		r = outbox_err(sqlite3_busy_timeout(o->db, OUTBOX_BUSY_MS));
	if (r < 0 || o->read_only)
		return r;
	return outbox_exec(o->db,
	    "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
	    "PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=16777216;"
	    "PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF");
}

int
outbox_db_prepare(struct outbox *o)
{
	int r = outbox_exec(o->db, OUTBOX_LATER_TABLES);

	for (size_t i = 0; r == 0 && i < ST_COUNT; i++)
		r = outbox_err(sqlite3_prepare_v3(
		    o->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &o->st[i], NULL));
	return r;
}

void
outbox_db_close(struct outbox *o)
{
	for (size_t i = 0; i < ST_COUNT; i++)
		(void) sqlite3_finalize(o->st[i]);
	(void) sqlite3_close(o->db); /* the last connection: a checkpoint, and the log is removed */
	o->db = NULL;
	if (o->high_fd >= 0) {
		(void) fdatasync(o->high_fd);
		(void) close(o->high_fd);
	}
	if (o->lock_fd >= 0)
		(void) close(o->lock_fd);
	o->lock_fd = o->high_fd = -1;
}

void
outbox_stream_bind(sqlite3_stmt *st, const struct stream_id *id)
{
	(void) sqlite3_bind_text(st, 1, id->cluster, -1, SQLITE_STATIC);
	(void) sqlite3_bind_text(st, 2, id->node, -1, SQLITE_STATIC);
	(void) sqlite3_bind_text(st, 3, id->boot_id, -1, SQLITE_STATIC);
	(void) sqlite3_bind_int64(st, 4, (sqlite3_int64) id->sensor_start);
}
