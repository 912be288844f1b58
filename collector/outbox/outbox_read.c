/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox_read.c - rows for outputs and queries, on separate connections.
 *
 * A slice is copied in one short read transaction, and only then passed to the caller. So a slow
 * caller, and a query over a long history, delay no writer.
 */
#include "collector/outbox/outbox_int.h"
#include <errno.h>

int
outbox_reader_open(struct outbox *o, struct outbox_reader **ret)
{
	struct outbox_reader *rd = calloc(1, sizeof(*rd));
	int rc;

	if (rd == NULL)
		return -ENOMEM;
	rd->damaged = &o->damaged_rows;
	rc = sqlite3_open_v2(o->path, &rd->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(rd->db, 2000);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v3(rd->db,
		    "SELECT " OUTBOX_COLUMNS " FROM alert WHERE n > ?1 ORDER BY n LIMIT ?2", -1,
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

int
outbox_reader_get(struct outbox *o, struct outbox_reader **ret)
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
		return outbox_reader_open(o, ret);
	*ret = rd;
	return 0;
}

void
outbox_reader_close(struct outbox_reader *rd)
{
	if (rd == NULL)
		return;
	(void) sqlite3_finalize(rd->read);
	(void) sqlite3_close(rd->db);
	buf_fini(&rd->text);
	free(rd);
}

void
outbox_reader_put(struct outbox *o, struct outbox_reader *rd)
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
		outbox_reader_close(rd);
}

void
outbox_readers_free(struct outbox *o)
{
	struct outbox_reader *rd;

	while ((rd = o->idle) != NULL) {
		o->idle = rd->next;
		outbox_reader_close(rd);
	}
	o->nidle = 0;
}

/* Append a text with a NUL; returns its offset. */
static size_t
copy_text(struct outbox_reader *rd, struct slice s)
{
	size_t at = rd->text.n;

	buf_slice(&rd->text, s);
	buf_char(&rd->text, '\0');
	return at;
}

/* Offsets of a row's texts, until the slice is complete and the buffer does not move any more. */
struct places {
	size_t rule, cluster, node, json;
};

/* False: its checksum is wrong. */
static bool
copy_row(struct outbox_reader *rd, sqlite3_stmt *st, struct places *p)
{
	struct outbox_row *row = &rd->rows[rd->n];
	struct outbox_record rec;

	if (!outbox_record_read(st, &rec))
		return false;
	memset(row, 0, sizeof(*row));
	row->rowid = rec.n;
	row->added = rec.added;
	(void) snprintf(row->alert.id, sizeof(row->alert.id), "%.*s", (int) rec.id.n, rec.id.p);
	row->alert.time = rec.time;
	row->alert.priority = (enum priority) rec.priority;
	row->alert.json_len = rec.json.n;
	*p = (struct places){ copy_text(rd, rec.rule), copy_text(rd, rec.cluster),
		copy_text(rd, rec.node), copy_text(rd, rec.json) };
	return true;
}

/* Copy rows of the statement, up to a slice, and end its transaction. Returns their number, or
 * -errno; *more: there may be others. */
static int
copy_slice(struct outbox_reader *rd, sqlite3_stmt *st, size_t max, bool *more)
{
	struct places at[OUTBOX_READ_ROWS] = { 0 };
	int rc = SQLITE_ROW;

	rd->n = 0;
	buf_clear(&rd->text);
	max = MIN(max, OUTBOX_READ_ROWS);
	while (rd->n < max && rd->text.n < OUTBOX_READ_BYTES &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		rd->last = (uint64_t) sqlite3_column_int64(st, 0);
		if (copy_row(rd, st, &at[rd->n]))
			rd->n++;
		else
			++*rd->damaged;
	}
	(void) sqlite3_reset(st);
	if (outbox_err(rc) < 0 || buf_ok(&rd->text) < 0)
		return outbox_err(rc) < 0 ? outbox_err(rc) : -ENOMEM;
	for (size_t i = 0; i < rd->n; i++) {
		rd->rows[i].alert.rule = rd->text.p + at[i].rule;
		rd->rows[i].alert.cluster = rd->text.p + at[i].cluster;
		rd->rows[i].alert.node = rd->text.p + at[i].node;
		rd->rows[i].alert.json = rd->text.p + at[i].json;
	}
	*more = rc == SQLITE_ROW;
	return (int) rd->n;
}

typedef bool (*row_fn)(void *arg, const struct outbox_row *row);

/* Pass a slice to fn: true if the caller wants more; *n counts. */
static bool
show(const struct outbox_reader *rd, row_fn fn, void *arg, int *n)
{
	for (size_t i = 0; i < rd->n; i++) {
		++*n;
		if (!fn(arg, &rd->rows[i]))
			return false;
	}
	return true;
}

int
outbox_read(struct outbox *o, uint64_t after, int max, row_fn fn, void *arg)
{
	struct outbox_reader *rd = NULL;
	bool more = true;
	int r = outbox_reader_get(o, &rd), n = 0;

	if (r < 0)
		return r;
	while (r >= 0 && more && n < max) {
		(void) sqlite3_bind_int64(rd->read, 1, (sqlite3_int64) after);
		(void) sqlite3_bind_int(rd->read, 2, max - n);
		r = copy_slice(rd, rd->read, (size_t) (max - n), &more);
		if (r < 0 || !show(rd, fn, arg, &n))
			break;
		after = rd->last;
	}
	outbox_reader_put(o, rd);
	return r < 0 ? r : n;
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

static int
make_query(struct outbox_reader *rd, const struct outbox_query *q, sqlite3_stmt **ret)
{
	CLEANUP(buf_fini) struct buf sql = BUF_INIT;
	int r;

	buf_str(&sql, "SELECT " OUTBOX_COLUMNS " FROM alert WHERE n > :after AND n <= :upto");
	buf_str(&sql, q->rule != NULL ? " AND rule = :rule" : "");
	buf_str(&sql, q->node != NULL ? " AND node = :node" : "");
	buf_str(&sql, q->cluster != NULL ? " AND cluster = :cluster" : "");
	buf_str(&sql, q->id != NULL ? " AND id = :id" : "");
	buf_str(&sql, q->since != 0 ? " AND +time >= :since" : "");
	buf_str(&sql, q->until != 0 ? " AND +time < :until" : "");
	buf_str(&sql, q->priority_max >= 0 ? " AND priority <= :priority" : "");
	buf_str(&sql, q->newest_first ? " ORDER BY n DESC" : " ORDER BY n");
	if (buf_ok(&sql) < 0)
		return -ENOMEM;
	r = outbox_err(sqlite3_prepare_v2(rd->db, sql.p, (int) sql.n, ret, NULL));
	return r < 0 ? r : bind_query(*ret, q);
}

int
outbox_reader_span(struct outbox_reader *rd, const struct outbox_query *q, struct outbox_span *ret)
{
	sqlite3_stmt *st = NULL;
	const char *sql = "SELECT min(n) - 1, max(n) FROM alert";
	int rc;

	*ret = (struct outbox_span){ 0, 0 };
	if (q->since != 0 || q->until != 0) /* read only the index of times */
		sql = "SELECT min(n) - 1, max(n) FROM alert WHERE time >= ?1 AND time < ?2";
	rc = sqlite3_prepare_v2(rd->db, sql, -1, &st, NULL);
	if (rc == SQLITE_OK && (q->since != 0 || q->until != 0)) {
		(void) sqlite3_bind_int64(st, 1, (sqlite3_int64) q->since);
		(void) sqlite3_bind_int64(
		    st, 2, q->until == 0 ? INT64_MAX : (sqlite3_int64) q->until);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) { /* NULLs, read as zeros, if there are no rows */
		ret->after = MAX((uint64_t) sqlite3_column_int64(st, 0), q->after);
		ret->upto = (uint64_t) sqlite3_column_int64(st, 1);
		if (q->before != 0)
			ret->upto = MIN(ret->upto, q->before - 1);
	}
	(void) sqlite3_finalize(st);
	return outbox_err(rc);
}

/* Copy one slice of the span, and shorten the span. */
static int
next_slice(struct outbox_reader *rd, sqlite3_stmt *st, const struct outbox_query *q,
    struct outbox_span *all, size_t max)
{
	uint64_t width = q->id != NULL ? INT64_MAX : OUTBOX_READ_SPAN;
	struct outbox_span s = *all;
	bool more = false;
	int r;

	if (s.upto - s.after > width && q->newest_first)
		s.after = s.upto - width;
	else if (s.upto - s.after > width)
		s.upto = s.after + width;
	(void) sqlite3_bind_int64(
	    st, sqlite3_bind_parameter_index(st, ":after"), (sqlite3_int64) s.after);
	(void) sqlite3_bind_int64(
	    st, sqlite3_bind_parameter_index(st, ":upto"), (sqlite3_int64) s.upto);
	r = copy_slice(rd, st, max, &more);
	if (r < 0)
		return r;
	if (q->newest_first)
		all->upto = more ? rd->last - 1 : s.after;
	else
		all->after = more ? rd->last : s.upto;
	return 0;
}

int
outbox_reader_slice(struct outbox_reader *rd, const struct outbox_query *q,
    struct outbox_span *span, size_t max, row_fn fn, void *arg)
{
	sqlite3_stmt *st = NULL;
	int n = 0, r;

	if (span->after >= span->upto)
		return 0;
	r = make_query(rd, q, &st);
	if (r == 0)
		r = next_slice(rd, st, q, span, max);
	(void) sqlite3_finalize(st);
	if (r < 0)
		return r;
	(void) show(rd, fn, arg, &n);
	return n;
}

int
outbox_select(struct outbox *o, const struct outbox_query *q, row_fn fn, void *arg)
{
	int limit = q->limit > 0 ? q->limit : INT32_MAX, n = 0, r;
	struct outbox_reader *rd = NULL;
	struct outbox_span all = { 0, 0 };
	sqlite3_stmt *st = NULL;

	r = outbox_reader_get(o, &rd);
	if (r < 0)
		return r;
	r = make_query(rd, q, &st);
	if (r == 0)
		r = outbox_reader_span(rd, q, &all);
	while (r == 0 && n < limit && all.after < all.upto) {
		r = next_slice(rd, st, q, &all, (size_t) (limit - n));
		if (r < 0 || !show(rd, fn, arg, &n))
			break;
	}
	(void) sqlite3_finalize(st);
	outbox_reader_put(o, rd);
	return r < 0 ? r : n;
}
