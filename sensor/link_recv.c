/* SPDX-License-Identifier: Apache-2.0 */
/* link_recv.c - how a link handles the collector's answers. */
#include "common/clock.h"
#include "sensor/link_int.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_NS     (100 * NS_PER_MS) /* delay after a busy reject of a batch */
#define IDLE_MAX_NS (10 * NS_PER_S)   /* between polls, whatever the collector asks for */

/* ---- receiving ---- */

static void
on_welcome(struct link *l, uint64_t now, const Wire__Welcome *w)
{
	uint64_t last = spool_next(l->spool);
	uint64_t next = w->next_seq == 0 ? 1 : w->next_seq;
	char text[256];

	l->window = w->window == 0 ? l->cfg.window : MIN(l->cfg.window, w->window);
	l->message_max = w->message_max;
	l->credit = w->credit;
	l->held_polls = 0;
	l->send_next = MIN(next, last);
	l->received = l->send_next - 1;
	l->skip_to = 0;
	l->hold_until = 0;
	l->idle_ns = 0;
	l->stats.connects++;
	(void) snprintf(text, sizeof(text), "connected to %s, batches from %llu",
	    w->collector != NULL && w->collector[0] != '\0' ? w->collector : "the collector",
	    (unsigned long long) l->send_next);
	l->ops->note(l->arg, LOG_INFO, text);
	l->said[0] = '\0';
	link_set_state(l, LINK_UP, now);
}

static void
on_ack(struct link *l, const Wire__Ack *a)
{
	l->credit = a->credit;
	l->spread_ns = a->spread_ms * NS_PER_MS;
	l->idle_ns = MIN(a->idle_ms * NS_PER_MS, IDLE_MAX_NS);
	if (a->credit > 0)
		l->held_polls = 0;
	l->received = MAX(l->received, MIN(a->received_seq, spool_next(l->spool) - 1));
	spool_keep(l->spool, a->state_seq < a->durable_seq ? a->state_seq : UINT64_MAX);
	if (a->durable_seq > l->durable) {
		l->durable = MIN(a->durable_seq, spool_next(l->spool) - 1);
		spool_durable(l->spool, l->durable);
	}
}

static void
on_interest(struct link *l, const Wire__Interest *in)
{
	if (in->version == l->interest)
		return;
	l->ops->interest(l->arg, in);
	l->interest = in->version;
}

static void
on_snapshot_wanted(struct link *l, uint64_t id)
{
	if (id == 0 || id == l->snap_id)
		return;
	l->snap_id = id;
	l->ops->snapshot(l->arg, id);
}

/* Retry a refused batch once; discard it the second time. */
static void
refused_batch(struct link *l, uint64_t seq)
{
	struct spool_entry *e = spool_get(l->spool, seq);

	if (e == NULL)
		return;
	if (++e->refused >= 2)
		spool_discard(l->spool, seq);
	l->send_next = MIN(l->send_next, seq);
}

static const char *
reject_text(Wire__Reject__Code code)
{
	switch (code) {
	case WIRE__REJECT__CODE__IDENTITY:
		return "it does not accept this node's certificate or name";
	case WIRE__REJECT__CODE__PROTOCOL:
		return "it speaks another version of the protocol";
	case WIRE__REJECT__CODE__CLUSTER:
		return "it is not of this cluster";
	case WIRE__REJECT__CODE__DUPLICATE:
		return "another sensor with this node's name has connected";
	case WIRE__REJECT__CODE__BUSY:
		return "it is busy";
	case WIRE__REJECT__CODE__NOT_WELCOME:
		return "it wants a new Hello";
	case WIRE__REJECT__CODE__TOO_LARGE:
		return "a message was too large";
	default:
		return "it cannot read a message";
	}
}

/* Busy: resend this batch a little later. */
static bool
busy(struct link *l, uint64_t now, const struct link_slot *of)
{
	if (of->kind != SLOT_BATCH)
		return false;
	l->send_next = MIN(l->send_next, of->seq);
	l->hold_until = now + BUSY_NS;
	return true;
}

