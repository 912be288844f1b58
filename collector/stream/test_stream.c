/* SPDX-License-Identifier: Apache-2.0 */
/* test_stream.c - the registry: when two streams are the same, which are kept, which are
 * dropped. */
#include "collector/stream/stream.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>

/* Schemas belong to proto; this test has none. */
void
peer_schema_free(struct peer_schema *p)
{
	assert_null(p);
}

static struct stream_id
id_of(const char *cluster, const char *node, const char *boot, uint64_t start)
{
	struct stream_id id = { .sensor_start = start };

	(void) snprintf(id.cluster, sizeof(id.cluster), "%s", cluster);
	(void) snprintf(id.node, sizeof(id.node), "%s", node);
	(void) snprintf(id.boot_id, sizeof(id.boot_id), "%s", boot);
	return id;
}

static const struct {
	const char *cluster, *node, *boot;
	uint64_t start;
	bool same; /* as the first row */
} same_cases[] = {
	{ "c", "web1", "b1", 10, true },
	{ "c", "web1", "b1", 11, false },
	{ "c", "web1", "b2", 10, false },
	{ "c", "web2", "b1", 10, false },
	{ "d", "web1", "b1", 10, false },
	{ "cw", "eb1", "b1", 10, false },
};

static void
test_same(void **state)
{
	struct stream *first = NULL, *st = NULL;
	struct stream_id id = id_of("c", "web1", "b1", 10), other;
	struct streams *s = NULL;

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(same_cases); i++) {
		assert_int_equal(0, streams_new(&s));
		assert_int_equal(0, stream_get(s, &id, 7, false, NULL, &first));
		assert_int_equal(7, first->received);
		assert_int_equal(7, first->durable);
		assert_int_not_equal(0, first->snapshot_id);
		other = id_of(same_cases[i].cluster, same_cases[i].node, same_cases[i].boot,
		    same_cases[i].start);
		assert_int_equal(0, stream_get(s, &other, 0, false, NULL, &st));
		assert_int_equal(same_cases[i].same, st == first);
		stream_unref(st);
		stream_unref(first);
		streams_free(s);
	}
}

static void
count(void *arg, struct stream *st)
{
	(void) st;
	++*(unsigned *) arg;
}

static const struct {
	const char *node;
	uint64_t start;
	bool connected; /* the first stream, when the second comes */
	unsigned kept;
	bool bye,
	    restarted; /* the first said Bye; the second knows that the sensor was restarted */
} sweep_cases[] = {
	/* a restarted sensor replaces the old, even before the old connection is gone */
	{ "web1", 11, false, 1, false, true },
	{ "web1", 11, true, 1, false, true },
	{ "web1", 11, false, 1, true, true },
	{ "web1", 10, false, 1, false, false }, /* the same sensor reconnects */
	{ "web2", 9, false, 2, false, false },
};

static void
test_sweep(void **state)
{
	struct stream *first = NULL, *st = NULL;
	struct streams *s = NULL;

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(sweep_cases); i++) {
		struct stream_id id = id_of("c", "web1", "b1", 10),
				 other =
				     id_of("c", sweep_cases[i].node, "b1", sweep_cases[i].start);
		unsigned n = 0;

		assert_int_equal(0, streams_new(&s));
		assert_int_equal(0, stream_get(s, &id, 0, false, NULL, &first));
		first->connected = sweep_cases[i].connected;
		first->said_bye = sweep_cases[i].bye;
		first->loss.opened[LOSS_events_dropped] = 3;
		assert_int_equal(0, stream_get(s, &other, 0, false, NULL, &st));
		assert_int_equal(sweep_cases[i].restarted, st->restarted);
		if (st->restarted) {
			assert_int_equal(
			    sweep_cases[i].bye ? LOSS_sensor_stopped : LOSS_sensor_died,
			    st->before);
			assert_int_equal(first->last_seen, st->before_seen);
			assert_int_equal(3, st->loss.opened[LOSS_events_dropped]);
		}
		streams_each(s, count, &n);
		assert_int_equal(sweep_cases[i].kept, n);
		assert_string_equal("web1", first->id.node); /* still held */
		stream_unref(first);
		streams_free(s);
		assert_int_equal(
		    sweep_cases[i].start, st->id.sensor_start); /* outlives the registry */
		stream_unref(st);
	}
}

