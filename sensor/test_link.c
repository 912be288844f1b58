/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link against a stub peer in memory, with a clock of our own: what it sends is unpacked and
 * written down in one line, the peer's answers are given by the test.
 */
#include "common/clock.h"
#include "sensor/link.h"
#include "sensor/message.h"
#include "tests/support/test.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS NS_PER_MS

struct peer {
	struct link link;
	struct spool spool;
	uint64_t now;
	char log[4096]; /* "open hello batch1 poll close ..." */
	char note[512];
	int open_fails;
	uint64_t interest, snapshot;
	struct {
		bool busy;
		char what[32];
	} out[LINK_SLOTS];
};

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
	case WIRE__REQUEST__BODY_SNAPSHOT:
		(void) snprintf(w, 32, "s%d.%d", (int) rq->snapshot->id, (int) rq->snapshot->part);
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

static int
pack(struct buf *out, Wire__Request__BodyCase kind, void *body)
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
	return pack(out, WIRE__REQUEST__BODY_HELLO, &h);
}

static int
on_proof(void *arg, const Wire__Challenge *c, struct buf *out)
{
	Wire__Proof b = WIRE__PROOF__INIT;

	(void) arg;
	return c->nonce.len == 0 ? -ENOKEY : pack(out, WIRE__REQUEST__BODY_PROOF, &b);
}

static int
on_poll(void *arg, uint64_t skip_to, struct buf *out)
{
	Wire__Poll b = WIRE__POLL__INIT;

	(void) arg;
	b.skip_to = skip_to;
	return pack(out, WIRE__REQUEST__BODY_POLL, &b);
}

