/* SPDX-License-Identifier: Apache-2.0 */
/* spool_load.c - the files of an earlier sensor. */
#include "common/clock.h"
#include "sensor/spool.h"
#include "sensor/spool_int.h"
#include <errno.h>

/* Missing numbers between two batches of a file; more is not possible. */
#define HOLES_MAX (1u << 20)

struct load {
	struct spool *spool;
	struct spool_seg *seg;
	bool *ended;
	struct clock_stamp now;
};

/* Add holes up to 'seq'. */
static int
skip_to(struct spool *s, uint64_t seq)
{
	while (spool_next(s) < seq) {
		if (s->n == s->cap && spool_grow(s) < 0)
			return -ENOMEM;
		spool_push(s, &(struct spool_entry){ 0 });
	}
	return 0;
}

int
spool_continue(struct spool *s, uint64_t seq)
{
	if (s->cap == 0) { /* no file: all is durable */
		s->first = seq + 1;
		s->durable = seq;
	}
	s->saved = seq + 1;
	return skip_to(s, seq + 1);
}

static int
load_record(void *arg, const struct spool_rec *rec, uint32_t at, bool whole)
{
	struct load *l = arg;
	struct spool *s = l->spool;
	struct spool_entry e = { .n = rec->n, .events = rec->events, .at = at };

	*l->ended = rec->n == 0;
	if (rec->n == 0)
		return 0;
	if (s->cap == 0) { /* the first */
		s->first = rec->seq;
		s->durable = rec->durable;
	}
	if (rec->seq < spool_next(s) || rec->seq - spool_next(s) > HOLES_MAX)
		return 0;
	if (skip_to(s, rec->seq) < 0 || (s->n == s->cap && spool_grow(s) < 0))
		return -ENOMEM;
	e.since = clock_since(&rec->closed, &l->now);
	if (whole) {
		e.seg = l->seg;
		l->seg->live++;
	} else {
		s->batches_damaged++;
		s->events_damaged += rec->events;
	}
	spool_push(s, &e);
	return 0;
}

int
/* NOLINTNEXTLINE(readability-non-const-parameter): load_record() writes it */
spool_load(struct spool *s, struct spool_seg *seg, bool *ended)
{
	struct load l = { s, seg, ended, clock_stamp() };
	int r;

	seg->owner = s;
	seg->live++; /* keeps the file until it is read */
	r = spool_disk_scan(s->disk, seg, load_record, &l);
	s->saved = spool_next(s);
	spool_trim(s);
	spool_disk_release(s->disk, seg);
	return r;
}
