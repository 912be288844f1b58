/* SPDX-License-Identifier: Apache-2.0 */
/* live_proc.c - clone, fork, vfork, clone3, procexit and signals. */
#include "tests/driver/live.h"
#include "tests/driver/live_exec.h"
#include "tests/driver/live_procfs.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void
reap(int64_t pid)
{
	while (waitpid((pid_t) pid, NULL, __WALL) < 0 && errno == EINTR)
		;
}

/* KiB: what two CPUs may not yet have added to each of three counters. */
enum { RSS_LAG = 2 * 3 * 32 * 4 };

static void
d_fork(struct facts *f)
{
	struct rlimit lim = { 333, 444 };
	int64_t pid;

	(void) setrlimit(RLIMIT_NOFILE, &lim);
	(void) setpgid(0, 0);
	if (setresgid(56, 57, 58) != 0 || setresuid(0, 1234, 0) != 0)
		_exit(1);
	(void) prctl(PR_SET_NAME, "a name");
	f->n[1] = proc_status(getpid(), "VmRSS", 0, 10);
	pid = syscall(SYS_fork);
	if (pid == 0)
		_exit(7);
	f->n[0] = pid; /* not before: the child shares it */
	reap(pid);
}

/* Check what is the same for all four: the child's ids, and what it inherited from the trigger. */
static void
check_child(struct live *l, const struct ev_hdr *r, int64_t tid, int64_t pid, int64_t ptid)
{
	char cmdline[4096];
	size_t n = read_proc(getpid(), "cmdline", cmdline, sizeof(cmdline));
	size_t exe = strlen(cmdline);
	uint32_t ns_pid = (uint32_t) tid;

	live_that(l, r != NULL && r->tid == tid && r->pid == pid, "the record is of the child");
	live_num(l, r, "res", 0);
	live_bytes(l, r, "exe", cmdline, exe);
	live_bytes(l, r, "args", cmdline + exe + 1, n - exe - 1);
	live_num(l, r, "tid", tid);
	live_num(l, r, "pid", pid);
	live_num(l, r, "ptid", ptid);
	live_text(l, r, "cwd", l->f->dir);
	live_num(l, r, "vtid", tid);
	live_num(l, r, "vpid", pid);
	live_num(l, r, "sid", proc_stat(getpid(), 6));
	live_bytes(l, r, "ns_pids", &ns_pid, sizeof(ns_pid));
}

static void
c_fork(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_FORK, 0);
	char cgroups[4096];
	size_t n = read_cgroups(getpid(), cgroups, sizeof(cgroups));

	check_child(l, r, l->f->n[0], l->f->n[0], l->child);
	live_num(l, r, "fdlimit", 333);
	live_range(l, r, "pgft_maj", 0, 10);
	live_range(l, r, "pgft_min", 0, 1000);
	live_range(l, r, "vm_size", 100, UINT32_MAX);
	live_range(l, r, "vm_rss", l->f->n[1] - RSS_LAG, l->f->n[1] + RSS_LAG);
	live_num(l, r, "vm_swap", 0);
	live_text(l, r, "comm", "a name");
	live_bytes(l, r, "cgroups", cgroups, n);
	live_num(l, r, "flags", 0);
	live_num(l, r, "uid", 1234);
	live_num(l, r, "gid", 57);
	live_range(l, r, "pidns_init_start_ts", 1, INT64_MAX);
	live_num(l, r, "pgid", l->child);
	live_range(l, r, "cgroup_id", 1, INT64_MAX);
	r = live_rec_of(l, EV_PROCEXIT, l->f->n[0]);
	live_num(l, r, "status", 7 << 8);
	live_num(l, r, "ret", 7);
	live_num(l, r, "sig", 0);
	live_num(l, r, "core", 0);
	live_num(l, r, "reaper_tid", 0);
}

static void
d_vfork(struct facts *f)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(0);
	f->n[0] = pid;
	reap(pid);
}

static void
c_vfork(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_VFORK, 0);

	check_child(l, r, l->f->n[0], l->f->n[0], l->child);
	live_num(l, r, "flags", 0x8000000 | 0x8000);
}

/* The kernel's clone flags, one by one, and their numbers for rules. */
static const struct {
	uint64_t flags;
	int64_t want;
} clone_cases[] = {
	{ CLONE_FS, 0x2 },
	{ CLONE_FILES, 0x1 },
	{ CLONE_PARENT_SETTID, 0x200 },
	{ CLONE_CHILD_CLEARTID, 0x800000 },
	{ CLONE_CHILD_SETTID, 0x1000000 },
	{ CLONE_SYSVSEM, 0x1000 },
	{ CLONE_UNTRACED, 0x4000 },
	{ CLONE_PTRACE, 0x400 },
	{ CLONE_IO, 0x4 },
	{ CLONE_NEWNS, 0x20 },
	{ CLONE_NEWUTS, 0x80 },
	{ CLONE_NEWIPC, 0x8 },
	{ CLONE_NEWNET, 0x10 },
	{ CLONE_NEWUSER, 0x100000 },
	{ CLONE_NEWCGROUP, 0x10000000 },
	{ CLONE_NEWPID, 0x40 | 0x20000000 },
	{ CLONE_PARENT, 0x100 },
};

