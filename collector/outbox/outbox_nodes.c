/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_nodes.c - remembered nodes: in memory until they are written. */
#include "collector/outbox/outbox_int.h"
#include "common/clock.h"
#include <errno.h>

/* The progress of the node's newest sensor (in ms) may be more recent than 'seen'. */
static const char every_node[] = //
    "SELECT cluster, node, boot, sensor_start, max(seen, coalesce((SELECT updated * 1000000 FROM"
    " stream AS s WHERE s.cluster = node.cluster AND s.node = node.node AND s.boot = node.boot"
    " AND s.sensor_start = node.sensor_start), 0)), stopped FROM node";

static int
put(struct outbox *o, const struct outbox_news *from)
{
	struct outbox_news *n = malloc(sizeof(*n));
	int r = 0;

	if (n == NULL)
		return -ENOMEM;
	*n = *from;
	pthread_mutex_lock(&o->lock);
	if (o->nnodes < OUTBOX_NODES_MAX) {
		n->next = o->nodes;
		o->nodes = n;
		o->nnodes++;
		if (o->dirty_at == 0)
			o->dirty_at = clock_mono();
	} else {
		r = -EAGAIN;
	}
	pthread_mutex_unlock(&o->lock);
	if (r < 0)
		free(n);
	return r;
}

int
outbox_node_put(struct outbox *o, const struct outbox_node *n)
{
	return put(o, &(struct outbox_news){ .node = *n });
}

int
outbox_node_forget(struct outbox *o, const struct stream_id *id)
{
	return put(o, &(struct outbox_news){ .node = { .id = *id }, .forget = true });
}

/* Append the waiting ones to those of a failed transaction. */
static void
take(struct outbox *o)
{
	struct outbox_news **end = &o->nodes_writing, *n, *ordered = NULL;

	while (*end != NULL)
		end = &(*end)->next;
	pthread_mutex_lock(&o->lock);
	while ((n = o->nodes) != NULL) {
		o->nodes = n->next;
		n->next = ordered;
		ordered = n;
	}
	pthread_mutex_unlock(&o->lock);
	*end = ordered;
}

static int
write_one(struct outbox *o, const struct outbox_node *n)
{
	sqlite3_stmt *st = o->st[ST_NODE];

	outbox_stream_bind(st, &n->id);
	(void) sqlite3_bind_int64(st, 5, (sqlite3_int64) n->seen);
	(void) sqlite3_bind_int(st, 6, n->stopped);
	return outbox_run(o, ST_NODE);
}

static int
forget_one(struct outbox *o, const struct stream_id *id)
{
	sqlite3_stmt *st = o->st[ST_FORGET];

	(void) sqlite3_bind_text(st, 1, id->cluster, -1, SQLITE_STATIC);
	(void) sqlite3_bind_text(st, 2, id->node, -1, SQLITE_STATIC);
	return outbox_run(o, ST_FORGET);
}

int
outbox_nodes_write(struct outbox *o)
{
	int r = 0;

	take(o);
	for (const struct outbox_news *n = o->nodes_writing; r == 0 && n != NULL; n = n->next)
		r = n->forget ? forget_one(o, &n->node.id) : write_one(o, &n->node);
	return r;
}

void
outbox_nodes_written(struct outbox *o)
{
	struct outbox_news *n;
	size_t written = 0;

	while ((n = o->nodes_writing) != NULL) {
		o->nodes_writing = n->next;
		free(n);
		written++;
	}
	pthread_mutex_lock(&o->lock);
	o->nnodes -= written;
	pthread_mutex_unlock(&o->lock);
}

static void
column(sqlite3_stmt *st, int i, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(st, i);

	(void) snprintf(out, size, "%s", text == NULL ? "" : (const char *) text);
}

static void
read_one(sqlite3_stmt *st, struct outbox_node *n)
{
	column(st, 0, n->id.cluster, sizeof(n->id.cluster));
	column(st, 1, n->id.node, sizeof(n->id.node));
	column(st, 2, n->id.boot_id, sizeof(n->id.boot_id));
	n->id.sensor_start = (uint64_t) sqlite3_column_int64(st, 3);
	n->seen = (uint64_t) sqlite3_column_int64(st, 4);
	n->stopped = sqlite3_column_int(st, 5) != 0;
}

int
outbox_nodes(struct outbox *o, int (*fn)(void *arg, const struct outbox_node *n), void *arg)
{
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(o->path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	int r = 0;

	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(db, OUTBOX_BUSY_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db, every_node, -1, &st, NULL);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		struct outbox_node n = { 0 };

		rc = sqlite3_step(st);
		if (rc != SQLITE_ROW)
			break;
		read_one(st, &n);
		r = fn(arg, &n);
		if (r < 0)
			break;
	}
	(void) sqlite3_finalize(st);
	(void) sqlite3_close(db);
	return r < 0 ? r : outbox_err(rc);
}
