/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output_extra.c - alerts outside of the outbox's order: a test, and dead letters sent again.
 *
 * Of dead letters one at a time is under way, besides the rows of the flight; an output that
 * gathers alerts for a while gets several. A test ends with the first answer. A dead letter that is
 * to be sent again later is offered again, like any row; until it is delivered the outbox keeps it
 * as a dead letter.
 */
#include "collector/output/outputs_int.h"
#include "common/clock.h"
#include <errno.h>

#define TAKE_MS    3000 /* an output in trouble that has not taken a test by then fails it */
#define ROUND_MANY 64   /* dead letters that end at once */

/* ---- requests, from any thread ---- */

static struct output *
find_output(struct outputs *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++) {
		if (strcmp(set->v[i]->name, name) == 0)
			return set->v[i];
	}
	return NULL;
}

/* End pauses. The caller holds the set's lock. */
static void
wake(struct outputs *set)
{
	set->asked++;
	pthread_cond_broadcast(&set->wake);
}

static int
ask_test(struct outputs *set, struct output *o, struct output_test *t)
{
	bool busy;

	if (o == NULL)
		return -ENOENT;
	t->asked = clock_mono();
	pthread_mutex_lock(&o->lock);
	busy = o->test != NULL;
	if (!busy)
		o->test = t;
	pthread_mutex_unlock(&o->lock);
	if (busy)
		return -EBUSY;
	wake(set);
	return 0;
}

int
outputs_test(struct outputs *set, const char *name, struct output_test *t)
{
	int r;

	pthread_mutex_lock(&set->lock);
	r = ask_test(set, find_output(set, name), t);
	pthread_mutex_unlock(&set->lock);
	return r;
}

static int
ask_retry(struct outputs *set, struct output *o, uint64_t rowid, uint64_t newest)
{
	bool busy;

	if (o == NULL)
		return -ENOENT;
	pthread_mutex_lock(&o->lock);
	busy = o->retry_after < o->retry_upto;
	if (!busy) {
		o->retry_after = rowid == 0 ? 0 : rowid - 1;
		o->retry_upto = rowid == 0 ? newest : rowid;
	}
	pthread_mutex_unlock(&o->lock);
	if (busy)
		return -EBUSY;
	wake(set);
	return 0;
}

int
outputs_retry(struct outputs *set, const char *name, uint64_t rowid)
{
	struct outbox_stats ob;
	int r;

	outbox_stats(set->outbox, &ob);
	pthread_mutex_lock(&set->lock);
	r = ask_retry(set, find_output(set, name), rowid, ob.last_rowid);
	pthread_mutex_unlock(&set->lock);
	return r;
}

/* ---- the output's thread ---- */

static const char *
trouble_of(struct output *o)
{
	return o->ops->trouble == NULL ? NULL : o->ops->trouble(o->st);
}

static struct output_test *
test_of(struct output *o)
{
	struct output_test *t;

	pthread_mutex_lock(&o->lock);
	t = o->test;
	pthread_mutex_unlock(&o->lock);
	return t;
}

static void
end_test(struct output *o, enum output_test_end end, const char *said)
{
	struct output_test *t = test_of(o);

	if (t == NULL) /* it has waited too long */
		return;
	pthread_mutex_lock(&o->lock);
	o->test = NULL;
	pthread_mutex_unlock(&o->lock);
	t->end = end;
	(void) snprintf(t->said, sizeof(t->said), "%s", said == NULL ? "" : said);
	t->done(t);
}

bool
output_is_extra(const struct output *o, uint64_t rowid)
{
	for (size_t i = 0; i < o->nextra; i++) {
		if (o->extra[i] == rowid)
			return true;
	}
	return false;
}

static void
forget(struct output *o, uint64_t rowid)
{
	for (size_t i = 0; i < o->nextra; i++) {
		if (o->extra[i] != rowid)
			continue;
		o->extra[i] = o->extra[--o->nextra];
		o->flying--;
		return;
	}
}

static int
submit(struct output *o, uint64_t rowid, const struct alert *a)
{
	struct outbox_row row = { .rowid = rowid, .alert = *a };
	int r;

	o->extra[o->nextra++] = rowid; /* first: submit() may call done() */
	o->flying++;
	r = o->ops->submit(o->st, &row);
	if (r < 0)
		forget(o, rowid);
	return r;
}

