/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool.h"
#include "common/clock.h"
#include "sensor/spool_int.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* A full spool drops this fraction of itself at a time: one wide gap, not one per batch. */
#define SPOOL_MARGIN 16

/* Batches in files cost memory too: at most one per so many bytes of max_bytes. */
#define SPOOL_BYTES_PER_ENTRY 64

/* The part of max_bytes that durable batches may have. */
#define SPOOL_PAST 4

void
spool_init(struct spool *s, uint64_t max_bytes)
{
	*s = (struct spool){ .first = 1, .saved = 1, .max_bytes = max_bytes, .state = UINT64_MAX };
}

/* Free the copy in memory. */
static void
entry_unload(struct spool *s, struct spool_entry *e)
{
	if (e->msg != NULL)
		s->bytes -= e->n;
	free(e->msg);
	e->msg = NULL;
}

static void
entry_drop(struct spool *s, struct spool_entry *e)
{
	if (!is_hole(e))
		s->kept -= e->n;
	entry_unload(s, e);
	if (e->seg != NULL)
		spool_disk_release(s->disk, e->seg);
	e->seg = NULL;
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
	for (size_t i = 0; i < s->n; i++)
		entry_unload(s, entry_at(s, i));
	free(s->ring);
	past_fini(&s->past);
	buf_fini(&s->hello);
	buf_fini(&s->read);
	lost_fini(&s->dropped);
	lost_fini(&s->quarantined);
	s->ring = NULL;
	s->cap = s->n = 0;
}

uint64_t
spool_next(const struct spool *s)
{
	return s->first + s->n;
}

int
spool_grow(struct spool *s)
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

void
spool_push(struct spool *s, const struct spool_entry *e)
{
	*entry_at(s, s->n) = *e;
	s->n++;
	if (is_hole(e))
		return;
	s->kept += e->n;
	if (e->msg != NULL)
		s->bytes += e->n;
}

/* ---- losses ---- */

/* Entry 'i' goes: note what is in it. */
static void
note_lost(struct spool *s, struct lost *lost, size_t i)
{
	const struct spool_entry *e = entry_at(s, i);
	struct slice msg = { e->msg, e->n };

	if (msg.p == NULL && spool_disk_read(s->disk, e->seg, e->at, &s->read) == 0)
		msg = buf_get(&s->read);
	if (msg.p != NULL)
		lost_batch(lost, s->first + i, msg);
}

static void
lose(struct spool *s, size_t i)
{
	struct spool_entry *e = entry_at(s, i);

	if (is_hole(e))
		return;
	note_lost(s, &s->dropped, i);
	s->batches_dropped++;
	s->events_dropped += e->events;
	entry_drop(s, e);
}

void
spool_trim(struct spool *s)
{
	while (s->n > 0 && is_hole(entry_at(s, 0)))
		pop(s);
}

static int
count_lost(void *arg, const struct spool_rec *rec, uint32_t at, bool whole)
{
	struct spool *s = arg;

	if (rec->n == 0)
		return 0;
	s->batches_dropped++;
	s->events_dropped += rec->events;
	if (whole && spool_disk_read(s->disk, s->disk->head, at, &s->read) == 0)
		lost_batch(&s->dropped, rec->seq, buf_get(&s->read));
	return 0;
}

/* Remove the oldest file with all its batches, and count them. */
static void
lose_file(struct spool *s)
{
	struct spool_seg *seg = s->disk->head;
	struct spool *owner = seg->owner;

	if (owner == NULL) {
		if (spool_disk_scan(s->disk, seg, count_lost, s) < 0) {
			/* count_lost() does not fail */
		}
		spool_disk_remove(s->disk, seg);
		return;
	}
	seg->live++; /* it must not go with its last batch: this goes on */
	for (size_t i = 0; i < owner->n; i++) {
		if (entry_at(owner, i)->seg == seg)
			lose(owner, i);
	}
	spool_disk_remove(s->disk, seg);
	spool_trim(owner);
}

/* ---- save ---- */

/* What a file says of a batch that this process closed then. */
static struct clock_stamp
stamp_of(int64_t since)
{
	struct clock_stamp now = clock_stamp();

	now.real_ns -= (uint64_t) ((int64_t) now.boot_ns - since);
	now.boot_ns = (uint64_t) since;
	return now;
}

static int
save_entry(struct spool *s, struct spool_entry *e, uint64_t seq)
{
	struct slice msg = { e->msg, e->n };
	struct spool_rec rec = {
		.events = e->events,
		.seq = seq,
		.durable = s->durable,
		.closed = stamp_of(e->since),
	};
	int r;

	do {
		r = spool_disk_append(s->disk, buf_get(&s->hello), &rec, msg, &e->seg, &e->at);
		if (r == -EDQUOT && s->disk->head == NULL)
			return r;
		if (r == -EDQUOT)
			lose_file(s);
	} while (r == -EDQUOT);
	if (r == 0)
		e->seg->owner = s;
	return r;
}

int
spool_save(struct spool *s)
{
	int r = 0;

	if (s->disk == NULL)
		return -ENODEV;
	s->saved = MAX(s->saved, s->first);
	while (r == 0 && s->saved < spool_next(s)) {
		struct spool_entry *e = entry_at(s, (size_t) (s->saved - s->first));

		if (e->msg != NULL)
			r = save_entry(s, e, s->saved);
		if (r == 0)
			s->saved++;
	}
	return r;
}

