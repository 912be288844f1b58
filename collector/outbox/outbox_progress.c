/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_progress.c - progress of streams and outputs, in memory until it is written. */
#include "collector/outbox/outbox_int.h"
#include "common/clock.h"
#include <errno.h>
#include <xxhash.h>

#define STREAMS_KEPT 4096  /* above, entries that are in the file leave memory */
#define STREAMS_MOST 65536 /* above, they are written at once */
#define STREAM_BYTES 192   /* of a row in the file, about */

static size_t
bucket_of(const struct stream_id *id)
{
	uint64_t h = XXH3_64bits_withSeed(id->node, strlen(id->node), id->sensor_start);

	return (size_t) (h % OUTBOX_STREAMS);
}

static bool
same(const struct stream_id *a, const struct stream_id *b)
{
	return a->sensor_start == b->sensor_start && strcmp(a->node, b->node) == 0 &&
	       strcmp(a->boot_id, b->boot_id) == 0 && strcmp(a->cluster, b->cluster) == 0;
}

struct outbox_progress *
outbox_progress_get(struct outbox *o, const struct stream_id *id)
{
	for (struct outbox_progress *p = o->streams[bucket_of(id)]; p != NULL; p = p->next) {
		if (same(&p->id, id))
			return p;
	}
	return NULL;
}

int
outbox_progress_make(struct outbox *o, const struct stream_id *id)
{
	struct outbox_progress **head = &o->streams[bucket_of(id)], *p;
	int r;

	if (outbox_progress_get(o, id) != NULL) /* only this thread changes the map */
		return 0;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	p->id = *id;
	outbox_stream_bind(o->st[ST_SEQ], id);
	r = outbox_number(o, ST_SEQ, &p->saved);
	if (r < 0) {
		free(p);
		return r;
	}
	p->durable = p->seq = p->saved;
	pthread_mutex_lock(&o->lock);
	p->next = *head;
	*head = p;
	o->nstreams++;
	pthread_mutex_unlock(&o->lock);
	return 0;
}

void
outbox_progress_free(struct outbox *o, bool all)
{
	struct outbox_progress **at, *p;

	for (size_t i = 0; i < OUTBOX_STREAMS; i++) {
		at = &o->streams[i];
		while ((p = *at) != NULL) {
			if (!all && (p->seq != p->saved || p->durable != p->saved)) {
				at = &p->next;
				continue;
			}
			*at = p->next;
			o->nstreams--;
			free(p);
		}
	}
}

static int
write_stream(struct outbox *o, const struct outbox_progress *p, uint64_t now)
{
	sqlite3_stmt *st = o->st[ST_STREAM];

	outbox_stream_bind(st, &p->id);
	(void) sqlite3_bind_int64(st, 5, (sqlite3_int64) p->writing);
	(void) sqlite3_bind_int64(st, 6, (sqlite3_int64) now);
	o->tx.streams++;
	return outbox_run(o, ST_STREAM);
}

/* Take what outputs have left here; what a failed transaction took is still pending. */
static void
take_outputs(struct outbox *o)
{
	struct outbox_aside *a;

	pthread_mutex_lock(&o->lock);
	while ((a = o->asides) != NULL) {
		o->asides = a->next;
		a->next = o->asides_writing;
		o->asides_writing = a;
	}
	for (size_t i = 0; i < o->nplaces; i++) {
		o->places[i].writing = o->places[i].rowid;
		o->places[i].leaving = o->places[i].off && !o->places[i].left;
		if (o->places[i].off && o->places[i].left)
			o->places[i].writing = o->places[i].saved;
	}
	o->places_writing = o->nplaces;
	pthread_mutex_unlock(&o->lock);
}

