/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"

#include "collector/shard/shard.h"
#include "collector/shard/shard_queue.h"
#include "tests/support/fault.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>

enum { CAP = 16 };

static struct stream nodes[] = { { .hash = 1 }, { .hash = 2 }, { .hash = 3 },
	{ .hash = 1 + 1024 } };

/* Make an op of a node; 'done' is not called, 'arg' is its name. */
static struct op
op_of(size_t node, const char *name)
{
	return (struct op){ .type = OP_BATCH, .stream = &nodes[node], .arg = (void *) name };
}

static void
expect(struct shard_queue *q, const char *names)
{
	struct op *op = NULL;

	for (; *names != '\0'; names++) {
		assert_int_equal(1, shard_queue_take(q, 0, &op));
		assert_int_equal(*names, *(const char *) op->arg);
	}
}

/* Each node has its turn; the ops of one stay in order. */
static void
turns(void **state)
{
	struct op a[5], b[2], c = op_of(2, "C"), none = { .type = OP_WAKE, .arg = (void *) "-" };
	struct shard_queue *q = NULL;
	struct op *op = NULL;

	(void) state;
	assert_int_equal(0, shard_queue_new(CAP, &q));
	assert_int_equal(0, shard_queue_take(q, 0, &op));
	for (size_t i = 0; i < ARRAY_SIZE(a); i++) {
		a[i] = op_of(0, &"12345"[i]);
		assert_int_equal(0, shard_queue_put(q, &a[i]));
	}
	expect(q, "1");
	for (size_t i = 0; i < ARRAY_SIZE(b); i++) {
		b[i] = op_of(1, &"xy"[i]);
		assert_int_equal(0, shard_queue_put(q, &b[i]));
	}
	assert_int_equal(0, shard_queue_put(q, &c));
	assert_int_equal(0, shard_queue_put(q, &none));
	assert_int_equal(8, shard_queue_len(q));
	expect(q, "2xC-3y45");
	assert_int_equal(0, shard_queue_take(q, 0, &op));
	/* and again from empty */
	assert_int_equal(0, shard_queue_put(q, &b[0]));
	expect(q, "x");
	shard_queue_free(q);
	shard_queue_free(NULL);
}

/* The ops of a held node wait, and nobody waits for them. */
static void
held(void **state)
{
	struct op a[2] = { op_of(0, "1"), op_of(0, "2") }, b = op_of(1, "x"), c = op_of(2, "C");
	struct shard_queue *q = NULL;
	struct op *op = NULL;

	(void) state;
	assert_int_equal(0, shard_queue_new(CAP, &q));
	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		assert_int_equal(0, shard_queue_put(q, &a[i]));
	shard_queue_hold(q, &nodes[0]);
	assert_int_equal(0, shard_queue_take(q, 0, &op));
	assert_int_equal(0, shard_queue_put(q, &b));
	assert_int_equal(0, shard_queue_put(q, &c));
	expect(q, "xC");
	assert_int_equal(0, shard_queue_take(q, 0, &op));
	assert_int_equal(2, shard_queue_len(q));
	shard_queue_release(q, &nodes[0]);
	expect(q, "12");
	shard_queue_free(q);
}

/* Several nodes are held, one of them twice. */
static void
held_twice(void **state)
{
	struct op a = op_of(0, "a"), b = op_of(1, "b"), c = op_of(2, "c");
	struct shard_queue *q = NULL;
	struct op *op = NULL;

	(void) state;
	assert_int_equal(0, shard_queue_new(CAP, &q));
	shard_queue_hold(q, &nodes[0]);
	shard_queue_hold(q, &nodes[1]);
	shard_queue_hold(q, &nodes[0]);
	assert_int_equal(0, shard_queue_put(q, &a));
	assert_int_equal(0, shard_queue_put(q, &b));
	assert_int_equal(0, shard_queue_put(q, &c));
	expect(q, "c");
	assert_int_equal(0, shard_queue_take(q, 0, &op));
	shard_queue_release(q, &nodes[1]);
	expect(q, "b");
	shard_queue_release(q, &nodes[0]);
	assert_int_equal(0, shard_queue_take(q, 0, &op));
	shard_queue_release(q, &nodes[0]);
	expect(q, "a");
	shard_queue_free(q);
}