static int
on_bye(void *arg, struct buf *out)
{
	Wire__Bye b = WIRE__BYE__INIT;

	(void) arg;
	return pack(out, WIRE__REQUEST__BODY_BYE, &b);
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

static void
begin(struct peer *p)
{
	const struct link_cfg cfg = { .window = 3,
		.timeout_ns = 5000 * MS,
		.retry_min_ns = 100 * MS,
		.retry_max_ns = 1000 * MS,
		.slow_ns = 60000 * MS,
		.seed = 7 };

	memset(p, 0, sizeof(*p));
	p->now = 1000 * MS;
	spool_init(&p->spool, 1 << 20);
	link_init(&p->link, &ops, p, &p->spool, &cfg);
}

static void
end(struct peer *p)
{
	link_fini(&p->link);
	spool_fini(&p->spool);
}

/* What was said since the last time. */
static void
expect(struct peer *p, const char *want)
{
	assert_string_equal(want, p->log);
	p->log[0] = '\0';
}

static void
tick(struct peer *p, uint64_t ms)
{
	p->now += ms * MS;
	(void) link_tick(&p->link, p->now);
}

static void
add(struct peer *p, int n)
{
	while (n-- > 0) {
		Wire__Batch b = WIRE__BATCH__INIT;
		struct buf m = BUF_INIT;

		b.seq = spool_next(&p->spool);
		assert_int_equal(0, pack(&m, WIRE__REQUEST__BODY_BATCH, &b));
		assert_int_equal(0, spool_add(&p->spool, m.p, (uint32_t) m.n, 10));
	}
}

/* The peer answers the request of that name. */
static void
reply(struct peer *p, const char *what, const Wire__Reply *r)
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

static void
ack(struct peer *p, const char *what, uint64_t received, uint64_t durable, uint32_t credit)
{
	Wire__Reply r = WIRE__REPLY__INIT;
	Wire__Ack a = WIRE__ACK__INIT;

	a.received_seq = received;
	a.durable_seq = durable;
	a.credit = credit;
	r.ack = &a;
	reply(p, what, &r);
}

static void
reject(struct peer *p, const char *what, Wire__Reject__Code code)
{
	Wire__Reply r = WIRE__REPLY__INIT;
	Wire__Reject j = WIRE__REJECT__INIT;

	j.code = code;
	r.reject = &j;
	reply(p, what, &r);
}

static void
welcome(struct peer *p, const char *what, uint64_t next, uint32_t credit)
{
	Wire__Reply r = WIRE__REPLY__INIT;
	Wire__Welcome w = WIRE__WELCOME__INIT;

	w.next_seq = next;
	w.window = 4;
	w.credit = credit;
	r.welcome = &w;
	reply(p, what, &r);
}

/* As far as UP, by a transport that is trusted. */
static void
up(struct peer *p, uint64_t next, uint32_t credit)
{
	tick(p, 100000);
	link_opened(&p->link, p->now);
	welcome(p, "hello", next, credit);
	expect(p, "open hello");
	assert_int_equal(LINK_UP, p->link.state);
}

static void
test_handshake(void **state)
{
	Wire__Reply r = WIRE__REPLY__INIT;
	Wire__Challenge c = WIRE__CHALLENGE__INIT;
	uint8_t nonce[4] = { 1, 2, 3, 4 };
	struct peer p;

	(void) state;
	begin(&p);
	add(&p, 5);
	tick(&p, 0);
	expect(&p, "open");
	tick(&p, 1000); /* connecting: nothing to do */
	link_opened(&p.link, p.now);
	expect(&p, "hello");
	c.nonce.data = nonce;
	c.nonce.len = sizeof(nonce);
	r.challenge = &c;
	reply(&p, "hello", &r);
	expect(&p, "proof");
	tick(&p, 100); /* no batch before Welcome */
	expect(&p, "");
	welcome(&p, "proof", 1, 8);
	tick(&p, 0);
	expect(&p, "b1 b2 b3"); /* as many as the window */
	end(&p);
}

static void
test_credit_and_polls(void **state)
{
	struct peer p;

	(void) state;
	begin(&p);
	add(&p, 4);
	up(&p, 1, 2);
	tick(&p, 0);
	expect(&p, "b1 b2"); /* credit, not window */
	ack(&p, "b1", 1, 0, 1);
	ack(&p, "b2", 2, 0, 0);
	tick(&p, 49);
	expect(&p, "");
	tick(&p, 1);
	expect(&p, "poll"); /* every 50 ms without credit */
	ack(&p, "poll", 2, 0, 2);
	tick(&p, 0);
	expect(&p, "b3 b4");
	ack(&p, "b3", 4, 2, 5);
	ack(&p, "b4", 4, 2, 5);
	assert_int_equal(3, p.spool.first);
	tick(&p, 249);
	expect(&p, "");
	tick(&p, 1);
	expect(&p, "poll"); /* every 250 ms while not durable */
	ack(&p, "poll", 4, 4, 5);
	assert_int_equal(0, p.spool.n);
	tick(&p, 999);
	expect(&p, "");
	tick(&p, 1);
	expect(&p, "poll"); /* every second when idle */
	end(&p);
}

static void
test_resend(void **state)
{
	struct peer p;

	(void) state;
	begin(&p);
	add(&p, 4);
	up(&p, 1, 8);
	tick(&p, 0);
	expect(&p, "b1 b2 b3");
	ack(&p, "b1", 1, 1, 8);
	link_closed(&p.link, p.now, "gone");
	expect(&p, "note close");
	assert_string_equal("gone", p.note);
	tick(&p, 49); /* back-off: at least half of it */
	expect(&p, "");
	tick(&p, 51);
	link_opened(&p.link, p.now);
	welcome(&p, "hello", 2, 8); /* it has 1 */
	tick(&p, 0);
	expect(&p, "open hello b2 b3 b4");
	ack(&p, "b2", 2, 2, 8);
	ack(&p, "b3", 3, 3, 8);
	ack(&p, "b4", 4, 4, 8);
	assert_int_equal(0, p.spool.n);
	assert_int_equal(2, p.link.stats.connects);
	end(&p);
}

static void
test_timeout(void **state)
{
	struct peer p;

	(void) state;
	begin(&p);
	add(&p, 1);
	up(&p, 1, 8);
	tick(&p, 0);
	expect(&p, "b1");
	tick(&p, 4000);
	expect(&p, "poll");
	tick(&p, 1000);
	expect(&p, "note close");
	assert_int_equal(1, p.link.stats.timeouts);
	assert_int_equal(LINK_DOWN, p.link.state);
	end(&p);
}

/* Each try waits longer, up to the bound; the same cause is said once. */
static void
test_backoff(void **state)
{
	static const uint64_t bound[] = { 100, 200, 400, 800, 1000, 1000 };
	struct peer p;

	(void) state;
	begin(&p);
	for (size_t i = 0; i < ARRAY_SIZE(bound); i++) {
		tick(&p, i == 0 ? 0 : bound[i - 1]);
		link_closed(&p.link, p.now, "refused");
		expect(&p, i == 0 ? "open note close" : "open close");
		assert_in_range(p.link.retry_at - p.now, bound[i] * MS / 2, bound[i] * MS);
	}
	p.open_fails = -ENOMEM;
	tick(&p, 1000);
	expect(&p, "open note close");
	end(&p);
}

static const struct {
	Wire__Reject__Code code;
	bool slow;
	const char *says;
} rejects[] = {
	{ WIRE__REJECT__CODE__IDENTITY, true, "certificate" },
	{ WIRE__REJECT__CODE__PROTOCOL, true, "protocol" },
	{ WIRE__REJECT__CODE__CLUSTER, true, "cluster" },
	{ WIRE__REJECT__CODE__DUPLICATE, true, "another sensor" },
	{ WIRE__REJECT__CODE__BUSY, false, "busy" },
	{ WIRE__REJECT__CODE__NOT_WELCOME, false, "Hello" },
	{ WIRE__REJECT__CODE__MALFORMED, false, "read" },
};

static void
test_rejects(void **state)
{
	struct peer p;

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(rejects); i++) {
		begin(&p);
		tick(&p, 0);
		link_opened(&p.link, p.now);
		reject(&p, "hello", rejects[i].code);
		expect(&p, "open hello note close");
		assert_non_null(strstr(p.note, rejects[i].says));
		assert_int_equal(rejects[i].slow, p.link.retry_at - p.now > 1000 * MS);
		end(&p);
	}
}

