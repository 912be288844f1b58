/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/test_link_peer.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
test_handshake(void **state)
{
	Wire__Reply r = WIRE__REPLY__INIT;
	Wire__Challenge c = WIRE__CHALLENGE__INIT;
	uint8_t nonce[4] = { 1, 2, 3, 4 };
	struct peer p;

	(void) state;
	peer_begin(&p);
	peer_add(&p, 5);
	peer_after(&p, 0, "open");
	peer_tick(&p, 1000); /* connecting: nothing to do */
	link_opened(&p.link, p.now);
	peer_expect(&p, "hello");
	c.nonce.data = nonce;
	c.nonce.len = sizeof(nonce);
	r.challenge = &c;
	peer_reply(&p, "hello", &r);
	peer_expect(&p, "proof");
	peer_after(&p, 100, ""); /* no batch before Welcome */
	peer_welcome(&p, "proof", 1, 8);
	peer_after(&p, 0, "b1 b2 b3"); /* as many as the window */
	peer_end(&p);
}

static void
test_credit_and_polls(void **state)
{
	struct peer p;

	(void) state;
	peer_start(&p, 4, 2);
	peer_after(&p, 0, "b1 b2"); /* credit, not window */
	peer_ack(&p, "b1", 1, 0, 1);
	peer_ack(&p, "b2", 2, 0, 0);
	peer_after(&p, 49, "");
	peer_after(&p, 1, "poll"); /* without credit after 50 ms, then after twice as long */
	for (unsigned ms = 100; ms <= 1600; ms *= 2) {
		peer_ack(&p, "poll", 2, 0, 0);
		peer_after(&p, MIN(ms, 800) - 1, "");
		peer_after(&p, 1, "poll");
	}
	peer_ack(&p, "poll", 2, 0, 2);
	peer_after(&p, 0, "b3 b4");
	peer_ack(&p, "b3", 4, 2, 5);
	peer_ack(&p, "b4", 4, 2, 5);
	assert_int_equal(3, p.spool.first);
	peer_after(&p, 249, "");
	peer_after(&p, 1, "poll"); /* every 250 ms while not durable */
	peer_ack(&p, "poll", 4, 4, 5);
	assert_int_equal(0, p.spool.n);
	peer_after(&p, 999, "");
	peer_after(&p, 1, "poll"); /* every second when idle */
	peer_end(&p);
}

/* A collector with thousands of sensors lets idle ones poll more rarely, but not as rarely as it
 * likes; a new connection does not know of it. */
static void
test_idle(void **state)
{
	static const struct {
		unsigned idle_ms, pending_ms, poll_ms;
	} rows[] = { { 0, 250, 1000 }, { 500, 250, 1000 }, { 2000, 500, 2000 },
		{ 5000, 1250, 5000 }, { 4000000000, 2500, 10000 } };

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		Wire__Ack a = WIRE__ACK__INIT;
		Wire__Reply r = WIRE__REPLY__INIT;
		struct peer p;

		r.ack = &a;
		a.idle_ms = rows[i].idle_ms;
		a.credit = 8;
		peer_start(&p, 1, 8);
		peer_after(&p, 0, "b1");
		a.received_seq = 1;
		peer_reply(&p, "b1", &r);
		peer_after(&p, rows[i].pending_ms - 1, "");
		peer_after(&p, 1, "poll");
		a.durable_seq = 1;
		peer_reply(&p, "poll", &r);
		peer_after(&p, rows[i].poll_ms - 1, "");
		peer_after(&p, 1, "poll");
		link_renew(&p.link, p.now);
		p.log[0] = '\0';
		peer_up(&p, 2, 8);
		assert_int_equal(0, p.link.idle_ns);
		peer_end(&p);
	}
}

