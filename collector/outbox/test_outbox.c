/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/outbox/outbox.h"
#include "tests/support/outbox_kit.h"
#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <unistd.h>

static void
commits_and_reads_in_order(void **state)
{
	struct outbox *o = open_it(0, 0);
	struct seen s = { 0 };
	struct alert *a = make(1, "r", "n", PRIO_ERROR, 10);

	(void) state;
	a->next = make(2, "r", "n", PRIO_ERROR, 0);
	assert_int_equal(0, put(o, &node1, 5, a));
	assert_int_equal(0, put(o, &node2, 1, make(3, "r", "n", PRIO_ERROR, 100000)));
	assert_int_equal(3, outbox_read(o, 0, 10, see, &s));
	assert_string_equal("1 2 3", s.text);
	s = (struct seen){ .stop_after = 1 };
	assert_int_equal(1, outbox_read(o, 1, 10, see, &s));
	assert_string_equal("2", s.text);
	s = (struct seen){ 0 };
	assert_int_equal(1, outbox_read(o, 1, 1, see, &s));
	assert_int_equal(5, seq_of(o, &node1));
	assert_int_equal(1, seq_of(o, &node2));
	assert_true(outbox_wait(o, 2, -1));
	assert_false(outbox_wait(o, 3, 0));
	assert_int_equal(3, stats(o).last_rowid);
	outbox_close(o);
}

static void
a_batch_sent_again_is_dropped(void **state)
{
	struct outbox *o = open_it(0, 0);
	struct seen s = { 0 };

	(void) state;
	assert_int_equal(0, put(o, &node1, 1, make(1, "r", "n", PRIO_ERROR, 1)));
	outbox_close(o);
	o = open_it(0, 0);
	assert_int_equal(1, seq_of(o, &node1));
	assert_int_equal(0, put(o, &node1, 1, make(1, "r", "n", PRIO_ERROR, 1)));
	assert_int_equal(0, put(o, &node1, 2, make(2, "r", "n", PRIO_ERROR, 1)));
	assert_int_equal(1, stats(o).duplicates);
	assert_int_equal(2, stats(o).rows);
	assert_int_equal(2, outbox_read(o, 0, 10, see, &s));
	assert_string_equal("1 2", s.text);
	outbox_close(o);
}

/* Progress without alerts is durable at once, and in the file after a while or a close. */
static void
quiet_batches_advance(void **state)
{
	struct outbox *o = open_it(0, 0);

	(void) state;
	assert_int_equal(0, seq_of(o, &node1));
	assert_int_equal(0, put(o, &node1, 9, NULL));
	assert_int_equal(9, seq_of(o, &node1));
	assert_int_equal(0, put(o, &node1, 8, NULL)); /* never backwards */
	assert_int_equal(9, seq_of(o, &node1));
	outbox_close(o);
	o = open_it(0, 0);
	assert_int_equal(9, seq_of(o, &node1));
	assert_int_equal(0, put(o, &node1, 4, NULL)); /* an old batch sent again */
	assert_int_equal(9, seq_of(o, &node1));
	outbox_close(o);
}

static void
places_and_set_aside_survive(void **state)
{
	struct outbox *o = open_it(0, 1);
	uint64_t at = 4711;

	(void) state;
	assert_int_equal(0, put(o, &node1, 1, make(1, "r", "n", PRIO_ERROR, 1)));
	assert_int_equal(0, outbox_cursor(o, "kafka", &at, NULL));
	assert_int_equal(0, at);
	assert_int_equal(-ENOENT, outbox_cursor(o, "slack", &at, NULL));
	outbox_delivered(o, "kafka", 1);
	outbox_delivered(o, "kafka", 0); /* never backwards */
	outbox_delivered(o, "slack", 5);
	assert_int_equal(0, outbox_set_aside(o, "kafka", 1, "too large"));
	outbox_close(o);
	o = open_it(0, 1);
	assert_int_equal(0, outbox_cursor(o, "kafka", &at, NULL));
	assert_int_equal(1, at);
	assert_int_equal(1, stats(o).set_aside);
	outbox_close(o);
}

