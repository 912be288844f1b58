/* SPDX-License-Identifier: Apache-2.0 */
/* Apply batches to a node: time, loss windows, successive streams. State and rules are the stubs of
 * test_node_stubs.c. */
#include "tests/support/test.h"

#include "collector/shard/blind.h"
#include "collector/shard/shard_nodes.h"
#include "collector/shard/test_node_stubs.h"
#include "common/clock.h"
#include "tests/support/evbuild.h"
#include <errno.h>
#include <stdlib.h>

struct bench {
	struct shard_counters counters;
	struct nodes *nodes;
	struct stream stream;
	uint64_t seq;
	char told[40]; /* causes of alerts about losses */
};

#define HOUR_NS (3600 * NS_PER_S)

static const struct slice nothing = { NULL, 0 }; /* no checkpoint */

static void
bench_open(struct bench *b)
{
	const struct nodes_cfg cfg = { .intern_bytes = 1 << 20 };

	*b = (struct bench){ .stream = {
				 .id = { .node = "n", .cluster = "c", .sensor_start = 1 } } };
	assert_int_equal(0, nodes_new(&cfg, &b->counters, &b->nodes));
	snapshots_wanted = 0;
}

static void
bench_close(struct bench *b)
{
	nodes_free(b->nodes);
	assert_int_equal(0, states_alive);
	assert_int_equal(0, b->stream.refs);
}

/* Deliver a batch with this script: 'e' a close(), 'r' a row of a snapshot. Writes the ids of its
 * alerts, returns the last one's time; alerts about losses go into b->told. */
static uint64_t
deliver(struct bench *b, struct stream *st, const char *script, Wire__Batch *batch, char *ids)
{
	Wire__Body body = WIRE__BODY__INIT;
	struct batch_enc *enc = NULL;
	struct buf data = BUF_INIT;
	struct alert *alerts = NULL;
	struct evb e = { 0 };
	uint64_t time = 0;

	assert_int_equal(0, batch_enc_new(&enc));
	for (; *script != '\0'; script++) {
		evb_begin(&e, *script == 'r' ? EV_TASK : EV_CLOSE, 10, batch->boot_ns);
		assert_int_equal(0, batch_enc_add(enc, evb_end(&e)));
	}
	assert_int_equal(0, batch_enc_finish(enc, 0, &data, &body));
	batch->seq = ++b->seq;
	batch->body = &body;
	node_batch(b->nodes, st, batch, &alerts);
	ids[0] = '\0';
	while (alerts != NULL) {
		struct alert *next = alerts->next;

		if (strcmp(alerts->rule, BLIND_LOSS) == 0) {
			(void) snprintf(b->told + strlen(b->told),
			    sizeof(b->told) - strlen(b->told), "%s", alerts->id);
		} else {
			(void) snprintf(ids, 40, "%s", alerts->id);
			time = alerts->time;
		}
		free(alerts);
		alerts = next;
	}
	batch_enc_free(enc);
	buf_fini(&data);
	evb_fini(&e);
	return time;
}

/* Feed a batch of one close() at boot time 'ts'. */
static uint64_t
feed(struct bench *b, struct stream *st, uint64_t ts, uint64_t real, Wire__Drop *drop, char *ids)
{
	Wire__Batch batch = WIRE__BATCH__INIT;

	batch.boot_ns = ts;
	batch.real_ns = real;
	batch.drops = &drop;
	batch.n_drops = drop != NULL;
	return deliver(b, st, "e", &batch, ids);
}

/* One batch of one event each: its boot time, what the clock shows then, and the event's time; ms.
 */
static const struct {
	uint64_t boot, real, time;
	unsigned steps; /* so far */
} clock_cases[] = {
	{ 10000, 1000000, 1000000, 0 }, { 11000, 1001000, 1001000, 0 },
	{ 12000, 1102000, 1102000, 0 }, /* forward: followed */
	{ 13000, 1101000, 1102500, 0 }, /* 2 s back: caught up with, and in order */
	{ 14000, 1102000, 1103000, 0 }, { 15000, 1103000, 1103500, 0 },
	{ 16000, 1104000, 1104000, 0 }, /* ... in 4 s */
	{ 17000, 1105000, 1105000, 0 },
	{ 18000, 1103000, 1105500, 0 }, /* 3 s back, and 2 s more while it is caught up with */
	{ 19000, 1102000, 1106000, 0 }, { 30000, 1113000, 1113000, 0 },
	{ 31000, 1110500, 1113500, 0 }, /* back, then forward */
	{ 32000, 1117000, 1117000, 0 },
	{ 33000, 900000, 900000, 1 },     /* far back: followed, and counted */
	{ 3633000, 4500000, 4500000, 1 }, /* a suspend is no step */
};

