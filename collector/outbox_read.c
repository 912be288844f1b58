/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_read.c - rows for outputs and queries, on connections of their own. */
#include "collector/outbox_int.h"
#include "common/buf.h"
#include <errno.h>

#define COLUMNS "n, id, time, priority, rule, cluster, node, json"

static int
reader_open(struct outbox *o, struct outbox_reader **ret)
{
	struct outbox_reader *rd = calloc(1, sizeof(*rd));
	int rc;

	if (rd == NULL)
		return -ENOMEM;
	rc = sqlite3_open_v2(o->path, &rd->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(rd->db, 2000);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v3(rd->db,
		    "SELECT " COLUMNS " FROM alert WHERE n > ?1 ORDER BY n LIMIT ?2", -1,
		    SQLITE_PREPARE_PERSISTENT, &rd->read, NULL);
	if (rc != SQLITE_OK) {
		(void) sqlite3_close(rd->db);
		free(rd);
		rc = outbox_err(rc);
		return rc < 0 ? rc : -EIO;
	}
	*ret = rd;
	return 0;
}

static int
reader_get(struct outbox *o, struct outbox_reader **ret)
{
	struct outbox_reader *rd;

	pthread_mutex_lock(&o->lock);
	rd = o->idle;
	if (rd != NULL) {
		o->idle = rd->next;
		o->nidle--;
	}
	pthread_mutex_unlock(&o->lock);
	if (rd == NULL)
		return reader_open(o, ret);
	*ret = rd;
	return 0;
}

static void
reader_free(struct outbox_reader *rd)
{
	(void) sqlite3_finalize(rd->read);
	(void) sqlite3_close(rd->db);
	free(rd);
}

static void
reader_put(struct outbox *o, struct outbox_reader *rd)
{
	pthread_mutex_lock(&o->lock);
	if (o->nidle < OUTBOX_IDLE_CONNS) {
		rd->next = o->idle;
		o->idle = rd;
		o->nidle++;
		rd = NULL;
	}
	pthread_mutex_unlock(&o->lock);
	if (rd != NULL)
		reader_free(rd);
}

void
outbox_readers_free(struct outbox *o)
{
	struct outbox_reader *rd;

	while ((rd = o->idle) != NULL) {
		o->idle = rd->next;
		reader_free(rd);
	}
	o->nidle = 0;
}

static const char *
text(sqlite3_stmt *st, int col)
{
	const char *s = (const char *) sqlite3_column_text(st, col);

	return s == NULL ? "" : s;
}

/* Calls fn for each row of a statement: how many, or -errno. */
static int
rows(sqlite3_stmt *st, bool (*fn)(void *arg, const struct outbox_row *row), void *arg)
{
	struct outbox_row row;
	int rc, n = 0;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		memset(&row, 0, sizeof(row));
		row.rowid = (uint64_t) sqlite3_column_int64(st, 0);
		(void) snprintf(row.alert.id, sizeof(row.alert.id), "%s", text(st, 1));
		row.alert.time = (uint64_t) sqlite3_column_int64(st, 2);
		row.alert.priority = (enum priority) sqlite3_column_int(st, 3);
		row.alert.rule = text(st, 4);
		row.alert.cluster = text(st, 5);
		row.alert.node = text(st, 6);
		row.alert.json = text(st, 7);
		row.alert.json_len = (size_t) sqlite3_column_bytes(st, 7);
		n++;
		if (!fn(arg, &row))
			break;
	}
	(void) sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? n : outbox_err(rc);
}

int
outbox_read(struct outbox *o, uint64_t after, int max,
    bool (*fn)(void *arg, const struct outbox_row *row), void *arg)
{
	struct outbox_reader *rd = NULL;
	int r = reader_get(o, &rd);

	if (r < 0)
		return r;
	(void) sqlite3_bind_int64(rd->read, 1, (sqlite3_int64) after);
	(void) sqlite3_bind_int(rd->read, 2, max);
	r = rows(rd->read, fn, arg);
	reader_put(o, rd);
	return r;
}

static int
bind_query(sqlite3_stmt *st, const struct outbox_query *q)
{
	const struct {
		const char *name, *value;
	} texts[] = {
		{ ":rule", q->rule },
		{ ":node", q->node },
		{ ":cluster", q->cluster },
		{ ":id", q->id },
	};
	const struct {
		const char *name;
		sqlite3_int64 value;
	} numbers[] = {
		{ ":since", (sqlite3_int64) q->since },
		{ ":until", (sqlite3_int64) q->until },
		{ ":priority", q->priority_max },
		{ ":after", (sqlite3_int64) q->after },
		{ ":limit", q->limit > 0 ? q->limit : -1 },
	};
	int at, rc = SQLITE_OK;

	for (size_t i = 0; rc == SQLITE_OK && i < ARRAY_SIZE(texts); i++) {
		at = sqlite3_bind_parameter_index(st, texts[i].name);
		if (at > 0)
			rc = sqlite3_bind_text(st, at, texts[i].value, -1, SQLITE_STATIC);
	}
	for (size_t i = 0; rc == SQLITE_OK && i < ARRAY_SIZE(numbers); i++) {
		at = sqlite3_bind_parameter_index(st, numbers[i].name);
		if (at > 0)
			rc = sqlite3_bind_int64(st, at, numbers[i].value);
	}
	return outbox_err(rc);
}

int
outbox_select(struct outbox *o, const struct outbox_query *q,
    bool (*fn)(void *arg, const struct outbox_row *row), void *arg)
{
	CLEANUP(buf_fini) struct buf sql = BUF_INIT;
	struct outbox_reader *rd = NULL;
	sqlite3_stmt *st = NULL;
	int r;

	buf_str(&sql, "SELECT " COLUMNS " FROM alert WHERE n > :after");
	buf_str(&sql, q->rule != NULL ? " AND rule = :rule" : "");
	buf_str(&sql, q->node != NULL ? " AND node = :node" : "");
	buf_str(&sql, q->cluster != NULL ? " AND cluster = :cluster" : "");
	buf_str(&sql, q->id != NULL ? " AND id = :id" : "");
	buf_str(&sql, q->since != 0 ? " AND time >= :since" : "");
	buf_str(&sql, q->until != 0 ? " AND time < :until" : "");
	buf_str(&sql, q->priority_max >= 0 ? " AND priority <= :priority" : "");
	buf_str(
	    &sql, q->newest_first ? " ORDER BY n DESC LIMIT :limit" : " ORDER BY n LIMIT :limit");
	if (buf_ok(&sql) < 0)
		return -ENOMEM;
	r = reader_get(o, &rd);
	if (r < 0)
		return r;
	r = outbox_err(sqlite3_prepare_v2(rd->db, sql.p, (int) sql.n, &st, NULL));
	if (r == 0)
		r = bind_query(st, q);
	if (r == 0)
		r = rows(st, fn, arg);
	(void) sqlite3_finalize(st);
	reader_put(o, rd);
	return r;
}
