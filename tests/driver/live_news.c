/* SPDX-License-Identifier: Apache-2.0 */
/* live_news.c - which records are news, and that news ends a rest. */
#include "common/clock.h"
#include "tests/driver/live.h"
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TIMES = 20 };

struct seen {
	pid_t pid;
	unsigned records, news;
	bool last;  /* the last record was news */
	bool later; /* news came after many records */
	uint64_t last_ts;
};

static int
see(void *arg, const struct ev_hdr *rec)
{
	struct seen *s = arg;

	s->last_ts = rec->ts;
	if (rec->pid != (uint32_t) s->pid || rec->type != EV_MKDIRAT)
		return 0;
	s->records++;
	s->news += rec->news;
	s->last = rec->news != 0;
	s->later |= s->last && s->records > 100;
	return 0;
}

static void
call(const char *path)
{
	(void) syscall(SYS_mkdirat, -1, path, 0700);
}

/* A process on one CPU. */
static pid_t
fork_on_one(void)
{
	cpu_set_t one;
	pid_t pid = fork();

	if (pid == 0) {
		CPU_ZERO(&one);
		CPU_SET(0, &one);
		(void) sched_setaffinity(0, sizeof(one), &one);
	}
	return pid;
}

/* The same call TIMES times, and then another. */
static pid_t
make(void)
{
	pid_t pid = fork_on_one();

	if (pid != 0)
		return pid;
	for (int i = 0; i < TIMES; i++)
		call("/no/such/folder/a");
	call("/no/such/folder/b");
	_exit(0);
}

static struct seen
made(void *st)
{
	struct seen s = { .pid = make() };
	uint64_t until;

	(void) waitpid(s.pid, NULL, 0);
	until = clock_boot();
	while (source_bpf.poll(st, 10, 0, false, see, &s) > 0 && s.last_ts <= until)
		;
	return s;
}

static void
want(void *st, bool quiet)
{
	struct interest in = { .lean = { 0 } };

	event_set_add(&in.events, EV_MKDIRAT);
	if (quiet)
		in.quiet[EV_MKDIRAT / 64] |= 1ULL << (EV_MKDIRAT % 64);
	(void) source_bpf.set_interest(st, &in);
}

/* Few: a number may come again on another CPU, or when the first has been forgotten. */
static void
marks(struct live *l, void *st)
{
	struct seen s;

	live_begin(l, "what is news");
	want(st, false);
	for (int i = 0; i < 2; i++) { /* another process's are news too */
		s = made(st);
		live_that(l, s.records == TIMES + 1, "all records came");
		live_that(l, s.news >= 2 && s.news <= 5, "a repeat is no news");
		live_that(l, s.last, "another path is news");
	}
	want(st, true);
	s = made(st);
	live_that(l, s.records == TIMES + 1 && s.news == 0, "nothing is, if no rule looks at it");
}

/* Repeats without end, and after a while something else. */
static pid_t
make_slowly(void)
{
	pid_t pid = fork_on_one();

	if (pid != 0)
		return pid;
	for (int i = 0;; i++) {
		call(i == 300 ? "/no/such/folder/b" : "/no/such/folder/a");
		(void) usleep(1000);
	}
}

/* Without the wake-up it would rest longer than the case may take. */
static void
wakes(struct live *l, void *st)
{
	struct seen s = { 0 };

	live_begin(l, "news ends a rest");
	want(st, false);
	s.pid = make_slowly();
	while (!s.later) {
		while (source_bpf.poll(st, 10, 0, false, see, &s) <= 0) /* else it does not rest */
			;
		(void) source_bpf.poll(st, 600000, 600 * NS_PER_S, true, see, &s);
	}
	(void) kill(s.pid, SIGKILL);
	(void) waitpid(s.pid, NULL, 0);
	live_that(l, s.records > 10 * s.news, "news came, among repeats");
}

void
live_news(struct live *l)
{
	struct source_opts o = { .ring_bytes = 1 << 20 };
	unsigned failed = l->failed;
	void *st = live_open(&o);

	marks(l, st);
	wakes(l, st);
	live_close(st);
	printf("%s news\n", l->failed == failed ? "ok  " : "BAD ");
}
