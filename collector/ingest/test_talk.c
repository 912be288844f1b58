/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_talk.c - the protocol after Hello, without a network: scripts of a sensor's messages, and
 * what it and the shard receive.
 */
#include "collector/ingest/test_ingest_kit.h"
#include "tests/support/fault.h"
#include <errno.h>
#include <stdlib.h>

static void
begin(struct room *w, uint64_t durable)
{
	struct interest set = { .events = { .w = { 6 } } };

	room_init(w, 1000 * NS_PER_S, durable);
	ingest_set_interest(w->i, &set);
	room_connect(w, "test");
}

/*
 * A script: "h" Hello; "b5" a batch; "p" a poll, "p9" one that skips to 9; "y7" Bye with last 7;
 * "r0", "r9": room for so many in the shard; "t6" six seconds pass; "c" a new connection.
 */
static void
play(struct room *w, const char *script)
{
	char copy[256], *save = NULL;

	(void) snprintf(copy, sizeof(copy), "%s", script);
	for (char *t = strtok_r(copy, " ", &save); t != NULL; t = strtok_r(NULL, " ", &save)) {
		uint64_t n = strtoull(t + 1, NULL, 10);

		switch (*t) {
		case 'h':
			kit_hello(&w->out, "n", "c", 7);
			break;
		case 'b':
			kit_batch(&w->out, n, 0);
			break;
		case 'p':
			kit_poll(&w->out, 0, n);
			break;
		case 'y':
			kit_bye(&w->out, n);
			break;
		case 'r':
			kit_shard_room(&w->shard, (unsigned) n);
			continue;
		case 't':
			w->now += n * NS_PER_S;
			continue;
		case 'c':
			room_connect(w, "test");
			continue;
		default:
			fail_msg("no such step: %s", t);
		}
		room_say(w);
	}
}

/* The ops that the shard gets, and the last reply. */
static const struct {
	const char *script, *shard;
	uint64_t received, gaps, duplicates;
	unsigned credit;
	Wire__Reject__Code reject;
} flow_cases[] = {
	{ "h p", "H", 0, 0, 0, 8, 0 },
	{ "h b1 b2 b3", "H B1 B2 B3", 3, 0, 0, 8, 0 },
	{ "h b2 b3 b1", "H B1 B2 B3", 3, 0, 0, 8, 0 },
	{ "h b1 b1 b2 b1", "H B1 B2", 2, 0, 2, 8, 0 },
	/* the shard has no room: nothing is lost, credit is 0 until there is */
	{ "h r1 b1 b2", "H B1", 1, 0, 0, 0, 0 },
	{ "h r1 b1 b2 b3 p", "H B1", 1, 0, 0, 0, 0 },
	{ "h r1 b1 b2 b3 r9 p", "H B1 B2 B3", 3, 0, 0, 8, 0 },
	{ "r0 h b1 p", "", 0, 0, 0, 0, 0 },
	{ "r0 h b1 r1 p", "H", 0, 0, 0, 0, 0 },
	{ "r0 h b1 r9 p", "H B1", 1, 0, 0, 8, 0 },
	{ "h r0 b1 b2 b3 b4 b5 b6 b7 b8 b9", "H", 0, 0, 0, 0, WIRE__REJECT__CODE__BUSY },
	/* gaps: announced, timed out, or forced by a full window */
	{ "h b1 p9 b9", "H B1 B9", 9, 7, 0, 8, 0 },
	{ "h p9", "H", 8, 8, 0, 8, 0 },
	{ "h b3 p9 b9", "H B3 B9", 9, 7, 0, 8, 0 },
	{ "h b1 b5 t4 p", "H B1", 1, 0, 0, 8, 0 },
	{ "h b1 b5 t5 p", "H B1 B5", 5, 3, 0, 8, 0 },
	{ "h b1 b5 t5 p b3", "H B1 B5", 5, 3, 1, 8, 0 },
	{ "h b1 b5 t5 r0 p p r9 p", "H B1 B5", 5, 3, 0, 8, 0 }, /* counted once */
	{ "h b2 b3 b4 b5 b6 b7 b8 b9", "H B2 B3 B4 B5 B6 B7 B8 B9", 9, 1, 0, 8, 0 },
	/* a connection ends: held batches are sent again, those that the shard has are not */
	{ "h b1 b3 c h p", "H B1 H", 1, 0, 0, 8, 0 },
	{ "h b1 b3 c h b2 b3", "H B1 H B2 B3", 3, 0, 0, 8, 0 },
	{ "h r1 b1 b2 c r9 h b2", "H B1 H B2", 2, 0, 0, 8, 0 },
	/* Bye takes effect when nothing is missing */
	{ "h b1 y1", "H B1 Y", 1, 0, 0, 8, 0 },
	{ "h b1 y2", "H B1", 1, 0, 0, 8, 0 },
	{ "h r0 b1 y1 r9 p", "H B1 Y", 1, 0, 0, 8, 0 },
	/* out of turn */
	{ "h b1 h", "H B1", 1, 0, 0, 8, WIRE__REJECT__CODE__NOT_WELCOME },
};

