/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue.h - a bounded queue of pointers between threads: many put, one takes.
 *
 * When it is full, queue_put() returns -EAGAIN: the caller pushes back or counts a drop. Locking:
 * one mutex, held for a few instructions; a taker empties the queue in one go, so under load it
 * takes the lock once per batch of ops.
 */
#ifndef MEWS_COMMON_QUEUE_H
#define MEWS_COMMON_QUEUE_H

#include "common/macros.h"
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct queue;

int queue_new(size_t cap, struct queue **ret) MUST_CHECK; /* -ENOMEM */
void queue_free(struct queue *q);                         /* must be empty */

/* 0: the queue owns 'op'. -EAGAIN: full. -ESHUTDOWN: closed. */
int queue_put(struct queue *q, void *op) MUST_CHECK;

/* Take up to 'max' ops, in order, waiting up to timeout_ms for the first (-1: for ever). Returns
 * their number; 0 on time-out; -ESHUTDOWN once it is closed and empty. */
int queue_take(struct queue *q, void **ops, int max, int timeout_ms);

size_t queue_len(struct queue *q);

/* Refuse further puts; the taker drains the rest. */
void queue_close(struct queue *q);

/*
 * The part that queues of any order share: embed it. The owner adds and removes ops itself, with
 * 'lock' held, and counts them in 'n'.
 */
struct queue_base {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	size_t n; /* ops waiting */
	bool closed;
};

void queue_base_init(struct queue_base *b);
void queue_base_fini(struct queue_base *b);

/* Count one op more, with 'lock' held, and wake the taker. */
void queue_base_added(struct queue_base *b);

/* Lock, and wait up to timeout_ms (-1: for ever) for an op or the close. The caller unlocks.
 * 0; -ESHUTDOWN: closed and empty. */
int queue_base_wait(struct queue_base *b, int timeout_ms);

size_t queue_base_len(struct queue_base *b);
void queue_base_close(struct queue_base *b);

#endif
