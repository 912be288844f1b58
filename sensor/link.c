/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "sensor/link_int.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLL_IDLE_NS    (1000 * NS_PER_MS) /* link.idle_ns: longer */
#define POLL_HELD_NS    (50 * NS_PER_MS)   /* no credit: doubles each time, ... */
#define POLL_HELD_MAX   4                 /* ... this often: a thousand waiting nodes are no load */
#define POLL_BUSY_NS    (5 * NS_PER_S)    /* statistics, however many batches there are */
#define POLL_PENDING_NS (250 * NS_PER_MS) /* batches that are not durable; link.idle_ns: longer */
#define BYE_NS          (500 * NS_PER_MS)
#define STEADY_NS       (10 * NS_PER_S) /* a connection that lasted this long resets the back-off */

void
link_init(struct link *l, const struct link_ops *ops, void *arg, struct spool *spool,
    const struct link_cfg *cfg)
{
	assert(cfg->window >= 1 && cfg->window <= LINK_SLOTS);
	*l = (struct link){ .ops = ops, .arg = arg, .spool = spool, .cfg = *cfg };
	l->rng = cfg->seed | 1;
	l->send_next = 1;
	l->backoff = cfg->retry_min_ns;
}

void
link_fini(struct link *l)
{
	buf_fini(&l->out);
}

void
link_note(struct link *l, enum log_level level, const char *text)
{
	if (strncmp(l->said, text, sizeof(l->said) - 1) == 0)
		return;
	(void) snprintf(l->said, sizeof(l->said), "%s", text);
	l->ops->note(l->arg, level, text);
}

void
link_set_state(struct link *l, enum link_state state, uint64_t now)
{
	l->state = state;
	l->since = now;
}

/* Between half and all of ns. xorshift64*: quality does not matter, only that nodes differ. */
static uint64_t
jitter(struct link *l, uint64_t ns)
{
	l->rng ^= l->rng >> 12;
	l->rng ^= l->rng << 25;
	l->rng ^= l->rng >> 27;
	return ns / 2 + (l->rng * 0x2545f4914f6cdd1dULL >> 11) % (ns / 2 + 1);
}

/* The delay before the next try. While nothing answers, a try is cheap, and noticing a collector's
 * return early matters. */
static uint64_t
back_off(struct link *l, bool absent)
{
	uint64_t max = absent ? MAX(l->cfg.absent_ns, l->spread_ns) : l->cfg.retry_max_ns;
	uint64_t wait = MIN(l->backoff, MIN(max, l->cfg.retry_max_ns));

	l->backoff = MIN(wait * 2, l->cfg.retry_max_ns);
	return wait;
}

/* The connection ended, on either side. */
static void
hang_up(struct link *l, uint64_t now, uint64_t wait, bool absent)
{
	l->ops->close(l->arg);
	if (l->state == LINK_UP && now - l->since >= STEADY_NS)
		l->backoff = l->cfg.retry_min_ns;
	memset(l->slot, 0, sizeof(l->slot));
	l->outstanding = 0;
	l->credit = 0;
	l->retry_at = now + jitter(l, wait != 0 ? wait : back_off(l, absent));
	link_set_state(l, l->stop_at != 0 ? LINK_STOPPED : LINK_DOWN, now);
}

void
link_hang_up(struct link *l, uint64_t now, uint64_t wait)
{
	hang_up(l, now, wait, false);
}

void
link_closed(struct link *l, uint64_t now, const char *why, bool absent)
{
	if (l->state == LINK_DOWN || l->state == LINK_STOPPED)
		return;
	if (why != NULL && l->state != LINK_BYE)
		link_note(l, LOG_WARN, why);
	hang_up(l, now, 0, absent);
}

void
link_renew(struct link *l, uint64_t now)
{
	if (l->state == LINK_BYE)
		return;
	link_closed(l, now, NULL, false);
	if (l->state == LINK_DOWN)
		l->retry_at = now + jitter(l, l->cfg.retry_min_ns);
}

