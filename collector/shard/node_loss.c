/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/shard/node_loss.h"
#include "collector/shard/blind.h"
#include "collector/stream/gap.h"
#include "common/log_peer.h"

/* Realtime ns: when Mews still saw the node, or the first event was lost; the last one. */
struct lost_time {
	uint64_t since, until;
};

/* Open a window, or extend it, up to the boot time 'until', for so many events, lost at that time.
 * Reported when it opens. */
static void
open_window_of(struct node_loss *l, enum loss_cause cause, struct lost_time lost, uint64_t until,
    uint64_t events)
{
	struct loss_shown *shown = &l->stream->loss;
	const char *node = l->stream->id.node;
	uint64_t now = clock_real();
	char time[CLOCK_TEXT];

	if (lost.since == 0)
		lost.since = now;
	if (loss_open(&l->windows, cause, l->boot_ns, until)) {
		l->counters->losses[cause]++;
		shown->opened[cause]++;
		shown->since[cause] = lost.since;
		loss_past_open(&l->past, cause, lost.since, lost.until, events);
		if (loss_priority(cause) != LOSS_QUIET)
			l->owed |= 1U << cause;
		log_peer(LOG_WARN, node, "node %s: %s (loss window %s, since %s)", node,
		    loss_text(cause), loss_name(cause), clock_text(lost.since, time));
	} else {
		loss_past_extend(&l->past, cause, lost.since, lost.until, events);
	}
	shown->until[cause] = until == LOSS_OPEN ? LOSS_OPEN : now + (until - l->boot_ns);
}

/* The same where it is not known when they were lost: up to now. */
static void
open_window(
    struct node_loss *l, enum loss_cause cause, uint64_t since, uint64_t until, uint64_t events)
{
	struct lost_time lost = { since, until == LOSS_OPEN ? LOSS_OPEN : l->seen };

	open_window_of(l, cause, lost, until, events);
}

static void
init(
    struct node_loss *l, struct shard_counters *counters, struct stream *stream, uint64_t log_drops)
{
	*l = (struct node_loss){
		.counters = counters,
		.stream = stream,
		.gaps = stream->gaps,
		.malformed = stream->malformed,
	};
	drop_log_init(&l->log, log_drops);
}

void
node_loss_resume(struct node_loss *l, struct shard_counters *counters, struct stream *stream,
    uint64_t log_drops, const struct checkpoint_mark *mark)
{
	init(l, counters, stream, log_drops);
	l->boot_ns = mark->boot_ns;
	l->seen = mark->seen;
	l->drops = mark->drops;
	l->silences = mark->silences;
	for (uint32_t c = DROP_RING_FULL; c <= DROP_FAULT; c++)
		l->holes[c] = mark->boot_ns; /* ends of the others are not known */
	l->past = mark->past;
	memcpy(l->windows.until, mark->until, sizeof(l->windows.until));
	for (unsigned i = 0; i < LOSS_MAX; i++)
		l->windows.latest = MAX(l->windows.latest, mark->until[i]);
	stream->drops = stream->coverage.drops = mark->drops;
	stream->coverage.silences = mark->silences;
	coverage_resume(stream, &mark->coverage);
}

/* What an earlier collector knew of the hour before is lost with its state. */
static uint64_t
unknown_since(const struct stream *st)
{
	uint64_t now = clock_real();

	return MAX(MIN(st->id.sensor_start, now), now - LOSS_PAST_NS);
}

void
node_loss_begin(struct node_loss *l, struct shard_counters *counters, struct stream *stream,
    uint64_t log_drops, const struct loss_past *past)
{
	init(l, counters, stream, log_drops);
	if (past != NULL)
		l->past = *past;
	loss_past_whole(&l->past, clock_real()); /* what still lasts has a new cause */
	if (stream->restarted)
		open_window(l, stream->before, stream->before_seen, LOSS_OPEN, 0);
	stream->restarted = false; /* reported once */
	if (stream->evaluated == 0)
		return;
	if (stream->evaluated <= stream->began) {
		open_window(l, LOSS_collector_restarted, unknown_since(stream), LOSS_OPEN, 0);
	} else {
		l->drops = stream->drops;
		l->silences = stream->silences;
		open_window(l, LOSS_state_forgotten, stream->last_seen, LOSS_OPEN, 0);
	}
}

