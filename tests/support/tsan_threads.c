/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tsan_threads.c - C11 threads as pthreads, for ThreadSanitizer.
 *
 * Debian's librdkafka calls C11's mtx_*, cnd_* and thrd_*, which the sanitizer does not know: it
 * would see none of its locks. These functions replace them in programs built with it. The types
 * have the same size; glibc's own are pthreads inside.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t), "a mutex fits");
_Static_assert(sizeof(cnd_t) >= sizeof(pthread_cond_t), "a condition fits");
_Static_assert(sizeof(thrd_t) == sizeof(pthread_t), "a thread fits");

/* librdkafka counts references with atomics that the sanitizer does not see either; the one
 * remaining report is the lock freed with the last reference. */
const char *__tsan_default_suppressions(void);

const char *
__tsan_default_suppressions(void)
{
	return "race:pthread_rwlock_destroy\n";
}

static int
result(int r)
{
	switch (r) {
	case 0:
		return thrd_success;
	case EBUSY:
		return thrd_busy;
	case ETIMEDOUT:
		return thrd_timedout;
	case ENOMEM:
		return thrd_nomem;
	default:
		return thrd_error;
	}
}

static pthread_mutex_t *
mutex(mtx_t *m)
{
	return (pthread_mutex_t *) (void *) m;
}

static pthread_cond_t *
condition(cnd_t *c)
{
	return (pthread_cond_t *) (void *) c;
}

int
mtx_init(mtx_t *m, int type)
{
	pthread_mutexattr_t attr;
	int r;

	pthread_mutexattr_init(&attr);
	if (type & mtx_recursive)
		pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	r = pthread_mutex_init(mutex(m), &attr);
	pthread_mutexattr_destroy(&attr);
	return result(r);
}

int
mtx_lock(mtx_t *m)
{
	return result(pthread_mutex_lock(mutex(m)));
}

int
mtx_trylock(mtx_t *m)
{
	return result(pthread_mutex_trylock(mutex(m)));
}

int
mtx_unlock(mtx_t *m)
{
	return result(pthread_mutex_unlock(mutex(m)));
}

void
mtx_destroy(mtx_t *m)
{
	pthread_mutex_destroy(mutex(m));
}

int
cnd_init(cnd_t *c)
{
	return result(pthread_cond_init(condition(c), NULL));
}

int
cnd_signal(cnd_t *c)
{
	return result(pthread_cond_signal(condition(c)));
}

int
cnd_broadcast(cnd_t *c)
{
	return result(pthread_cond_broadcast(condition(c)));
}

int
cnd_wait(cnd_t *c, mtx_t *m)
{
	return result(pthread_cond_wait(condition(c), mutex(m)));
}

int
cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m, const struct timespec *restrict at)
{
	return result(pthread_cond_timedwait(condition(c), mutex(m), at));
}

void
cnd_destroy(cnd_t *c)
{
	pthread_cond_destroy(condition(c));
}

struct start {
	thrd_start_t fn;
	void *arg;
};

static void *
begin(void *arg)
{
	struct start s = *(struct start *) arg;

	free(arg);
	return (void *) (intptr_t) s.fn(s.arg);
}

int
thrd_create(thrd_t *t, thrd_start_t fn, void *arg)
{
	struct start *s = malloc(sizeof(*s));
	int r;

	if (s == NULL)
		return thrd_nomem;
	*s = (struct start){ fn, arg };
	r = pthread_create((pthread_t *) t, NULL, begin, s);
	if (r != 0)
		free(s);
	return result(r);
}

int
thrd_join(thrd_t t, int *ret)
{
	void *p = NULL;
	int r = pthread_join(t, &p);

	if (ret != NULL)
		*ret = (int) (intptr_t) p;
	return result(r);
}
