/* SPDX-License-Identifier: Apache-2.0 */
/* node_image.c - images of nodes' states for the checkpoint: taken in pieces, and loaded. */
#include "collector/checkpoint/checkpoint.h"
#include "collector/shard/shard_nodes_int.h"
#include "common/clock.h"
#include "common/log_peer.h"
#include <errno.h>
#include <stdlib.h>

enum {
	LOOK_MS = 200, /* how often to look for a node that is due */
	PIECE = 64,    /* entries between two looks at the clock */
	PACKED = 4,    /* an image is about so many times as large as its file */
	QUIET = 60,    /* intervals without an image, at most, if little has changed */
};

#define PIECE_NS NS_PER_MS /* then the shard goes on with its ops */

/* 'began': of the piece, in the thread's CPU time: waits for a CPU are not the image's. */
static void
count_piece(struct nodes *n, uint64_t began)
{
	uint64_t ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - began;

	n->counters->image_pause_ns = MAX(n->counters->image_pause_ns, ns);
	n->counters->image_ns += ns;
}

/* ---- take ---- */

static bool
has_changed(const struct node *p)
{
	return p->stream->evaluated != p->image_seq;
}

/* Is an image worth its file? Not before the node's batches since the last one are as large: the
 * sensor has them, and applying them costs less than writing. */
static bool
is_due(const struct nodes *n, const struct node *p, uint64_t now)
{
	return now >= p->image_at && (p->stream->bytes - p->image_bytes >= p->image_size / PACKED ||
					 now >= p->image_at + (QUIET - 1) * n->image.every);
}

/* A node that has changed and whose time has come; while a snapshot is wanted its state is not
 * complete. NULL: none. */
static struct node *
next_due(struct nodes *n, uint64_t now)
{
	n->image.unwritten = false;
	for (struct node *p = n->head; p != NULL; p = p->next) {
		if (p->load != NULL || !has_changed(p))
			continue;
		n->image.unwritten = true;
		if (is_due(n, p, now) && p->stream->snapshot_id == 0)
			return p;
	}
	return NULL;
}

static void
put_mark(struct nodes *n, const struct node *p)
{
	struct checkpoint_mark m = {
		.seq = p->stream->evaluated,
		.events = p->events,
		.offset = node_clock_offset(&p->clock, p->clock.boot),
		.boot_ns = p->loss.boot_ns,
		.seen = p->loss.seen,
		.drops = p->loss.drops,
		.silences = p->loss.silences,
		.past = p->loss.past,
		.account = p->stream->account,
		.counted = p->stream->counted,
	};
	const struct type_seen *seen = p->stream->type_seen;

	if (seen != NULL) {
		memcpy(m.delivered, seen->n, sizeof(m.delivered));
		for (size_t i = 0; i < EV_TYPE_MAX; i++)
			m.seen_at[i] = seen->at[i];
	}
	coverage_keep(p->stream, &m.coverage);
	memcpy(m.until, p->loss.windows.until, sizeof(m.until));
	buf_clear(&n->image.data);
	buf_add(&n->image.data, &m, sizeof(m));
}

static void
begin(struct nodes *n, struct node *p, uint64_t now)
{
	p->image_at = now + n->image.every;
	p->image_bytes = p->stream->bytes;
	put_mark(n, p);
	if (state_image_new(p->state, &n->image.data, &n->image.writer) < 0) {
		n->counters->images_failed++;
		return;
	}
	n->image.node = p;
}

static void
end(struct nodes *n)
{
	state_image_free(n->image.writer);
	n->image.writer = NULL;
	n->image.node = NULL;
}

/* Take pieces for about PIECE_NS. */
static void
go_on(struct nodes *n)
{
	uint64_t began = clock_mono(), now = began, cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	struct node *p = n->image.node;
	int r = 0;

	while (r == 0 && now - began < PIECE_NS) {
		r = state_image_more(n->image.writer, PIECE);
		now = clock_mono();
	}
	count_piece(n, cpu);
	if (r == 0)
		return;
	if (r > 0) {
		p->image_seq = p->stream->evaluated;
		p->image_size = n->image.data.n;
		r = checkpoint_put(n->image.to, p->stream, &n->image.data);
	}
	if (r < 0)
		n->counters->images_failed++;
	else
		n->counters->images++;
	end(n);
}