static void
test_flow(void **state)
{
	struct room w;
	char log[4096];

	(void) state;
	for (size_t k = 0; k < ARRAY_SIZE(flow_cases); k++) {
		const struct stream *st;

		begin(&w, 0);
		play(&w, flow_cases[k].script);
		kit_shard_log(&w.shard, log);
		st = w.c->stream;
		if (strcmp(log, flow_cases[k].shard) != 0 || st->received != flow_cases[k].received)
			print_error("script \"%s\"\n", flow_cases[k].script);
		assert_string_equal(flow_cases[k].shard, log);
		assert_int_equal(flow_cases[k].received, st->received);
		assert_int_equal(flow_cases[k].gaps, st->gaps);
		assert_int_equal(flow_cases[k].duplicates, st->duplicates);
		if (w.rep.msg.ack != NULL) {
			assert_int_equal(flow_cases[k].credit, w.rep.ack.credit);
			assert_int_equal(flow_cases[k].received, w.rep.ack.received_seq);
		}
		assert_int_equal(
		    flow_cases[k].reject, w.rep.msg.reject == NULL ? 0 : w.rep.reject.code);
		room_fini(&w);
	}
}

/* A collector with thousands of sensors asks them to spread their reconnections, and to poll more
 * rarely when idle. */
static void
test_spread(void **state)
{
	static const struct {
		uint64_t connections;
		uint32_t spread_ms; /* with 2 CPUs, at 3 ms of CPU each */
		uint32_t idle_ms;   /* at 0.1 ms, for a tenth of the CPUs */
	} rows[] = { { 1, 0, 0 }, { 100, 0, 0 }, { 600, 0, 0 }, { 1000, 1500, 0 },
		{ 2000, 3000, 0 }, { 2002, 3003, 1001 }, { 6000, 9000, 3000 },
		{ 10000, 15000, 5000 }, { 100000, 150000, 5000 } };
	struct room w;

	(void) state;
	for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
		begin(&w, 0);
		play(&w, "h");
		w.i->cpus = 2;
		w.i->connections = rows[k].connections;
		play(&w, "p");
		assert_int_equal(rows[k].spread_ms, w.rep.ack.spread_ms);
		assert_int_equal(rows[k].idle_ms, w.rep.ack.idle_ms);
		room_fini(&w);
	}
}

/* A sensor that said Bye counts as stopped until it is back. */
static void
test_bye(void **state)
{
	struct room w;

	(void) state;
	begin(&w, 0);
	play(&w, "h b1");
	assert_false(w.c->stream->said_bye);
	play(&w, "y1");
	assert_true(w.c->stream->said_bye);
	play(&w, "c h");
	assert_false(w.c->stream->said_bye);
	room_fini(&w);
}

/* Where a stream continues: after what is durable or already received. */
static const struct {
	const char *script;
	uint64_t durable, next;
} next_cases[] = {
	{ "h", 0, 1 },
	{ "h", 41, 42 },
	{ "h b42 b43 c h", 41, 44 },
	{ "h b42 b44 c h", 41, 43 },
	{ "h r0 b42 c h", 41, 42 },
	{ "h p60 c h", 41, 60 },
};

static void
test_next_seq(void **state)
{
	struct room w;

	(void) state;
	for (size_t k = 0; k < ARRAY_SIZE(next_cases); k++) {
		begin(&w, next_cases[k].durable);
		play(&w, next_cases[k].script);
		assert_non_null(w.rep.msg.welcome);
		assert_int_equal(next_cases[k].next, w.rep.welcome.next_seq);
		assert_non_null(w.rep.msg.interest);
		room_fini(&w);
	}
}