static void
test_clock(void **state)
{
	struct bench b;
	char ids[40];

	(void) state;
	bench_open(&b);
	for (size_t i = 0; i < ARRAY_SIZE(clock_cases); i++) {
		uint64_t boot = clock_cases[i].boot * NS_PER_MS;

		assert_int_equal(clock_cases[i].time,
		    feed(&b, &b.stream, boot, clock_cases[i].real * NS_PER_MS, NULL, ids) /
			NS_PER_MS);
		assert_int_equal(clock_cases[i].steps, b.counters.clock_steps);
	}
	bench_close(&b);
}

static void
test_loss_window(void **state)
{
	Wire__Drop drop = WIRE__DROP__INIT;
	const uint64_t s = NS_PER_S;
	struct bench b;
	char ids[40];

	(void) state;
	bench_open(&b);
	drop.cause = DROP_RING_FULL;
	(void) feed(&b, &b.stream, 10 * s, 1000 * s, &drop, ids);
	assert_string_equal("1:1", ids);
	drop.count = 3;
	(void) feed(&b, &b.stream, 11 * s, 1001 * s, &drop, ids);
	assert_string_equal("2:2D", ids);
	assert_int_equal(3, b.stream.drops);
	(void) feed(&b, &b.stream, 12 * s, 1002 * s, &drop, ids); /* none, but in the window */
	assert_string_equal("3:3D", ids);
	(void) feed(&b, &b.stream, 40 * s, 1030 * s, &drop, ids);
	assert_string_equal("4:4", ids);
	b.stream.gaps++;
	(void) feed(&b, &b.stream, 60 * s, 1050 * s, NULL, ids);
	assert_string_equal("5:5G", ids);
	assert_int_equal(1, b.counters.losses[LOSS_events_dropped]);
	assert_int_equal(1, b.counters.losses[LOSS_batches_missing]);
	assert_int_equal(5, b.counters.types[EV_CLOSE]);
	/* again, but an alert about this cause was just raised */
	drop.count = 9;
	(void) feed(&b, &b.stream, 90 * s, 1080 * s, &drop, ids);
	assert_string_equal("6:6D", ids);
	assert_int_equal(2, b.counters.losses[LOSS_events_dropped]);
	assert_string_equal("DG", b.told);
	bench_close(&b);
}

static void
test_malformed(void **state)
{
	static uint8_t junk[] = { 0xff, 0xff, 0xff };
	Wire__Batch batch = WIRE__BATCH__INIT;
	Wire__Body body = WIRE__BODY__INIT;
	struct alert *alerts = NULL;
	struct bench b;
	char ids[40];

	(void) state;
	bench_open(&b);
	(void) feed(&b, &b.stream, NS_PER_S, NS_PER_S, NULL, ids);
	node_batch(b.nodes, &b.stream, &batch, &alerts); /* no body at all */
	body.data = (ProtobufCBinaryData){ sizeof(junk), junk };
	body.size = sizeof(junk);
	batch.body = &body;
	node_batch(b.nodes, &b.stream, &batch, &alerts);
	assert_string_equal(BLIND_LOSS, alerts->rule);
	assert_string_equal("U", alerts->id);
	assert_null(alerts->next);
	free(alerts);
	assert_int_equal(2, b.counters.malformed);
	assert_int_equal(2, b.stream.malformed);
	(void) feed(
	    &b, &b.stream, 2 * NS_PER_S, 2 * NS_PER_S, NULL, ids); /* its events are a loss */
	assert_string_equal("2:2U", ids);
	bench_close(&b);
}

