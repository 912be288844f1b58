/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window.h - numbered things that arrive out of order, and leave in order.
 *
 * Holds what came before its turn, or could not be handed on. Duplicates are told from what is
 * held and from 'done', the number that everything up to has left. It owns no memory and frees
 * nothing: what it holds is the caller's again from window_pop(). Not thread-safe.
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

/* 0: held. -EALREADY: at most 'done', or held. -ENOBUFS: full, and not the next. */
int window_put(struct window *w, uint64_t done, uint64_t seq, uint64_t now, void *p) MUST_CHECK;

/*
 * What may leave now: the one after 'done'; or, when the missing will not come, the lowest. They
 * will not come when the window is full, when one has waited 'patience' ns, or when all below
 * 'skip_to' are given up. *gap: how many are missing before it. NULL: nothing.
 */
void *window_next(const struct window *w, uint64_t done, uint64_t now, uint64_t patience,
    uint64_t skip_to, uint64_t *seq, uint64_t *gap);

/* The lowest has left. Its pointer, or NULL. */
void *window_pop(struct window *w);

#endif
