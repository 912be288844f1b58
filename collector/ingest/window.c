/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest/window.h"
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

void
window_init(struct window *w, unsigned max)
{
	assert(max >= 1 && max <= WINDOW_MAX);
	*w = (struct window){ .max = max };
}

int
window_put(struct window *w, uint64_t done, uint64_t seq, uint64_t now, void *p)
{
	unsigned at = w->n;

	if (seq <= done)
		return -EALREADY;
	while (at > 0 && w->v[at - 1].seq > seq)
		at--;
	if (at > 0 && w->v[at - 1].seq == seq)
		return -EALREADY;
	if (w->n == w->max)
		return -ENOBUFS;
	memmove(&w->v[at + 1], &w->v[at], (w->n - at) * sizeof(w->v[0]));
	w->v[at].seq = seq;
	w->v[at].since = now;
	w->v[at].p = p;
	w->n++;
	return 0;
}

/* 'now' may be earlier than 'since': threads read the clock before they wait for the lock. */
static bool
waited(const struct window *w, uint64_t now, uint64_t patience)
{
	for (unsigned i = 0; i < w->n; i++) {
		if (now > w->v[i].since && now - w->v[i].since >= patience)
			return true;
	}
	return false;
}

void *
window_next(const struct window *w, uint64_t done, uint64_t now, uint64_t patience,
    uint64_t skip_to, uint64_t *seq, uint64_t *gap)
{
	if (w->n == 0)
		return NULL;
	*seq = w->v[0].seq;
	*gap = *seq - done - 1;
	if (*gap > 0 && *seq > skip_to && w->n < w->max && !waited(w, now, patience))
		return NULL;
	return w->v[0].p;
}

void *
window_pop(struct window *w)
{
	void *p;

	if (w->n == 0)
		return NULL;
	p = w->v[0].p;
	w->n--;
	memmove(&w->v[0], &w->v[1], w->n * sizeof(w->v[0]));
	return p;
}