static int
name_node(void *arg, const struct outbox_node *n)
{
	struct seen *k = arg;

	k->n += (size_t) snprintf(k->text + k->n, sizeof(k->text) - k->n, "%s/%s:%lu:%lu:%d ",
	    n->id.cluster, n->id.node, (unsigned long) n->id.sensor_start, (unsigned long) n->seen,
	    n->stopped);
	return 0;
}

static const char *
nodes_of(struct outbox *o, struct seen *k)
{
	*k = (struct seen){ .n = 0 };
	assert_int_equal(0, outbox_nodes(o, name_node, k));
	return k->text;
}

static void
nodes_are_remembered_until_they_are_forgotten(void **state)
{
	struct outbox_node a = { .id = { "c", "a", "b1", 1 }, .seen = 10 }, b = a, c = a;
	struct outbox *o = open_it(0, 0);
	struct seen k;

	(void) state;
	assert_string_equal("", nodes_of(o, &k));
	(void) snprintf(b.id.node, sizeof(b.id.node), "b");
	c.id.cluster[0] = '\0';
	assert_int_equal(0, outbox_node_put(o, &a));
	assert_int_equal(0, outbox_node_put(o, &b));
	assert_int_equal(0, outbox_node_put(o, &c));
	a.id.sensor_start = 2; /* the node's newest sensor counts */
	a.seen = 20;
	a.stopped = true;
	assert_int_equal(0, outbox_node_put(o, &a));
	outbox_close(o);
	o = open_it(0, 0);
	assert_string_equal("/a:1:10:0 c/a:2:20:1 c/b:1:10:0 ", nodes_of(o, &k));
	assert_int_equal(0, outbox_node_forget(o, &a.id));
	outbox_close(o);
	o = open_it(0, 0);
	assert_string_equal("/a:1:10:0 c/b:1:10:0 ", nodes_of(o, &k));
	/* its newest batches were heard later */
	assert_int_equal(0, put(o, &b.id, 7, make(1, "r", "n", PRIO_ERROR, 1)));
	(void) nodes_of(o, &k);
	assert_null(strstr(k.text, "c/b:1:10:0"));
	outbox_close(o);
}

/* The number of nodes waiting to be written is bounded. */
static void
nodes_wait_for_room(void **state)
{
	struct outbox_node n = { .id = { "c", "a", "b1", 1 }, .seen = 10 };
	struct outbox *o = open_it(0, 0);
	int r = 0;

	(void) state;
	kit_fail("COMMIT", SQLITE_FULL, INT32_MAX);
	for (int i = 0; r == 0 && i < 100000; i++)
		r = outbox_node_put(o, &n);
	assert_int_equal(-EAGAIN, r);
	kit_fail(NULL, 0, 0);
	outbox_close(o);
}

static void
a_new_output_begins_at_the_end(void **state)
{
	struct outbox *o = open_it(0, 0);
	uint64_t at = 0;

	(void) state;
	assert_int_equal(0, put(o, &node1, 1, make(1, "r", "n", PRIO_ERROR, 1)));
	assert_int_equal(0, put(o, &node1, 2, make(2, "r", "n", PRIO_ERROR, 1)));
	outbox_close(o);
	o = open_it(0, 1);
	assert_int_equal(0, outbox_cursor(o, "kafka", &at, NULL));
	assert_int_equal(2, at);
	outbox_close(o);
}

static const struct {
	struct outbox_query q;
	const char *want;
} queries[] = {
	{ { .priority_max = -1 }, "1 2 3 4" },
	{ { .priority_max = -1, .newest_first = true, .limit = 2 }, "4 3" },
	{ { .priority_max = -1, .after = 3 }, "4" },
	{ { .priority_max = -1, .rule = "shell" }, "2 4" },
	{ { .priority_max = -1, .rule = "she" }, "" },
	{ { .priority_max = -1, .node = "b" }, "3 4" },
	{ { .priority_max = -1, .rule = "shell", .node = "b" }, "4" },
	{ { .priority_max = -1, .cluster = "test" }, "" },
	{ { .priority_max = -1, .id = "00000003-0000-8000-8000-000000000000" }, "3" },
	{ { .priority_max = -1, .since = 2000, .until = 4000 }, "2 3" },
	{ { .priority_max = PRIO_CRITICAL }, "2 3" },
	{ { .priority_max = PRIO_EMERGENCY }, "" },
};

