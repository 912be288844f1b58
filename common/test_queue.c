/* SPDX-License-Identifier: Apache-2.0 */
#include "common/queue.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>

static void
order_and_bound(void **state)
{
	struct queue *q = NULL;
	int v[5];
	void *ops[8];

	(void) state;
	assert_int_equal(0, queue_new(3, &q));
	assert_int_equal(0, queue_take(q, ops, 8, 0));
	assert_int_equal(0, queue_take(q, ops, 8, 1));
	for (int round = 0; round < 4; round++) { /* wrap around the ring */
		for (int i = 0; i < 3; i++)
			assert_int_equal(0, queue_put(q, &v[i]));
		assert_int_equal(-EAGAIN, queue_put(q, &v[3]));
		assert_int_equal(3, queue_len(q));
		assert_int_equal(2, queue_take(q, ops, 2, -1));
		assert_ptr_equal(&v[0], ops[0]);
		assert_ptr_equal(&v[1], ops[1]);
		assert_int_equal(0, queue_put(q, &v[3]));
		assert_int_equal(2, queue_take(q, ops, 8, -1));
		assert_ptr_equal(&v[2], ops[0]);
		assert_ptr_equal(&v[3], ops[1]);
	}
	assert_int_equal(0, queue_put(q, &v[4]));
	queue_close(q);
	assert_int_equal(-ESHUTDOWN, queue_put(q, &v[0]));
	assert_int_equal(1, queue_take(q, ops, 8, -1)); /* the rest is drained */
	assert_int_equal(-ESHUTDOWN, queue_take(q, ops, 8, -1));
	queue_free(q);
	queue_free(NULL);
}

enum { WRITERS = 4, EACH = 5000 };

struct writer {
	struct queue *q;
	pthread_t thread;
	unsigned item[EACH];
};

static void *
write_all(void *arg)
{
	struct writer *w = arg;

	for (unsigned i = 0; i < EACH; i++) {
		w->item[i] = i;
		while (queue_put(w->q, &w->item[i]) == -EAGAIN)
			sched_yield();
	}
	return NULL;
}

/* Everything arrives once, in the order of each writer. */
static void
many_writers(void **state)
{
	static struct writer w[WRITERS];
	unsigned next[WRITERS] = { 0 }, got = 0;
	struct queue *q = NULL;
	void *ops[64];

	(void) state;
	assert_int_equal(0, queue_new(128, &q));
	for (int i = 0; i < WRITERS; i++) {
		w[i].q = q;
		assert_int_equal(0, pthread_create(&w[i].thread, NULL, write_all, &w[i]));
	}
	while (got < WRITERS * EACH) {
		int n = queue_take(q, ops, (int) ARRAY_SIZE(ops), -1);

		assert_true(n > 0);
		for (int k = 0; k < n; k++) {
			size_t i = 0;

			while ((unsigned *) ops[k] < w[i].item ||
			       (unsigned *) ops[k] >= w[i].item + EACH)
				i++;
			assert_int_equal(next[i]++, *(unsigned *) ops[k]);
		}
		got += (unsigned) n;
	}
	for (int i = 0; i < WRITERS; i++) {
		assert_int_equal(0, pthread_join(w[i].thread, NULL));
		assert_int_equal(EACH, next[i]);
	}
	assert_int_equal(0, queue_len(q));
	queue_free(q);
}

static void *
close_it(void *q)
{
	queue_close(q);
	return NULL;
}

/* A close wakes a taker that waits without a limit. */
static void
close_wakes(void **state)
{
	struct queue *q = NULL;
	pthread_t t;
	void *op;

	(void) state;
	assert_int_equal(0, queue_new(1, &q));
	assert_int_equal(0, pthread_create(&t, NULL, close_it, q));
	assert_int_equal(-ESHUTDOWN, queue_take(q, &op, 1, -1));
	assert_int_equal(0, pthread_join(t, NULL));
	queue_free(q);
}

static void
memory(void **state)
{
	struct queue *q = NULL;

	(void) state;
	for (unsigned n = 0; n < 2; n++) {
		fault_arm_nth(n);
		assert_int_equal(-ENOMEM, queue_new(4, &q));
		assert_true(fault_disarm());
		assert_null(q);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_and_bound),
		cmocka_unit_test(many_writers),
		cmocka_unit_test(close_wakes),
		cmocka_unit_test(memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
