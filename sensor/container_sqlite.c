/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/container_sqlite.h"
#include "common/file.h"
#include <errno.h>
#include <sqlite3.h>

#define DATABASE_MAX (16u << 20)
#define MEMORY_MAX   (64 << 20)
#define STEPS_MAX    1000000 /* some 20 ms */

static int
stop(void *arg)
{
	(void) arg;
	return 1;
}

/* Open these bytes as a database; they are borrowed. */
static int
open_copy(struct slice bytes, sqlite3 **ret)
{
	sqlite3_int64 n = (sqlite3_int64) bytes.n;
	sqlite3 *db = NULL;

	if (bytes.n == 0 || sqlite3_open(":memory:", &db) != SQLITE_OK ||
	    sqlite3_deserialize(db, "main", (unsigned char *) bytes.p, n, n,
		SQLITE_DESERIALIZE_READONLY) != SQLITE_OK) {
		(void) sqlite3_close(db);
		return -EBADMSG;
	}
	/* Nothing that the file defines is run, but for what its tables need. */
	(void) sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void) sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void) sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_progress_handler(db, STEPS_MAX, stop, NULL);
	*ret = db;
	return 0;
}

/* Append the first column of the row. */
static int
take(sqlite3_stmt *q, struct buf *value)
{
	int type = sqlite3_column_type(q, 0);
	const void *p = sqlite3_column_blob(q, 0);

	if ((type != SQLITE_TEXT && type != SQLITE_BLOB) || p == NULL)
		return -ENOENT;
	if (sqlite3_column_bytes(q, 0) > (int) SQLITE_VALUE_MAX)
		return -EFBIG;
	buf_slice(value, (struct slice){ p, (size_t) sqlite3_column_bytes(q, 0) });
	return buf_ok(value);
}

static int
run(sqlite3 *db, const char *query, struct slice key, struct buf *value)
{
	sqlite3_stmt *q = NULL;
	int r = -EBADMSG, step = SQLITE_ERROR;

	if (sqlite3_prepare_v2(db, query, -1, &q, NULL) == SQLITE_OK &&
	    sqlite3_bind_text(q, 1, key.p, (int) key.n, SQLITE_STATIC) == SQLITE_OK)
		step = sqlite3_step(q);
	if (step == SQLITE_ROW)
		r = take(q, value);
	else if (step == SQLITE_DONE)
		r = -ENOENT;
	(void) sqlite3_finalize(q);
	return r;
}

int
sqlite_text(int fd, const char *query, struct slice key, struct buf *value)
{
	CLEANUP(buf_fini) struct buf file = BUF_INIT;
	sqlite3 *db = NULL;
	int r = fd_read_all(fd, DATABASE_MAX, &file);

	(void) sqlite3_hard_heap_limit64(MEMORY_MAX);
	if (r == 0)
		r = open_copy(buf_get(&file), &db);
	if (r == 0)
		r = run(db, query, key, value);
	(void) sqlite3_close(db); /* before the file's bytes go */
	return r;
}
