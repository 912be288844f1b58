/* SPDX-License-Identifier: Apache-2.0 */
/* test_nng_task.c - other callbacks run beside one that blocks, and wake no thread needlessly. */
#include "common/nng/known.h"
#include "tests/support/test.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

enum { TASKS = 2000 };

struct nni_task;
int nni_taskq_sys_init(void);
void nni_taskq_sys_fini(void);
void nni_task_init(struct nni_task *t, void *queue, void (*cb)(void *), void *arg);
void nni_task_fini(struct nni_task *t);
void nni_task_dispatch(struct nni_task *t);
void nni_task_wait(struct nni_task *t);

union room {
	char bytes[TASK_ROOM];
	max_align_t align;
};

static sem_t go;
static _Atomic bool blocked_ran;
static _Atomic unsigned ran;
static long woken; /* wake-ups while it waited */

static struct nni_task *
in(union room *r)
{
	return (struct nni_task *) (void *) r;
}

static void
block(void *arg)
{
	(void) arg;
	(void) sem_wait(&go);
	blocked_ran = true;
}

static void
count(void *arg)
{
	(void) arg;
	ran++;
}

static void *
waiter(void *task)
{
	struct rusage before, after;

	(void) getrusage(RUSAGE_THREAD, &before);
	nni_task_wait(task);
	(void) getrusage(RUSAGE_THREAD, &after);
	assert_true(blocked_ran);
	woken = after.ru_nvcsw - before.ru_nvcsw;
	return NULL;
}

/* While one callback blocks and a thread waits for it, all others run and do not wake the
 * waiter. */
static void
test_waiter_sleeps(void **state)
{
	union room slow, quick;
	pthread_t t;

	(void) state;
	assert_int_equal(0, sem_init(&go, 0, 0));
	assert_int_equal(0, nni_taskq_sys_init());
	nni_task_init(in(&slow), NULL, block, NULL);
	nni_task_init(in(&quick), NULL, count, NULL);
	nni_task_dispatch(in(&slow));
	assert_int_equal(0, pthread_create(&t, NULL, waiter, in(&slow)));
	for (unsigned i = 0; i < TASKS; i++) {
		nni_task_dispatch(in(&quick));
		while (ran <= i)
			(void) sched_yield();
	}
	assert_false(blocked_ran);
	(void) sem_post(&go);
	assert_int_equal(0, pthread_join(t, NULL));
	nni_task_fini(in(&slow));
	nni_task_fini(in(&quick));
	nni_taskq_sys_fini();
	(void) sem_destroy(&go);
	assert_true(woken < TASKS / 10);
}

static sem_t ran_beside;

static void
report(void *arg)
{
	(void) arg;
	(void) sem_post(&ran_beside);
}

/* Make another callback due, then run until that has ended. */
static void
outlast(void *other)
{
	nni_task_dispatch(other);
	(void) sem_wait(&ran_beside);
	blocked_ran = true;
}

/* A callback does not wait for the end of the one that made it due; once right after the start, and
 * again when nobody has watched for a while. */
static void
test_beside_its_maker(void **state)
{
	static const useconds_t pause_us[] = { 0, 0, 500000, 500000 };
	union room slow, other;

	(void) state;
	assert_int_equal(0, sem_init(&ran_beside, 0, 0));
	assert_int_equal(0, nni_taskq_sys_init());
	nni_task_init(in(&other), NULL, report, NULL);
	nni_task_init(in(&slow), NULL, outlast, in(&other));
	for (size_t i = 0; i < sizeof(pause_us) / sizeof(pause_us[0]); i++) {
		(void) usleep(pause_us[i]);
		blocked_ran = false;
		nni_task_dispatch(in(&slow));
		nni_task_wait(in(&slow));
		assert_true(blocked_ran);
	}
	nni_task_fini(in(&slow));
	nni_task_fini(in(&other));
	nni_taskq_sys_fini();
	(void) sem_destroy(&ran_beside);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waiter_sleeps),
		cmocka_unit_test(test_beside_its_maker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
