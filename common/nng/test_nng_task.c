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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waiter_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
