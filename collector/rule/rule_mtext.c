/* SPDX-License-Identifier: Apache-2.0 */
/* rule_mtext.c - an assembled condition, and where each of its bytes was written. */
#include "collector/rule/rule_int.h"
#include "common/array.h"
#include <stdlib.h>

void
mtext_fini(struct mtext *m)
{
	buf_fini(&m->b);
	free(m->seg);
	*m = (struct mtext){ .b = BUF_INIT };
}

void
mtext_add(struct mtext *m, struct slice s, const struct rtext *from, size_t off, bool linear)
{
	const struct mseg *last = m->nseg == 0 ? NULL : &m->seg[m->nseg - 1];

	if (s.n == 0)
		return;
	if (last != NULL && !linear && !last->linear && last->from == from && last->off == off) {
		buf_slice(&m->b, s); /* continues the previous location */
		return;
	}
	if (ARRAY_RESERVE(m->seg, m->nseg, 1, m->cap) < 0) {
		m->b.failed = true;
		return;
	}
	m->seg[m->nseg++] = (struct mseg){ m->b.n, from, off, linear };
	buf_slice(&m->b, s);
}

void
mtext_pieces(struct mtext *m, const struct rtexts *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (i > 0)
			mtext_add(m, SLICE(" "), &t->v[i], 0, false);
		mtext_add(m, t->v[i].s, &t->v[i], 0, true);
	}
}

/* Find the segment of a byte; nseg must not be 0. */
static size_t
find_seg(const struct mtext *m, size_t off)
{
	size_t lo = 0, hi = m->nseg;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->seg[mid].start <= off)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* Append a part of another text with its locations. */
void
mtext_copy(struct mtext *m, const struct mtext *from, size_t lo, size_t hi)
{
	for (size_t i = from->nseg == 0 ? 0 : find_seg(from, lo); i < from->nseg && lo < hi; i++) {
		const struct mseg *g = &from->seg[i];
		size_t stop = i + 1 < from->nseg ? from->seg[i + 1].start : from->b.n;

		stop = MIN(stop, hi);
		mtext_add(m, (struct slice){ from->b.p + lo, stop - lo }, g->from,
		    g->linear ? g->off + (lo - g->start) : g->off, g->linear);
		lo = stop;
	}
}

void
mtext_origin(const struct mtext *m, size_t off, const struct rtext **from, size_t *at)
{
	const struct mseg *g = m->nseg == 0 ? NULL : &m->seg[find_seg(m, off)];

	*from = g == NULL ? NULL : g->from;
	*at = g == NULL ? 0 : g->linear ? g->off + (off - g->start) : g->off;
}

struct rplace
mtext_place(const struct mtext *m, unsigned line, unsigned col)
{
	const struct rtext *from = NULL;
	size_t i = 0, at = 0;

	for (unsigned l = 1; l < line && i < m->b.n; i++)
		l += m->b.p[i] == '\n';
	i += col > 0 ? col - 1 : 0;
	mtext_origin(m, MIN(i, m->b.n), &from, &at);
	if (from == NULL)
		return (struct rplace){ NULL, 0, 0, false, 0 };
	return place_within(from, at);
}
