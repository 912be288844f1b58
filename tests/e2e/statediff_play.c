/* SPDX-License-Identifier: Apache-2.0 */
/* statediff_play.c - the director's hold on its actors: let them act, see them begin and end. */
#include "tests/e2e/statediff.h"
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

void
die(const struct play *p, const char *fmt, ...)
{
	const int error = errno; /* for "%m" */
	va_list ap;

	va_start(ap, fmt);
	(void) fprintf(
	    stderr, "statediff: seed %lu, action %lu: ", (unsigned long) p->seed, p->step);
	errno = error;
	(void) vfprintf(stderr, fmt, ap);
	(void) fputc('\n', stderr);
	va_end(ap);
	for (int i = 0; i < SLOTS; i++) {
		if (p->actor[i].alive)
			(void) kill(p->actor[i].pid, SIGKILL);
	}
	(void) fflush(NULL);
	_exit(2);
}

/* xorshift64* */
uint64_t
roll(struct play *p, uint64_t n)
{
	p->random ^= p->random >> 12;
	p->random ^= p->random << 25;
	p->random ^= p->random >> 27;
	return (p->random * 0x2545f4914f6cdd1dULL >> 32) % n;
}

time_t
now_s(void)
{
	struct timespec ts;

	(void) clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* ---- actors ---- */

/* Is the thread there, and not a zombie? */
static bool
lives(pid_t pid, pid_t tid)
{
	char path[64], line[512];
	const char *paren;
	bool yes;
	FILE *f;

	(void) snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	paren = fgets(line, sizeof(line), f) == NULL ? NULL : strrchr(line, ')');
	yes = paren != NULL && paren[2] != 'Z' && paren[2] != 'X';
	(void) fclose(f);
	return yes;
}

int
slot_free(const struct play *p)
{
	for (int i = 0; i < SLOTS; i++) {
		if (!p->actor[i].alive)
			return i;
	}
	return -1;
}

long
act(struct play *p, int i, const char *what)
{
	struct slot *s = &ARENA->slot[i];
	const uint32_t before = s->done;

	(void) fprintf(p->log, "%lu actor %d pid %d tid %d: %s", p->step, i, p->actor[i].pid,
	    p->actor[i].tid, what);
	futex_wake(&s->turn);
	if (!futex_wait(&s->done, before, PATIENCE_S))
		die(p, "actor %d, thread %d, does not return from: %s", i, p->actor[i].tid, what);
	(void) fprintf(p->log, " = %ld\n", s->result);
	return s->result;
}

long
call(struct play *p, int i, const char *what, long nr, const long arg[6])
{
	struct slot *s = &ARENA->slot[i];

	s->deed = DEED_CALL;
	s->nr = nr;
	s->child = -1;
	memcpy(s->arg, arg, sizeof(s->arg));
	return act(p, i, what);
}

void
actor_new(struct play *p, int i, const struct actor *like)
{
	struct slot *s = &ARENA->slot[i];
	const time_t until = now_s() + PATIENCE_S;

	while (__atomic_load_n(&s->ready, __ATOMIC_ACQUIRE) == 0) {
		if (!lives(like->pid, like->tid)) { /* it could not execute its program */
			if (p->npast < ARRAY_SIZE(p->past))
				p->past[p->npast++] = like->pid;
			return;
		}
		if (now_s() > until)
			die(p, "actor %d, thread %d, does not begin", i, like->tid);
		(void) usleep(20);
	}
	s->ready = 0;
	p->actor[i] = *like;
	p->actor[i].alive = true;
}

/* Reset what an actor that ended left. */
static void
slot_reset(int i)
{
	struct slot *s = &ARENA->slot[i];

	s->turn = s->done = s->ready = 0;
}

static void
gone(struct play *p, int i)
{
	const pid_t pid = p->actor[i].pid;

	p->actor[i].alive = false;
	slot_reset(i);
	for (int k = 0; k < SLOTS; k++) {
		if (p->actor[k].alive && p->actor[k].pid == pid)
			return;
	}
	if (p->npast < ARRAY_SIZE(p->past))
		p->past[p->npast++] = pid;
}

/* The new image says that it is ready; a failed call that it is done. */
void
actor_exec(struct play *p, int i)
{
	struct slot *s = &ARENA->slot[i];
	struct actor *a = &p->actor[i];
	const time_t until = now_s() + PATIENCE_S;

	(void) fprintf(p->log, "%lu actor %d pid %d tid %d: execve\n", p->step, i, a->pid, a->tid);
	s->ready = 0;
	futex_wake(&s->turn);
	while (__atomic_load_n(&s->ready, __ATOMIC_ACQUIRE) == 0) {
		if (__atomic_load_n(&s->done, __ATOMIC_ACQUIRE) == s->turn)
			return;
		if (now_s() > until)
			die(p, "actor %d, process %d, does not execute its program", i, a->pid);
		(void) usleep(20);
	}
	s->ready = 0;
	for (int k = 0; k < SLOTS; k++) {
		if (k != i && p->actor[k].alive && p->actor[k].pid == a->pid)
			p->actor[k].alive = false, slot_reset(k);
	}
	a->tid = a->pid;
	a->named = a->ids = false;
}

void
actor_end(struct play *p, int i, bool all)
{
	const struct actor a = p->actor[i];
	const time_t until = now_s() + PATIENCE_S;

	for (int k = 0; k < SLOTS; k++) {
		struct actor *b = &p->actor[k];

		if (!b->alive || b->pid != a.pid || (!all && k != i))
			continue;
		while (lives(b->pid, b->tid)) {
			if (now_s() > until)
				die(p, "thread %d does not end", b->tid);
			(void) usleep(50);
		}
		gone(p, k);
	}
}
