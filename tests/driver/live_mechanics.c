/* SPDX-License-Identifier: Apache-2.0 */
/* live_mechanics.c - behaviour beyond single events: drops, exclusion, interest, tasks, errors. */
#include "common/clock.h"
#include "proto/wire.h"
#include "tests/driver/live.h"
#include "tests/driver/live_exec.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct tally {
	pid_t pid;
	uint64_t records; /* close events of 'pid', and calls by name */
	uint64_t dropped; /* of any process */
	uint64_t last_ts;
	uint64_t until; /* records before this are of interest */
	bool in_order;
};

static int
tally(void *arg, const struct ev_hdr *rec)
{
	struct tally *t = arg;

	if (rec->ts < t->last_ts)
		t->in_order = false;
	t->last_ts = rec->ts;
	t->records +=
	    (rec->type == EV_CLOSE || rec->type == EV_SYSCALL) && rec->pid == (uint32_t) t->pid;
	return 0;
}

static void
tally_drop(void *arg, uint16_t type, uint16_t cause, uint64_t count)
{
	struct tally *t = arg;

	if (type == EV_CLOSE && cause == DROP_RING_FULL)
		t->dropped += count;
}

/* Start a process that makes n failing closes and exits. */
static pid_t
closes(int n)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < n; i++)
			(void) syscall(SYS_close, 100000 + i);
		_exit(0);
	}
	(void) waitpid(pid, NULL, 0);
	return pid;
}

/* The same with 20 closes, in a process with the number 'pid'. */
static pid_t
closes_as(pid_t pid)
{
	struct clone_args a = {
		.exit_signal = SIGCHLD, .set_tid = (uintptr_t) &pid, .set_tid_size = 1
	};
	pid_t got = (pid_t) syscall(SYS_clone3, &a, sizeof(a));

	if (got == 0) {
		for (int i = 0; i < 20; i++)
			(void) syscall(SYS_close, 100000 + i);
		_exit(0);
	}
	(void) waitpid(got, NULL, 0);
	return got;
}

/* Read all that happened before now; the rest of the machine may never be quiet. */
static void
drain(void *st, struct tally *t)
{
	t->in_order = true;
	t->until = clock_boot();
	while (source_bpf.poll(st, 10, 0, false, tally, t) > 0 && t->last_ts <= t->until)
		;
}

static void
m_drops(struct live *l)
{
	struct source_opts o = { .ring_bytes = 4096 };
	struct drv_hole holes[DROP_CAUSES] = { { .last = 0 } }, *full = &holes[DROP_RING_FULL];
	struct tally t = { 0 };
	uint64_t began;
	void *st;

	live_begin(l, "a ring that is full");
	st = live_open(&o);
	live_only(st, EV_CLOSE);
	began = clock_boot();
	for (int i = 0; i < 20 && t.records == 0; i++) { /* others may have filled it */
		t.pid = closes(1000);
		drain(st, &t);
	}
	source_bpf.drops(st, tally_drop, &t);
	live_that(l, t.records > 0 && t.records < 1000, "some closes came, not all");
	live_that(l, t.records + t.dropped >= 1000, "what did not come was counted");
	source_bpf.holes(st, holes);
	live_that(l,
	    full->first >= began && full->first <= full->last && full->last <= clock_boot(),
	    "it is known from when to when events were dropped");
	live_close(st);
}

static void
m_interest(struct live *l)
{
	struct tally t = { 0 };

	live_begin(l, "interest");
	live_only(l->st, EV_OPEN);
	drain(l->st, &t);
	t.pid = closes(10);
	drain(l->st, &t);
	live_that(l, t.records == 0, "what nobody wants is not captured");
	live_only(l->st, EV_CLOSE);
	t.pid = closes(2000);
	drain(l->st, &t);
	live_that(l, t.records == 2000, "what is wanted is captured");
	live_that(l, t.in_order, "in the order of time");
	(void) source_bpf.set_interest(l->st, &(struct interest){ .lean = { 0 } });
	t = (struct tally){ .pid = closes(10) };
	drain(l->st, &t);
	live_that(l, t.records == 0, "and no more when it is not");
}

static pid_t
asks(int n)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < n; i++) {
			(void) syscall(SYS_getsid, 0);
			(void) syscall(SYS_getpgid, 0);
		}
		_exit(0);
	}
	(void) waitpid(pid, NULL, 0);
	return pid;
}

