/* SPDX-License-Identifier: Apache-2.0 */
/* statediff_procs.c - actions of processes and threads: begin, end, other programs, ids. */
#include "tests/e2e/statediff_moves.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

/* ---- ids ---- */

void
m_ids(struct who *w)
{
	static const long ids[] = { 0, 1000, 65534 };
	const long id = ids[roll(w->p, 3)], same = -1;

	switch (roll(w->p, 7)) {
	case 5:
		(void) CALL(w, setfsuid, id);
		break;
	case 0:
		(void) CALL(w, setresuid, same, id, same);
		break;
	case 1:
		(void) CALL(w, setreuid, same, id);
		break;
	case 2:
		(void) CALL(w, setresgid, same, id, same);
		break;
	case 3:
		(void) CALL(w, setregid, same, id);
		break;
	case 4:
		(void) CALL(w, setgid, id);
		break;
	default:
		if (chance(w, 20))
			(void) CALL(w, setuid, id);
	}
}

void
m_groups(struct who *w)
{
	switch (roll(w->p, 3)) {
	case 0:
		(void) CALL(w, setsid, 0);
		break;
	case 1:
		(void) CALL(w, setpgid, 0, 0);
		break;
	default:
		(void) CALL(w, setpgid, chance(w, 50) ? 0 : pick_pid(w), pick_pid(w));
	}
}

static uint64_t
permitted(const struct who *w)
{
	char path[64], line[256];
	uint64_t caps = 0;
	FILE *f;

	(void) snprintf(path, sizeof(path), "/proc/%d/task/%d/status", w->a->pid, w->a->tid);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "CapPrm:", 7) == 0)
			caps = strtoul(line + 7, NULL, 16);
	}
	if (f != NULL)
		(void) fclose(f);
	return caps;
}

/* All permitted ones, or all but one, become effective. */
void
m_capset(struct who *w)
{
	const struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	const uint64_t caps = permitted(w), effective = caps & ~(1ULL << roll(w->p, 64));
	const struct __user_cap_data_struct d[2] = {
		{ (uint32_t) effective, (uint32_t) caps, (uint32_t) roll(w->p, 2) },
		{ (uint32_t) (effective >> 32), (uint32_t) (caps >> 32), 0 },
	};

	(void) CALL(w, capset, put(w, &h, sizeof(h)), put(w, d, sizeof(d)));
}

void
m_prctl(struct who *w)
{
	char name[16];

	(void) snprintf(name, sizeof(name), "name%lu", roll(w->p, 100));
	if (chance(w, 70))
		w->p->actor[w->i].named |= CALL(w, prctl, PR_SET_NAME, put_text(w, name)) == 0;
	else
		(void) CALL(w, prctl, PR_SET_CHILD_SUBREAPER, chance(w, 70), 0, 0, 0);
}

static bool
is_alone(const struct who *w)
{
	for (int i = 0; i < SLOTS; i++) {
		if (i != w->i && w->p->actor[i].alive && w->p->actor[i].pid == w->a->pid)
			return false;
	}
	return true;
}

/* A new namespace, or another actor's. A thread keeps the files and folders of its process. */
void
m_namespace(struct who *w)
{
	static const long flags[] = { CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS,
		CLONE_FILES, CLONE_FS, CLONE_NEWUSER };
	const size_t last = is_alone(w) ? ARRAY_SIZE(flags) : 3;
	long some = flags[roll(w->p, last)];
	long pidfd;

	some |= flags[roll(w->p, last)];
	if (chance(w, 50)) {
		(void) CALL(w, unshare, some);
		return;
	}
	pidfd = CALL(w, pidfd_open, pick_pid(w), 0);
	if (pidfd >= 0)
		(void) CALL(w, setns, pidfd, flags[roll(w->p, last == 3 ? 3 : 4)]);
}

/* ---- processes ---- */

/* A copy of the actor begins in another slot. */
static void
begins(struct who *w, int slot, pid_t pid, pid_t tid)
{
	struct actor like = *w->a;

	like.pid = pid;
	like.tid = tid;
	like.named = false;
	like.ids |= tid != pid;
	actor_new(w->p, slot, &like);
}

