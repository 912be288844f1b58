/* SPDX-License-Identifier: Apache-2.0 */
/* rule_mtext.c - a condition that was put together, and where each of its bytes was written. */
#include "collector/rule/rule_int.h"
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
	if (s.n == 0)
		return;
	if (m->nseg == m->cap) {
		size_t cap = m->cap == 0 ? 8 : m->cap * 2;
		struct mseg *v = realloc(m->seg, cap * sizeof(*v));

		if (v == NULL) {
			m->b.failed = true;
			return;
		}
		m->seg = v;
		m->cap = cap;
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

/* A part of another text with its places. */
void
mtext_copy(struct mtext *m, const struct mtext *from, size_t start, size_t end)
{
	for (size_t i = 0; i < from->nseg && start < end; i++) {
		const struct mseg *g = &from->seg[i];
		size_t stop = i + 1 < from->nseg ? from->seg[i + 1].start : from->b.n;
		size_t a = MAX(start, g->start), b = MIN(end, stop);

		if (a < b)
			mtext_add(m, (struct slice){ from->b.p + a, b - a }, g->from,
			    g->linear ? g->off + (a - g->start) : g->off, g->linear);
	}
}

static const struct mseg *
find_seg(const struct mtext *m, size_t off)
{
	const struct mseg *g = NULL;

	for (size_t i = 0; i < m->nseg && m->seg[i].start <= off; i++)
		g = &m->seg[i];
	return g;
}

void
mtext_origin(const struct mtext *m, size_t off, const struct rtext **from, size_t *at)
{
	const struct mseg *g = find_seg(m, off);

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