/* Refused once: sent again. Twice: a hole, which is announced before what comes after it. */
static void
test_quarantine(void **state)
{
	struct peer p;

	(void) state;
	begin(&p);
	add(&p, 3);
	up(&p, 1, 8);
	tick(&p, 0);
	expect(&p, "b1 b2 b3");
	ack(&p, "b1", 1, 0, 8);
	reject(&p, "b2", WIRE__REJECT__CODE__MALFORMED);
	tick(&p, 0);
	expect(&p, "note b2"); /* b3 is still out */
	reject(&p, "b2", WIRE__REJECT__CODE__MALFORMED);
	assert_int_equal(10, p.spool.events_quarantined);
	tick(&p, 0);
	expect(&p, "");
	ack(&p, "b3", 1, 1, 8); /* it waits for b2 */
	tick(&p, 0);
	expect(&p, "skip3");
	ack(&p, "skip3", 3, 3, 8);
	tick(&p, 0);
	expect(&p, ""); /* all durable */
	assert_int_equal(0, p.spool.n);
	end(&p);
}

/* The spool was full while nobody listened: the gap is told once, then it goes on. */
static void
test_gap(void **state)
{
	struct peer p;

	(void) state;
	begin(&p);
	p.spool.max_bytes = 30;
	add(&p, 20);
	assert_int_equal(14, p.spool.first);
	up(&p, 1, 100);
	tick(&p, 0);
	expect(&p, "skip14");
	tick(&p, 0);
	expect(&p, "");
	ack(&p, "skip14", 13, 0, 100);
	tick(&p, 0);
	expect(&p, "b14 b15 b16");
	end(&p);
}

static struct link_parts
make_parts(int id, uint32_t n)
{
	struct link_parts ps = { calloc(n, sizeof(struct buf)), n };

	for (uint32_t i = 0; i < n; i++) {
		Wire__Snapshot s = WIRE__SNAPSHOT__INIT;

		s.id = (uint64_t) id;
		s.part = i;
		s.last = i + 1 == n;
		assert_int_equal(0, pack(&ps.v[i], WIRE__REQUEST__BODY_SNAPSHOT, &s));
	}
	return ps;
}