int64_t
spool_unsaved_since(const struct spool *s)
{
	uint64_t seq = MAX(s->saved, s->first);

	return seq < spool_next(s) ? entry_at(s, (size_t) (seq - s->first))->since : INT64_MAX;
}

int64_t
spool_oldest(const struct spool *s)
{
	uint64_t seq = spool_seek(s, s->first);

	return seq < spool_next(s) ? entry_at(s, (size_t) (seq - s->first))->since : INT64_MAX;
}

uint64_t
spool_events(const struct spool *s, bool unsaved)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct spool_entry *e = entry_at(s, i);

		if (!is_hole(e) && (e->seg == NULL || !unsaved))
			sum += e->events;
	}
	return sum;
}

int
spool_use_disk(struct spool *s, struct spool_disk *disk, struct slice hello)
{
	buf_clear(&s->hello);
	buf_slice(&s->hello, hello);
	s->disk = disk;
	return buf_ok(&s->hello);
}

int
spool_end(struct spool *s)
{
	struct spool_rec mark = { .closed = clock_stamp() };
	struct spool_seg *seg;
	uint32_t at;
	int r = spool_save(s);

	if (r == 0 && s->n > 0)
		r = spool_disk_append(
		    s->disk, buf_get(&s->hello), &mark, (struct slice){ NULL, 0 }, &seg, &at);
	return r;
}

/* ---- add ---- */

/* Make room in memory: what is saved leaves it, what cannot be saved is lost, oldest first. */
static void
make_room(struct spool *s, uint32_t n)
{
	uint64_t room = s->max_bytes - s->max_bytes / SPOOL_MARGIN;

	if (s->bytes + s->past.bytes + n <= s->max_bytes)
		return;
	past_shrink(&s->past, 0);
	if (s->bytes + n <= s->max_bytes)
		return;
	if (s->disk != NULL)
		(void) spool_save(s);
	for (size_t i = 0; i < s->n && s->bytes + n > room; i++) {
		struct spool_entry *e = entry_at(s, i);

		if (e->seg != NULL)
			entry_unload(s, e);
		else
			lose(s, i);
	}
	spool_trim(s);
}

int
/* NOLINTNEXTLINE(readability-non-const-parameter): the spool owns 'msg' from here on */
spool_add(struct spool *s, char *msg, uint32_t n, uint32_t events)
{
	struct spool_entry e = {
		.msg = msg, .n = n, .events = events, .since = (int64_t) clock_boot()
	};

	if (s->n == s->cap && spool_grow(s) < 0)
		return -ENOMEM;
	make_room(s, n);
	if (s->disk != NULL && s->n > 0 && s->n >= s->max_bytes / SPOOL_BYTES_PER_ENTRY) {
		lose(s, 0);
		spool_trim(s);
	}
	spool_push(s, &e);
	return 0;
}

struct spool_entry *
spool_get(struct spool *s, uint64_t seq)
{
	struct spool_entry *e;

	if (seq < s->first)
		return past_get(&s->past, seq);
	if (seq >= spool_next(s))
		return NULL;
	e = entry_at(s, (size_t) (seq - s->first));
	return is_hole(e) ? NULL : e;
}

const char *
spool_msg(struct spool *s, struct spool_entry *e)
{
	int r;

	if (e->msg != NULL)
		return e->msg;
	r = spool_disk_read(s->disk, e->seg, e->at, &s->read);
	if (r == 0 && s->read.n == e->n)
		return s->read.p;
	s->batches_damaged++;
	s->events_damaged += e->events;
	entry_drop(s, e);
	return NULL;
}

uint64_t
spool_seek(const struct spool *s, uint64_t seq)
{
	if (seq < s->first && s->past.n > 0)
		return MAX(seq, s->past.first);
	seq = MAX(seq, s->first);
	while (seq < spool_next(s) && is_hole(entry_at(s, (size_t) (seq - s->first))))
		seq++;
	return seq > spool_next(s) ? spool_next(s) : seq;
}

/* The oldest batch is durable: pass its copy in memory on to 'past'. One that has none breaks the
 * sequence. */
static void
keep(struct spool *s, struct spool_entry *e)
{
	struct spool_entry copy = *e;

	if (e->msg == NULL || s->first <= s->state || s->state == UINT64_MAX) {
		past_shrink(&s->past, 0);
		return;
	}
	copy.seg = NULL;
	past_add(&s->past, s->first, &copy);
	s->bytes -= e->n;
	s->kept -= e->n;
	e->msg = NULL;
	if (e->seg != NULL)
		spool_disk_release(s->disk, e->seg);
	e->seg = NULL;
}

void
spool_durable(struct spool *s, uint64_t seq)
{
	s->durable = MAX(s->durable, MIN(seq, spool_next(s) - 1));
	while (s->n > 0 && s->first <= seq) {
		keep(s, entry_at(s, 0));
		pop(s);
	}
	past_shrink(&s->past, s->max_bytes / SPOOL_PAST);
}

void
spool_keep(struct spool *s, uint64_t state)
{
	s->state = state;
	past_forget(&s->past, state);
}

void
spool_discard(struct spool *s, uint64_t seq)
{
	struct spool_entry *e = spool_get(s, seq);

	assert(e != NULL);
	if (seq < s->first) {
		past_forget(&s->past, seq);
		return;
	}
	note_lost(s, &s->quarantined, (size_t) (seq - s->first));
	s->batches_quarantined++;
	s->events_quarantined += e->events;
	entry_drop(s, e);
}
