/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/test_link_peer.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
say(struct peer *p, const char *what)
{
	size_t n = strlen(p->log);

	(void) snprintf(p->log + n, sizeof(p->log) - n, "%s%s", n == 0 ? "" : " ", what);
}

static int
on_open(void *arg)
{
	struct peer *p = arg;

	say(p, "open");
	return p->open_fails;
}

static void
on_close(void *arg)
{
	struct peer *p = arg;

	say(p, "close");
	memset(p->out, 0, sizeof(p->out));
}

static int
on_send(void *arg, unsigned slot, const void *msg, size_t n)
{
	Wire__Request *rq = wire__request__unpack(NULL, n, msg);
	struct peer *p = arg;
	char *w = p->out[slot].what;

	assert_non_null(rq);
	assert_false(p->out[slot].busy);
	p->out[slot].busy = true;
	switch (rq->body_case) {
	case WIRE__REQUEST__BODY_HELLO:
		(void) snprintf(w, 32, "hello");
		break;
	case WIRE__REQUEST__BODY_PROOF:
		(void) snprintf(w, 32, "proof");
		break;
	case WIRE__REQUEST__BODY_BATCH:
		(void) snprintf(w, 32, "b%d", (int) rq->batch->seq);
		break;
	case WIRE__REQUEST__BODY_POLL:
		if (rq->poll->skip_to != 0)
			(void) snprintf(w, 32, "skip%d", (int) rq->poll->skip_to);
		else
			(void) snprintf(w, 32, "poll");
		break;
	default:
		(void) snprintf(w, 32, "bye");
		break;
	}
	say(p, w);
	wire__request__free_unpacked(rq, NULL);
	return 0;
}

int
peer_pack(struct buf *out, Wire__Request__BodyCase kind, void *body)
{
	Wire__Request rq = WIRE__REQUEST__INIT;

	rq.body_case = kind;
	rq.hello = body; /* a union of pointers */
	return message_pack(&rq, out);
}

static int
on_hello(void *arg, struct buf *out)
{
	Wire__Hello h = WIRE__HELLO__INIT;

	(void) arg;
	return peer_pack(out, WIRE__REQUEST__BODY_HELLO, &h);
}

static int
on_proof(void *arg, const Wire__Challenge *c, struct buf *out)
{
	Wire__Proof b = WIRE__PROOF__INIT;

	(void) arg;
	return c->nonce.len == 0 ? -ENOKEY : peer_pack(out, WIRE__REQUEST__BODY_PROOF, &b);
}

static int
on_poll(void *arg, uint64_t skip_to, struct buf *out)
{
	Wire__Poll b = WIRE__POLL__INIT;

	(void) arg;
	b.skip_to = skip_to;
	return peer_pack(out, WIRE__REQUEST__BODY_POLL, &b);
}

static int
on_bye(void *arg, struct buf *out)
{
	Wire__Bye b = WIRE__BYE__INIT;

	(void) arg;
	return peer_pack(out, WIRE__REQUEST__BODY_BYE, &b);
}

static void
on_interest(void *arg, const Wire__Interest *in)
{
	((struct peer *) arg)->interest = in->version * 100 + in->n_events;
}

static void
on_snapshot(void *arg, uint64_t id)
{
	((struct peer *) arg)->snapshot = id;
}

static void
on_note(void *arg, enum log_level level, const char *text)
{
	struct peer *p = arg;

	if (level == LOG_INFO) /* connected */
		return;
	say(p, "note");
	(void) snprintf(p->note, sizeof(p->note), "%s", text);
}

static const struct link_ops ops = { on_open, on_close, on_send, on_hello, on_proof, on_poll,
	on_bye, on_interest, on_snapshot, on_note };

void
peer_begin(struct peer *p)
{
	const struct link_cfg cfg = { .window = 3,
		.timeout_ns = 5000 * MS,
		.retry_min_ns = 100 * MS,
		.retry_max_ns = 1000 * MS,
		.absent_ns = 300 * MS,
		.slow_ns = 60000 * MS,
		.seed = 7 };

	memset(p, 0, sizeof(*p));
	p->now = 1000 * MS;
	spool_init(&p->spool, 1 << 20);
	link_init(&p->link, &ops, p, &p->spool, &cfg);
}

void
peer_end(struct peer *p)
{
	link_fini(&p->link);
	spool_fini(&p->spool);
}

/* Compare with the actions since the last call. */
void
peer_expect(struct peer *p, const char *want)
{
	assert_string_equal(want, p->log);
	p->log[0] = '\0';
}

void
peer_tick(struct peer *p, uint64_t ms)
{
	p->now += ms * MS;
	(void) link_tick(&p->link, p->now);
}

void
peer_add(struct peer *p, int n)
{
	while (n-- > 0) {
		Wire__Batch b = WIRE__BATCH__INIT;
		struct buf m = BUF_INIT;

		b.seq = spool_next(&p->spool);
		assert_int_equal(0, peer_pack(&m, WIRE__REQUEST__BODY_BATCH, &b));
		assert_int_equal(0, spool_add(&p->spool, m.p, (uint32_t) m.n, 10));
	}
}

/* Let the peer answer the request of that name. */
void
peer_reply(struct peer *p, const char *what, const Wire__Reply *r)
{
	uint8_t buf[1024];
	size_t n = wire__reply__pack(r, buf);

	for (unsigned i = 0; i < LINK_SLOTS; i++) {
		if (p->out[i].busy && strcmp(p->out[i].what, what) == 0) {
			p->out[i].busy = false;
			link_reply(&p->link, p->now, i, buf, n);
			return;
		}
	}
	fail_msg("no '%s' is out", what);
}

void
peer_ack(struct peer *p, const char *what, uint64_t received, uint64_t durable, uint32_t credit)
{
	Wire__Reply r = WIRE__REPLY__INIT;
	Wire__Ack a = WIRE__ACK__INIT;

	a.received_seq = received;
	a.durable_seq = durable;
	a.credit = credit;
	r.ack = &a;
	peer_reply(p, what, &r);
}

void
peer_reject(struct peer *p, const char *what, Wire__Reject__Code code, bool stream)
{
	Wire__Reply r = WIRE__REPLY__INIT;
	Wire__Reject j = WIRE__REJECT__INIT;

	j.code = code;
	j.stream = stream;
	r.reject = &j;
	peer_reply(p, what, &r);
}

void
peer_welcome(struct peer *p, const char *what, uint64_t next, uint32_t credit)
{
	Wire__Reply r = WIRE__REPLY__INIT;
	Wire__Welcome w = WIRE__WELCOME__INIT;

	w.next_seq = next;
	w.window = 4;
	w.credit = credit;
	r.welcome = &w;
	peer_reply(p, what, &r);
}

/* Go to UP, over a trusted transport. */
void
peer_up(struct peer *p, uint64_t next, uint32_t credit)
{
	peer_tick(p, 100000);
	link_opened(&p->link, p->now);
	peer_welcome(p, "hello", next, credit);
	peer_expect(p, "open hello");
	assert_int_equal(LINK_UP, p->link.state);
}

void
peer_start(struct peer *p, int n, uint32_t credit)
{
	peer_begin(p);
	peer_add(p, n);
	peer_up(p, 1, credit);
}

void
peer_after(struct peer *p, uint64_t ms, const char *want)
{
	peer_tick(p, ms);
	peer_expect(p, want);
}