/* Of calls without an event only the named ones are captured. */
static void
m_calls(struct live *l)
{
	struct interest one = { .lean = { 0 } };
	struct tally t = { 0 };

	live_begin(l, "calls by name");
	event_set_add_call(&one.events, SC_getsid);
	(void) source_bpf.set_interest(l->st, &one);
	drain(l->st, &t);
	t.pid = asks(100);
	drain(l->st, &t);
	live_that(l, t.records == 100, "the named call is captured, and no other");
	live_only(l->st, EV_SYSCALL);
	t = (struct tally){ .pid = asks(10) };
	drain(l->st, &t);
	live_that(l, t.records == 0, "none without a name");
}

static void
m_exclusion(struct live *l)
{
	struct source_opts o = { 0 };
	struct source_stats before, after;
	struct tally t = { 0 };
	int go[2];
	void *st;

	live_begin(l, "exclusion");
	if (pipe(go) != 0)
		abort();
	t.pid = fork();
	if (t.pid == 0) {
		char c;

		if (read(go[0], &c, 1) == 1)
			for (int i = 0; i < 50; i++)
				(void) syscall(SYS_close, 100000);
		_exit(0);
	}
	o.exclude_pid = (uint32_t) t.pid;
	st = live_open(&o);
	live_only(st, EV_CLOSE);
	source_bpf.stats(st, &before);
	if (write(go[1], "x", 1) != 1)
		abort();
	(void) waitpid(t.pid, NULL, 0);
	drain(st, &t);
	source_bpf.stats(st, &after);
	live_that(l, t.records == 0, "an excluded process is not captured");
	live_that(l, after.excluded - before.excluded >= 50, "and counted");
	t.pid = closes_as(t.pid);
	drain(st, &t);
	live_that(l, t.records == 20, "another process that gets its number is captured");
	before = after;
	for (int i = 0; i < 30; i++)
		(void) syscall(SYS_close, 100000);
	t = (struct tally){ .pid = getpid() };
	drain(st, &t);
	source_bpf.stats(st, &after);
	live_that(l, t.records == 0 && after.excluded - before.excluded >= 30,
	    "nor are we ourselves, and that is counted");
	live_close(st);
	close(go[0]);
	close(go[1]);
}

/* One open by a child; was its path read at exit? */
struct one_open {
	pid_t pid;
	bool seen, reread;
};

static int
see_one(void *arg, const struct ev_hdr *rec)
{
	struct one_open *o = arg;

	if (rec->type == EV_OPEN && rec->pid == (uint32_t) o->pid) {
		o->seen = true;
		o->reread = rec->flags & EVF_REREAD;
	}
	return 0;
}

static void *
open_and_wait(void *arg)
{
	char path[] = "/no/such";

	(void) syscall(SYS_open, path, O_RDONLY, 0);
	(void) pthread_barrier_wait(arg);
	for (;;)
		(void) pause();
	return NULL;
}

/* Start a process of 'n' threads that each have opened something, and wait. */
static pid_t
crowd(unsigned n)
{
	static pthread_barrier_t all;
	pthread_t t;
	int there[2];
	char c;
	pid_t pid;

	if (pipe(there) != 0)
		abort();
	pid = fork();
	if (pid == 0) {
		(void) pthread_barrier_init(&all, NULL, n + 1);
		while (n-- > 0) {
			if (pthread_create(&t, NULL, open_and_wait, &all) != 0)
				_exit(1);
		}
		(void) pthread_barrier_wait(&all);
		close(there[0]);
		close(there[1]);
		for (;;)
			(void) pause();
	}
	close(there[1]);
	(void) !read(there[0], &c, 1); /* end of the pipe: all have started */
	close(there[0]);
	return pid;
}

/* Does a child of that user, with a new thread, get memory for its path? */
static bool
open_of(void *st, uid_t uid)
{
	struct one_open o = { .pid = fork() };
	uint64_t end = clock_mono() + 10 * NS_PER_S;

	if (o.pid == 0) {
		char path[] = "/no/such";

		if (setuid(uid) != 0)
			_exit(1);
		(void) syscall(SYS_open, path, O_RDONLY, 0);
		_exit(0);
	}
	(void) waitpid(o.pid, NULL, 0);
	while (!o.seen && clock_mono() < end)
		(void) source_bpf.poll(st, 100, 0, false, see_one, &o);
	return o.seen && !o.reread;
}

/* A user who takes all available memory takes none from others, and returns it. */
static void
m_shares(struct live *l)
{
	enum { MANY = 100 };
	struct source_opts o = { .stashes_max = MANY };
	struct source_stats stats;
	pid_t pid;
	void *st;

	live_begin(l, "memory for what is read at entry");
	st = live_open(&o);
	live_only(st, EV_OPEN);
	pid = crowd(MANY);
	source_bpf.stats(st, &stats);
	live_that(l, stats.unstashed >= MANY / 4, "who has half of it gets no more");
	live_that(l, stats.reread >= stats.unstashed, "and its paths are read at exit");
	live_that(l, !open_of(st, getuid()), "nor does another process of that user");
	live_that(l, open_of(st, 54321), "another user does");
	(void) kill(pid, SIGKILL);
	(void) waitpid(pid, NULL, 0);
	live_that(l, open_of(st, getuid()), "when the threads have ended, it is free again");
	live_close(st);
}