/* A rebooted machine has lost no events. */
static void
test_rebooted(void **state)
{
	struct stream_id id = id_of("c", "web1", "b1", 10), other = id_of("c", "web1", "b2", 11);
	struct stream *first = NULL, *st = NULL;
	struct streams *s = NULL;

	(void) state;
	assert_int_equal(0, streams_new(&s));
	assert_int_equal(0, stream_get(s, &id, 0, false, NULL, &first));
	first->loss.opened[LOSS_events_dropped] = 3;
	assert_int_equal(0, stream_get(s, &other, 5, false, NULL, &st));
	assert_false(st->restarted);
	assert_int_equal(5, st->began);
	assert_int_equal(3, st->loss.opened[LOSS_events_dropped]);
	stream_unref(first);
	stream_unref(st);
	streams_free(s);
}

static void
test_snapshot_ids_grow(void **state)
{
	struct stream st = { 0 };
	uint64_t last = 0;

	(void) state;
	for (int i = 0; i < 1000; i++) {
		stream_want_snapshot(&st);
		assert_true(st.snapshot_id > last);
		last = st.snapshot_id;
	}
}

/* Counters are cumulative: the newest are complete. */
static void
test_drops(void **state)
{
	Wire__Drop a = WIRE__DROP__INIT, b = WIRE__DROP__INIT, late = WIRE__DROP__INIT;
	Wire__Drop *v[] = { &a, &b, &late };
	struct stream *st = calloc(1, sizeof(*st));

	(void) state;
	a.event = EV_OPEN;
	a.cause = DROP_RING_FULL;
	a.count = 3;
	b.event = 100000; /* of a newer sensor */
	b.cause = DROP_TOO_LONG;
	b.count = 2;
	late.event = EV_OPEN; /* out of order, not lost */
	late.cause = DROP_LATE;
	late.count = 9;
	assert_int_equal(5, stream_set_drops(st, v, 3));
	assert_int_equal(5, st->drops);
	assert_int_equal(3, st->type_drops->n[EV_OPEN]);
	assert_int_equal(2, st->type_drops->n[0]);
	a.count = 4;
	assert_int_equal(4, stream_set_drops(st, v, 1));
	assert_int_equal(4, st->type_drops->n[EV_OPEN]);
	assert_int_equal(0, st->type_drops->n[0]);
	assert_int_equal(0, stream_set_drops(st, NULL, 0));
	assert_int_equal(0, st->drops);
	free(st->type_drops);
	free(st);
}

/* ---- whether a node is seen ---- */

static const struct {
	bool connected, bye;
	uint64_t heard, now; /* s */
	enum sight sight;
	uint64_t idle; /* s: between its polls; 0: one */
} sight_cases[] = {
	{ true, false, 100, 100, SIGHT_up, 0 },
	{ true, false, 101, 100, SIGHT_up, 0 }, /* another thread's clock */
	{ true, false, 100, 103, SIGHT_up, 0 },
	{ true, false, 100, 104, SIGHT_silent, 0 },
	{ true, false, 100, 111, SIGHT_up, 5 },
	{ true, false, 100, 112, SIGHT_silent, 5 },
	{ true, true, 100, 101, SIGHT_up, 0 }, /* it has said Bye, but is still connected */
	{ false, false, 100, 100, SIGHT_down, 0 },
	{ false, true, 100, 100, SIGHT_stopped, 0 },
	{ false, false, 0, 100, SIGHT_missing, 0 },
	{ false, true, 0, 100, SIGHT_missing, 0 },
};

static void
test_sight(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(sight_cases); i++) {
		struct stream st = {
			.connected = sight_cases[i].connected,
			.said_bye = sight_cases[i].bye,
			.heard = sight_cases[i].heard * NS_PER_S,
			.idle_ns = sight_cases[i].idle * NS_PER_S,
		};

		assert_string_equal(sight_name(sight_cases[i].sight),
		    sight_name(stream_sight(&st, sight_cases[i].now * NS_PER_S)));
	}
}

static struct outbox_node
known(const char *node, uint64_t start, uint64_t seen, bool stopped)
{
	return (struct outbox_node){
		.id = id_of("c", node, "b1", start), .seen = seen, .stopped = stopped
	};
}

/* A node that an earlier collector knew comes back with the same sensor or another one. */
static const struct {
	const char *boot;
	uint64_t start;
	bool stopped, restarted;
	enum loss_cause before;
} return_cases[] = {
	{ "b1", 10, false, false, 0 }, { "b1", 11, false, true, LOSS_sensor_died },
	{ "b1", 11, true, true, LOSS_sensor_stopped },
	{ "b2", 11, false, false, 0 }, /* the machine was rebooted */
};

