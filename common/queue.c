/* SPDX-License-Identifier: Apache-2.0 */
#include "common/queue.h"
#include "common/cond.h"
#include <errno.h>
#include <stdlib.h>

struct queue {
	struct queue_base b;
	void **ring;
	size_t cap, head;
};

void
queue_base_init(struct queue_base *b)
{
	*b = (struct queue_base){ .n = 0 };
	pthread_mutex_init(&b->lock, NULL);
	cond_init(&b->filled);
}

void
queue_base_fini(struct queue_base *b)
{
	pthread_cond_destroy(&b->filled);
	pthread_mutex_destroy(&b->lock);
}

void
queue_base_added(struct queue_base *b)
{
	if (b->n++ == 0)
		pthread_cond_signal(&b->filled);
}

int
queue_base_wait(struct queue_base *b, int timeout_ms)
{
	uint64_t until = cond_until(timeout_ms);

	pthread_mutex_lock(&b->lock);
	while (b->n == 0 && !b->closed && cond_wait(&b->filled, &b->lock, until))
		;
	return b->n == 0 && b->closed ? -ESHUTDOWN : 0;
}

size_t
queue_base_len(struct queue_base *b)
{
	size_t n;

	pthread_mutex_lock(&b->lock);
	n = b->n;
	pthread_mutex_unlock(&b->lock);
	return n;
}

void
queue_base_close(struct queue_base *b)
{
	pthread_mutex_lock(&b->lock);
	b->closed = true;
	pthread_cond_broadcast(&b->filled);
	pthread_mutex_unlock(&b->lock);
}

int
queue_new(size_t cap, struct queue **ret)
{
	struct queue *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return -ENOMEM;
	q->ring = calloc(cap, sizeof(*q->ring));
	if (q->ring == NULL) {
		free(q);
		return -ENOMEM;
	}
	q->cap = cap;
	queue_base_init(&q->b);
	*ret = q;
	return 0;
}

void
queue_free(struct queue *q)
{
	if (q == NULL)
		return;
	queue_base_fini(&q->b);
	free(q->ring);
	free(q);
}

int
queue_put(struct queue *q, void *op)
{
	int r = 0;

	pthread_mutex_lock(&q->b.lock);
	if (q->b.closed) {
		r = -ESHUTDOWN;
	} else if (q->b.n == q->cap) {
		r = -EAGAIN;
	} else {
		q->ring[(q->head + q->b.n) % q->cap] = op;
		queue_base_added(&q->b);
	}
	pthread_mutex_unlock(&q->b.lock);
	return r;
}

int
queue_take(struct queue *q, void **ops, int max, int timeout_ms)
{
	int n = queue_base_wait(&q->b, timeout_ms);

	while (q->b.n > 0 && n < max) {
		ops[n++] = q->ring[q->head];
		q->head = (q->head + 1) % q->cap;
		q->b.n--;
	}
	pthread_mutex_unlock(&q->b.lock);
	return n;
}

size_t
queue_len(struct queue *q)
{
	return queue_base_len(&q->b);
}

void
queue_close(struct queue *q)
{
	queue_base_close(&q->b);
}
