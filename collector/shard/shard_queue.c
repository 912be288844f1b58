/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/shard/shard_queue.h"
#include "common/clock.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

enum { LANES = 1024 };

/* The ops of a node, in order. */
struct lane {
	struct op *head, *tail;
	struct lane *next; /* next in turn */
	size_t n;
};

struct shard_queue {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct lane *turn, *last; /* the lanes with ops */
	size_t cap, n;
	bool closed;
	struct lane lanes[LANES];
};

int
shard_queue_new(size_t cap, struct shard_queue **ret)
{
	struct shard_queue *q = calloc(1, sizeof(*q));
	pthread_condattr_t attr;

	if (q == NULL)
		return -ENOMEM;
	q->cap = cap;
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->filled, &attr);
	pthread_condattr_destroy(&attr);
	*ret = q;
	return 0;
}

void
shard_queue_free(struct shard_queue *q)
{
	if (q == NULL)
		return;
	pthread_cond_destroy(&q->filled);
	pthread_mutex_destroy(&q->lock);
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
	return l->n < SHARD_QUEUE_OWN || (q->n < q->cap && l->n < q->cap / 2);
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

	pthread_mutex_lock(&q->lock);
	if (q->closed) {
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
		if (q->n++ == 0)
			pthread_cond_signal(&q->filled);
	}
	pthread_mutex_unlock(&q->lock);
	return r;
}

static struct timespec
deadline(int timeout_ms)
{
	uint64_t at = clock_mono() + (uint64_t) timeout_ms * NS_PER_MS;

	return (struct timespec){ (time_t) (at / NS_PER_S), (long) (at % NS_PER_S) };
}

/* Take the first op of the lane whose turn it is, and move the lane to the end. */
static struct op *
next_op(struct shard_queue *q)
{
	struct lane *l = q->turn;
	struct op *op = l->head;

	q->turn = l->next;
	l->head = op->next;
	l->n--;
	q->n--;
	if (l->n > 0)
		line_up(q, l);
	return op;
}

int
shard_queue_take(struct shard_queue *q, int timeout_ms, struct op **ret)
{
	struct timespec until = deadline(timeout_ms < 0 ? 0 : timeout_ms);
	int r = 0;

	pthread_mutex_lock(&q->lock);
	while (q->n == 0 && !q->closed) {
		if (timeout_ms < 0)
			pthread_cond_wait(&q->filled, &q->lock);
		else if (pthread_cond_timedwait(&q->filled, &q->lock, &until) == ETIMEDOUT)
			break;
	}
	if (q->n > 0) {
		*ret = next_op(q);
		r = 1;
	} else if (q->closed) {
		r = -ESHUTDOWN;
	}
	pthread_mutex_unlock(&q->lock);
	return r;
}

size_t
shard_queue_len(struct shard_queue *q)
{
	size_t n;

	pthread_mutex_lock(&q->lock);
	n = q->n;
	pthread_mutex_unlock(&q->lock);
	return n;
}

void
shard_queue_close(struct shard_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->filled);
	pthread_mutex_unlock(&q->lock);
}

void
op_free(struct op *op)
{
	if (op->req != NULL)
		wire__request__free_unpacked(op->req, NULL);
	if (op->stream != NULL)
		stream_unref(op->stream);
	free(op);
}