/* A restarted collector continues from its checkpoint, before what is durable. */
static void
test_checkpoint(void **state)
{
	Wire__Reply r = WIRE__REPLY__INIT;
	Wire__Ack a = WIRE__ACK__INIT;
	struct peer p;

	(void) state;
	peer_start(&p, 3, 8);
	peer_after(&p, 0, "b1 b2 b3");
	a.received_seq = a.durable_seq = 3;
	a.state_seq = 1;
	a.credit = 8;
	r.ack = &a;
	peer_reply(&p, "b3", &r);
	assert_int_equal(0, p.spool.n);
	assert_int_equal(2, past_first(&p.spool.past));
	peer_add(&p, 1);
	link_closed(&p.link, p.now, "gone", true);
	peer_expect(&p, "note close");
	peer_up(&p, 2, 8);
	peer_after(&p, 0, "b2 b3 b4");
	peer_ack(&p, "b2", 2, 3, 8); /* durable is ahead of received */
	assert_int_equal(1, p.spool.n);
	peer_ack(&p, "b4", 4, 4, 8);
	peer_end(&p);
}

/* A sensor that always has batches also sends its statistics. */
static void
test_busy_poll(void **state)
{
	struct peer p;
	char batch[8];

	(void) state;
	peer_start(&p, 0, 8);
	for (unsigned i = 1; i <= 9; i++) {
		peer_add(&p, 1);
		(void) snprintf(batch, sizeof(batch), "b%u", i);
		peer_after(&p, 500, batch);
		peer_ack(&p, batch, i, i, 8);
	}
	peer_add(&p, 1);
	peer_after(&p, 500, "b10 poll");
	peer_end(&p);
}

static void
test_resend(void **state)
{
	struct peer p;

	(void) state;
	peer_start(&p, 4, 8);
	peer_after(&p, 0, "b1 b2 b3");
	peer_ack(&p, "b1", 1, 1, 8);
	link_closed(&p.link, p.now, "gone", false);
	peer_expect(&p, "note close");
	assert_string_equal("gone", p.note);
	peer_after(&p, 49, ""); /* back-off: at least half of it */
	peer_tick(&p, 51);
	link_opened(&p.link, p.now);
	peer_welcome(&p, "hello", 2, 8); /* it has 1 */
	peer_after(&p, 0, "open hello b2 b3 b4");
	peer_ack(&p, "b2", 2, 2, 8);
	peer_ack(&p, "b3", 3, 3, 8);
	peer_ack(&p, "b4", 4, 4, 8);
	assert_int_equal(0, p.spool.n);
	assert_int_equal(2, p.link.stats.connects);
	peer_end(&p);
}

static void
test_timeout(void **state)
{
	struct peer p;

	(void) state;
	peer_start(&p, 1, 8);
	peer_after(&p, 0, "b1");
	peer_after(&p, 4000, "poll");
	peer_after(&p, 1000, "note close");
	assert_int_equal(1, p.link.stats.timeouts);
	assert_int_equal(LINK_DOWN, p.link.state);
	peer_end(&p);
}

/* Each try waits longer, up to the limit; the same cause is reported once. */
static void
test_backoff(void **state)
{
	static const uint64_t bound[] = { 100, 200, 400, 800, 1000, 1000 };
	struct peer p;

	(void) state;
	peer_begin(&p);
	for (size_t i = 0; i < ARRAY_SIZE(bound); i++) {
		peer_tick(&p, i == 0 ? 0 : bound[i - 1]);
		link_closed(&p.link, p.now, "refused", false);
		peer_expect(&p, i == 0 ? "open note close" : "open close");
		assert_in_range(p.link.retry_at - p.now, bound[i] * MS / 2, bound[i] * MS);
	}
	p.open_fails = -ENOMEM;
	peer_after(&p, 1000, "open note close");
	peer_end(&p);
}

/* While nothing answers at the address, the limit is lower, unless the collector has many sensors
 * that must not reconnect all at once. */