/* Interest comes with Welcome, again until it is confirmed, and after each change. */
static void
test_interest(void **state)
{
	struct interest set = { 0 };
	struct room w;
	uint32_t version;

	(void) state;
	begin(&w, 0);
	play(&w, "h");
	version = w.rep.interest.version;
	assert_int_equal(2, w.rep.interest.n_events);
	assert_int_equal(1, w.rep.interest.events[0]);
	assert_int_equal(2, w.rep.interest.events[1]);
	kit_poll(&w.out, 0, 0);
	room_say(&w);
	assert_null(w.rep.msg.interest); /* sent, not yet confirmed */
	w.now += NS_PER_S;
	room_say(&w);
	assert_non_null(w.rep.msg.interest); /* lost, or not understood */
	w.now += NS_PER_S;
	kit_batch(&w.out, 1, version);
	room_say(&w);
	assert_null(w.rep.msg.interest);
	assert_int_equal(version, w.c->stream->interest);
	event_set_add_call(&set.events, SC_getsid);
	event_set_add_call(&set.events, SC_UNNAMED);
	set.lean[EV_SENDTO / 64] |= 1ULL << (EV_SENDTO % 64);
	set.quiet[EV_CLOSE / 64] |= 1ULL << (EV_CLOSE % 64);
	ingest_set_interest(w.i, &set);
	kit_poll(&w.out, version, 0);
	w.now += NS_PER_S;
	room_say(&w);
	assert_non_null(w.rep.msg.interest);
	assert_int_equal(1, w.rep.interest.n_events);
	assert_int_equal(EV_SYSCALL, w.rep.interest.events[0]);
	assert_int_equal(2, w.rep.interest.n_calls);
	assert_int_equal(syscalls[SC_getsid].id, w.rep.interest.calls[0]);
	assert_int_equal(SYSCALL_ID_UNNAMED, w.rep.interest.calls[1]);
	assert_int_equal(1, w.rep.interest.n_lean);
	assert_int_equal(EV_SENDTO, w.rep.interest.lean[0]);
	assert_int_equal(1, w.rep.interest.n_quiet);
	assert_int_equal(EV_CLOSE, w.rep.interest.quiet[0]);
	assert_int_not_equal(version, w.rep.interest.version);
	kit_batch(&w.out, 2, version); /* captured earlier: confirms nothing */
	w.now += NS_PER_S;
	room_say(&w);
	assert_non_null(w.rep.msg.interest);
	room_fini(&w);
}

/* Before Welcome every other message ends the connection. */
static void
test_out_of_turn(void **state)
{
	static const char *const first[] = { "b1", "p", "y0" };
	struct room w;

	(void) state;
	for (size_t k = 0; k < ARRAY_SIZE(first); k++) {
		begin(&w, 0);
		play(&w, first[k]);
		assert_non_null(w.rep.msg.reject);
		assert_int_equal(WIRE__REJECT__CODE__NOT_WELCOME, w.rep.reject.code);
		assert_int_equal(1, w.i->refused_protocol);
		play(&w, "h");
		assert_int_equal(WIRE__REJECT__CODE__NOT_WELCOME, w.rep.reject.code);
		assert_null(w.rep.msg.welcome);
		room_fini(&w);
	}
}

/* Two connections of one node, and a restarted sensor of one node. */
static void
test_newer(void **state)
{
	struct conn *old;
	struct room w;
	char log[4096];

	(void) state;
	begin(&w, 0);
	play(&w, "h b1 b3");
	old = w.c;
	old->refs++;
	room_connect(&w, "test");
	kit_hello(&w.out, "n", "c", 8); /* another start: another stream */
	room_say(&w);
	assert_int_equal(1, w.rep.welcome.next_seq);
	assert_true(w.c->stream != old->stream);
	assert_true(w.c->stream->connected);
	assert_false(old->stream->connected);
	kit_batch(&w.out, 2, 0);
	talk(w.i, old, (const uint8_t *) w.out.p, w.out.n, w.now, &w.rep);
	assert_int_equal(WIRE__REJECT__CODE__DUPLICATE, w.rep.reject.code);
	conn_remove(w.i, old->pipe); /* the old one disconnects: the newer one stays */
	assert_true(w.c->stream->connected);
	kit_shard_log(&w.shard, log);
	assert_string_equal("H B1 H", log);
	conn_unref(old);
	conn_remove(w.i, w.c->pipe);
	assert_false(w.c->stream->connected);
	room_fini(&w);
}

/* Hellos beyond the limit are asked to come back; the next second admits more. */
static void
test_admission(void **state)
{
	struct room w;
	unsigned busy = 0;

	(void) state;
	begin(&w, 0);
	w.i->admit = (struct bucket){ .per_s = 2, .burst = 3 };
	for (int k = 0; k < 5; k++) {
		room_connect(&w, "test");
		play(&w, "h");
		busy += w.rep.msg.reject != NULL && w.rep.reject.code == WIRE__REJECT__CODE__BUSY;
	}
	assert_int_equal(2, busy);
	assert_int_equal(2, w.i->busy);
	play(&w, "t1 h"); /* on the same connection */
	assert_non_null(w.rep.msg.welcome);
	room_fini(&w);
}