static void
test_remembered(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(return_cases); i++) {
		struct stream_id id =
		    id_of("c", "web1", return_cases[i].boot, return_cases[i].start);
		struct outbox_node n = known("web1", 10, 77, return_cases[i].stopped);
		struct streams *s = NULL;
		struct stream *st = NULL;
		unsigned rows = 0;

		assert_int_equal(0, streams_new(&s));
		assert_int_equal(0, streams_remember(s, &n));
		assert_int_equal(0, stream_get(s, &id, 5, false, NULL, &st));
		assert_int_equal(5, st->began); /* created as if it were unknown ... */
		assert_int_equal(5, st->evaluated);
		assert_true(st->connected);
		assert_int_equal(SIGHT_up, stream_sight(st, st->heard));
		assert_int_equal(return_cases[i].restarted, st->restarted); /* ... but for this */
		if (st->restarted) {
			assert_int_equal(return_cases[i].before, st->before);
			assert_int_equal(77, st->before_seen);
		}
		streams_each(s, count, &rows);
		assert_int_equal(1, rows);
		stream_unref(st);
		streams_free(s);
	}
}

static void
test_forget(void **state)
{
	struct outbox_node n = known("web1", 10, 77, false);
	struct stream_id id = id_of("c", "web1", "b1", 10);
	struct streams *s = NULL;
	struct stream *st = NULL;
	unsigned rows = 0;

	(void) state;
	assert_int_equal(0, streams_new(&s));
	assert_int_equal(-ENOENT, streams_forget(s, "c", "web1"));
	assert_int_equal(0, streams_remember(s, &n));
	assert_int_equal(-ENOENT, streams_forget(s, "", "web1"));
	assert_int_equal(0, streams_forget(s, "c", "web1"));
	assert_int_equal(-ENOENT, streams_forget(s, "c", "web1"));
	assert_int_equal(0, stream_get(s, &id, 0, false, NULL, &st));
	assert_int_equal(-EBUSY, streams_forget(s, "c", "web1"));
	assert_null(streams_find(s, "", "web1"));
	assert_ptr_equal(st, streams_find(s, "c", "web1"));
	stream_unref(st);
	assert_false(st->forgotten);
	st->connected = false;
	assert_int_equal(0, streams_forget(s, "c", "web1"));
	assert_true(st->forgotten);
	streams_each(s, count, &rows);
	assert_int_equal(0, rows);
	stream_unref(st);
	streams_free(s);
}

/* Names that are used only once do not fill the memory. */
static void
test_crowd(void **state)
{
	struct streams *s = NULL;
	struct stream *st;
	char name[32];
	unsigned rows = 0, out = 0;

	(void) state;
	assert_int_equal(0, streams_new(&s));
	for (unsigned i = 1; i <= STREAMS_GONE + STREAMS_GONE / 2; i++) {
		struct outbox_node n;

		(void) snprintf(name, sizeof(name), "w%u", i);
		n = known(name, 10, i, false);
		assert_int_equal(0, streams_remember(s, &n));
	}
	streams_each(s, count, &rows);
	assert_true(rows <= STREAMS_GONE);
	assert_true(rows > STREAMS_GONE / 2);
	while ((st = streams_crowded_out(s)) != NULL) {
		assert_true(st->forgotten);
		out++;
		stream_unref(st);
	}
	assert_int_equal(STREAMS_GONE + STREAMS_GONE / 2, rows + out);
	streams_free(s);
}

static void
test_no_memory(void **state)
{
	struct stream_id id = id_of("c", "web1", "b1", 10);
	struct stream *st = NULL;
	struct streams *s = NULL;

	(void) state;
	fault_arm_nth(0);
	assert_int_equal(-ENOMEM, streams_new(&s));
	assert_true(fault_disarm());
	assert_null(s);
	assert_int_equal(0, streams_new(&s));
	fault_arm_nth(0);
	assert_int_equal(-ENOMEM, stream_get(s, &id, 0, false, NULL, &st));
	assert_true(fault_disarm());
	assert_null(st);
	streams_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_rebooted),
		cmocka_unit_test(test_snapshot_ids_grow),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_sight),
		cmocka_unit_test(test_remembered),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