static void
test_absent(void **state)
{
	static const struct {
		bool absent;
		unsigned spread_ms;
		uint64_t bound_ms; /* of the delay after this failure */
	} rows[] = {
		{ false, 0, 100 }, { true, 0, 200 }, { true, 0, 300 }, { true, 0, 300 },
		{ true, 500, 500 }, { true, 50, 300 }, /* less than our own */
		{ false, 0, 600 }, /* something was there and hung up: it may be overloaded */
		{ false, 0, 1000 }, { true, 5000, 1000 }, /* never longer than the general limit */
		{ true, 0, 300 },                         /* later delays are short again */
	};
	struct peer p;

	(void) state;
	peer_begin(&p);
	peer_tick(&p, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		p.link.spread_ns = rows[i].spread_ms * MS;
		link_closed(&p.link, p.now, "refused", rows[i].absent);
		assert_in_range(
		    p.link.retry_at - p.now, rows[i].bound_ms * MS / 2, rows[i].bound_ms * MS);
		peer_tick(&p, rows[i].bound_ms);
		assert_int_equal(LINK_DIALING, p.link.state);
	}
	p.log[0] = '\0';
	peer_end(&p);
}

static const struct {
	Wire__Reject__Code code;
	bool slow, unfit; /* unfit: what is left of the stream is of no use to this collector */
	const char *says;
} rejects[] = {
	{ WIRE__REJECT__CODE__IDENTITY, true, false, "certificate" },
	{ WIRE__REJECT__CODE__PROTOCOL, true, false, "protocol" },
	{ WIRE__REJECT__CODE__PROTOCOL, true, true, "protocol" },
	{ WIRE__REJECT__CODE__CLUSTER, true, false, "cluster" },
	{ WIRE__REJECT__CODE__DUPLICATE, true, false, "another sensor" },
	{ WIRE__REJECT__CODE__BUSY, false, false, "busy" },
	{ WIRE__REJECT__CODE__NOT_WELCOME, false, false, "Hello" },
	{ WIRE__REJECT__CODE__MALFORMED, false, false, "read" },
};

static void
test_rejects(void **state)
{
	struct peer p;

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(rejects); i++) {
		peer_begin(&p);
		peer_tick(&p, 0);
		link_opened(&p.link, p.now);
		peer_reject(&p, "hello", rejects[i].code, rejects[i].unfit);
		peer_expect(&p, "open hello note close");
		assert_non_null(strstr(p.note, rejects[i].says));
		assert_int_equal(rejects[i].slow, p.link.retry_at - p.now > 1000 * MS);
		assert_int_equal(rejects[i].unfit, p.link.unfit);
		peer_end(&p);
	}
}

/* The first refusal: resend. The second: a hole, announced before later batches. */
static void
test_quarantine(void **state)
{
	struct peer p;

	(void) state;
	peer_start(&p, 3, 8);
	peer_after(&p, 0, "b1 b2 b3");
	peer_ack(&p, "b1", 1, 0, 8);
	peer_reject(&p, "b2", WIRE__REJECT__CODE__MALFORMED, false);
	peer_after(&p, 0, "note b2"); /* b3 is still out */
	peer_reject(&p, "b2", WIRE__REJECT__CODE__MALFORMED, false);
	assert_int_equal(10, p.spool.events_quarantined);
	peer_after(&p, 0, "");
	peer_ack(&p, "b3", 1, 1, 8); /* it waits for b2 */
	peer_after(&p, 0, "skip3");
	peer_ack(&p, "skip3", 3, 3, 8);
	peer_after(&p, 0, ""); /* all durable */
	assert_int_equal(0, p.spool.n);
	peer_end(&p);
}

/* The spool overflowed while the collector was away: the gap is announced once. */
static void
test_gap(void **state)
{
	struct peer p;

	(void) state;
	peer_begin(&p);
	p.spool.max_bytes = 30;
	peer_add(&p, 20);
	assert_int_equal(14, p.spool.first);
	peer_up(&p, 1, 100);
	peer_after(&p, 0, "skip14");
	peer_after(&p, 0, "");
	peer_ack(&p, "skip14", 13, 0, 100);
	peer_after(&p, 0, "b14 b15 b16");
	peer_end(&p);
}

/* Let a reply request a snapshot; returns the one begun, 0: none. */
static uint64_t
ask(struct peer *p, const char *what, uint64_t id)
{
	Wire__Reply r = WIRE__REPLY__INIT;
	Wire__Ack a = WIRE__ACK__INIT;

	a.credit = 8;
	r.ack = &a;
	r.snapshot_wanted = id;
	p->snapshot = 0;
	peer_reply(p, what, &r);
	return p->snapshot;
}