/* A restarted sensor begins with empty state; so does one that said Bye. */
static void
test_streams(void **state)
{
	struct stream second = { .id = { .node = "n", .cluster = "c", .sensor_start = 2 } };
	struct stream other = { .id = { .node = "n", .cluster = "d", .sensor_start = 1 } };
	Wire__Hello hello = WIRE__HELLO__INIT;
	struct bench b;
	char ids[40];

	(void) state;
	bench_open(&b);
	assert_true(node_hello(b.nodes, &b.stream, &hello, nothing));
	(void) feed(&b, &b.stream, 1, 1, NULL, ids);
	assert_int_equal(1, newest->applied);
	assert_true(node_hello(b.nodes, &b.stream, &hello, nothing)); /* the same, reconnected */
	assert_int_equal(1, states_alive);
	/* the same name in another cluster */
	assert_true(node_hello(b.nodes, &other, &hello, nothing));
	assert_int_equal(2, states_alive);
	assert_true(node_hello(b.nodes, &second, &hello, nothing));
	assert_int_equal(2, states_alive);
	assert_int_equal(0, b.stream.refs);
	(void) feed(&b, &second, 1, 1, NULL, ids);
	assert_string_equal("2:1", ids); /* evt.num is per stream */
	node_bye(b.nodes, &second);
	node_bye(b.nodes, &other);
	assert_int_equal(0, states_alive);
	assert_null(second.node);
	bench_close(&b);
}

/* A state is loaded in pieces; the interfaces are set when it is complete. Without memory for an
 * empty one instead the node is gone. */
static void
test_load(void **state)
{
	static const struct slice data = { "data", 4 };
	Wire__Hello hello = WIRE__HELLO__INIT;
	struct bench b;

	(void) state;
	bench_open(&b);
	load = (struct load_stub){ .pieces = 2 };
	interfaces_set = 0;
	assert_false(node_hello(b.nodes, &b.stream, &hello, data));
	assert_false(node_load(b.nodes, &b.stream, &hello));
	assert_int_equal(0, interfaces_set);
	assert_true(node_load(b.nodes, &b.stream, &hello));
	assert_int_equal(1, interfaces_set);
	assert_non_null(node_state(&b.stream));
	node_bye(b.nodes, &b.stream);
	load = (struct load_stub){ .pieces = 1, .result = -ENOMEM };
	assert_false(node_hello(b.nodes, &b.stream, &hello, data));
	assert_true(node_load(b.nodes, &b.stream, &hello));
	assert_null(b.stream.node);
	assert_int_equal(0, states_alive);
	assert_int_equal(1, interfaces_set);
	load = (struct load_stub){ 0 };
	bench_close(&b);
}

/* A node not heard for long is forgotten; if it comes back, it sends a snapshot. */
static void
test_gone(void **state)
{
	struct bench b;
	char ids[40];

	(void) state;
	bench_open(&b);
	b.stream.last_seen = clock_real();
	(void) feed(&b, &b.stream, 1, 1, NULL, ids);
	nodes_publish(b.nodes);
	assert_int_equal(1, b.counters.nodes);
	nodes_free(b.nodes);

	bench_open(&b);
	(void) feed(&b, &b.stream, 1, 1, NULL, ids);
	b.stream.evaluated = 1;
	b.stream.last_seen = clock_real() - HOUR_NS - NS_PER_S;
	b.stream.connected = true;
	nodes_publish(b.nodes);
	assert_int_equal(1, states_alive);
	nodes_free(b.nodes);

	bench_open(&b);
	(void) feed(&b, &b.stream, 1, 1, NULL, ids);
	b.stream.evaluated = 1;
	b.stream.last_seen = clock_real() - HOUR_NS - NS_PER_S;
	b.stream.heard = clock_mono(); /* the clock was set ahead */
	nodes_publish(b.nodes);
	assert_int_equal(1, states_alive);
	nodes_free(b.nodes);

	bench_open(&b);
	(void) feed(&b, &b.stream, 1, 1, NULL, ids);
	b.stream.evaluated = 1;
	b.stream.last_seen = clock_real() - HOUR_NS - NS_PER_S;
	nodes_publish(b.nodes);
	assert_int_equal(0, states_alive);
	assert_int_equal(0, b.stream.refs);
	assert_int_equal(0, snapshots_wanted);
	(void) feed(&b, &b.stream, 2, 2, NULL, ids);
	assert_int_equal(1, snapshots_wanted);
	bench_close(&b);
}