/* Wait for a process that another one reaps. */
static void
wait_for_end(pid_t pid)
{
	struct pollfd p = { .fd = (int) syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };

	(void) poll(&p, 1, -1);
	(void) close(p.fd);
}

static void
d_clone(struct facts *f)
{
	static int child_tid, parent_tid;

	for (size_t i = 0; i < ARRAY_SIZE(clone_cases); i++) {
		int64_t pid = syscall(
		    SYS_clone, clone_cases[i].flags | SIGCHLD, NULL, &parent_tid, &child_tid, NULL);

		if (pid == 0)
			_exit(0);
		f->n[i] = pid;
		if (clone_cases[i].flags & CLONE_PARENT)
			wait_for_end((pid_t) pid);
		else
			reap(pid);
	}
}

static void
c_clone(struct live *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(clone_cases); i++) {
		const struct ev_hdr *r = live_rec_of(l, EV_CLONE, l->f->n[i]);

		live_num(l, r, "flags", clone_cases[i].want);
		live_num(l, r, "ptid", clone_cases[i].flags & CLONE_PARENT ? getpid() : l->child);
		live_num(l, r, "vtid", clone_cases[i].flags & CLONE_NEWPID ? 1 : l->f->n[i]);
		if (clone_cases[i].flags & CLONE_PARENT)
			reap(l->f->n[i]);
	}
}

/* What a log-in has set, without a call that tells; and a user namespace, in which the child has
 * other capabilities than its parent. */
static void
d_login(struct facts *f)
{
	int fd = open("/proc/self/loginuid", O_WRONLY), pipes[2];
	char loginuid[32];
	int64_t pid;

	take_terminal();
	if (fd < 0 || write(fd, "4321", 4) != 4 || pipe(pipes) != 0)
		_exit(1);
	(void) syscall(SYS_capset,
	    &(struct __user_cap_header_struct){ .version = _LINUX_CAPABILITY_VERSION_3 },
	    (struct __user_cap_data_struct[2]){ { 1 << CAP_CHOWN | 1 << CAP_SETUID,
		1 << CAP_CHOWN | 1 << CAP_SETUID, 1 << CAP_CHOWN } });
	pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		(void) !read(pipes[0], loginuid, 1);
		_exit(0);
	}
	(void) read_proc((pid_t) pid, "loginuid", loginuid, sizeof(loginuid));
	f->n[0] = pid;
	f->n[1] = strtoll(loginuid, NULL, 10);
	f->n[2] = proc_stat((pid_t) pid, 7);
	f->n[3] = proc_status((pid_t) pid, "CapInh", 0, 16);
	f->n[4] = proc_status((pid_t) pid, "CapPrm", 0, 16);
	f->n[5] = proc_status((pid_t) pid, "CapEff", 0, 16);
	(void) !write(pipes[1], "", 1);
	reap(pid);
}

static void
c_login(struct live *l)
{
	const struct ev_hdr *r = live_rec_of(l, EV_CLONE, l->f->n[0]);

	live_that(l, l->f->n[1] == 4321 && l->f->n[2] != 0, "there is a log-in");
	live_that(l, l->f->n[5] > 0xffff, "the child has capabilities that its parent has not");
	live_num(l, r, "loginuid", l->f->n[1]);
	live_num(l, r, "tty", l->f->n[2]);
	live_num(l, r, "cap_inheritable", l->f->n[3]);
	live_num(l, r, "cap_permitted", l->f->n[4]);
	live_num(l, r, "cap_effective", l->f->n[5]);
}

static void
d_clone3(struct facts *f)
{
	struct clone_args a = { .flags = CLONE_FS | CLONE_NEWUTS, .exit_signal = SIGCHLD };
	int64_t pid = syscall(SYS_clone3, &a, sizeof(a));

	if (pid == 0)
		_exit(0);
	f->n[0] = pid;
	reap(f->n[0]);
}

static void
c_clone3(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_CLONE3, 0);

	check_child(l, r, l->f->n[0], l->f->n[0], l->child);
	live_num(l, r, "flags", 0x2 | 0x80);
}

static void *
note_tid(void *arg)
{
	struct facts *f = arg;

	f->n[0] = syscall(SYS_gettid);
	return NULL;
}

static void
d_thread(struct facts *f)
{
	pthread_t t;

	if (pthread_create(&t, NULL, note_tid, f) != 0)
		_exit(1);
	(void) pthread_join(t, NULL);
}