struct stream *
nodes_image(struct nodes *n)
{
	uint64_t now;
	struct node *p;

	if (n->image.to == NULL)
		return NULL;
	if (n->image.node == NULL) {
		now = clock_mono();
		if (now - n->image.looked < LOOK_MS * NS_PER_MS)
			return NULL;
		p = next_due(n, now);
		if (p == NULL || !checkpoint_has_room(n->image.to)) {
			n->image.looked = now; /* else look again at once: others may be due */
			return NULL;
		}
		begin(n, p, now);
	}
	if (n->image.node != NULL)
		go_on(n);
	return n->image.node == NULL ? NULL : n->image.node->stream;
}

bool
nodes_unwritten(const struct nodes *n)
{
	return n->image.to != NULL && n->image.unwritten;
}

void
node_image_begin(struct nodes *n, struct node *p)
{
	if (n->image.to != NULL)
		p->image_at = clock_mono() + p->stream->hash % n->image.every;
}

void
node_image_drop(struct nodes *n, const struct node *p)
{
	if (n->image.node == p && p != NULL)
		end(n);
}

/* ---- load ---- */

/* Read the mark; *image is the rest. NULL, or what is wrong. */
static const char *
get_mark(struct slice data, struct checkpoint_mark *mark, struct slice *image)
{
	if (data.n < sizeof(*mark))
		return "it is cut";
	memcpy(mark, data.p, sizeof(*mark));
	if (!loss_past_valid(&mark->past))
		return "its losses make no sense";
	*image = (struct slice){ data.p + sizeof(*mark), data.n - sizeof(*mark) };
	return NULL;
}

bool
node_load_begin(struct nodes *n, struct node *p, struct slice data)
{
	struct node_load *l;
	struct slice image;
	const char *why;

	if (data.n == 0)
		return false;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return false;
	why = get_mark(data, &l->mark, &image);
	if (why != NULL)
		checkpoint_used(n->image.to, &p->stream->id, why);
	if (why != NULL || state_load_new(p->state, image, &l->image) < 0) {
		free(l);
		return false;
	}
	l->size = data.n;
	p->load = l;
	return true;
}

void
node_load_drop(struct node *p)
{
	if (p->load == NULL)
		return;
	state_load_free(p->load->image);
	free(p->load);
	p->load = NULL;
}

/* The state is complete: go on as the collector that wrote it. */
static void
resume(struct nodes *n, struct node *p)
{
	const struct checkpoint_mark *mark = &p->load->mark;
	struct stream *st = p->stream;

	stream_recount(st, mark->counted != 0, mark->delivered, mark->seen_at);
	st->account = mark->account;
	p->events = mark->events;
	p->clock = (struct node_clock){ .offset = mark->offset, .boot = mark->boot_ns };
	p->image_seq = mark->seq;
	p->image_bytes = st->bytes;
	p->image_size = p->load->size;
	checkpoint_used(n->image.to, &st->id, NULL);
	node_loss_resume(&p->loss, n->counters, st, n->log_drops, mark);
	log_peer(LOG_INFO, st->id.node,
	    "node %s continues from its checkpoint, the state after batch %lu", st->id.node,
	    (unsigned long) mark->seq);
	node_load_drop(p);
}

/* Take an empty state instead. */
static int
start_over(struct nodes *n, struct node *p, const char *why)
{
	checkpoint_used(n->image.to, &p->stream->id, why);
	node_load_drop(p);
	state_free(p->state);
	p->state = NULL;
	return state_new(n->pool, &n->limits, &p->state) < 0 ? -ENOMEM : -EBADMSG;
}

int
node_load_more(struct nodes *n, struct node *p)
{
	uint64_t began = clock_mono(), now = began, cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	const char *why = NULL;
	int r = 0;

	while (r == 0 && now - began < PIECE_NS) {
		r = state_load_more(p->load->image, PIECE, &why);
		now = clock_mono();
	}
	count_piece(n, cpu);
	if (r > 0)
		resume(n, p);
	return r < 0 ? start_over(n, p, why) : r;
}
