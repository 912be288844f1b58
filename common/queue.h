/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue.h - a bounded queue of pointers between threads: many put, one takes.
 *
 * When it is full, queue_put() refuses (-EAGAIN): the caller pushes back or counts a drop.
 * Locking: one mutex, held for a few instructions; a taker empties the queue in one go, so under
 * load the lock is taken once per batch of ops, not once per op.
 */
#ifndef MEWS_COMMON_QUEUE_H
#define MEWS_COMMON_QUEUE_H

#include "common/macros.h"
#include <stddef.h>

struct queue;

int queue_new(size_t cap, struct queue **ret) MUST_CHECK; /* -ENOMEM */
void queue_free(struct queue *q);                         /* must be empty */

/* 0: 'op' is the queue's. -EAGAIN: full. -ESHUTDOWN: closed. */
int queue_put(struct queue *q, void *op) MUST_CHECK;

/* Takes up to 'max' ops, in order, waiting up to timeout_ms for the first (-1: for ever). Returns
 * how many; 0 on time-out; -ESHUTDOWN once it is closed and empty. */
int queue_take(struct queue *q, void **ops, int max, int timeout_ms);

size_t queue_len(struct queue *q);

/* No more puts; the taker drains what is there. */
void queue_close(struct queue *q);

#endif
