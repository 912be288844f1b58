/* SPDX-License-Identifier: Apache-2.0 */
/* live_canary.c - hooks that are silent: everywhere, since their link is gone, or on one CPU. */
#include "common/clock.h"
#include "proto/wire.h"
#include "sensor/bpf_int.h"
#include "tests/driver/live.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct counts {
	pid_t pid;              /* a child */
	unsigned in_time, late; /* its opens */
	unsigned started;       /* programs that our process started */
	uint64_t last_ts;
};

static int
count_record(void *arg, const struct ev_hdr *rec)
{
	struct counts *n = arg;

	n->last_ts = rec->ts;
	if (rec->type == EV_EXECVE)
		n->started += record_num(rec, schema_get(EV_EXECVE), EVP_EXECVE_ptid) == getpid();
	if (rec->type == EV_OPENAT && rec->pid == (uint32_t) n->pid)
		rec->flags &EVF_REREAD ? n->late++ : n->in_time++;
	return 0;
}

/* Read what has happened until now. */
static void
drain(void *st, struct counts *n)
{
	uint64_t until = clock_boot();

	while (source_bpf.poll(st, 50, 0, false, count_record, n) > 0 && n->last_ts <= until)
		;
}

static struct source_state *
open_all(uint32_t kinds, uint32_t cpu)
{
	struct source_opts o = { .ring_bytes = 16 << 20, .broken_kinds = kinds, .broken_cpu = cpu };
	void *st = live_open(&o);

	live_all(st);
	return st;
}

static void
m_whole(struct live *l)
{
	struct source_state *s = open_all(0, 0);
	struct counts n = { 0 };

	live_begin(l, "all hooks run");
	live_that(l, source_bpf.canary(s) == 0, "no hook is silent");
	live_that(l, s->vars->canaries[DRV_CANARY_EXEC] > 0, "a program was started");
	live_that(l, !s->uring || s->vars->canaries[DRV_CANARY_COMPLETE] > 0, "a ring was used");
	drain(s, &n);
	live_that(l, n.started == 0, "no event tells of it");
	live_close(s);
}

/* An open by another process: is its path read at entry? */
static bool
open_in_time(void *st)
{
	struct counts n = { 0 };

	drain(st, &n); /* of a busy machine, so that there is room */
	n.pid = fork();
	if (n.pid == 0) {
		char path[] = "/no/such/path"; /* its page is there */

		(void) syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
		_exit(0);
	}
	(void) waitpid(n.pid, NULL, 0);
	drain(st, &n);
	return n.in_time == 1 && n.late == 0;
}

static void
m_detached(struct live *l)
{
	struct source_state *s = open_all(0, 0);
	struct source_stats st = { 0 };

	live_begin(l, "a hook that is gone");
	(void) close(s->hooks.links[0]); /* at the exit of calls */
	s->hooks.links[0] = -1;
	live_that(l, source_bpf.canary(s) == 0, "it is attached again");
	source_bpf.stats(s, &st);
	live_that(l, st.silences > 0 && s->misses == 0, "it is told");
	live_that(l, source_bpf.canary(s) == 0 && s->silences == st.silences, "once");
	live_that(l, open_in_time(s), "calls are seen");
	live_close(s);
}

/* All tracepoints at the entries of single calls go: the hook on all entries replaces them. */
static void
m_other_hook(struct live *l)
{
	const struct drv_control none = { 0 };
	struct source_state *s = open_all(0, 0);

	live_begin(l, "another hook at entries");
	entries_drop(&s->hooks.entries, &none);
	entries_wait(&s->hooks.entries);
	live_that(l, source_bpf.canary(s) == 0, "nothing is missing");
	live_that(l, s->enter >= 0, "the other hook is attached");
	live_that(l, open_in_time(s), "a path is read at entry");
	live_close(s);
}

/* Only the entries of wanted calls have a hook, and it is there when they become wanted. */
static void
m_on_demand(struct live *l)
{
	struct source_state *s = open_all(0, 0);
	struct interest in = { .lean = { 0 } };
	unsigned all = entries_count(&s->hooks.entries);

	live_begin(l, "hooks at entries of wanted calls alone");
	live_that(l, all > 20, "all, if all calls are wanted");
	event_set_add(&in.events, EV_CLOSE);
	event_set_add(&in.events, EV_OPENAT);
	in.lean[EV_OPENAT / 64] |= 1ULL << (EV_OPENAT % 64);
	(void) source_bpf.set_interest(s, &in);
	live_that(l, entries_count(&s->hooks.entries) == 0, "none for calls without arguments");
	live_that(l, source_bpf.canary(s) == 0, "a hook that is not wanted is not missed");
	live_only(s, EV_OPENAT);
	live_that(l, entries_count(&s->hooks.entries) == 1, "one again");
	live_that(l, open_in_time(s), "a path is read at entry");
	live_that(l, s->enter < 0, "without the hook on all entries");
	live_all(s);
	live_that(l, entries_count(&s->hooks.entries) == all, "and all again");
	live_close(s);
}

static void
m_one_cpu(struct live *l)
{
	struct source_state *s;
	unsigned cpu = 0;
	cpu_set_t mine;

	live_begin(l, "a hook that is silent on one CPU");
	if (sched_getaffinity(0, sizeof(mine), &mine) < 0)
		return;
	for (unsigned i = 0; i < CPU_SETSIZE; i++) /* the last one */
		cpu = CPU_ISSET(i, &mine) ? i : cpu;
	s = open_all(1U << DRV_CANARY_EXIT | 1U << DRV_CANARY_EXEC, cpu);
	live_that(l, source_bpf.canary(s) == (BLIND_EXIT | BLIND_EXEC), "it is told");
	live_that(l, s->misses == 2 && s->silences == 2, "of that CPU alone");
	live_close(s);
}

void
live_canary(struct live *l)
{
	static live_fn *const all[] = { m_whole, m_detached, m_other_hook, m_on_demand, m_one_cpu };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		unsigned failed = l->failed;

		all[i](l);
		printf("%s %s\n", l->failed == failed ? "ok  " : "BAD ", l->name);
	}
}