void
link_fail(struct link *l, uint64_t now, const char *why)
{
	link_note(l, LOG_ERROR, why);
	link_hang_up(l, now, 0);
}

/* ---- sending ---- */

static int
put(struct link *l, uint64_t now, int kind, uint64_t seq, const void *msg, size_t n)
{
	unsigned i = 0;
	int r;

	while (l->slot[i].kind != SLOT_FREE)
		i++;
	r = l->ops->send(l->arg, i, msg, n);
	if (r < 0)
		return r;
	l->slot[i] = (struct link_slot){ kind, seq, now };
	l->outstanding++;
	l->last_sent = now;
	return 0;
}

int
link_put_out(struct link *l, uint64_t now, int kind, int r)
{
	if (r == 0)
		r = buf_ok(&l->out);
	if (r == 0)
		r = put(l, now, kind, 0, l->out.p, l->out.n);
	return r;
}

static bool
slot_busy(const struct link *l, int kind)
{
	for (unsigned i = 0; i < l->window; i++) {
		if ((int) l->slot[i].kind == kind)
			return true;
	}
	return false;
}

/* Is there something to send, but no credit for it? */
static bool
is_held(const struct link *l)
{
	return l->send_next > l->received + l->credit;
}

static int
send_poll(struct link *l, uint64_t now, uint64_t skip_to)
{
	l->held_polls = is_held(l) ? MIN(l->held_polls + 1, POLL_HELD_MAX) : 0;
	l->last_poll = now;
	buf_clear(&l->out);
	return link_put_out(l, now, SLOT_POLL, l->ops->poll(l->arg, skip_to, &l->out));
}

/* If the next batch is gone, wait for the answers to earlier ones, then tell the collector to skip
 * it. True: continue. */
static bool
pass_gap(struct link *l, uint64_t now, int *r)
{
	uint64_t seq = spool_seek(l->spool, l->send_next);

	if (seq == l->send_next && l->skip_to == 0)
		return true;
	if (slot_busy(l, SLOT_BATCH) || slot_busy(l, SLOT_POLL))
		return false;
	if (l->skip_to < seq) {
		l->skip_to = seq;
		*r = send_poll(l, now, seq);
		return false;
	}
	l->send_next = seq;
	l->received = MAX(l->received, seq - 1);
	l->skip_to = 0;
	return true;
}

/* Is this batch still unanswered? It was sent before one that had to be resent. */
static bool
is_out(const struct link *l, uint64_t seq)
{
	for (unsigned i = 0; i < l->window; i++) {
		if (l->slot[i].kind == SLOT_BATCH && l->slot[i].seq == seq)
			return true;
	}
	return false;
}

static int
send_batches(struct link *l, uint64_t now)
{
	int r = 0;

	if (l->send_next <= l->received) {
		l->send_next = l->received + 1;
		l->skip_to = 0;
	}
	while (r == 0 && l->outstanding < l->window && l->send_next < spool_next(l->spool) &&
	       l->send_next <= l->received + l->credit && pass_gap(l, now, &r)) {
		struct spool_entry *e = spool_get(l->spool, l->send_next);
		const char *msg;

		if (is_out(l, l->send_next)) {
			l->send_next++;
			continue;
		}
		if (e == NULL)
			break;
		msg = spool_msg(l->spool, e);
		if (msg == NULL)
			continue; /* a gap now */
		r = put(l, now, SLOT_BATCH, l->send_next, msg, e->n);
		if (r == 0) {
			l->send_next++;
			l->stats.batches++;
			l->stats.bytes += e->n;
		}
	}
	return r;
}

bool
link_can_send(const struct link *l)
{
	return l->state == LINK_UP && l->outstanding < l->window &&
	       l->send_next == spool_next(l->spool) && l->send_next <= l->received + l->credit;
}

static uint64_t
poll_interval(const struct link *l)
{
	if (is_held(l))
		return POLL_HELD_NS << l->held_polls;
	return l->spool->n > 0 ? MAX(POLL_PENDING_NS, l->idle_ns / 4)
			       : MAX(POLL_IDLE_NS, l->idle_ns);
}

