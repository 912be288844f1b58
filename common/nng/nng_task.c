/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nng_task.c - a replacement for the part of NNG 1.5.2 that runs callbacks.
 *
 * NNG is linked as an archive, and its aio.c and init.c find these functions here instead of in its
 * taskq.c. A task is part of an aio, which has TASK_ROOM bytes for it. prep announces that it will
 * be due, dispatch and exec make it due, abort cancels the announcement; wait and fini return when
 * it is neither due nor running.
 *
 * A worker that makes a task due runs it next, so no other worker is woken unless more tasks wait
 * than one thread should keep. If its own callback runs long, the task would wait for it: a
 * watching thread wakes another worker for a task that has waited WATCH_MS. Tasks must not wait for
 * one another, neither in NNG's design nor here.
 */
#include "common/nng/nng_task.h"
#include "common/cond.h"
#include "common/macros.h"
#include "common/nng/known.h"
#include <nng/nng.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

enum {
	WORKERS_MIN = 2,
	WORKERS_MAX = 16,
	ENOUGH = 4,
	WATCH_MS = 50,
	WATCH_QUIET = 4, /* periods without a task left to its worker, after which watching ends */
};
#define WAITED (1U << 31)

struct nni_task {
	struct nni_task *next;
	void (*cb)(void *arg);
	void *arg;
	_Atomic unsigned busy; /* count of prepared, due and running; | WAITED: a thread waits */
	_Atomic bool prepared;
};
_Static_assert(sizeof(struct nni_task) <= TASK_ROOM, "a task fits into its room");

struct list {
	struct nni_task *head, **tail;
	size_t n;
};

/* There is one queue, as in NNG: its functions have no parameter for it. */
static struct {
	/* Locking: 'lock' guards what follows. */
	pthread_mutex_t lock;
	pthread_cond_t some;  /* a task, or the stop */
	pthread_cond_t done;  /* a task with waiters */
	pthread_cond_t watch; /* a task was left to its worker, or the stop; if 'has_watcher' */
	struct list due;
	uint64_t taken; /* tasks taken from 'due' */
	bool left;      /* to its worker, since the watcher has looked */
	bool watching;  /* the watcher will look by itself */
	unsigned idle;
	bool stop;
	pthread_t worker[WORKERS_MAX], watcher;
	unsigned nworkers;
	bool has_watcher;
} q = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.some = PTHREAD_COND_INITIALIZER,
	.done = PTHREAD_COND_INITIALIZER,
};

static _Thread_local bool is_worker;
static _Thread_local bool holds;
static _Thread_local struct list held;

int nni_taskq_sys_init(void);
void nni_taskq_sys_fini(void);
void nni_task_init(struct nni_task *t, void *queue, void (*cb)(void *), void *arg);
void nni_task_fini(struct nni_task *t);
void nni_task_prep(struct nni_task *t);
void nni_task_abort(struct nni_task *t);
void nni_task_exec(struct nni_task *t);
void nni_task_dispatch(struct nni_task *t);
void nni_task_wait(struct nni_task *t);

static void
list_add(struct list *l, struct nni_task *t)
{
	t->next = NULL;
	if (l->head == NULL)
		l->tail = &l->head;
	*l->tail = t;
	l->tail = &t->next;
	l->n++;
}

static struct nni_task *
list_take(struct list *l)
{
	struct nni_task *t = l->head;

	if (t != NULL) {
		l->head = t->next;
		l->n--;
	}
	return t;
}

/* Drop one reference; the task may be freed before this returns. Wake waiters only for a finished
 * task with a waiter: otherwise every callback would wake all dialling threads. */
static void
release(struct nni_task *t)
{
	if (atomic_fetch_sub(&t->busy, 1) != (WAITED | 1))
		return;
	pthread_mutex_lock(&q.lock);
	pthread_cond_broadcast(&q.done);
	pthread_mutex_unlock(&q.lock);
}

static void
run(struct nni_task *t)
{
	if (t->cb != NULL)
		t->cb(t->arg);
	release(t);
}

static void *
work(void *arg)
{
	(void) arg;
	is_worker = true;
	(void) pthread_setname_np(pthread_self(), "nng:task");
	pthread_mutex_lock(&q.lock);
	for (;;) {
		struct nni_task *t = list_take(&q.due);

		if (t == NULL && q.stop)
			break;
		if (t == NULL) {
			q.idle++;
			pthread_cond_wait(&q.some, &q.lock);
			q.idle--;
			continue;
		}
		q.taken++;
		pthread_mutex_unlock(&q.lock);
		run(t);
		pthread_mutex_lock(&q.lock);
	}
	pthread_mutex_unlock(&q.lock);
	return NULL;
}