static void
c_thread(struct live *l)
{
	uint16_t type = live_count(l, EV_CLONE3) > 0 ? EV_CLONE3 : EV_CLONE;
	const struct ev_hdr *r = live_rec(l, type, 0);

	check_child(l, r, l->f->n[0], l->child, getpid());
	/* VM FS FILES SIGHAND THREAD SYSVSEM SETTLS PARENT_SETTID CHILD_CLEARTID */
	live_num(l, r, "flags",
	    0x8000 | 0x2 | 0x1 | 0x800 | 0x2000 | 0x1000 | 0x2000000 | 0x200 | 0x800000);
	r = live_rec_of(l, EV_PROCEXIT, l->f->n[0]);
	live_that(
	    l, r != NULL && r->pid == (uint32_t) l->child, "the thread's end is of its group");
}

static void
d_killed(struct facts *f)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			(void) pause();
	}
	f->n[0] = pid;
	(void) kill((pid_t) f->n[0], SIGKILL);
	reap(f->n[0]);
}

static void
c_killed(struct live *l)
{
	const struct ev_hdr *r = live_rec_of(l, EV_PROCEXIT, l->f->n[0]);

	live_num(l, r, "status", SIGKILL);
	live_num(l, r, "ret", 0);
	live_num(l, r, "sig", SIGKILL);
	live_num(l, r, "core", 0);
}

/* A process that leaves a child behind, which the trigger inherits. */
static void
d_reaper(struct facts *f)
{
	pid_t pid;

	(void) prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = fork();
	if (pid == 0) {
		pid = fork();
		if (pid != 0) {
			f->n[1] = pid;
			_exit(0);
		}
		for (;;)
			(void) pause();
	}
	f->n[0] = pid;
	reap(pid);
	(void) kill((pid_t) f->n[1], SIGKILL);
	reap(f->n[1]);
}

static void
c_reaper(struct live *l)
{
	live_num(l, live_rec_of(l, EV_PROCEXIT, l->f->n[0]), "reaper_tid", l->child);
	live_num(l, live_rec_of(l, EV_PROCEXIT, l->f->n[1]), "reaper_tid", 0);
}

static volatile sig_atomic_t signalled;

static void
note_signal(int sig)
{
	signalled = sig;
}

/* Signals by another process, by the kernel, and by itself. */
static void
d_signals(struct facts *f)
{
	pid_t parent = getpid(), pid;

	static const struct itimerval soon = { .it_value.tv_usec = 1000 };

	(void) signal(SIGUSR1, note_signal);
	(void) signal(SIGCHLD, note_signal);
	(void) signal(SIGALRM, note_signal);
	pid = fork();
	if (pid == 0)
		_exit(kill(parent, SIGUSR1));
	f->n[0] = pid;
	reap(pid);
	(void) setitimer(ITIMER_REAL, &soon, NULL);
	while (signalled != SIGALRM)
		(void) sched_yield();
	(void) raise(SIGUSR1);
}

/* The k-th signal of that kind; the receiver is the trigger. */
static void
check_signal(struct live *l, int sig, unsigned k, int64_t from)
{
	for (size_t i = 0; i < l->nrecs; i++) {
		const struct ev_SIGNALDELIVER *e = (const void *) l->recs[i];

		if (e->hdr.type != EV_SIGNALDELIVER || e->sig != (uint64_t) sig || k-- != 0)
			continue;
		live_num(l, &e->hdr, "sig", sig);
		live_num(l, &e->hdr, "spid", from);
		live_num(l, &e->hdr, "dpid", l->child);
		return;
	}
	live_fail(l, "no record of signal %d", sig);
}

static void
c_signals(struct live *l)
{
	check_signal(l, SIGUSR1, 0, l->f->n[0]);
	check_signal(l, SIGCHLD, 0, l->f->n[0]);
	check_signal(l, SIGALRM, 0, 0);
	check_signal(l, SIGUSR1, 1, l->child);
}

const struct live_case proc_cases[] = {
	{ "fork, and its end", d_fork, c_fork, NULL },
	{ "vfork", d_vfork, c_vfork, NULL },
	{ "flags of clone", d_clone, c_clone, NULL },
	{ "clone, after a log-in", d_login, c_login, NULL },
	{ "clone3", d_clone3, c_clone3, NULL },
	{ "a thread", d_thread, c_thread, NULL },
	{ "an end by a signal", d_killed, c_killed, NULL },
	{ "signals", d_signals, c_signals, NULL },
	{ "an end that leaves a child", d_reaper, c_reaper, NULL },
	{ "execve, in a pid namespace", d_exec, c_exec, m_exec },
	{ "execve of a memfd", d_memfd, c_memfd, NULL },
	{ "execve on an overlay", d_exec_overlay, c_exec_overlay, NULL },
	{ "execve that fails", d_exec_fail, c_exec_fail, NULL },
	{ NULL, NULL, NULL, NULL },
};