/* Connections past their time limit: silent before Welcome, silent after, refused. */
static const struct {
	const char *script;
	uint64_t after;
	unsigned overdue;
} time_cases[] = {
	{ "", 29, 0 },
	{ "", 30, 1 },
	{ "h", 59, 0 },
	{ "h", 61, 1 },
	{ "h t50 p", 50, 0 },
	{ "b1", 0, 0 },
	{ "b1", 1, 1 },
};

static void
test_overdue(void **state)
{
	struct conn *v[4];
	struct room w;
	unsigned n;

	(void) state;
	for (size_t k = 0; k < ARRAY_SIZE(time_cases); k++) {
		begin(&w, 0);
		play(&w, time_cases[k].script);
		n = conns_overdue(w.i, w.now + time_cases[k].after * NS_PER_S, v, 4);
		assert_int_equal(time_cases[k].overdue, n);
		while (n > 0)
			conn_unref(v[--n]);
		room_fini(&w);
	}
}

static void
test_cluster(void **state)
{
	static const struct {
		const char *ours, *theirs;
		bool ok;
	} cases[] = { { "", "x", true }, { "", "", true }, { "x", "x", true }, { "x", "y", false },
		{ "x", "", false } };
	struct room w;

	(void) state;
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		begin(&w, 0);
		w.i->cfg.cluster = cases[k].ours;
		kit_hello(&w.out, "n", cases[k].theirs, 7);
		room_say(&w);
		assert_int_equal(cases[k].ok, w.rep.msg.welcome != NULL);
		if (!cases[k].ok)
			assert_int_equal(WIRE__REJECT__CODE__CLUSTER, w.rep.reject.code);
		room_fini(&w);
	}
}

/* A collector understands older sensors' protocols, not newer ones. */
static void
test_protocol(void **state)
{
	struct room w;

	(void) state;
	for (uint32_t protocol = WIRE_OLDEST - 1; protocol <= WIRE_PROTOCOL + 1; protocol++) {
		bool ok = protocol >= WIRE_OLDEST && protocol <= WIRE_PROTOCOL;

		begin(&w, 0);
		kit_hello_in(&w.out, protocol, "n", "c", 7);
		room_say(&w);
		assert_int_equal(ok, w.rep.msg.welcome != NULL);
		if (!ok) {
			assert_int_equal(WIRE__REJECT__CODE__PROTOCOL, w.rep.reject.code);
			assert_false(w.rep.reject.stream); /* of no stream, whatever it contains */
		}
		room_fini(&w);
	}
}

/* Events that do not fit are those of a stream; the sensor may have others. */
static void
test_schema(void **state)
{
	struct room w;

	(void) state;
	begin(&w, 0);
	kit_hello_unfit(&w.out, "n");
	room_say(&w);
	assert_int_equal(WIRE__REJECT__CODE__PROTOCOL, w.rep.reject.code);
	assert_true(w.rep.reject.stream);
	room_fini(&w);
}

/* With an unreadable outbox Hello is answered "try again later"; then it works. */
static void
test_outbox_fails(void **state)
{
	struct room w;

	(void) state;
	begin(&w, 0);
	kit_outbox(0, -EIO);
	play(&w, "h");
	assert_int_equal(WIRE__REJECT__CODE__BUSY, w.rep.reject.code);
	kit_outbox(5, 0);
	play(&w, "c h");
	assert_int_equal(6, w.rep.welcome.next_seq);
	room_fini(&w);
}

/* Each allocation fails once: a Reject or nothing, never a crash; the next try succeeds. */
static void
test_no_memory(void **state)
{
	unsigned n = 0;
	bool fired = true;

	(void) state;
	for (; fired; n++) {
		struct room w;

		begin(&w, 0);
		kit_hello(&w.out, "n", "c", 7);
		fault_arm_nth(n);
		room_say(&w);
		fired = fault_disarm();
		assert_true(w.rep.msg.welcome != NULL || w.rep.msg.reject != NULL);
		if (w.rep.msg.welcome == NULL)
			play(&w, "c h");
		kit_batch(&w.out, 1, 0);
		fault_arm_nth(n);
		room_say(&w);
		fired = fault_disarm() || fired;
		if (w.rep.msg.reject != NULL)
			play(&w, "b1");
		assert_int_equal(1, w.c->stream->received);
		room_fini(&w);
	}
	assert_true(n > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flow),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_bye),
		cmocka_unit_test(test_next_seq),
		cmocka_unit_test(test_interest),
		cmocka_unit_test(test_out_of_turn),
		cmocka_unit_test(test_newer),
		cmocka_unit_test(test_admission),
		cmocka_unit_test(test_overdue),
		cmocka_unit_test(test_cluster),
		cmocka_unit_test(test_protocol),
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_outbox_fails),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
