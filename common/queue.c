/* SPDX-License-Identifier: Apache-2.0 */
#include "common/queue.h"
#include "common/clock.h"
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	void **ring;
	size_t cap, head, n;
	bool closed;
};

int
queue_new(size_t cap, struct queue **ret)
{
	struct queue *q = calloc(1, sizeof(*q));
	pthread_condattr_t attr;

	if (q == NULL)
		return -ENOMEM;
	q->ring = calloc(cap, sizeof(*q->ring));
	if (q->ring == NULL) {
		free(q);
		return -ENOMEM;
	}
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
queue_free(struct queue *q)
{
	if (q == NULL)
		return;
	pthread_cond_destroy(&q->filled);
	pthread_mutex_destroy(&q->lock);
	free(q->ring);
	free(q);
}

int
queue_put(struct queue *q, void *op)
{
	int r = 0;

	pthread_mutex_lock(&q->lock);
	if (q->closed) {
		r = -ESHUTDOWN;
	} else if (q->n == q->cap) {
		r = -EAGAIN;
	} else {
		q->ring[(q->head + q->n) % q->cap] = op;
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

int
queue_take(struct queue *q, void **ops, int max, int timeout_ms)
{
	struct timespec until = deadline(timeout_ms < 0 ? 0 : timeout_ms);
	int n = 0;

	pthread_mutex_lock(&q->lock);
	while (q->n == 0 && !q->closed) {
		if (timeout_ms < 0)
			pthread_cond_wait(&q->filled, &q->lock);
		else if (pthread_cond_timedwait(&q->filled, &q->lock, &until) == ETIMEDOUT)
			break;
	}
	while (n < max && q->n > 0) {
		ops[n++] = q->ring[q->head];
		q->head = (q->head + 1) % q->cap;
		q->n--;
	}
	if (n == 0 && q->closed)
		n = -ESHUTDOWN;
	pthread_mutex_unlock(&q->lock);
	return n;
}

size_t
queue_len(struct queue *q)
{
	size_t n;

	pthread_mutex_lock(&q->lock);
	n = q->n;
	pthread_mutex_unlock(&q->lock);
	return n;
}

void
queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->filled);
	pthread_mutex_unlock(&q->lock);
}