/* Id 0: not part of a snapshot. */
static void
feed_rows(struct bench *b, const char *script, uint64_t id, uint32_t part, bool last)
{
	Wire__Snapshot snapshot = WIRE__SNAPSHOT__INIT;
	Wire__Batch batch = WIRE__BATCH__INIT;
	char ids[40];

	snapshot.id = id;
	snapshot.part = part;
	snapshot.last = last;
	snapshot.began_ns = 77;
	batch.boot_ns = 100;
	batch.real_ns = 1100;
	batch.snapshot = id == 0 ? NULL : &snapshot;
	(void) deliver(b, &b->stream, script, &batch, ids);
}

/* Rows are applied in order with events, are not events, and the snapshot is complete with the
 * last. */
static void
test_snapshot(void **state)
{
	struct bench b;

	(void) state;
	bench_open(&b);
	b.stream.snapshot_id = 4;
	feed_rows(&b, "eere", 4, 0, false);
	assert_int_equal(1, newest->snapshot);
	assert_int_equal(2, newest->applied_before);
	assert_int_equal(3, newest->applied);
	assert_int_equal(3, b.counters.events);
	assert_int_equal(3, b.counters.alerts);
	assert_int_equal(4, b.stream.snapshot_id);
	feed_rows(&b, "e", 0, 0, false);
	feed_rows(&b, "", 4, 1, true);
	assert_int_equal(77, newest->done_at);
	assert_int_equal(0, b.stream.snapshot_id);
	assert_int_equal(1, b.counters.snapshot_events);
	assert_int_equal(0, snapshots_wanted);
	bench_close(&b);
}

/* A missing part makes it void: another is asked for, once. An older snapshot, complete or not, is
 * not the expected one. A gap may contain all of it. */
static void
test_snapshot_lost(void **state)
{
	struct bench b;

	(void) state;
	bench_open(&b);
	b.stream.snapshot_id = 4;
	feed_rows(&b, "r", 4, 0, false);
	feed_rows(&b, "r", 4, 2, false);
	assert_int_equal(1, snapshots_wanted);
	feed_rows(&b, "r", 4, 3, true);
	assert_int_equal(1, snapshots_wanted);
	assert_int_equal(0, newest->done_at);
	assert_int_equal(5, b.stream.snapshot_id);
	feed_rows(&b, "r", 3, 0, true);
	assert_int_equal(5, b.stream.snapshot_id);
	b.stream.gaps++;
	feed_rows(&b, "e", 0, 0, false);
	assert_int_equal(2, snapshots_wanted);
	feed_rows(&b, "r", 6, 0, true);
	assert_int_equal(0, b.stream.snapshot_id);
	b.stream.gaps++;
	feed_rows(&b, "e", 0, 0, false);
	assert_int_equal(2, snapshots_wanted);
	bench_close(&b);
}

/* Blind until the snapshot is complete, and 10 s more; and when the state has to forget entries. */
static void
test_state_lost(void **state)
{
	const uint64_t s = NS_PER_S;
	struct bench b;
	char ids[40];

	(void) state;
	bench_open(&b);
	b.stream.began = 7; /* this collector has not seen it before */
	b.stream.evaluated = 7;
	(void) feed(&b, &b.stream, 50, 50, NULL, ids);
	assert_string_equal("1:1C", ids);
	feed_rows(&b, "r", 4, 0, false);
	(void) feed(&b, &b.stream, 20 * s, 20 * s, NULL, ids);
	assert_string_equal("3:2C", ids);
	feed_rows(&b, "r", 4, 1, true);
	(void) feed(&b, &b.stream, 30 * s, 30 * s, NULL, ids);
	assert_string_equal("5:3C", ids);
	(void) feed(&b, &b.stream, 31 * s, 31 * s, NULL, ids);
	assert_string_equal("6:4", ids);
	newest->refused = 1;
	(void) feed(&b, &b.stream, 32 * s, 32 * s, NULL, ids);
	(void) feed(&b, &b.stream, 33 * s, 33 * s, NULL, ids);
	assert_string_equal("8:6E", ids);
	bench_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_loss_window),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_snapshot_lost),
		cmocka_unit_test(test_state_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