/* All of the snapshot is taken before the first batch; a part that had no room comes again. */
static void
test_snapshot(void **state)
{
	Wire__Reply r = WIRE__REPLY__INIT;
	Wire__Welcome w = WIRE__WELCOME__INIT;
	struct peer p;

	(void) state;
	begin(&p);
	add(&p, 1);
	tick(&p, 0);
	link_opened(&p.link, p.now);
	w.next_seq = 1;
	w.credit = 8;
	r.welcome = &w;
	r.snapshot_wanted = 9;
	reply(&p, "hello", &r);
	assert_int_equal(9, p.snapshot);
	tick(&p, 0);
	expect(&p, "open hello");                    /* it is being made: batches wait */
	link_snapshot(&p.link, 8, make_parts(8, 1)); /* an older one */
	tick(&p, 0);
	expect(&p, "");
	link_snapshot(&p.link, 9, make_parts(9, 4));
	tick(&p, 0);
	expect(&p, "s9.0 s9.1 s9.2");
	ack(&p, "s9.0", 0, 0, 8);
	reject(&p, "s9.1", WIRE__REJECT__CODE__BUSY);
	ack(&p, "s9.2", 0, 0, 8);
	tick(&p, 99);
	expect(&p, "");
	tick(&p, 1);
	expect(&p, "s9.1 s9.3");
	ack(&p, "s9.3", 0, 0, 8);
	tick(&p, 0);
	expect(&p, "");
	ack(&p, "s9.1", 0, 0, 8);
	tick(&p, 0);
	expect(&p, "b1");
	p.snapshot = 0;
	r = (Wire__Reply) WIRE__REPLY__INIT;
	r.snapshot_wanted = 9; /* a reply from before the last part was seen */
	reply(&p, "b1", &r);
	assert_int_equal(0, p.snapshot);
	end(&p);
}

static void
test_interest(void **state)
{
	Wire__Reply r = WIRE__REPLY__INIT;
	Wire__Interest in = WIRE__INTEREST__INIT;
	uint32_t events[] = { 3, 5 };
	struct peer p;

	(void) state;
	begin(&p);
	up(&p, 1, 8);
	tick(&p, 1000);
	in.version = 4;
	in.events = events;
	in.n_events = 2;
	r.interest = &in;
	reply(&p, "poll", &r);
	assert_int_equal(402, p.interest);
	p.interest = 0;
	tick(&p, 1000);
	reply(&p, "poll", &r); /* the same version: nothing */
	assert_int_equal(0, p.interest);
	end(&p);
}

static void
test_stop(void **state)
{
	struct peer p;

	(void) state;
	begin(&p);
	add(&p, 1);
	up(&p, 1, 8);
	link_stop(&p.link, p.now + 3000 * MS);
	tick(&p, 0);
	expect(&p, "b1");
	ack(&p, "b1", 1, 0, 8);
	tick(&p, 1);
	expect(&p, ""); /* not durable yet */
	tick(&p, 250);
	ack(&p, "poll", 1, 1, 8);
	tick(&p, 0);
	expect(&p, "poll bye");
	ack(&p, "bye", 1, 1, 8);
	expect(&p, "close");
	assert_int_equal(LINK_STOPPED, p.link.state);
	end(&p);

	begin(&p); /* not connected: there is nobody to tell */
	tick(&p, 0);
	link_closed(&p.link, p.now, NULL);
	link_stop(&p.link, p.now + 3000 * MS);
	tick(&p, 0);
	assert_int_equal(LINK_STOPPED, p.link.state);
	end(&p);

	begin(&p); /* the collector does not commit: the deadline ends it */
	add(&p, 1);
	up(&p, 1, 8);
	link_stop(&p.link, p.now + 300 * MS);
	tick(&p, 0);
	ack(&p, "b1", 1, 0, 8);
	tick(&p, 300);
	expect(&p, "b1 bye");
	tick(&p, 1000); /* and no answer to Bye ends that */
	expect(&p, "close");
	assert_int_equal(LINK_STOPPED, p.link.state);
	end(&p);
}

/* Bytes that are no Reply end the connection, and nothing else. */
static void
test_malformed(void **state)
{
	struct peer p;

	(void) state;
	begin(&p);
	add(&p, 1);
	up(&p, 1, 8);
	tick(&p, 0);
	expect(&p, "b1");
	link_reply(&p.link, p.now, 0, "\xff\xff\xff\xff", 4);
	expect(&p, "note close");
	assert_int_equal(1, p.spool.n);
	end(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_credit_and_polls),
		cmocka_unit_test(test_resend),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_rejects),
		cmocka_unit_test(test_quarantine),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_interest),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