void
node_loss_fini(struct node_loss *l)
{
	drop_log_fini(&l->log);
}

/* Log which events were dropped and why: the loss window's line says neither. */
static void
log_drops(struct node_loss *l, const Wire__Batch *batch)
{
	CLEANUP(buf_fini) struct buf line = BUF_INIT;

	if (drop_log_line(&l->log, batch->drops, batch->n_drops, clock_mono(), &line))
		log_peer(LOG_WARN, l->stream->id.node, "node %s: %s", l->stream->id.node, line.p);
}

static void
take_time(struct node_loss *l, const Wire__Batch *batch)
{
	l->boot_ns = MAX(l->boot_ns, batch->boot_ns);
	l->seen = batch->real_ns;
	loss_past_expire(&l->past, batch->real_ns);
	coverage_clocks(l->stream, batch->boot_ns, batch->real_ns, clock_real());
}

/* Up to when Mews saw the node before this batch: at the first one, to its sensor's start. */
static uint64_t
seen_before(const struct node_loss *l, const Wire__Batch *batch)
{
	uint64_t start = l->stream->id.sensor_start;

	return l->seen == 0 && start < batch->real_ns ? start : l->seen;
}

/* When were the drops that this batch is the first to count? Times that cannot be are ignored. */
static struct lost_time
drop_time(struct node_loss *l, const Wire__Batch *batch, struct lost_time otherwise)
{
	uint64_t first = UINT64_MAX, last = 0;

	for (size_t i = 0; i < batch->n_holes; i++) {
		const Wire__Hole *h = batch->holes[i];
		uint64_t *told = &l->holes[h->cause < DROP_CAUSES ? h->cause : 0];

		if (h->last_ns <= *told || h->last_ns > batch->boot_ns || h->first_ns > h->last_ns)
			continue;
		first = MIN(first, h->first_ns);
		last = MAX(last, h->last_ns);
		*told = h->last_ns;
	}
	if (last == 0 || batch->real_ns < batch->boot_ns)
		return otherwise;
	return (struct lost_time){
		.since = batch->real_ns - (batch->boot_ns - first),
		.until = batch->real_ns - (batch->boot_ns - last),
	};
}

bool
node_loss_batch(struct node_loss *l, const Wire__Batch *batch)
{
	struct stream *st = l->stream;
	uint64_t drops = stream_set_drops(st, batch->drops, batch->n_drops), gaps = st->gaps;
	bool gap = gaps != l->gaps, lost = gap || l->malformed != st->malformed;
	uint64_t since = seen_before(l, batch);
	struct lost_time dropped = drop_time(l, batch, (struct lost_time){ since, batch->real_ns });

	take_time(l, batch);
	st->account.hole |= lost;
	if (gap)
		open_window(l, LOSS_batches_missing, since, l->boot_ns + LOSS_TAIL_NS, 0);
	if (drops > l->drops)
		open_window_of(
		    l, LOSS_events_dropped, dropped, l->boot_ns + LOSS_TAIL_NS, drops - l->drops);
	if (st->silences > l->silences)
		open_window(l, LOSS_hook_silent, since, l->boot_ns + LOSS_TAIL_NS, 0);
	l->silences = st->silences;
	st->coverage.silences = l->silences;
	if (batch->n_drops > 0)
		log_drops(l, batch);
	l->gaps = gaps;
	l->malformed = st->malformed;
	l->drops = drops;
	st->coverage.drops = drops;
	return lost;
}