/* Wait a period, or until the stop. Caller holds the lock. */
static void
watch_period(void)
{
	uint64_t until = cond_until(WATCH_MS);

	while (!q.stop && cond_wait(&q.watch, &q.lock, until))
		;
}

/* Tasks are taken in order: if none was taken in a period, the first has waited that long. */
static void *
watch(void *arg)
{
	unsigned quiet = 0;
	uint64_t taken;

	(void) arg;
	(void) pthread_setname_np(pthread_self(), "nng:watch");
	pthread_mutex_lock(&q.lock);
	while (!q.stop) {
		quiet = q.left || q.due.n > 0 ? 0 : quiet + 1;
		q.left = false;
		q.watching = quiet < WATCH_QUIET;
		if (!q.watching) {
			pthread_cond_wait(&q.watch, &q.lock);
			continue;
		}
		taken = q.taken;
		watch_period();
		if (q.taken == taken && q.due.n > 0 && q.idle > 0)
			pthread_cond_signal(&q.some);
	}
	pthread_mutex_unlock(&q.lock);
	return NULL;
}

int
nni_taskq_sys_init(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = (unsigned) MAX(MIN(cpus, WORKERS_MAX), WORKERS_MIN);

	q.stop = false;
	if (!q.has_watcher) {
		cond_init(&q.watch);
		if (pthread_create(&q.watcher, NULL, watch, NULL) != 0) {
			pthread_cond_destroy(&q.watch);
			return NNG_ENOMEM;
		}
		q.has_watcher = true;
	}
	while (q.nworkers < n) {
		if (pthread_create(&q.worker[q.nworkers], NULL, work, NULL) != 0) {
			nni_taskq_sys_fini();
			return NNG_ENOMEM;
		}
		q.nworkers++;
	}
	return 0;
}

void
nni_taskq_sys_fini(void)
{
	pthread_mutex_lock(&q.lock);
	q.stop = true;
	pthread_cond_broadcast(&q.some);
	if (q.has_watcher)
		pthread_cond_signal(&q.watch);
	pthread_mutex_unlock(&q.lock);
	while (q.nworkers > 0)
		(void) pthread_join(q.worker[--q.nworkers], NULL);
	if (q.has_watcher) {
		(void) pthread_join(q.watcher, NULL);
		pthread_cond_destroy(&q.watch);
	}
	q.has_watcher = false;
}

void
nni_task_init(struct nni_task *t, void *queue, void (*cb)(void *), void *arg)
{
	(void) queue;
	*t = (struct nni_task){ .cb = cb, .arg = arg };
}

void
nni_task_fini(struct nni_task *t)
{
	nni_task_wait(t);
}

void
nni_task_prep(struct nni_task *t)
{
	atomic_fetch_add(&t->busy, 1);
	t->prepared = true;
}

void
nni_task_abort(struct nni_task *t)
{
	if (atomic_exchange(&t->prepared, false))
		release(t);
}

/* Make it due: count 'busy' once, whether it was prepared or not. */
static void
begin(struct nni_task *t)
{
	if (!atomic_exchange(&t->prepared, false))
		atomic_fetch_add(&t->busy, 1);
}

void
nni_task_exec(struct nni_task *t)
{
	begin(t);
	run(t);
}

/* A task is left to the worker that made it due. Caller holds the lock. */
static void
leave(void)
{
	q.left = true;
	if (!q.watching)
		pthread_cond_signal(&q.watch);
}

void
nni_task_dispatch(struct nni_task *t)
{
	begin(t);
	if (t->cb == NULL) {
		release(t);
		return;
	}
	if (holds) {
		list_add(&held, t);
		return;
	}
	pthread_mutex_lock(&q.lock);
	list_add(&q.due, t);
	if (q.idle > 0 && (!is_worker || q.due.n > ENOUGH))
		pthread_cond_signal(&q.some);
	else if (!q.left)
		leave();
	pthread_mutex_unlock(&q.lock);
}

void
nni_task_wait(struct nni_task *t)
{
	if ((t->busy & ~WAITED) == 0)
		return;
	pthread_mutex_lock(&q.lock);
	while ((atomic_fetch_or(&t->busy, WAITED) & ~WAITED) > 0)
		pthread_cond_wait(&q.done, &q.lock);
	atomic_fetch_and(&t->busy, ~WAITED);
	pthread_mutex_unlock(&q.lock);
}

void
nng_task_hold(void)
{
	holds = true;
}

void
nng_task_run(void)
{
	struct nni_task *t;

	while ((t = list_take(&held)) != NULL)
		run(t);
	holds = false;
}