static uint64_t
poll_at(const struct link *l)
{
	return MIN(l->last_sent + poll_interval(l),
	    MAX(l->last_poll, l->since) + MAX(POLL_BUSY_NS, l->idle_ns));
}

/* ---- time ---- */

static void
tick_down(struct link *l, uint64_t now)
{
	if (l->stop_at != 0) {
		link_set_state(l, LINK_STOPPED, now);
		return;
	}
	if (now < l->retry_at)
		return;
	link_set_state(l, LINK_DIALING, now);
	if (l->ops->open(l->arg) < 0)
		link_fail(l, now, "cannot make a connection: out of memory or descriptors");
}

/* When the oldest outstanding request times out. */
static uint64_t
overdue_at(const struct link *l)
{
	uint64_t at = UINT64_MAX;

	for (unsigned i = 0; i < LINK_SLOTS; i++) {
		if (l->slot[i].kind != SLOT_FREE)
			at = MIN(at, l->slot[i].sent + l->cfg.timeout_ns);
	}
	return at;
}

static int
tick_up(struct link *l, uint64_t now)
{
	int r = 0;

	if (now >= l->hold_until)
		l->hold_until = 0;
	if (l->hold_until == 0)
		r = send_batches(l, now);
	if (r == 0 && l->stop_at != 0 && (now >= l->stop_at || l->spool->n == 0) &&
	    l->outstanding < l->window) {
		buf_clear(&l->out);
		link_set_state(l, LINK_BYE, now);
		return link_put_out(l, now, SLOT_TALK, l->ops->bye(l->arg, &l->out));
	}
	if (r == 0 && now >= poll_at(l) && l->outstanding < l->window && !slot_busy(l, SLOT_POLL))
		r = send_poll(l, now, 0);
	return r;
}

static uint64_t
next_tick(const struct link *l)
{
	uint64_t at = overdue_at(l);

	switch (l->state) {
	case LINK_DOWN:
		return l->retry_at;
	case LINK_DIALING:
		return l->since + 2 * l->cfg.timeout_ns;
	case LINK_UP:
		if (l->stop_at != 0)
			at = MIN(at, l->stop_at);
		if (l->hold_until != 0)
			at = MIN(at, l->hold_until);
		if (l->outstanding < l->window && !slot_busy(l, SLOT_POLL))
			at = MIN(at, poll_at(l));
		return at;
	case LINK_BYE:
		return MIN(at, l->since + BYE_NS);
	case LINK_STOPPED:
		return UINT64_MAX;
	default:
		return at;
	}
}

uint64_t
link_tick(struct link *l, uint64_t now)
{
	if (now >= overdue_at(l)) {
		l->stats.timeouts++;
		link_fail(l, now, "the collector did not answer in time");
	}
	if (l->state == LINK_DIALING && now >= l->since + 2 * l->cfg.timeout_ns)
		link_fail(l, now, "the collector cannot be reached: connecting took too long");
	if (l->state == LINK_BYE && now >= l->since + BYE_NS)
		link_hang_up(l, now, 0);
	if (l->stop_at != 0 && l->state > LINK_DOWN && l->state < LINK_UP && now >= l->stop_at)
		link_hang_up(l, now, 0);
	if (l->state == LINK_DOWN)
		tick_down(l, now);
	if (l->state == LINK_UP && l->stop_at != 0 && now >= l->stop_at &&
	    l->outstanding >= l->window)
		link_hang_up(l, now, 0); /* no free slot for Bye */
	if (l->state == LINK_UP && tick_up(l, now) < 0)
		link_fail(l, now, "cannot send to the collector: out of memory");
	return next_tick(l);
}

void
link_stop(struct link *l, uint64_t deadline)
{
	l->stop_at = deadline == 0 ? 1 : deadline;
}

void
link_end(struct link *l, uint64_t now)
{
	l->stop_at = 1;
	if (l->state != LINK_DOWN && l->state != LINK_STOPPED)
		hang_up(l, now, 0, false);
	link_set_state(l, LINK_STOPPED, now);
}
