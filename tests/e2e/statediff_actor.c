/* SPDX-License-Identifier: Apache-2.0 */
/* statediff_actor.c - an actor waits for its turn, makes a system call and says what came out. */
#include "tests/e2e/statediff.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { STACK = 256 * 1024, LOOK_S = 20 };

void
arena_map(const char *path, bool create)
{
	int fd =
	    open(path, create ? O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC : O_RDWR | O_CLOEXEC, 0666);

	if (fd < 0 ||
	    (create && (fchmod(fd, 0666) < 0 || ftruncate(fd, sizeof(struct arena)) < 0)) ||
	    mmap(ARENA_AT, sizeof(struct arena), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0) != ARENA_AT) {
		perror(path);
		_exit(1);
	}
	(void) close(fd);
}

bool
futex_wait(uint32_t *at, uint32_t value, unsigned seconds)
{
	const struct timespec limit = { .tv_sec = seconds };
	long r = 0;

	while (__atomic_load_n(at, __ATOMIC_ACQUIRE) == value) {
		if (r < 0 && errno == ETIMEDOUT)
			return false;
		r = syscall(SYS_futex, at, FUTEX_WAIT, value, &limit, NULL, 0);
	}
	return true;
}

void
futex_wake(uint32_t *at)
{
	__atomic_add_fetch(at, 1, __ATOMIC_RELEASE);
	(void) syscall(SYS_futex, at, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static int
thread_main(void *slot)
{
	actor_run((int) (intptr_t) slot);
}

static long
make_thread(const struct slot *s)
{
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r;

	if (stack == MAP_FAILED)
		return -errno;
	r = clone(thread_main, stack + STACK, (int) s->arg[0], address(s->child));
	return r < 0 ? -errno : r;
}

static long
make_vfork(const struct slot *s)
{
	pid_t pid = vfork();

	if (pid == 0) {
		(void) execve(address(s->arg[0]), address(s->arg[1]), address(s->arg[2]));
		_exit(1);
	}
	return pid < 0 ? -errno : pid;
}

/* In a child that the call made, the same code runs on with the child's slot. */
static long
make_call(struct slot *s)
{
	const int child = s->child;
	long r = syscall(s->nr, s->arg[0], s->arg[1], s->arg[2], s->arg[3], s->arg[4], s->arg[5]);

	if (child >= 0 && r == 0)
		actor_run(child);
	return r < 0 ? -errno : r;
}

_Noreturn void
actor_run(int slot)
{
	struct slot *s = &ARENA->slot[slot];

	s->done = s->turn; /* after an exec, that was the last action */
	futex_wake(&s->ready);
	for (;;) {
		long r = 0;

		while (!futex_wait(&s->turn, s->done, LOOK_S)) {
			if (kill(ARENA->director, 0) < 0 && errno == ESRCH)
				_exit(1);
		}
		switch (s->deed) {
		case DEED_CALL:
			r = make_call(s);
			break;
		case DEED_THREAD:
			r = make_thread(s);
			break;
		case DEED_VFORK:
			r = make_vfork(s);
			break;
		}
		s->result = r;
		futex_wake(&s->done);
	}
}
