/* SPDX-License-Identifier: Apache-2.0 */
/* What a batch does to a node: time, loss windows, streams that follow one another. State and rules
 * are made up here; every event hits one rule, whose alerts tell what they were given. */
#include "tests/support/test.h"

#include "collector/node.h"
#include "common/clock.h"
#include "tests/support/evbuild.h"
#include <errno.h>
#include <stdlib.h>

/* ---- made-up state and rules ---- */

struct state {
	int applied, snapshot;
	uint64_t done_at;
};

static int states_alive;
static struct state *newest;

int
state_new(struct intern *pool, const struct state_limits *limits, struct state **ret)
{
	(void) pool;
	(void) limits;
	newest = calloc(1, sizeof(*newest));
	if (newest == NULL)
		return -ENOMEM;
	states_alive++;
	*ret = newest;
	return 0;
}

void
state_free(struct state *s)
{
	states_alive -= s != NULL;
	free(s);
}

int
state_set_interfaces(struct state *s, Wire__Interface *const *v, size_t n)
{
	(void) s;
	(void) v;
	(void) n;
	return 0;
}

void
state_apply(struct state *s, const struct batch *b, const struct event *ev, struct view *v)
{
	(void) b;
	(void) ev;
	(void) v;
	s->applied++;
}

void
state_snapshot(struct state *s, const struct batch *b, const struct event *ev)
{
	(void) b;
	(void) ev;
	s->snapshot++;
}

void
state_snapshot_done(struct state *s, uint64_t began)
{
	s->done_at = began;
}

void
state_stats(const struct state *s, struct state_stats *ret)
{
	*ret = (struct state_stats){ .threads = (uint64_t) s->applied };
}

int
rule_run_new(struct ruleset *s, struct rule_run **ret)
{
	(void) s;
	*ret = NULL;
	return 0;
}

void
rule_run_free(struct rule_run *r)
{
	(void) r;
}

void
rule_run_event(struct rule_run *r, const struct view *v, rule_hit_fn *hit, void *arg)
{
	static const struct rule rule = { .name = "any" };

	(void) r;
	hit(arg, &rule, v);
}

int
fscratch_new(struct fscratch **ret)
{
	*ret = NULL;
	return 0;
}

void
fscratch_free(struct fscratch *fs)
{
	(void) fs;
}

void
fscratch_reset(struct fscratch *fs)
{
	(void) fs;
}

/* The id tells the rest: evt.num, and 'L' in a loss window. */
int
alert_render(const struct rule *rule, const struct view *v, const struct alert_origin *o,
    struct fscratch *fs, struct alert_scratch *scratch, struct alert **ret)
{
	struct alert *a = calloc(1, sizeof(*a));

	(void) fs;
	(void) scratch;
	if (a == NULL)
		return -ENOMEM;
	a->rule = rule->name;
	a->time = v->time;
	(void) snprintf(a->id, sizeof(a->id), "%lu:%lu%s", (unsigned long) o->seq,
	    (unsigned long) v->num, o->loss_window ? "L" : "");
	*ret = a;
	return 0;
}

void
rule_run_suppressed(struct rule_run *r, const struct rule *rule)
{
	(void) r;
	(void) rule;
}

/* Here every match is an alert of its own. */
int
throttle_new(const struct throttle_limits *l, struct throttle **ret)
{
	(void) l;
	*ret = NULL;
	return 0;
}

void
throttle_free(struct throttle *t)
{
	(void) t;
}

bool
throttle_suppress(struct throttle *t, const struct rule *rule, const struct view *v,
    const struct alert_origin *o, struct fscratch *fs, struct buf *scratch)
{
	(void) t;
	(void) rule;
	(void) v;
	(void) o;
	(void) fs;
	(void) scratch;
	return false;
}

int
throttle_next_summary(struct throttle *t, const struct alert_origin *o, struct alert_scratch *s,
    struct alert **ret, uint64_t *count)
{
	(void) t;
	(void) o;
	(void) s;
	(void) ret;
	(void) count;
	return 0;
}