void
m_fork(struct who *w)
{
	struct slot *s = &ARENA->slot[w->i];
	const struct clone_args how = { .exit_signal = SIGCHLD };
	const int child = slot_free(w->p);
	long r;

	if (child < 0)
		return;
	s->deed = DEED_CALL;
	s->child = child;
	memset(s->arg, 0, sizeof(s->arg));
	switch (roll(w->p, 3)) {
	case 0:
		s->nr = SYS_fork;
		break;
	case 1:
		s->nr = SYS_clone;
		s->arg[0] = SIGCHLD;
		break;
	default:
		s->nr = SYS_clone3;
		s->arg[0] = put(w, &how, sizeof(how));
		s->arg[1] = sizeof(how);
	}
	r = act(w->p, w->i, s->nr == SYS_fork ? "fork" : "clone");
	if (r > 0)
		begins(w, child, (pid_t) r, (pid_t) r);
}

/* Prepare path, argv and envp of the program that continues as the actor in 'slot'. */
static void
put_program(struct who *w, int slot, long arg[3])
{
	static const char *const names[] = { "one", "two" };
	const char *name = names[roll(w->p, 2)];
	char path[NAME], number[16], arena[NAME];
	long v[7] = { 0 };

	(void) snprintf(path, sizeof(path), "%s/%s", root_of(w), name);
	(void) snprintf(number, sizeof(number), "%d", slot);
	(void) snprintf(arena, sizeof(arena), "%s/arena", root_of(w));
	arg[0] = put_text(w, path);
	v[0] = put_text(w, chance(w, 50) ? path : name);
	v[1] = put_text(w, "act");
	v[2] = put_text(w, number);
	v[3] = put_text(w, arena);
	if (chance(w, 50))
		v[4] = put_text(w, "more");
	arg[1] = put(w, v, sizeof(v));
	arg[2] = put(w, &v[6], sizeof(v[6]));
}

void
m_vfork(struct who *w)
{
	struct slot *s = &ARENA->slot[w->i];
	const int child = slot_free(w->p);
	long r;

	if (child < 0)
		return;
	s->deed = DEED_VFORK;
	put_program(w, child, s->arg);
	r = act(w->p, w->i, "vfork and execve");
	if (r > 0)
		actor_new(w->p, child,
		    &(struct actor){ .pid = (pid_t) r, .tid = (pid_t) r, .jailed = w->a->jailed });
}

void
m_exec(struct who *w)
{
	struct slot *s = &ARENA->slot[w->i];

	s->deed = DEED_CALL;
	s->nr = SYS_execve;
	s->child = -1;
	put_program(w, w->i, s->arg);
	if (chance(w, 30)) {
		s->nr = SYS_execveat;
		memmove(&s->arg[1], &s->arg[0], 3 * sizeof(s->arg[0]));
		s->arg[0] = AT_FDCWD;
		s->arg[4] = 0;
	}
	actor_exec(w->p, w->i);
}

void
m_thread(struct who *w)
{
	struct slot *s = &ARENA->slot[w->i];
	const int child = slot_free(w->p);
	long r;

	if (child < 0)
		return;
	s->deed = DEED_THREAD;
	s->child = child;
	s->arg[0] =
	    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	r = act(w->p, w->i, "clone a thread");
	if (r > 0)
		begins(w, child, w->a->pid, (pid_t) r);
}

/* Is there another process? The last one stays. */
static bool
has_company(const struct who *w)
{
	for (int i = 0; i < SLOTS; i++) {
		if (w->p->actor[i].alive && w->p->actor[i].pid != w->a->pid)
			return true;
	}
	return false;
}

/* One thread, which may be the main one, or the last. */
void
m_thread_exit(struct who *w)
{
	struct slot *s = &ARENA->slot[w->i];
	struct play *p = w->p;

	if (!has_company(w))
		return;
	s->deed = DEED_CALL;
	s->nr = SYS_exit;
	s->child = -1;
	s->arg[0] = 0;
	(void) fprintf(
	    p->log, "%lu actor %d pid %d tid %d: exit\n", p->step, w->i, w->a->pid, w->a->tid);
	futex_wake(&s->turn);
	actor_end(p, w->i, false);
}

void
m_exit(struct who *w)
{
	struct slot *s = &ARENA->slot[w->i];
	struct play *p = w->p;

	if (!has_company(w))
		return;
	s->deed = DEED_CALL;
	s->nr = SYS_exit_group;
	s->child = -1;
	s->arg[0] = 0;
	(void) fprintf(p->log, "%lu actor %d pid %d: exit_group\n", p->step, w->i, w->a->pid);
	futex_wake(&s->turn);
	actor_end(p, w->i, true);
}
