/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/ring.h"
#include "proto/schema.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* The kernel's header of each record: length and flags, then a page offset. */
#define REC_HDR     8
#define REC_BUSY    (1u << 31)
#define REC_DISCARD (1u << 30)

/* Release space at the end of a drain, and during it whenever this fraction of the ring has been
 * read. Not with each record: the kernel reads the same word for each record it adds. */
#define PUBLISH_PART 16

/* With 'hold': what may be read and not given back. */
#define HOLD_PART 4

int
rings_new(unsigned n, struct ring_set *ret)
{
	struct ring_set s = { .n = n };

	s.v = calloc(n, sizeof(*s.v));
	s.heap = calloc(n, sizeof(*s.heap));
	s.translator = calloc(1, sizeof(*s.translator));
	if (s.v == NULL || s.heap == NULL || s.translator == NULL) {
		rings_free(&s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

void
rings_free(struct ring_set *s)
{
	free(s->v);
	free(s->heap);
	free(s->translator);
	*s = (struct ring_set){ 0 };
}

void
ring_attach(struct ring_set *s, unsigned i, void *consumer, const void *producer, const void *data,
    size_t size)
{
	s->v[i] =
	    (struct ring){ .consumer = consumer, .producer = producer, .data = data, .size = size };
	s->v[i].pos = __atomic_load_n(s->v[i].consumer, __ATOMIC_ACQUIRE);
}

static uint32_t
rec_word(const struct ring *r)
{
	const void *p = r->data + (r->pos & (r->size - 1));

	return __atomic_load_n((const uint32_t *) p, __ATOMIC_ACQUIRE);
}

static void
ring_skip(struct ring *r, uint32_t len)
{
	r->pos += (REC_HDR + (uint64_t) len + 7) & ~7ULL;
}

/* Find the next record before the limit: sets r->head, or r->busy, or neither. */
static void
ring_next(struct ring_set *s, struct ring *r, uint64_t now)
{
	r->head = NULL;
	r->busy = false;
	while (r->pos < r->limit) {
		uint32_t word = rec_word(r);
		uint32_t len = word & ~(REC_BUSY | REC_DISCARD);
		const void *rec = r->data + (r->pos & (r->size - 1)) + REC_HDR;

		if (word & REC_BUSY) {
			r->busy = true;
			if (r->busy_since == 0)
				r->busy_since = now;
			return;
		}
		r->busy_since = 0;
		if (!(word & REC_DISCARD)) {
			if (record_check(rec, len) == 0) {
				r->head = rec;
				return;
			}
			s->stats.bad++;
		}
		ring_skip(r, len);
	}
}

static uint64_t
heap_ts(const struct ring_set *s, unsigned i)
{
	return s->v[s->heap[i]].head->ts;
}

static void
heap_swap(struct ring_set *s, unsigned i, unsigned k)
{
	unsigned t = s->heap[i];

	s->heap[i] = s->heap[k];
	s->heap[k] = t;
}

static void
heap_down(struct ring_set *s, unsigned i)
{
	for (;;) {
		unsigned k = 2 * i + 1;

		if (k >= s->nheap)
			return;
		if (k + 1 < s->nheap && heap_ts(s, k + 1) < heap_ts(s, k))
			k++;
		if (heap_ts(s, i) <= heap_ts(s, k))
			return;
		heap_swap(s, i, k);
		i = k;
	}
}

/* Note all producers' positions, and find all heads. True: wait for a record that is being
 * written. */
static bool
rings_note(struct ring_set *s, uint64_t now)
{
	bool wait = false;

	s->nheap = 0;
	for (unsigned i = 0; i < s->n; i++)
		s->v[i].limit = __atomic_load_n(s->v[i].producer, __ATOMIC_ACQUIRE);
	for (unsigned i = 0; i < s->n; i++) {
		ring_next(s, &s->v[i], now);
		if (s->v[i].head != NULL)
			s->heap[s->nheap++] = i;
		wait |= s->v[i].busy && now - s->v[i].busy_since < RINGS_BUSY_NS;
	}
	for (unsigned i = s->nheap / 2; i-- > 0;)
		heap_down(s, i);
	return wait;
}

static void
ring_publish(struct ring *r)
{
	__atomic_store_n(r->consumer, r->pos, __ATOMIC_RELEASE);
}

/* Go to the next record of the ring whose record was emitted. */
static bool
rings_advance(struct ring_set *s, uint64_t now)
{
	struct ring *r = &s->v[s->heap[0]];

	ring_skip(r, rec_word(r));
	if (s->hold)
		s->crowded |= r->pos - *r->consumer >= r->size / HOLD_PART;
	else if (r->pos - *r->consumer >= r->size / PUBLISH_PART)
		ring_publish(r);
	ring_next(s, r, now);
	if (r->head == NULL)
		heap_swap(s, 0, --s->nheap);
	heap_down(s, 0);
	return r->busy && now - r->busy_since < RINGS_BUSY_NS;
}

int
rings_drain(struct ring_set *s, uint64_t now, uint64_t slack, source_emit_fn *emit, void *arg)
{
	bool wait = rings_note(s, now);
	int n = 0;

	s->held_ts = 0;
	while (!wait && !s->crowded && s->nheap > 0 && n < INT_MAX) {
		const struct ev_hdr *rec = s->v[s->heap[0]].head;
		int r;

		if (rec->ts + slack > now) {
			s->held_ts = rec->ts;
			break;
		}
		r = emit(arg, translate_record(s->translator, rec));
		if (r < 0) {
			n = r;
			break;
		}
		if (rec->ts < s->last_ts)
			s->stats.late++;
		else
			s->last_ts = rec->ts;
		s->stats.emitted++;
		n++;
		wait = rings_advance(s, now);
	}
	if (!wait && !s->crowded && n >= 0)
		s->emitted_to = MAX(s->emitted_to, now - MIN(now, slack));
	for (unsigned i = 0; i < s->n && !s->hold; i++) {
		if (s->v[i].pos != *s->v[i].consumer)
			ring_publish(&s->v[i]);
	}
	return n;
}

void
rings_release(struct ring_set *s, const uint64_t *pos)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (pos[i] != *s->v[i].consumer)
			__atomic_store_n(s->v[i].consumer, pos[i], __ATOMIC_RELEASE);
	}
	s->crowded = false;
}

bool
rings_pending(const struct ring_set *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (__atomic_load_n(s->v[i].producer, __ATOMIC_ACQUIRE) != s->v[i].pos)
			return true;
	}
	return false;
}

bool
rings_filling(const struct ring_set *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		const struct ring *r = &s->v[i];

		if (__atomic_load_n(r->producer, __ATOMIC_RELAXED) - *r->consumer > r->size / 2)
			return true;
	}
	return false;
}

void
ring_unread(const uint64_t *consumer, const uint64_t *producer, const char *data, uint64_t size,
    void (*fn)(void *arg, const struct ev_hdr *rec), void *arg)
{
	struct ring r = { .data = data,
		.size = size,
		.pos = __atomic_load_n(consumer, __ATOMIC_ACQUIRE),
		.limit = __atomic_load_n(producer, __ATOMIC_ACQUIRE) };

	while (r.pos < r.limit && r.limit - r.pos <= size) {
		uint32_t word = rec_word(&r), len = word & ~(REC_BUSY | REC_DISCARD);
		const void *rec = data + (r.pos & (size - 1)) + REC_HDR;

		if (len > size - REC_HDR) /* not the kernel's */
			return;
		if (!(word & REC_DISCARD))
			fn(arg, !(word & REC_BUSY) && record_check(rec, len) == 0 ? rec : NULL);
		ring_skip(&r, len);
	}
}
