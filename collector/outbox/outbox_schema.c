/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_schema.c - create, recognize and migrate the tables. */
#include "collector/outbox/outbox_int.h"
#include "common/clock.h"
#include "common/log.h"
#include <errno.h>

#define BATCH       512 /* rows per transaction of a migration */
#define BATCH_BYTES (2 << 20)
#define CHECKPOINT  8 /* transactions of a migration between checkpoints */

static const char tables[] = //
    "CREATE TABLE alert(n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " added INTEGER NOT NULL, time INTEGER NOT NULL, priority INTEGER NOT NULL,"
    " rule TEXT NOT NULL, cluster TEXT NOT NULL, node TEXT NOT NULL, json TEXT NOT NULL,"
    " sum INTEGER);"
    "CREATE INDEX alert_time ON alert(time);"
    "CREATE TABLE stream(cluster TEXT NOT NULL, node TEXT NOT NULL, boot TEXT NOT NULL,"
    " sensor_start INTEGER NOT NULL, seq INTEGER NOT NULL, updated INTEGER NOT NULL,"
    " PRIMARY KEY(cluster, node, boot, sensor_start)) WITHOUT ROWID;"
    "CREATE TABLE place(output TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE aside(output TEXT NOT NULL, n INTEGER NOT NULL, why TEXT NOT NULL,"
    " at INTEGER NOT NULL, PRIMARY KEY(output, n)) WITHOUT ROWID;" OUTBOX_LATER_TABLES;

int
outbox_schema_make(sqlite3 *db)
{
	char sql[2048];

	(void) snprintf(sql, sizeof(sql),
	    "BEGIN IMMEDIATE; %s PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT;", tables,
	    OUTBOX_APPLICATION, OUTBOX_SCHEMA);
	return outbox_exec(db, sql);
}

int
outbox_schema_look(sqlite3 *db, struct outbox_schema *ret)
{
	int r = outbox_ask(db, "PRAGMA application_id", &ret->application);

	if (r == 0)
		r = outbox_ask(db, "PRAGMA user_version", &ret->version);
	if (r == 0)
		r = outbox_ask(db, "SELECT count(*) FROM sqlite_schema", &ret->tables);
	ret->ours = r == 0 && ret->application == OUTBOX_APPLICATION;
	return r;
}

/* Add checksums to the next rows; *after advances, or stays at the end. */
static int
sum_batch(sqlite3_stmt *get, sqlite3_stmt *set, uint64_t *after)
{
	uint64_t n[BATCH], sum[BATCH];
	struct outbox_record rec;
	size_t rows = 0, bytes = 0;
	int rc = SQLITE_ROW;

	(void) sqlite3_bind_int64(get, 1, (sqlite3_int64) *after);
	while (rows < BATCH && bytes < BATCH_BYTES && (rc = sqlite3_step(get)) == SQLITE_ROW) {
		(void) outbox_record_read(get, &rec);
		n[rows] = rec.n;
		sum[rows++] = outbox_record_sum(&rec);
		bytes += rec.json.n;
	}
	(void) sqlite3_reset(get);
	for (size_t i = 0; i < rows && outbox_err(rc) == 0; i++) {
		(void) sqlite3_bind_int64(set, 1, (sqlite3_int64) n[i]);
		(void) sqlite3_bind_int64(set, 2, (sqlite3_int64) sum[i]);
		rc = sqlite3_step(set);
		(void) sqlite3_reset(set);
		*after = n[i];
	}
	return outbox_err(rc);
}

static int
sum_rows(struct outbox *o, sqlite3_stmt *get, sqlite3_stmt *set)
{
	uint64_t after = 0, before, told = clock_mono();
	int r = 0;

	for (unsigned batches = 1;; batches++) {
		before = after;
		r = outbox_exec(o->db, "BEGIN IMMEDIATE");
		if (r == 0)
			r = sum_batch(get, set, &after);
		if (r == 0)
			r = outbox_exec(o->db, "COMMIT");
		if (r < 0 || after == before)
			break;
		if (batches % CHECKPOINT == 0) /* keep the log short */
			(void) sqlite3_exec(
			    o->db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
		if (clock_mono() - told > OUTBOX_TELL_NS) {
			told = clock_mono();
			log_info("outbox '%s': checksums added up to alert number %lu", o->path,
			    (unsigned long) after);
		}
	}
	if (r < 0 && sqlite3_get_autocommit(o->db) == 0)
		(void) sqlite3_exec(o->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

/* Until the last step it remains a file of schema 1, which a collector of that schema can use, and
 * from which the migration can start again. */
int
outbox_schema_migrate(struct outbox *o)
{
	uint64_t there = 0;
	sqlite3_stmt *get = NULL, *set = NULL;
	int r = outbox_ask(
	    o->db, "SELECT count(*) FROM pragma_table_info('alert') WHERE name = 'sum'", &there);

	log_info("outbox '%s': migrating schema 1 to schema %d, adding checksums", o->path,
	    OUTBOX_SCHEMA);
	if (r == 0 && there == 0)
		r = outbox_exec(o->db, "ALTER TABLE alert ADD COLUMN sum INTEGER");
	if (r == 0)
		r = outbox_err(sqlite3_prepare_v2(o->db,
		    "SELECT " OUTBOX_COLUMNS " FROM alert WHERE n > ?1 ORDER BY n", -1, &get,
		    NULL));
	if (r == 0)
		r = outbox_err(sqlite3_prepare_v2(
		    o->db, "UPDATE alert SET sum = ?2 WHERE n = ?1", -1, &set, NULL));
	if (r == 0)
		r = sum_rows(o, get, set);
	(void) sqlite3_finalize(get);
	(void) sqlite3_finalize(set);
	return r < 0 ? r : outbox_exec(o->db, "PRAGMA user_version=2");
}