size_t
throttle_buckets(const struct throttle *t)
{
	(void) t;
	return 0;
}

void
alert_scratch_fini(struct alert_scratch *s)
{
	(void) s;
}

uint64_t
stream_set_drops(struct stream *st, Wire__Drop *const *v, size_t n)
{
	st->drops = 0;
	for (size_t i = 0; i < n; i++)
		st->drops += v[i]->count;
	return st->drops;
}

struct stream *
stream_ref(struct stream *st)
{
	st->refs++;
	return st;
}

void
stream_unref(struct stream *st)
{
	st->refs--;
}

static int snapshots_wanted;

void
stream_want_snapshot(struct stream *st)
{
	(void) st;
	snapshots_wanted++;
}

/* ---- the test's own side ---- */

struct bench {
	struct shard_counters counters;
	struct nodes *nodes;
	struct stream stream;
	uint64_t seq;
};

static void
bench_open(struct bench *b)
{
	const struct shard_cfg cfg = { .intern_bytes = 1 << 20 };

	*b = (struct bench){ .stream = {
				 .id = { .node = "n", .cluster = "c", .sensor_start = 1 } } };
	assert_int_equal(0, nodes_new(&cfg, &b->counters, &b->nodes));
}

static void
bench_close(struct bench *b)
{
	nodes_free(b->nodes);
	assert_int_equal(0, states_alive);
	assert_int_equal(0, b->stream.refs);
}

/* A batch of one close() at boot time 'ts'; the ids of its alerts, and the last one's time. */
static uint64_t
feed(struct bench *b, struct stream *st, uint64_t ts, uint64_t real, Wire__Drop *drop, char *ids)
{
	Wire__Batch batch = WIRE__BATCH__INIT;
	Wire__Body body = WIRE__BODY__INIT;
	struct batch_enc *enc = NULL;
	struct buf data = BUF_INIT;
	struct alert *alerts = NULL;
	struct evb e = { 0 };
	uint64_t time = 0;

	evb_begin(&e, EV_CLOSE, 10, ts);
	evb_num(&e, "res", 0);
	assert_int_equal(0, batch_enc_new(&enc));
	assert_int_equal(0, batch_enc_add(enc, evb_end(&e)));
	assert_int_equal(0, batch_enc_finish(enc, 0, &data, &body));
	batch.seq = ++b->seq;
	batch.boot_ns = ts;
	batch.real_ns = real;
	batch.body = &body;
	batch.drops = &drop;
	batch.n_drops = drop != NULL;
	node_batch(b->nodes, st, &batch, &alerts);
	ids[0] = '\0';
	while (alerts != NULL) {
		struct alert *next = alerts->next;

		(void) snprintf(ids, 40, "%s", alerts->id);
		time = alerts->time;
		free(alerts);
		alerts = next;
	}
	batch_enc_free(enc);
	buf_fini(&data);
	evb_fini(&e);
	return time;
}

