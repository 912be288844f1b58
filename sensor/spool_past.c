/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool_past.h"
#include <stdbool.h>
#include <stdlib.h>

static struct spool_entry *
entry_at(const struct spool_past *p, size_t i)
{
	return &p->ring[(p->head + i) % p->cap];
}

static void
pop(struct spool_past *p)
{
	struct spool_entry *e = entry_at(p, 0);

	p->bytes -= e->n;
	free(e->msg);
	p->head = (p->head + 1) % p->cap;
	p->n--;
	p->first++;
}

void
past_fini(struct spool_past *p)
{
	past_shrink(p, 0);
	free(p->ring);
	*p = (struct spool_past){ 0 };
}

/* False: no memory. */
static bool
grow(struct spool_past *p)
{
	size_t cap = p->cap == 0 ? 64 : p->cap * 2;
	struct spool_entry *ring = calloc(cap, sizeof(*ring));

	if (ring == NULL)
		return false;
	for (size_t i = 0; i < p->n; i++)
		ring[i] = *entry_at(p, i);
	free(p->ring);
	p->ring = ring;
	p->cap = cap;
	p->head = 0;
	return true;
}

void
past_add(struct spool_past *p, uint64_t seq, const struct spool_entry *e)
{
	if (p->n > 0 && p->first + p->n != seq)
		past_shrink(p, 0);
	if (p->n == p->cap && !grow(p)) {
		past_shrink(p, 0);
		free(e->msg);
		return;
	}
	if (p->n == 0)
		p->first = seq;
	p->n++;
	*entry_at(p, p->n - 1) = *e;
	p->bytes += e->n;
}

void
past_forget(struct spool_past *p, uint64_t seq)
{
	while (p->n > 0 && p->first <= seq)
		pop(p);
}

void
past_shrink(struct spool_past *p, uint64_t bytes)
{
	while (p->n > 0 && p->bytes > bytes)
		pop(p);
}

struct spool_entry *
past_get(const struct spool_past *p, uint64_t seq)
{
	return seq >= p->first && seq - p->first < p->n ? entry_at(p, (size_t) (seq - p->first))
							: NULL;
}

uint64_t
past_first(const struct spool_past *p)
{
	return p->n == 0 ? 0 : p->first;
}
