/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/backlog.h"
#include "common/log.h"
#include <errno.h>
#include <string.h>

#define AHEAD 32 /* batches indexed and not sent: below, the next file is read */

/* Give the files back as they are: their batches are not delivered by this process. */
static void
unload(struct spool *s)
{
	for (struct spool_seg *seg = s->disk->head; seg != NULL; seg = seg->next) {
		if (seg->owner != s)
			continue;
		seg->owner = NULL;
		seg->live = 0;
		seg->skip = true;
	}
	spool_fini(s);
}

/* Add the counters of 'from' to those of 's', and clear them. */
static void
move_counts(struct spool *s, struct spool *from)
{
	s->batches_dropped += from->batches_dropped;
	s->events_dropped += from->events_dropped;
	s->batches_quarantined += from->batches_quarantined;
	s->events_quarantined += from->events_quarantined;
	s->batches_damaged += from->batches_damaged;
	s->events_damaged += from->events_damaged;
	lost_move(&s->dropped, &from->dropped);
	lost_move(&s->quarantined, &from->quarantined);
	from->batches_dropped = from->events_dropped = 0;
	from->batches_quarantined = from->events_quarantined = 0;
	from->batches_damaged = from->events_damaged = 0;
}

/* The stream's next file that is not indexed; NULL: none. */
static struct spool_seg *
next_file(const struct backlog *b)
{
	struct spool_seg *seg = b->disk->head;

	while (seg != NULL &&
	       (seg->ours || seg->skip || seg->owner != NULL || seg->stream != b->stream))
		seg = seg->next;
	return seg;
}

static void
load(struct backlog *b, struct spool_seg *seg)
{
	if (spool_load(&b->spool, seg, &b->ended) < 0)
		log_error("spool: out of memory: a part of %s is delivered after the next start",
		    b->disk->path);
}

void
backlog_more(struct backlog *b, uint64_t next)
{
	struct spool_seg *seg = next_file(b);

	if (seg != NULL && spool_next(&b->spool) < next + AHEAD)
		load(b, seg);
}

bool
backlog_over(const struct backlog *b)
{
	return b->spool.n == 0 && next_file(b) == NULL;
}

/* Skip every file of this stream, with one sentence. */
static void
skip_stream(struct backlog *b, uint64_t stream, const char *why)
{
	unsigned files = 0;

	for (struct spool_seg *seg = b->disk->head; seg != NULL; seg = seg->next) {
		if (seg->stream != stream || seg->ours)
			continue;
		seg->skip = true;
		files++;
	}
	log_warn(
	    "spool: %u files in %s %s: they stay there until spool.disk is needed, or are deleted",
	    files, b->disk->path, why);
}

/* Read the Hello of a file; NULL: it is not for us. */
static Wire__Request *
hello_of(struct backlog *b, struct spool_seg *seg, const char *node, const char *cluster)
{
	CLEANUP(buf_fini) struct buf bytes = BUF_INIT;
	Wire__Request *rq = NULL;

	if (spool_disk_hello(b->disk, seg, &bytes) == 0)
		rq = wire__request__unpack(NULL, bytes.n, (const uint8_t *) bytes.p);
	if (rq == NULL || rq->body_case != WIRE__REQUEST__BODY_HELLO) {
		skip_stream(b, seg->stream, "have no readable description of their sensor");
	} else if (strcmp(rq->hello->node, node) != 0 || strcmp(rq->hello->cluster, cluster) != 0) {
		skip_stream(b, seg->stream, "are of another node or cluster than this sensor's");
	} else {
		return rq;
	}
	if (rq != NULL)
		wire__request__free_unpacked(rq, NULL);
	return NULL;
}

static int
note_newest(void *arg, const struct spool_rec *rec, uint32_t at, bool whole)
{
	int64_t *newest = arg;

	(void) at;
	if (whole && rec->n > 0)
		*newest = MAX(*newest, (int64_t) rec->seq);
	return 0;
}

/* Is a file of that sensor? */
static bool
is_of(
    struct backlog *b, struct spool_seg *seg, uint64_t start, const char *node, const char *cluster)
{
	Wire__Request *rq;
	bool same;

	if (seg->ours || seg->skip || seg->owner != NULL)
		return false;
	rq = hello_of(b, seg, node, cluster);
	if (rq == NULL)
		return false;
	same = rq->hello->sensor_start == start;
	wire__request__free_unpacked(rq, NULL);
	return same;
}

int64_t
backlog_adopt(
    struct backlog *b, struct spool *s, uint64_t start, const char *node, const char *cluster)
{
	struct spool_seg *seg, *next;
	int64_t newest = 0;

	for (seg = b->disk->head; seg != NULL; seg = next) {
		bool ended = false;

		next = seg->next; /* a file without batches is removed */
		if (!is_of(b, seg, start, node, cluster))
			continue;
		if (spool_disk_scan(b->disk, seg, note_newest, &newest) < 0)
			return -ENOMEM;
		if (s == NULL)
			continue;
		seg->ours = true;
		if (spool_load(s, seg, &ended) < 0)
			return -ENOMEM;
	}
	return newest;
}

bool
backlog_begin(struct backlog *b, const char *node, const char *cluster)
{
	struct spool_seg *seg;

	if (b->disk == NULL)
		return false;
	while ((seg = b->disk->head) != NULL) {
		while (seg != NULL && (seg->ours || seg->skip))
			seg = seg->next;
		if (seg == NULL)
			return false;
		b->hello = hello_of(b, seg, node, cluster);
		if (b->hello == NULL)
			continue;
		b->stream = seg->stream;
		b->ended = false;
		spool_init(&b->spool, UINT64_MAX);
		b->spool.disk = b->disk;
		while (b->spool.n == 0 && (seg = next_file(b)) != NULL)
			load(b, seg);
		if (b->spool.n > 0)
			return true;
		spool_fini(&b->spool); /* there was nothing in its files */
		wire__request__free_unpacked(b->hello, NULL);
		b->hello = NULL;
	}
	return false;
}

void
backlog_end(struct backlog *b, struct spool *s, bool refused)
{
	if (b->hello == NULL)
		return;
	if (refused)
		skip_stream(b, b->stream, "are refused by the collector");
	move_counts(s, &b->spool);
	unload(&b->spool);
	wire__request__free_unpacked(b->hello, NULL);
	b->hello = NULL;
}