/* A snapshot is begun once per id, also if the collector repeats the request over a new connection,
 * and no batch waits for it. */
static void
test_snapshot(void **state)
{
	struct peer p;

	(void) state;
	peer_begin(&p);
	peer_up(&p, 1, 8);
	peer_add(&p, 3);
	peer_after(&p, 0, "b1 b2 b3");
	assert_int_equal(9, ask(&p, "b1", 9));
	assert_int_equal(0, ask(&p, "b2", 9));
	peer_add(&p, 1);
	peer_after(&p, 0, "b4");
	link_closed(&p.link, p.now, NULL, false);
	peer_expect(&p, "close");
	peer_up(&p, 1, 8);
	peer_tick(&p, 0);
	assert_int_equal(0, ask(&p, "b1", 9));
	assert_int_equal(10, ask(&p, "b2", 10));
	peer_end(&p);
}

static void
test_interest(void **state)
{
	Wire__Reply r = WIRE__REPLY__INIT;
	Wire__Interest in = WIRE__INTEREST__INIT;
	uint32_t events[] = { 3, 5 };
	struct peer p;

	(void) state;
	peer_begin(&p);
	peer_up(&p, 1, 8);
	peer_tick(&p, 1000);
	in.version = 4;
	in.events = events;
	in.n_events = 2;
	r.interest = &in;
	peer_reply(&p, "poll", &r);
	assert_int_equal(402, p.interest);
	p.interest = 0;
	peer_tick(&p, 1000);
	peer_reply(&p, "poll", &r); /* the same version: no change */
	assert_int_equal(0, p.interest);
	peer_end(&p);
}

static void
test_stop(void **state)
{
	struct peer p;

	(void) state;
	peer_start(&p, 1, 8);
	link_stop(&p.link, p.now + 3000 * MS);
	peer_after(&p, 0, "b1");
	peer_ack(&p, "b1", 1, 0, 8);
	peer_after(&p, 1, ""); /* not durable yet */
	peer_tick(&p, 250);
	peer_ack(&p, "poll", 1, 1, 8);
	peer_after(&p, 0, "poll bye");
	peer_ack(&p, "bye", 1, 1, 8);
	peer_expect(&p, "close");
	assert_int_equal(LINK_STOPPED, p.link.state);
	peer_end(&p);

	peer_begin(&p); /* not connected: nobody to tell */
	peer_tick(&p, 0);
	link_closed(&p.link, p.now, NULL, false);
	link_stop(&p.link, p.now + 3000 * MS);
	peer_tick(&p, 0);
	assert_int_equal(LINK_STOPPED, p.link.state);
	peer_end(&p);

	peer_start(&p, 1, 8); /* the collector does not commit: the deadline ends it */
	link_stop(&p.link, p.now + 300 * MS);
	peer_tick(&p, 0);
	peer_ack(&p, "b1", 1, 0, 8);
	peer_after(&p, 300, "b1 bye");
	peer_after(&p, 500, "close"); /* a missing answer to Bye ends it */
	assert_int_equal(LINK_STOPPED, p.link.state);
	peer_end(&p);

	peer_start(&p, 9, 9); /* the collector never answers: no free slot for Bye */
	link_stop(&p.link, p.now + 300 * MS);
	peer_tick(&p, 0);
	peer_tick(&p, 300);
	assert_int_equal(LINK_STOPPED, p.link.state);
	peer_end(&p);
}

/* Bytes that are no Reply end the connection, with no other effect. */
static void
test_malformed(void **state)
{
	struct peer p;

	(void) state;
	peer_start(&p, 1, 8);
	peer_after(&p, 0, "b1");
	link_reply(&p.link, p.now, 0, "\xff\xff\xff\xff", 4);
	peer_expect(&p, "note close");
	assert_int_equal(1, p.spool.n);
	peer_end(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_credit_and_polls),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_busy_poll),
		cmocka_unit_test(test_checkpoint),
		cmocka_unit_test(test_resend),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_absent),
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