void
node_loss_undecodable(struct node_loss *l, const Wire__Batch *batch)
{
	uint64_t since = seen_before(l, batch);

	take_time(l, batch);
	open_window(l, LOSS_batch_undecodable, since, l->boot_ns + LOSS_TAIL_NS, batch->events);
}

/* Events that the sensor lost after the kernel side had counted them. */
static uint64_t
counted_by_sensor(const Wire__Batch *batch)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < batch->n_drops; i++) {
		const Wire__Drop *d = batch->drops[i];

		if ((d->event == 0 || d->cause > DROP_FAULT) && d->cause != DROP_MISSED &&
		    d->cause != DROP_LATE && d->cause != DROP_UNREAD)
			sum += d->count;
	}
	return sum;
}

/* How many more events are missing than at the last account, and nobody knows why? */
static uint64_t
newly_missing(const struct account_told *before, const struct account_told *now)
{
	/* where batches are missing, their events are: there is a window for that */
	uint64_t undelivered =
	    before->hole != 0 ? MAX(before->undelivered, now->undelivered) : before->undelivered;
	uint64_t was = before->unaccounted + undelivered, is = now->unaccounted + now->undelivered;
	uint64_t more = is - MIN(is, was);

	return more - MIN(more, now->explained - MIN(now->explained, before->explained));
}

void
node_loss_account(struct node_loss *l, const Wire__Batch *batch)
{
	struct account_told *told = &l->stream->account, now;
	struct account_row sum;
	uint64_t more;

	if (!stream_account(l->stream, batch, &sum))
		return;
	now = (struct account_told){
		.unaccounted = sum.unaccounted,
		.undelivered = sum.undelivered,
		.explained = counted_by_sensor(batch),
		.at = batch->real_ns,
	};
	more = newly_missing(told, &now);
	if (more > 0)
		open_window(l, LOSS_unaccounted,
		    told->at != 0 ? told->at : l->stream->id.sensor_start,
		    l->boot_ns + LOSS_TAIL_NS, more);
	*told = now;
}

void
node_loss_evicted(struct node_loss *l, uint64_t evicted)
{
	if (evicted > l->evicted)
		open_window(l, LOSS_state_evicted, l->seen, l->boot_ns + LOSS_TAIL_NS, 0);
	l->evicted = evicted;
}

void
node_loss_whole(struct node_loss *l, uint64_t boot_ns)
{
	struct loss_shown *shown = &l->stream->loss;
	uint64_t end = clock_real() + LOSS_TAIL_NS;

	loss_whole(&l->windows, MAX(boot_ns, l->boot_ns));
	loss_past_whole(&l->past, l->seen);
	if (l->stream->coverage.complete == 0)
		l->stream->coverage.complete = clock_real();
	for (unsigned i = 0; i < LOSS_MAX; i++) {
		if (shown->until[i] == LOSS_OPEN)
			shown->until[i] = end;
	}
}

bool
node_loss_owed(struct node_loss *l, enum loss_cause *cause, uint64_t *times)
{
	struct loss_shown *shown = &l->stream->loss;
	uint64_t now = l->owed == 0 ? 0 : clock_mono();

	for (unsigned i = 0; l->owed != 0 && i < LOSS_MAX; i++) {
		bool due = shown->told_at[i] == 0 || now - shown->told_at[i] >= BLIND_EVERY_NS;

		if ((l->owed >> i & 1) == 0)
			continue;
		if (due) {
			*cause = (enum loss_cause) i;
			*times = shown->opened[i] - shown->told[i];
			return true;
		}
		l->owed &= ~(1U << i);
	}
	return false;
}

void
node_loss_told(struct node_loss *l, enum loss_cause cause)
{
	struct loss_shown *shown = &l->stream->loss;

	l->owed &= ~(1U << cause);
	shown->told[cause] = shown->opened[cause];
	shown->told_at[cause] = clock_mono();
}