/* True: the connection stays up. */
static bool
on_reject(struct link *l, uint64_t now, const struct link_slot *of, const Wire__Reject *j)
{
	char text[512];
	uint64_t wait = 0;

	l->stats.rejects++;
	if (j->code == WIRE__REJECT__CODE__BUSY && busy(l, now, of))
		return true;
	if (of->kind == SLOT_BATCH && (j->code == WIRE__REJECT__CODE__MALFORMED ||
					  j->code == WIRE__REJECT__CODE__TOO_LARGE)) {
		(void) snprintf(text, sizeof(text), "the collector refused batch %llu: %s",
		    (unsigned long long) of->seq,
		    j->text != NULL && j->text[0] != '\0' ? j->text : reject_text(j->code));
		link_note(l, LOG_WARN, text);
		refused_batch(l, of->seq);
		return true;
	}
	if (j->code == WIRE__REJECT__CODE__IDENTITY || j->code == WIRE__REJECT__CODE__PROTOCOL ||
	    j->code == WIRE__REJECT__CODE__CLUSTER || j->code == WIRE__REJECT__CODE__DUPLICATE)
		wait = l->cfg.slow_ns;
	/* A refused protocol is this program's: an upgraded collector takes the stream. */
	if (j->code == WIRE__REJECT__CODE__PROTOCOL && (j->stream || l->state == LINK_PROOF))
		l->unfit = true;
	(void) snprintf(text, sizeof(text), "the collector refused this node: %s%s",
	    j->text != NULL && j->text[0] != '\0' ? j->text : reject_text(j->code),
	    wait != 0 ? " (trying again, slowly)" : "");
	link_note(l, wait != 0 ? LOG_ERROR : LOG_WARN, text);
	link_hang_up(l, now, wait);
	return false;
}

static void
answer_challenge(struct link *l, uint64_t now, const Wire__Challenge *c)
{
	int r;

	buf_clear(&l->out);
	r = l->ops->proof(l->arg, c, &l->out);
	if (r == -ENOKEY) {
		link_note(l, LOG_ERROR,
		    "the collector asks for a certificate and there is none: set tls.certificate "
		    "and "
		    "tls.key");
		link_hang_up(l, now, l->cfg.slow_ns);
		return;
	}
	link_set_state(l, LINK_PROOF, now);
	if (link_put_out(l, now, SLOT_TALK, r) < 0)
		link_fail(l, now, "cannot send the proof of identity");
}

/* Handle a decoded reply. */
static void
take(struct link *l, uint64_t now, const struct link_slot *of, const Wire__Reply *p)
{
	if (p->reject != NULL && !on_reject(l, now, of, p->reject))
		return;
	if (l->state == LINK_BYE) {
		link_hang_up(l, now, 0);
		return;
	}
	if (l->state == LINK_HELLO && p->challenge != NULL) {
		answer_challenge(l, now, p->challenge);
		return;
	}
	if (l->state != LINK_UP) {
		if (p->welcome == NULL) {
			link_fail(l, now, "the collector answered Hello with something else");
			return;
		}
		on_welcome(l, now, p->welcome);
	}
	if (p->ack != NULL)
		on_ack(l, p->ack);
	if (p->interest != NULL)
		on_interest(l, p->interest);
	on_snapshot_wanted(l, p->snapshot_wanted);
}

void
link_reply(struct link *l, uint64_t now, unsigned slot, const void *msg, size_t n)
{
	struct link_slot of = l->slot[slot];
	Wire__Reply *p;

	if (of.kind == SLOT_FREE)
		return;
	l->slot[slot].kind = SLOT_FREE;
	l->outstanding--;
	p = wire__reply__unpack(NULL, n, msg);
	if (p == NULL) {
		link_fail(l, now, "the collector's answer cannot be read");
		return;
	}
	take(l, now, &of, p);
	wire__reply__free_unpacked(p, NULL);
}

void
link_opened(struct link *l, uint64_t now)
{
	if (l->state != LINK_DIALING)
		return;
	l->window = l->cfg.window;
	buf_clear(&l->out);
	link_set_state(l, LINK_HELLO, now);
	if (link_put_out(l, now, SLOT_TALK, l->ops->hello(l->arg, &l->out)) < 0)
		link_fail(l, now, "cannot send Hello");
}
