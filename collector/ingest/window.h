/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window.h - numbered items that arrive out of order and leave in order.
 *
 * Holds items that are not next, or that the receiver could not take. Duplicates are recognized by
 * the held items and by 'done': all numbers up to it have left. It owns no memory and frees
 * nothing: window_pop() returns an item to the caller. Not thread-safe.
 */
#ifndef MEWS_COLLECTOR_INGEST_WINDOW_H
#define MEWS_COLLECTOR_INGEST_WINDOW_H

#include "common/macros.h"
#include <stdint.h>

#define WINDOW_MAX 16

struct window {
	struct {
		uint64_t seq, since; /* since: monotonic ns */
		void *p;
	} v[WINDOW_MAX]; /* by seq */
	unsigned n, max;
};

void window_init(struct window *w, unsigned max);

/* 0: held. -EALREADY: at most 'done', or held already. -ENOBUFS: full, and not the next. */
int window_put(struct window *w, uint64_t done, uint64_t seq, uint64_t now, void *p) MUST_CHECK;

/*
 * Return the item that may leave now: the one after 'done'; or, if the missing ones are given up,
 * the lowest. They are given up when the window is full, when one has waited 'patience' ns, or when
 * all below 'skip_to' will not come. *gap: how many are missing before it. NULL: none may leave.
 */
void *window_next(const struct window *w, uint64_t done, uint64_t now, uint64_t patience,
    uint64_t skip_to, uint64_t *seq, uint64_t *gap);

/* Remove the lowest, which has left. Returns its pointer, or NULL. */
void *window_pop(struct window *w);

#endif