static int
write_outputs(struct outbox *o, uint64_t now)
{
	sqlite3_stmt *st;
	int r = 0;

	for (const struct outbox_aside *a = o->asides_writing; r == 0 && a != NULL; a = a->next) {
		st = o->st[a->drop ? ST_NOT_ASIDE : ST_ASIDE];
		(void) sqlite3_bind_text(st, 1, a->output, -1, SQLITE_STATIC);
		(void) sqlite3_bind_int64(st, 2, (sqlite3_int64) a->rowid);
		if (!a->drop) {
			(void) sqlite3_bind_text(st, 3, a->why, -1, SQLITE_STATIC);
			(void) sqlite3_bind_int64(st, 4, (sqlite3_int64) now);
		}
		r = outbox_run(o, a->drop ? ST_NOT_ASIDE : ST_ASIDE);
	}
	st = o->st[ST_PLACE];
	for (size_t i = 0; r == 0 && i < o->places_writing; i++) {
		if (o->places[i].writing != o->places[i].saved) {
			(void) sqlite3_bind_text(st, 1, o->places[i].output, -1, SQLITE_STATIC);
			(void) sqlite3_bind_int64(st, 2, (sqlite3_int64) o->places[i].writing);
			r = outbox_run(o, ST_PLACE);
		}
		if (r == 0 && o->places[i].leaving)
			r = outbox_place_leave(o, o->places[i].output);
	}
	return r;
}

/* How long progress may wait after writing so many rows, to keep to the rate. */
static uint64_t
quiet_for(uint64_t rows)
{
	uint64_t bytes = OUTBOX_QUIET_OVERHEAD + 2 * (rows * STREAM_BYTES + OUTBOX_PAGE);

	return MAX(OUTBOX_QUIET_MS, bytes * 1000 / OUTBOX_QUIET_RATE);
}

/* Has the streams' progress waited long enough? Caller holds 'lock'. */
static bool
quiet_due(const struct outbox *o)
{
	if (o->quiet_at == 0)
		return false;
	return o->closing || o->nstreams > STREAMS_MOST ||
	       clock_mono() - o->quiet_at >= o->quiet_ms * NS_PER_MS;
}

int
outbox_progress_write(struct outbox *o, bool piece)
{
	uint64_t now = clock_real() / NS_PER_MS;
	int r;

	take_outputs(o);
	r = write_outputs(o, now);
	if (r == 0)
		r = outbox_nodes_write(o);
	pthread_mutex_lock(&o->lock);
	o->tx.all = quiet_due(o);
	pthread_mutex_unlock(&o->lock);
	for (size_t i = 0; i < OUTBOX_STREAMS; i++) {
		for (struct outbox_progress *p = o->streams[i]; r == 0 && p != NULL; p = p->next) {
			bool in_piece = piece && p->hand == o->hand;

			p->writing = in_piece ? p->seq : p->durable;
			if (!in_piece && !o->tx.all)
				p->writing = p->saved;
			else if (p->writing != p->saved)
				r = write_stream(o, p, now);
		}
	}
	return r;
}

/* A place is in the file; true: it has changed meanwhile. */
static bool
place_written(struct outbox_place *p)
{
	p->saved = p->writing;
	if (p->leaving) {
		p->left = true;
		p->saved = UINT64_MAX;
	}
	return p->off ? !p->left : p->rowid != p->saved;
}

void
outbox_progress_written(struct outbox *o)
{
	struct outbox_aside *a;
	bool late; /* more arrived after this transaction took its part */

	while ((a = o->asides_writing) != NULL) {
		o->asides_writing = a->next;
		free(a);
	}
	outbox_nodes_written(o);
	pthread_mutex_lock(&o->lock);
	late = o->asides != NULL || o->nodes != NULL;
	for (size_t i = 0; i < o->places_writing; i++)
		late = place_written(&o->places[i]) || late;
	late = late || o->places_writing < o->nplaces;
	for (size_t i = 0; i < OUTBOX_STREAMS; i++) {
		for (struct outbox_progress *p = o->streams[i]; p != NULL; p = p->next)
			p->saved = p->writing;
	}
	o->dirty_at = late ? clock_mono() : 0;
	if (o->tx.all) {
		o->quiet_at = 0;
		o->quiet_ms = quiet_for(o->tx.streams);
	}
	if (o->nstreams > STREAMS_KEPT)
		outbox_progress_free(o, false);
	pthread_mutex_unlock(&o->lock);
}

bool
outbox_progress_due(struct outbox *o)
{
	bool due;

	pthread_mutex_lock(&o->lock);
	due = quiet_due(o);
	if (o->dirty_at != 0)
		due = due || o->closing || clock_mono() - o->dirty_at >= OUTBOX_TICK_MS * NS_PER_MS;
	pthread_mutex_unlock(&o->lock);
	return due;
}
