/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/shard/shard_queue.h"
#include "common/queue.h"
#include <errno.h>
#include <stdlib.h>

enum { LANES = 1024 };

/* The ops of a node, in order. */
struct lane {
	struct op *head, *tail;
	struct lane *next; /* next in turn */
	size_t n;
	unsigned held; /* the taker only: not 0: passed over */
	bool parked;   /* held when its turn came: it is not in the turn */
};

struct shard_queue {
	struct queue_base b;
	struct lane *turn, *last; /* the lanes with ops, without those parked */
	size_t cap;
	struct lane lanes[LANES];
};

int
shard_queue_new(size_t cap, struct shard_queue **ret)
{
	struct shard_queue *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return -ENOMEM;
	q->cap = cap;
	queue_base_init(&q->b);
	*ret = q;
	return 0;
}

void
shard_queue_free(struct shard_queue *q)
{
	if (q == NULL)
		return;
	queue_base_fini(&q->b);
	free(q);
}

static void
line_up(struct shard_queue *q, struct lane *l)
{
	l->next = NULL;
	if (q->turn == NULL)
		q->turn = l;
	else
		q->last->next = l;
	q->last = l;
}

static bool
has_room(const struct shard_queue *q, const struct lane *l)
{
	return l->n < SHARD_QUEUE_OWN || (q->b.n < q->cap && l->n < q->cap / 2);
}

/* Ops without a node use the first lane. */
static struct lane *
lane_of(struct shard_queue *q, const struct op *op)
{
	return &q->lanes[op->stream == NULL ? 0 : op->stream->hash % LANES];
}

int
shard_queue_put(struct shard_queue *q, struct op *op)
{
	struct lane *l = lane_of(q, op);
	int r = 0;

	pthread_mutex_lock(&q->b.lock);
	if (q->b.closed) {
		r = -ESHUTDOWN;
	} else if (!has_room(q, l)) {
		r = -EAGAIN;
	} else {
		op->next = NULL;
		if (l->n++ == 0) {
			l->head = op;
			line_up(q, l);
		} else {
			l->tail->next = op;
		}
		l->tail = op;
		queue_base_added(&q->b);
	}
	pthread_mutex_unlock(&q->b.lock);
	return r;
}

/* Take the first op of the lane whose turn it is, and move the lane to the end. NULL: only held
 * lanes have any. */
static struct op *
next_op(struct shard_queue *q)
{
	struct lane *l;
	struct op *op;

	while ((l = q->turn) != NULL && l->held > 0) {
		q->turn = l->next;
		l->parked = true;
	}
	if (l == NULL)
		return NULL;
	op = l->head;
	q->turn = l->next;
	l->head = op->next;
	l->n--;
	q->b.n--;
	if (l->n > 0)
		line_up(q, l);
	return op;
}

int
shard_queue_take(struct shard_queue *q, int timeout_ms, struct op **ret)
{
	int r = queue_base_wait(&q->b, timeout_ms);

	if (q->b.n > 0) {
		*ret = next_op(q);
		r = *ret != NULL;
	}
	pthread_mutex_unlock(&q->b.lock);
	return r;
}

void
shard_queue_hold(struct shard_queue *q, const struct stream *st)
{
	q->lanes[st->hash % LANES].held++;
}

void
shard_queue_release(struct shard_queue *q, const struct stream *st)
{
	struct lane *l = &q->lanes[st->hash % LANES];

	if (--l->held > 0 || !l->parked)
		return;
	pthread_mutex_lock(&q->b.lock);
	l->parked = false;
	line_up(q, l);
	pthread_mutex_unlock(&q->b.lock);
}

size_t
shard_queue_len(struct shard_queue *q)
{
	return queue_base_len(&q->b);
}

void
shard_queue_close(struct shard_queue *q)
{
	queue_base_close(&q->b);
}

void
op_free(struct op *op)
{
	if (op->req != NULL)
		wire__request__free_unpacked(op->req, NULL);
	buf_fini(&op->data);
	if (op->stream != NULL)
		stream_unref(op->stream);
	free(op);
}