static void
offer_test(struct output *o, const struct output_test *t)
{
	const char *trouble;
	int r = submit(o, 0, t->alert);

	if (r == 0)
		return;
	trouble = trouble_of(o);
	if (r != -EAGAIN)
		end_test(o, OUTPUT_TEST_FAILED, trouble != NULL ? trouble : strerrordesc_np(-r));
	else if (trouble != NULL && clock_mono() - t->asked > TAKE_MS * NS_PER_MS)
		end_test(o, OUTPUT_TEST_FAILED, trouble);
}

/* The dead letters up to this row are dealt with. */
static void
letters_done(struct output *o, uint64_t rowid)
{
	pthread_mutex_lock(&o->lock);
	o->retry_after = rowid;
	pthread_mutex_unlock(&o->lock);
}

static bool
offer_letter(void *arg, const struct outbox_letter *l)
{
	struct output *o = arg;
	int r;

	if (l->rowid > o->retry_upto || l->alert == NULL) {
		letters_done(o, l->rowid);
		return false;
	}
	o->only_test = false;
	r = submit(o, l->rowid, l->alert);
	if (r == 0)
		o->letter_next = MAX(o->letter_next, l->rowid);
	else if (r == -EAGAIN)
		o->full = true;
	else
		o->again = true;
	return false;
}

/* May another dead letter be offered? */
static bool
takes_letter(const struct output *o)
{
	return o->nextra == 0 ||
	       (o->nextra < EXTRAS - 1 && o->ops->holds != NULL && o->ops->holds(o->st));
}

/* Offer the next dead letter. false: no more now. */
static bool
next_letter(struct output *o)
{
	uint64_t after, before = o->retry_after;
	int r;

	if (before >= o->retry_upto || o->again || !takes_letter(o))
		return false;
	if (o->nextra == 0) /* what was to be sent again later is offered again */
		o->letter_next = before;
	after = MAX(before, o->letter_next);
	r = outbox_letters(o->set->outbox, o->name, after, 1, offer_letter, o);
	if (r == 0 && o->nextra == 0)
		letters_done(o, o->retry_upto);
	else if (r < 0)
		o->again = true;
	return r > 0 && (o->letter_next != after || o->retry_after != before);
}

bool
output_extra(struct output *o)
{
	struct output_test *t = test_of(o);

	if (t != NULL && clock_mono() - t->asked > OUTPUT_TEST_MS * NS_PER_MS) {
		const char *trouble = trouble_of(o);

		end_test(o, OUTPUT_TEST_UNANSWERED,
		    trouble != NULL ? trouble : "no answer yet; the test may still arrive");
		t = NULL;
	}
	if (t != NULL && !output_is_extra(o, 0)) {
		offer_test(o, t);
		return true;
	}
	for (int i = 0; i < ROUND_MANY && next_letter(o); i++)
		;
	return false;
}

void
output_extra_ended(struct output *o, uint64_t rowid, enum output_result result, const char *why)
{
	static const enum output_test_end ends[] = {
		[OUTPUT_DELIVERED] = OUTPUT_TEST_DELIVERED,
		[OUTPUT_REFUSED] = OUTPUT_TEST_REFUSED,
		[OUTPUT_RETRY] = OUTPUT_TEST_FAILED,
	};
	struct outbox *outbox = o->set->outbox;

	forget(o, rowid);
	if (result == OUTPUT_RETRY)
		o->again = true;
	else if (result == OUTPUT_DELIVERED)
		o->backoff_ms = 0;
	if (rowid == 0) {
		if (result != OUTPUT_DELIVERED)
			output_note_last(o, trouble_of(o) != NULL ? trouble_of(o) : why);
		o->only_test = result != OUTPUT_DELIVERED && o->n == 0 && !o->troubled;
		end_test(o, ends[result],
		    result == OUTPUT_DELIVERED && o->ops->answered != NULL ? o->ops->answered(o->st)
									   : why);
		return;
	}
	switch (result) {
	case OUTPUT_DELIVERED:
		output_count(o, &o->stats.delivered);
		(void) !outbox_not_aside(outbox, o->name, rowid);
		letters_done(o, rowid);
		break;
	case OUTPUT_REFUSED: /* with the new reason */
		output_count(o, &o->stats.refused);
		output_note_error(o, why);
		if (outbox_not_aside(outbox, o->name, rowid) == 0)
			(void) !outbox_set_aside(outbox, o->name, rowid, why);
		letters_done(o, rowid);
		break;
	case OUTPUT_RETRY:
		output_count(o, &o->stats.retries);
		output_note_error(o, why);
		break;
	}
}

void
output_extra_stop(struct output *o)
{
	end_test(o, OUTPUT_TEST_UNANSWERED, "the collector stops");
}
