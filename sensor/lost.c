/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/lost.h"
#include "common/clock.h"
#include "proto/batch.h"
#include "sensor/hole.h"
#include <stdlib.h>
#include <string.h>

void
lost_fini(struct lost *l)
{
	free(l->events);
	*l = (struct lost){ .events = NULL };
}

static bool
table(struct lost *l)
{
	if (l->events == NULL)
		l->events = calloc(EV_TYPE_MAX, sizeof(*l->events));
	return l->events != NULL;
}

/* Is it a row of a snapshot, or of a container? A descriptor that a process was given is an event,
 * which has the form of one. */
static bool
is_row(const struct event *ev)
{
	return ev->schema->capture == CAP_SNAP && ev->schema->num != EV_TASK_FILE_PASSED;
}

/* Count the events of a batch, and find the times of the first and the last. */
static struct drv_hole
count(struct lost *l, const struct batch *b)
{
	struct drv_hole hole = { .first = UINT64_MAX };

	for (size_t i = 0; i < b->nev; i++) {
		const struct event *ev = &b->ev[i];

		if (is_row(ev))
			continue;
		l->events[ev->schema->num]++;
		l->known++;
		hole.first = MIN(hole.first, ev->ts);
		hole.last = MAX(hole.last, ev->ts);
	}
	return hole;
}

void
lost_batch(struct lost *l, uint64_t seq, struct slice msg)
{
	Wire__Request *rq = wire__request__unpack(NULL, msg.n, (const uint8_t *) msg.p);
	struct batch *b = NULL;
	struct drv_hole hole;
	const char *why;

	if (rq != NULL && rq->body_case == WIRE__REQUEST__BODY_BATCH && rq->batch->body != NULL &&
	    table(l) && batch_decode(rq->batch->body, NULL, &b, &why) == 0) {
		hole = count(l, b);
		/* one stream loses its oldest batches: a quiet node's hole may have pauses */
		if (hole.last != 0 && l->hole.last != 0 && seq == l->seq + 1)
			hole.first = MIN(hole.first, l->hole.last);
		if (hole.last != 0)
			hole_add(&l->hole, hole);
		l->seq = seq;
		batch_free(b);
	}
	if (rq != NULL)
		wire__request__free_unpacked(rq, NULL);
}

void
lost_keep(const struct lost *l, struct lost_kept *to)
{
	if (l->events != NULL)
		memcpy(to->events, l->events, sizeof(to->events));
	to->hole = l->hole;
}

void
lost_resume(struct lost *l, const struct lost_kept *from)
{
	for (size_t i = 0; i < EV_TYPE_MAX; i++) {
		if (from->events[i] == 0 || !table(l))
			continue;
		l->events[i] += from->events[i];
		l->known += from->events[i];
	}
	l->hole = from->hole;
}

void
lost_move(struct lost *l, struct lost *from)
{
	for (size_t i = 0; from->events != NULL && i < EV_TYPE_MAX && table(l); i++) {
		l->events[i] += from->events[i];
		l->known += from->events[i];
	}
	if (from->hole.last != 0 && from->hole.last <= clock_boot()) /* else of an earlier boot */
		hole_add(&l->hole, from->hole);
	lost_fini(from);
}