static void
test_clock(void **state)
{
	const uint64_t s = NS_PER_S;
	struct bench b;
	char ids[40];

	(void) state;
	bench_open(&b);
	assert_int_equal(1000 * s, feed(&b, &b.stream, 10 * s, 1000 * s, NULL, ids));
	assert_int_equal(1001 * s, feed(&b, &b.stream, 11 * s, 1001 * s, NULL, ids));
	/* forward: followed */
	assert_int_equal(1102 * s, feed(&b, &b.stream, 12 * s, 1102 * s, NULL, ids));
	/* a little back: event time goes on from where it was */
	assert_int_equal(1103 * s, feed(&b, &b.stream, 13 * s, 1101 * s, NULL, ids));
	assert_int_equal(0, b.counters.clock_steps);
	/* far back: followed, and counted */
	assert_int_equal(900 * s, feed(&b, &b.stream, 14 * s, 900 * s, NULL, ids));
	assert_int_equal(1, b.counters.clock_steps);
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
	assert_string_equal("2:2L", ids);
	assert_int_equal(3, b.stream.drops);
	(void) feed(
	    &b, &b.stream, 12 * s, 1002 * s, &drop, ids); /* no more, but within the window */
	assert_string_equal("3:3L", ids);
	(void) feed(&b, &b.stream, 40 * s, 1030 * s, &drop, ids);
	assert_string_equal("4:4", ids);
	b.stream.gaps++;
	(void) feed(&b, &b.stream, 60 * s, 1050 * s, NULL, ids);
	assert_string_equal("5:5L", ids);
	assert_int_equal(2, b.counters.loss_windows);
	assert_int_equal(5, b.counters.types[EV_CLOSE]);
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
	assert_null(alerts);
	assert_int_equal(2, b.counters.malformed);
	assert_int_equal(2, b.stream.malformed);
	(void) feed(
	    &b, &b.stream, 2 * NS_PER_S, 2 * NS_PER_S, NULL, ids); /* its events are a loss */
	assert_string_equal("2:2L", ids);
	bench_close(&b);
}

/* A sensor that starts anew begins with empty state; so does one that said Bye. */
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
	node_hello(b.nodes, &b.stream, &hello);
	(void) feed(&b, &b.stream, 1, 1, NULL, ids);
	assert_int_equal(1, newest->applied);
	node_hello(b.nodes, &b.stream, &hello); /* the same, reconnected */
	assert_int_equal(1, states_alive);
	node_hello(b.nodes, &other, &hello); /* the same name in another cluster */
	assert_int_equal(2, states_alive);
	node_hello(b.nodes, &second, &hello);
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

/* A node that is not heard of any more is forgotten; should it come back, it tells all anew. */
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
	b.stream.last_seen = clock_real() - STREAM_KEEP_NS - NS_PER_S;
	b.stream.connected = true;
	nodes_publish(b.nodes);
	assert_int_equal(1, states_alive);
	nodes_free(b.nodes);

	bench_open(&b);
	(void) feed(&b, &b.stream, 1, 1, NULL, ids);
	b.stream.evaluated = 1;
	b.stream.last_seen = clock_real() - STREAM_KEEP_NS - NS_PER_S;
	nodes_publish(b.nodes);
	assert_int_equal(0, states_alive);
	assert_int_equal(0, b.stream.refs);
	assert_int_equal(0, snapshots_wanted);
	(void) feed(&b, &b.stream, 2, 2, NULL, ids);
	assert_int_equal(1, snapshots_wanted);
	bench_close(&b);
}

static void
test_snapshot(void **state)
{
	Wire__Snapshot part = WIRE__SNAPSHOT__INIT;
	Wire__Body body = WIRE__BODY__INIT;
	struct batch_enc *enc = NULL;
	struct buf data = BUF_INIT;
	struct evb e = { 0 };
	struct bench b;

	(void) state;
	bench_open(&b);
	assert_int_equal(0, batch_enc_new(&enc));
	evb_begin(&e, EV_TASK, 1, 5);
	assert_int_equal(0, batch_enc_add(enc, evb_end(&e)));
	assert_int_equal(0, batch_enc_finish(enc, 0, &data, &body));
	part.id = 4;
	part.boot_ns = 77;
	part.body = &body;
	node_snapshot(b.nodes, &b.stream, &part);
	assert_int_equal(1, newest->snapshot);
	assert_int_equal(0, newest->done_at);
	part.part = 1;
	part.boot_ns = 88; /* the snapshot began with its first part */
	part.last = true;
	node_snapshot(b.nodes, &b.stream, &part);
	assert_int_equal(77, newest->done_at);
	assert_int_equal(2, b.counters.snapshot_events);
	batch_enc_free(enc);
	buf_fini(&data);
	evb_fini(&e);
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
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