/* Nodes that share a lane are served in the order of their ops. */
static void
shared_lane(void **state)
{
	struct op a = op_of(0, "a"), d = op_of(3, "d"), e = op_of(0, "e");
	struct shard_queue *q = NULL;

	(void) state;
	assert_int_equal(0, shard_queue_new(CAP, &q));
	assert_int_equal(0, shard_queue_put(q, &a));
	assert_int_equal(0, shard_queue_put(q, &d));
	assert_int_equal(0, shard_queue_put(q, &e));
	expect(q, "ade");
	shard_queue_free(q);
}

static size_t
put_all(struct shard_queue *q, size_t node, struct op v[CAP])
{
	size_t n = 0;

	for (; n < CAP; n++) {
		v[n] = op_of(node, "o");
		if (shard_queue_put(q, &v[n]) < 0)
			break;
	}
	return n;
}

/* One node fills half of the queue, two all of it, and the third still has its guaranteed
 * places. */
static void
bounds(void **state)
{
	static struct op v[3][CAP], more;
	struct shard_queue *q = NULL;
	struct op *op = NULL;

	(void) state;
	assert_int_equal(0, shard_queue_new(CAP, &q));
	assert_int_equal(CAP / 2, put_all(q, 0, v[0]));
	more = op_of(0, "more");
	assert_int_equal(-EAGAIN, shard_queue_put(q, &more));
	assert_int_equal(CAP / 2, put_all(q, 1, v[1]));
	assert_int_equal(SHARD_QUEUE_OWN, put_all(q, 2, v[2]));
	assert_int_equal(CAP + SHARD_QUEUE_OWN, shard_queue_len(q));
	shard_queue_close(q);
	assert_int_equal(-ESHUTDOWN, shard_queue_put(q, &more));
	for (size_t i = 0; i < CAP + SHARD_QUEUE_OWN; i++)
		assert_int_equal(1, shard_queue_take(q, -1, &op));
	assert_int_equal(-ESHUTDOWN, shard_queue_take(q, -1, &op));
	shard_queue_free(q);
}

enum { WRITERS = 3, EACH = 5000 };

struct writer {
	struct shard_queue *q;
	pthread_t thread;
	struct op op[EACH];
};

static void *
write_all(void *arg)
{
	struct writer *w = arg;

	for (size_t i = 0; i < EACH; i++) {
		while (shard_queue_put(w->q, &w->op[i]) == -EAGAIN)
			sched_yield();
	}
	return NULL;
}

/* Every op arrives once, those of a node in order. */
static void
many_writers(void **state)
{
	static struct writer w[WRITERS];
	size_t next[WRITERS] = { 0 };
	struct shard_queue *q = NULL;
	struct op *op = NULL;

	(void) state;
	assert_int_equal(0, shard_queue_new(CAP, &q));
	for (size_t i = 0; i < WRITERS; i++) {
		w[i].q = q;
		for (size_t k = 0; k < EACH; k++)
			w[i].op[k] = op_of(i, "o");
		assert_int_equal(0, pthread_create(&w[i].thread, NULL, write_all, &w[i]));
	}
	for (size_t n = 0; n < (size_t) WRITERS * EACH; n++) {
		size_t i = 0;

		assert_int_equal(1, shard_queue_take(q, -1, &op));
		while (op->stream != &nodes[i])
			i++;
		assert_ptr_equal(&w[i].op[next[i]++], op);
	}
	for (size_t i = 0; i < WRITERS; i++)
		assert_int_equal(0, pthread_join(w[i].thread, NULL));
	assert_int_equal(0, shard_queue_len(q));
	shard_queue_free(q);
}

static void *
close_it(void *q)
{
	shard_queue_close(q);
	return NULL;
}

/* Closing wakes a taker that waits for ever. */
static void
close_wakes(void **state)
{
	struct shard_queue *q = NULL;
	struct op *op;
	pthread_t t;

	(void) state;
	fault_arm_nth(0);
	assert_int_equal(-ENOMEM, shard_queue_new(CAP, &q));
	assert_true(fault_disarm());
	assert_null(q);
	assert_int_equal(0, shard_queue_new(CAP, &q));
	assert_int_equal(0, pthread_create(&t, NULL, close_it, q));
	assert_int_equal(-ESHUTDOWN, shard_queue_take(q, -1, &op));
	assert_int_equal(0, pthread_join(t, NULL));
	shard_queue_free(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(turns),
		cmocka_unit_test(shared_lane),
		cmocka_unit_test(held),
		cmocka_unit_test(held_twice),
		cmocka_unit_test(bounds),
		cmocka_unit_test(many_writers),
		cmocka_unit_test(close_wakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
