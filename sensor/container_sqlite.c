/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/container_sqlite.h"
#include "common/file.h"
#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#define DATABASE_MAX (16u << 20)
#define MEMORY_MAX   (64 << 20)
#define STEPS_MAX    1000000 /* some 20 ms */

static int
stop(void *arg)
{
	(void) arg;
	return 1;
}

/* A database in memory with these bytes, which it takes over. */
static int
open_copy(unsigned char *bytes, size_t n, sqlite3 **ret)
{
	sqlite3 *db = NULL;

	if (sqlite3_open(":memory:", &db) != SQLITE_OK ||
	    sqlite3_deserialize(db, "main", bytes, (sqlite3_int64) n, (sqlite3_int64) n,
		SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY) != SQLITE_OK) {
		(void) sqlite3_close(db); /* sqlite3_deserialize() has freed the bytes */
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
	struct buf file = BUF_INIT;
	unsigned char *bytes;
	sqlite3 *db = NULL;
	int r = fd_read_all(fd, DATABASE_MAX, &file);

	(void) sqlite3_hard_heap_limit64(MEMORY_MAX);
	bytes = r == 0 && file.n > 0 ? sqlite3_malloc64(file.n) : NULL;
	if (bytes != NULL) {
		memcpy(bytes, file.p, file.n);
		r = open_copy(bytes, file.n, &db);
	} else if (r == 0) {
		r = file.n == 0 ? -EBADMSG : -ENOMEM;
	}
	buf_fini(&file);
	if (r == 0)
		r = run(db, query, key, value);
	(void) sqlite3_close(db);
	return r;
}
