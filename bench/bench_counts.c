/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_counts.c - count a program's allocations and locks; preloaded into it (LD_PRELOAD).
 *
 * The totals since its start are two 64-bit numbers in the file that BENCH_COUNTS names: calls of
 * malloc, calloc and realloc, and mutexes taken. The C library's own calls are not counted.
 *
 * It also emulates epoll_pwait2() with other calls: valgrind 3.19 does not know it.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static _Atomic uint64_t early[2];
static _Atomic uint64_t *counts = early;
static int (*lock)(pthread_mutex_t *m);

static void __attribute__((constructor)) begin(void)
{
	const char *path = getenv("BENCH_COUNTS"); /* NOLINT(concurrency-mt-unsafe): one thread */
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *p;

	if (fd < 0 || ftruncate(fd, sizeof(early)) < 0)
		return;
	p = mmap(NULL, sizeof(early), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		counts = p;
	(void) close(fd);
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the C library's are reserved */
void *
malloc(size_t n)
{
	counts[0]++;
	return __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	counts[0]++;
	return __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	counts[0]++;
	return __libc_realloc(p, n);
}

int
pthread_mutex_lock(pthread_mutex_t *m)
{
	if (lock == NULL)
		*(void **) &lock = dlsym(RTLD_NEXT, "pthread_mutex_lock");
	counts[1]++;
	return lock(m);
}

int
epoll_pwait2(
    int fd, struct epoll_event *ev, int max, const struct timespec *timeout, const sigset_t *mask)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int r = ppoll(&p, 1, timeout, mask);

	return r > 0 ? epoll_wait(fd, ev, max, 0) : r;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
