/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* A full spool drops this fraction of itself at a time: one wide gap, not one per batch. */
#define SPOOL_MARGIN 16

void
spool_init(struct spool *s, uint64_t max_bytes)
{
	*s = (struct spool){ .first = 1, .max_bytes = max_bytes };
}

static struct spool_entry *
entry_at(const struct spool *s, size_t i)
{
	return &s->ring[(s->head + i) % s->cap];
}

static void
entry_drop(struct spool *s, struct spool_entry *e)
{
	if (e->msg != NULL)
		s->bytes -= e->n;
	free(e->msg);
	e->msg = NULL;
}

static void
pop(struct spool *s)
{
	entry_drop(s, entry_at(s, 0));
	s->head = (s->head + 1) % s->cap;
	s->n--;
	s->first++;
}

void
spool_fini(struct spool *s)
{
	while (s->n > 0)
		pop(s);
	free(s->ring);
	s->ring = NULL;
	s->cap = 0;
}

uint64_t
spool_next(const struct spool *s)
{
	return s->first + s->n;
}

static int
grow(struct spool *s)
{
	size_t cap = s->cap == 0 ? 64 : s->cap * 2;
	struct spool_entry *ring = calloc(cap, sizeof(*ring));

	if (ring == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++)
		ring[i] = *entry_at(s, i);
	free(s->ring);
	s->ring = ring;
	s->cap = cap;
	s->head = 0;
	return 0;
}

int
/* NOLINTNEXTLINE(readability-non-const-parameter): the spool owns 'msg' from here on */
spool_add(struct spool *s, char *msg, uint32_t n, uint32_t events)
{
	uint64_t room = s->max_bytes;

	if (s->n == s->cap && grow(s) < 0)
		return -ENOMEM;
	if (s->bytes + n > s->max_bytes)
		room = s->max_bytes - s->max_bytes / SPOOL_MARGIN;
	while (s->n > 0 && s->bytes + n > room) {
		if (entry_at(s, 0)->msg != NULL) {
			s->batches_dropped++;
			s->events_dropped += entry_at(s, 0)->events;
		}
		pop(s);
	}
	*entry_at(s, s->n) = (struct spool_entry){ .msg = msg, .n = n, .events = events };
	s->n++;
	s->bytes += n;
	return 0;
}

struct spool_entry *
spool_get(struct spool *s, uint64_t seq)
{
	struct spool_entry *e;

	if (seq < s->first || seq >= spool_next(s))
		return NULL;
	e = entry_at(s, (size_t) (seq - s->first));
	return e->msg == NULL ? NULL : e;
}

uint64_t
spool_seek(const struct spool *s, uint64_t seq)
{
	if (seq < s->first)
		seq = s->first;
	while (seq < spool_next(s) && entry_at(s, (size_t) (seq - s->first))->msg == NULL)
		seq++;
	return seq > spool_next(s) ? spool_next(s) : seq;
}

void
spool_durable(struct spool *s, uint64_t seq)
{
	while (s->n > 0 && s->first <= seq)
		pop(s);
}

void
spool_discard(struct spool *s, uint64_t seq)
{
	struct spool_entry *e = spool_get(s, seq);

	assert(e != NULL);
	s->batches_quarantined++;
	s->events_quarantined += e->events;
	entry_drop(s, e);
}