static void
queries_choose(void **state)
{
	struct outbox *o = open_it(0, 0);

	(void) state;
	assert_int_equal(0, put(o, &node1, 1, make(1, "read", "a", PRIO_ERROR, 1)));
	assert_int_equal(0, put(o, &node1, 2, make(2, "shell", "a", PRIO_CRITICAL, 1)));
	assert_int_equal(0, put(o, &node1, 3, make(3, "read", "b", PRIO_ALERT, 1)));
	assert_int_equal(0, put(o, &node1, 4, make(4, "shell", "b", PRIO_DEBUG, 1)));
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		struct seen s = { 0 };

		assert_true(outbox_select(o, &queries[i].q, see, &s) >= 0);
		assert_string_equal(queries[i].want, s.text);
	}
	outbox_close(o);
}

static void
others_may_look_into_it(void **state)
{
	struct outbox_cfg cfg = { .path = kit_path, .read_only = true };
	struct outbox *o = open_it(0, 0), *ro = NULL;
	struct seen s = { 0 };
	struct diag d = { 0 };

	(void) state;
	assert_int_equal(0, put(o, &node1, 1, make(1, "r", "n", PRIO_ERROR, 1)));
	assert_int_equal(0, outbox_open(&cfg, &ro, &d));
	assert_int_equal(1, outbox_read(ro, 0, 10, see, &s));
	assert_int_equal(1, stats(ro).rows);
	outbox_close(ro);
	outbox_close(o);
}

/* Several threads, one order per stream; a full queue refuses. */
static struct outbox *shared;

static void *
put_many(void *arg)
{
	const struct stream_id *s = arg;
	static _Atomic unsigned ids = 1000;
	struct ticket k;

	for (uint64_t seq = 1; seq <= 100; seq++) {
		struct alert *a = NULL;

		if (seq % 3 == 0)
			a = make(ids++, "r", s->node, PRIO_ERROR, 100);
		ticket_put(shared, &k, s, seq, a);
		if (ticket_wait(&k) != 0 || seq_of(shared, s) < seq)
			return arg;
	}
	return NULL;
}

static void
threads_put_side_by_side(void **state)
{
	static struct stream_id streams[4];
	pthread_t threads[4];
	void *failed;

	(void) state;
	shared = open_it(0, 0);
	for (size_t i = 0; i < 4; i++) {
		streams[i] = node1;
		streams[i].sensor_start = i;
		assert_int_equal(0, pthread_create(&threads[i], NULL, put_many, &streams[i]));
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(0, pthread_join(threads[i], &failed));
		assert_null(failed);
	}
	assert_int_equal(4 * 33, stats(shared).rows);
	assert_int_equal(0, stats(shared).queued);
	outbox_close(shared);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(commits_and_reads_in_order, kit_setup),
		cmocka_unit_test_setup(a_batch_sent_again_is_dropped, kit_setup),
		cmocka_unit_test_setup(quiet_batches_advance, kit_setup),
		cmocka_unit_test_setup(places_and_set_aside_survive, kit_setup),
		cmocka_unit_test_setup(nodes_are_remembered_until_they_are_forgotten, kit_setup),
		cmocka_unit_test_setup(nodes_wait_for_room, kit_setup),
		cmocka_unit_test_setup(a_new_output_begins_at_the_end, kit_setup),
		cmocka_unit_test_setup(queries_choose, kit_setup),
		cmocka_unit_test_setup(others_may_look_into_it, kit_setup),
		cmocka_unit_test_setup(threads_put_side_by_side, kit_setup),
	};

	return cmocka_run_group_tests(tests, kit_begin, kit_end);
}
