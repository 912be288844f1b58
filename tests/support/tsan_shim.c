/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tsan_shim.c - C11 threads as POSIX threads, for the thread sanitizer.
 *
 * Debian's librdkafka calls thrd_*, mtx_*, cnd_* and call_once, which the sanitizer does not watch:
 * it would see no order between its threads and ours. The tsan preset links these into every
 * program that uses librdkafka; they come before the C library's, and call what is watched.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t), "a mutex fits in its place");
_Static_assert(sizeof(cnd_t) >= sizeof(pthread_cond_t), "a condition fits in its place");
_Static_assert(sizeof(thrd_t) == sizeof(pthread_t), "a thread has the same name");
_Static_assert(sizeof(once_flag) == sizeof(pthread_once_t), "so has a once");

struct start {
	thrd_start_t fn;
	void *arg;
};

static int
result(int r)
{
	switch (r) {
	case 0:
		return thrd_success;
	case ENOMEM:
	case EAGAIN:
		return thrd_nomem;
	case ETIMEDOUT:
		return thrd_timedout;
	case EBUSY:
		return thrd_busy;
	default:
		return thrd_error;
	}
}

static void *
run(void *p)
{
	struct start s = *(struct start *) p;

	free(p);
	return (void *) (intptr_t) s.fn(s.arg); /* NOLINT(performance-no-int-to-ptr): a status */
}

int
thrd_create(thrd_t *t, thrd_start_t fn, void *arg)
{
	struct start *s = malloc(sizeof(*s));
	int r;

	if (s == NULL)
		return thrd_nomem;
	*s = (struct start){ fn, arg };
	r = pthread_create(t, NULL, run, s);
	if (r != 0)
		free(s);
	return result(r);
}

int
thrd_join(thrd_t t, int *ret)
{
	void *v = NULL;
	int r = pthread_join(t, &v);

	if (r == 0 && ret != NULL)
		*ret = (int) (intptr_t) v;
	return result(r);
}

int
mtx_init(mtx_t *m, int type)
{
	pthread_mutexattr_t attr;
	int r = pthread_mutexattr_init(&attr);

	if (r == 0 && (type & mtx_recursive))
		r = pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	if (r == 0)
		r = pthread_mutex_init((pthread_mutex_t *) m, &attr);
	(void) pthread_mutexattr_destroy(&attr);
	return result(r);
}

void
mtx_destroy(mtx_t *m)
{
	(void) pthread_mutex_destroy((pthread_mutex_t *) m);
}

int
mtx_lock(mtx_t *m)
{
	return result(pthread_mutex_lock((pthread_mutex_t *) m));
}

int
mtx_trylock(mtx_t *m)
{
	return result(pthread_mutex_trylock((pthread_mutex_t *) m));
}

int
mtx_unlock(mtx_t *m)
{
	return result(pthread_mutex_unlock((pthread_mutex_t *) m));
}

int
cnd_init(cnd_t *c)
{
	return result(pthread_cond_init((pthread_cond_t *) c, NULL));
}

void
cnd_destroy(cnd_t *c)
{
	(void) pthread_cond_destroy((pthread_cond_t *) c);
}

int
cnd_signal(cnd_t *c)
{
	return result(pthread_cond_signal((pthread_cond_t *) c));
}

int
cnd_broadcast(cnd_t *c)
{
	return result(pthread_cond_broadcast((pthread_cond_t *) c));
}

int
cnd_wait(cnd_t *c, mtx_t *m)
{
	return result(pthread_cond_wait((pthread_cond_t *) c, (pthread_mutex_t *) m));
}

int
cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m, const struct timespec *restrict until)
{
	return result(pthread_cond_timedwait((pthread_cond_t *) c, (pthread_mutex_t *) m, until));
}

void
call_once(once_flag *flag, void (*fn)(void))
{
	(void) pthread_once((pthread_once_t *) flag, fn);
}