static int
none(void *arg, const struct ev_hdr *rec)
{
	(void) arg;
	(void) rec;
	return 0;
}

static void
m_wake(struct live *l)
{
	struct source_opts o = { 0 };
	void *st;

	live_begin(l, "waking");
	source_bpf.wake(l->st);
	live_that(l, source_bpf.poll(l->st, 600000, 0, false, none, NULL) >= 0,
	    "a wait ends when it is told to");
	st = live_open(&o);
	live_only(st, EV_OPEN);
	live_that(l, open_of(st, getuid()), "a poll has a record");
	source_bpf.wake(st);
	live_that(l, source_bpf.poll(st, 600000, 0, false, none, NULL) >= 0,
	    "so does the one after it, which waits for more records first");
	live_close(st);
}

/* Runs in a separate process, so that lost privileges do not matter here: exit status 0 if the
 * message contains the word. */
static int
refusal(void (*give_up)(void), const char *word)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		void *st = calloc(1, source_bpf.state_size);
		struct source_opts o = { 0 };
		struct diag d = { 0 };
		int r;

		give_up();
		r = source_bpf.open(st, &o, &d);
		source_bpf.close(st);
		printf("     (%s)\n", d.msg);
		(void) fflush(stdout);
		_exit(r < 0 && strstr(d.msg, word) != NULL ? 0 : 1);
	}
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static void
be_nobody(void)
{
	if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
		_exit(9);
}

static void
hide_btf(void)
{
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("t", "/sys/kernel/btf", "tmpfs", 0, NULL) != 0)
		_exit(9);
}

static void
m_refusals(struct live *l)
{
	live_begin(l, "refusals");
	live_that(l, refusal(be_nobody, "CAP_BPF") == 0, "without rights it names them");
	live_that(l, refusal(hide_btf, "CONFIG_DEBUG_INFO_BTF") == 0, "without types it says so");
}

/* With only the rights that the sensor needs, the entry tracepoints cannot be found: the general
 * hook is used instead. */
static void
keep_least(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };

	d[1].effective = d[1].permitted = 1U << (CAP_BPF - 32) | 1U << (CAP_PERFMON - 32);
	if (syscall(SYS_capset, &h, d) != 0)
		_exit(9);
}

static int
see_open(void *arg, const struct ev_hdr *rec)
{
	struct tally *t = arg;
	struct slice name = record_text(rec, schema_get(rec->type), EVP_OPEN_name);

	t->last_ts = rec->ts;
	t->records += rec->type == EV_OPEN && rec->pid == (uint32_t) t->pid &&
		      slice_eq(name, SLICE("/no/such")) && !(rec->flags & EVF_REREAD);
	return 0;
}

static void
run_least(void)
{
	unsigned seen;
	struct source_opts o = { 0 };
	struct tally t = { 0 };
	char path[] = "/no/such"; /* on the stack: resident after fork() */
	void *st;

	keep_least();
	st = live_open(&o);
	live_only(st, EV_OPEN);
	t.pid = fork();
	if (t.pid == 0)
		_exit((int) syscall(SYS_open, path, O_RDONLY, 0));
	(void) waitpid(t.pid, NULL, 0);
	t.until = clock_boot();
	while (source_bpf.poll(st, 10, 0, false, see_open, &t) > 0 && t.last_ts <= t.until)
		;
	seen = live_seen(st);
	printf("     (%d opens, %u of the walk)\n", (int) t.records, seen);
	(void) fflush(stdout);
	_exit(t.records == 1 && seen == 1 ? 0 : 1);
}

static void
m_least(struct live *l)
{
	int status = -1;
	pid_t pid;

	live_begin(l, "the least rights");
	pid = fork();
	if (pid == 0)
		run_least();
	(void) waitpid(pid, &status, 0);
	live_that(
	    l, status == 0, "CAP_BPF and CAP_PERFMON are enough, and a path is read at entry");
}

void
live_mechanics(struct live *l)
{
	static live_fn *const all[] = { m_interest, m_calls, live_parents, live_lean, live_tasks,
		live_files, m_wake, m_drops, m_exclusion, m_shares, m_refusals, m_least };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		unsigned failed = l->failed;

		all[i](l);
		printf("%s %s\n", l->failed == failed ? "ok  " : "BAD ", l->name);
	}
}
