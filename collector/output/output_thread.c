/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output_thread.c - outbox -> output_ops, at the output's own pace.
 *
 * Rows are offered in order. 'flight' holds the rows from the first one that has not ended, so the
 * output's cursor in the outbox is the row before that one, in whatever order they end. When one
 * must be offered again, nothing new is offered until all have ended; then reading starts again
 * after the cursor, and delivered rows are skipped.
 */
#include "collector/output/outputs_int.h"
#include "common/clock.h"
#include "common/cond.h"
#include <errno.h>

#define READ_ROWS   256
#define BACKOFF_MIN 50 /* ms */
#define BACKOFF_MAX 10000
#define BUSY_MS     10  /* how long an output may wait for its peer while rows may arrive */
#define IDLE_MS     250 /* how often an idle output checks */

static size_t
slot(const struct output *o, size_t i)
{
	return (o->head + i) % WINDOW;
}

/* Find a row's index in the flight, or n. */
static size_t
find(const struct output *o, uint64_t rowid)
{
	size_t lo = 0, hi = o->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (o->flight[slot(o, mid)].rowid < rowid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < o->n && o->flight[slot(o, lo)].rowid == rowid ? lo : o->n;
}

void
output_ended(void *arg, uint64_t rowid, enum output_result result, const char *why)
{
	struct output *o = arg;
	size_t i = find(o, rowid);

	if (output_is_extra(o, rowid)) {
		output_extra_ended(o, rowid, result, why);
		return;
	}
	if (i == o->n || o->flight[slot(o, i)].state != FLYING)
		return;
	o->flying--;
	o->only_test = false;
	if (result == OUTPUT_REFUSED && outbox_set_aside(o->set->outbox, o->name, rowid, why) < 0)
		result = OUTPUT_RETRY;
	o->flight[slot(o, i)].state = result == OUTPUT_RETRY ? AGAIN : ENDED;
	switch (result) {
	case OUTPUT_DELIVERED:
		o->backoff_ms = 0;
		output_count(o, &o->stats.delivered);
		break;
	case OUTPUT_REFUSED:
		output_count(o, &o->stats.refused);
		output_note_error(o, why);
		break;
	case OUTPUT_RETRY:
		o->again = true;
		output_count(o, &o->stats.retries);
		output_note_error(o, why);
		break;
	}
}

/* Does its route, or a silence, keep the alert from the output? Counted. */
static bool
is_left_out(struct output *o, const struct alert *a)
{
	if (o->route != NULL && !route_takes(o->route, a)) {
		output_count(o, &o->stats.filtered);
		return true;
	}
	if (o->silenced && o->set->silences != NULL && silences_cover(o->set->silences, a)) {
		output_count(o, &o->stats.silenced);
		return true;
	}
	return false;
}

/* Offer a row from the outbox: true to continue. */
static bool
offer(void *arg, const struct outbox_row *row)
{
	struct output *o = arg;
	size_t i = find(o, row->rowid);
	int r;

	if (i < o->n && o->flight[slot(o, i)].state == ENDED) {
		o->next = row->rowid;
		return true;
	}
	if (i == o->n) { /* put it into the flight first: submit() may call done() */
		if (o->n == WINDOW) {
			o->full = true;
			return false;
		}
		o->flight[slot(o, o->n++)].rowid = row->rowid;
	}
	o->flight[slot(o, i)].since = outbox_since(o->set->outbox, row);
	if (is_left_out(o, &row->alert)) {
		o->flight[slot(o, i)].state = ENDED;
		o->next = row->rowid;
		return true;
	}
	o->flight[slot(o, i)].state = FLYING;
	o->flying++;
	o->only_test = false;
	r = o->ops->submit(o->st, row);
	if (r == 0) {
		o->next = row->rowid;
		o->waiting = 0;
		return !o->again;
	}
	o->flight[slot(o, i)].state = AGAIN; /* 'next' is before it: it will be read again */
	o->flying--;
	o->waiting = o->flight[slot(o, i)].since;
	o->full = r == -EAGAIN;
	o->refusal = r == -EAGAIN ? 0 : r;
	return false;
}

void
output_advance(struct output *o)
{
	uint64_t cursor = o->cursor;

	while (o->n > 0 && o->flight[o->head].state == ENDED) {
		cursor = o->flight[o->head].rowid;
		o->head = slot(o, 1);
		o->n--;
	}
	if (cursor == o->cursor)
		return;
	o->cursor = cursor;
	outbox_delivered(o->set->outbox, o->name, cursor);
}

/* Sleep, longer each time, until something succeeds; stop() and a test end it. */
static void
back_off(struct output *o)
{
	unsigned asked = o->set->asked;
	uint64_t until;

	o->backoff_ms = o->backoff_ms == 0 ? BACKOFF_MIN : MIN(o->backoff_ms * 2, BACKOFF_MAX);
	until = cond_until((int) o->backoff_ms);
	pthread_mutex_lock(&o->set->lock);
	while (!o->stopping && o->set->asked == asked &&
	       cond_wait(&o->set->wake, &o->set->lock, until))
		;
	pthread_mutex_unlock(&o->set->lock);
}

/* Read and offer once. */
static void
fill(struct output *o)
{
	bool last = o->n == WINDOW && o->next >= o->flight[slot(o, o->n - 1)].rowid;
	int r;

	o->full = last;
	o->refusal = 0;
	if (last || !outbox_wait(o->set->outbox, o->next, 0))
		return;
	r = outbox_read(o->set->outbox, o->next, READ_ROWS, offer, o);
	if (r < 0) {
		output_note_error(o, "the outbox cannot be read");
		o->refusal = r;
	} else if (o->refusal < 0) {
		output_count(o, &o->stats.retries);
		if (o->ops->trouble == NULL || o->ops->trouble(o->st) == NULL)
			output_note_error(o, strerrordesc_np(-o->refusal));
	}
}

/* All rows in flight have ended, some with a retry: start again from the cursor. */
static void
begin_again(struct output *o)
{
	if (o->ops->purge != NULL)
		o->ops->purge(o->st);
	if (o->flying > 0) {
		o->ops->poll(o->st, o->troubled ? IDLE_MS : BUSY_MS);
		return;
	}
	o->again = false;
	output_advance(o);
	o->next = o->cursor;
	if (!o->only_test)
		back_off(o);
}

static void
publish(struct output *o)
{
	const char *trouble = o->ops->trouble == NULL ? NULL : o->ops->trouble(o->st);
	int64_t now = (int64_t) clock_boot();
	int64_t oldest = o->n > 0 ? o->flight[o->head].since : o->waiting;
	struct outbox_stats ob;

	o->troubled = trouble != NULL;
	outbox_stats(o->set->outbox, &ob);
	pthread_mutex_lock(&o->lock);
	o->stats.lag_rows = ob.last_rowid > o->cursor ? ob.last_rowid - o->cursor : 0;
	o->stats.oldest_age_ms = o->stats.lag_rows == 0 || oldest == 0 || oldest > now
				     ? 0
				     : (uint64_t) (now - oldest) / NS_PER_MS;
	if (o->ops->broker_stats != NULL)
		o->ops->broker_stats(o->st, &o->stats.broker);
	o->stats.retrying = o->retry_after < o->retry_upto;
	if (o->only_test)
		o->stats.error[0] = '\0';
	else if (trouble != NULL)
		output_set_error(o, trouble);
	else if (!o->again && o->refusal == 0 && o->backoff_ms == 0)
		o->stats.error[0] = '\0';
	pthread_mutex_unlock(&o->lock);
}

static bool
holds(struct output *o)
{
	return o->ops->holds != NULL && o->ops->holds(o->st);
}

static bool
goes_on(struct output *o)
{
	bool idle = o->n == 0 && !outbox_wait(o->set->outbox, o->next, 0);

	if (!o->stopping)
		return true;
	return !idle && o->backoff_ms == 0 && !holds(o) && clock_mono() < o->stop_at;
}

/* Wait for the peer, or for rows. */
static void
rest(struct output *o)
{
	int ms = o->troubled ? IDLE_MS : BUSY_MS;

	if (o->refusal < 0) {
		o->ops->poll(o->st, 0);
		back_off(o);
	} else if (o->full) {
		if (o->n == WINDOW && o->ops->release != NULL)
			o->ops->release(o->st);
		o->ops->poll(o->st, ms);
	} else if (o->flying > 0 && !holds(o)) {
		o->ops->poll(o->st, outbox_wait(o->set->outbox, o->next, 0) ? 0 : ms);
	} else {
		o->ops->poll(o->st, 0);
		(void) outbox_wait(o->set->outbox, o->next, IDLE_MS);
	}
}

void *
output_main(void *arg)
{
	struct output *o = arg;
	unsigned reopened = 0;

	while (goes_on(o)) {
		if (o->set->reopen != reopened) {
			reopened = o->set->reopen;
			if (o->ops->reopen != NULL)
				o->ops->reopen(o->st);
		}
		if (o->again) {
			begin_again(o);
		} else {
			if (!output_extra(o))
				fill(o);
			rest(o);
		}
		output_advance(o);
		output_beat(o);
		publish(o);
	}
	return NULL;
}
