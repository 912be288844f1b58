/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clone, clone3, fork, vfork, procexit: tasks start and end.
 *
 * The child's side of a clone (res 0) creates the child's entry. The parent's side (res > 0)
 * creates a provisional one, unless there is a reason why the child's side is not reported.
 */
#include "collector/state/state_int.h"

_Static_assert((int) EVP_CLONE_ns_pids == (int) EVP_CLONE3_ns_pids &&
		   (int) EVP_CLONE_ns_pids == (int) EVP_FORK_ns_pids &&
		   (int) EVP_CLONE_ns_pids == (int) EVP_VFORK_ns_pids,
    "one parser for all four");

/* Inherit from the parent's process. */
static void
inherit_process(struct state *s, struct thread *t, const struct thread *from)
{
	const struct thread *main = thread_main(s, from);

	if (t->fds == NULL)
		t->fds = fdt_ref(main->fds);
	hold(s->pool, &t->env, main->env);
	if (t->cwd == s->words.here)
		hold(s->pool, &t->cwd, main->cwd);
}

/* Take the numbers that both sides of a clone report. */
static void
child_nums(struct apply *a, struct thread *t)
{
	const struct event *ev = a->ev;

	NUM_INTO(ev, EVP_CLONE_uid, t->uid);
	NUM_INTO(ev, EVP_CLONE_gid, t->gid);
	NUM_INTO(ev, EVP_CLONE_fdlimit, t->fdlimit);
	NUM_INTO(ev, EVP_CLONE_pgft_maj, t->pgft_maj);
	NUM_INTO(ev, EVP_CLONE_pgft_min, t->pgft_min);
	NUM_INTO(ev, EVP_CLONE_vm_size, t->vm_size);
	NUM_INTO(ev, EVP_CLONE_vm_rss, t->vm_rss);
	NUM_INTO(ev, EVP_CLONE_vm_swap, t->vm_swap);
	NUM_INTO(ev, EVP_CLONE_tty, t->tty);
	NUM_INTO(ev, EVP_CLONE_loginuid, t->loginuid);
	NUM_INTO(ev, EVP_CLONE_cap_inheritable, t->cap_inheritable);
	NUM_INTO(ev, EVP_CLONE_cap_permitted, t->cap_permitted);
	NUM_INTO(ev, EVP_CLONE_cap_effective, t->cap_effective);
}

static void
child_ids(struct apply *a, struct thread *t)
{
	const struct event *ev = a->ev;

	t->vtid = ev_has(ev, EVP_CLONE_vtid) ? ev_num(ev, EVP_CLONE_vtid) : t->tid;
	t->vpid = ev_has(ev, EVP_CLONE_vpid) ? ev_num(ev, EVP_CLONE_vpid) : t->pid;
	child_nums(a, t);
	NUM_INTO(ev, EVP_CLONE_sid, t->sid);
	NUM_INTO(ev, EVP_CLONE_pgid, t->pgid);
	NUM_INTO(ev, EVP_CLONE_cgroup_id, t->cgroup_id);
	thread_set_pidns(t,
	    in_pidns(t) || (ev_num(ev, EVP_CLONE_flags) & NV_clone_flags_CLONE_CHILD_IN_PIDNS),
	    ev_num(ev, EVP_CLONE_pidns_init_start_ts));
}

static void
child_texts(struct apply *a, struct thread *t)
{
	struct intern *pool = a->s->pool;
	uint32_t comm = t->comm, args = t->args;

	hold_text(a, &t->comm, EVP_CLONE_comm);
	hold_text(a, &t->exe, EVP_CLONE_exe);
	if (ev_has(a->ev, EVP_CLONE_args))
		args = ev_intern(pool, a->b, a->ev, EVP_CLONE_args);
	if (t->comm != comm || t->args != args)
		thread_set_args(a->s, t, args);
	if (ev_has(a->ev, EVP_CLONE_cgroups))
		thread_set_cgroups(a->s, t, ev_intern(pool, a->b, a->ev, EVP_CLONE_cgroups));
}

/* Should the entry be kept, because the parent's side has just created it? */
static bool
keep_child(struct apply *a, struct thread *t)
{
	uint64_t start = a->ev->start, now = a->v->time;

	if (t->dead || t->placeholder || (start != 0 && t->start != 0 && start != t->start))
		return false;
	if (t->clone_ts == 0 || now > t->clone_ts + NS_2S)
		return false;
	if (t->start == 0)
		t->start = start;
	return true;
}

/* A thread's event provides what is unknown about its process. */
static void
learn_leader(struct state *s, struct thread *main, const struct thread *t)
{
	main->vtid = main->vpid = t->vpid;
	hold(s->pool, &main->comm, t->comm);
	hold(s->pool, &main->exe, t->exe);
	hold(s->pool, &main->args, t->args);
	hold(s->pool, &main->args_text, t->args_text);
	hold(s->pool, &main->cmdline, t->cmdline);
	thread_set_parent(s, main, t->ptid);
	main->placeholder = false;
}

static struct thread *
child_entry(struct apply *a, int64_t tid, int64_t pid)
{
	struct thread *t = thread_find(a->s, tid), *main = NULL;

	if (t != NULL && t->placeholder && !t->gone && (t->start == 0 || t->start == a->ev->start))
		return t; /* one of its events came first */
	if (t != NULL) {
		thread_reparent(a->s, t, 0);
		thread_drop(a->s, t);
	}
	if (pid != tid) {
		main = thread_get(a->s, pid, pid, 0);
		if (main == NULL)
			return NULL;
		if (main->gone)
			thread_unbury(a->s, main);
	}
	return thread_add(a->s, tid, main);
}

/* A fork copies the cwd, terminal and login id: the parent's are the same, even if what changed
 * them was missed, or is no event. */
static void
child_copies(struct apply *a, struct thread *t, struct thread *parent)
{
	bool sibling = ev_num(a->ev, EVP_CLONE_flags) & NV_clone_flags_CLONE_PARENT;

	thread_set_cwd(a, t, EVP_CLONE_cwd);
	if (parent == NULL || sibling)
		return;
	thread_set_cwd(a, thread_main(a->s, parent), EVP_CLONE_cwd);
	NUM_INTO(a->ev, EVP_CLONE_tty, parent->tty);
	NUM_INTO(a->ev, EVP_CLONE_loginuid, parent->loginuid);
}

static void
child_side(struct apply *a)
{
	const struct event *ev = a->ev;
	int64_t tid = ev_has(ev, EVP_CLONE_tid) ? ev_num(ev, EVP_CLONE_tid) : ev->tid;
	int64_t pid = ev_has(ev, EVP_CLONE_pid) ? ev_num(ev, EVP_CLONE_pid) : ev->pid;
	int64_t ptid = ev_num(ev, EVP_CLONE_ptid);
	struct thread *t = thread_find(a->s, tid);
	struct thread *parent;

	if (pid <= 0)
		pid = tid;
	if (t != NULL && keep_child(a, t)) {
		a->t = t;
		return;
	}
	t = child_entry(a, tid, pid);
	a->t = t;
	if (t == NULL)
		return;
	t->told = true;
	t->start = ev->start;
	t->clone_ts = a->v->time;
	t->updated = ev->ts;
	parent = thread_find(a->s, pid != tid ? pid : ptid);
	if (parent != NULL && parent != t)
		thread_inherit(a->s, t, parent);
	t->placeholder = false;
	child_ids(a, t);
	child_texts(a, t);
	if (parent != NULL && parent != t && thread_is_main(t))
		inherit_process(a->s, t, parent);
	if (thread_is_main(t))
		child_copies(a, t, parent);
	thread_set_parent(a->s, t, ptid);
	if (!thread_is_main(t) && thread_main(a->s, t)->placeholder)
		learn_leader(a->s, thread_main(a->s, t), t);
}

/* Learn about an unknown caller from its event. */
static void
learn_caller(struct apply *a, struct thread *t)
{
	const struct event *ev = a->ev;

	t->vtid = ev_has(ev, EVP_CLONE_vtid) ? ev_num(ev, EVP_CLONE_vtid) : t->tid;
	t->vpid = ev_has(ev, EVP_CLONE_vpid) ? ev_num(ev, EVP_CLONE_vpid) : t->pid;
	if (ev_has(ev, EVP_CLONE_ptid))
		thread_set_parent(a->s, t, ev_num(ev, EVP_CLONE_ptid));
	child_nums(a, t);
	child_texts(a, t);
	t->placeholder = false;
}

/* Is the holder of the child's tid already that child, or a stale one whose exit was missed? */
static bool
is_known(const struct apply *a, const struct thread *t)
{
	uint64_t ts = a->ev->ts;

	return t == a->t || t == a->main || t->told || t->updated > ts ||
	       (t->start != 0 && t->start + NS_2S > ts);
}

/* The parent's side: the child's own event may come later, or be lost. */
static void
parent_side(struct apply *a, int64_t child)
{
	uint32_t flags = (uint32_t) ev_num(a->ev, EVP_CLONE_flags);
	struct thread *caller = a->t, *main = NULL, *t = thread_find(a->s, child);
	uint64_t ts = a->ev->ts;

	if (caller->placeholder)
		learn_caller(a, caller);
	if (flags & (NV_clone_flags_CLONE_NEWPID | NV_clone_flags_CLONE_PARENT |
			NV_clone_flags_CLONE_VFORK | NV_clone_flags_CLONE_CHILD_IN_PIDNS |
			NV_clone_flags_CLONE_NEWUSER) ||
	    in_pidns(caller) || a->ev->schema->num == EV_VFORK || (t != NULL && is_known(a, t)) ||
	    exited_since(a->s, child, 0, ts > NS_2S ? ts - NS_2S : 1))
		return;
	if (flags & NV_clone_flags_CLONE_THREAD) {
		main = a->main;
		if (main->gone)
			return;
	}
	if (t != NULL) {
		thread_reparent(a->s, t, 0);
		thread_drop(a->s, t);
	}
	a->s->pin = caller;
	t = thread_add(a->s, child, main);
	a->s->pin = NULL;
	if (t == NULL)
		return;
	thread_inherit(a->s, t, caller);
	child_nums(a, t);
	child_texts(a, t);
	t->vtid = t->tid;
	t->vpid = t->pid;
	t->clone_ts = a->v->time;
	t->updated = ts;
	if (main == NULL)
		inherit_process(a->s, t, caller);
	thread_set_parent(a->s, t, main == NULL ? caller->tid : caller->ptid);
}

void
parse_clone(struct apply *a)
{
	const struct event *ev = a->ev;
	int64_t res = ev_num(ev, EVP_CLONE_res);

	if (res == 0) {
		child_side(a);
		return;
	}
	a->t = thread_get(a->s, ev->tid, ev->pid, ev->start);
	if (a->t == NULL || res < 0)
		return;
	a->main = thread_main(a->s, a->t);
	parent_side(a, res);
}

void
parse_exit(struct apply *a)
{
	const struct event *ev = a->ev;
	struct thread *t = thread_find(a->s, ev->tid), *main;

	exited_add(a->s, ev->tid, ev->start, ev->ts);
	if (t == NULL || (ev->start != 0 && t->start != 0 && ev->start != t->start))
		return;
	a->t = t;
	if (t->dead)
		return;
	t->dead = true;
	t->updated = ev->ts;
	main = thread_main(a->s, t);
	if (main->nthreads > 0)
		main->nthreads--;
	thread_reparent(a->s, t, ev_num(ev, EVP_PROCEXIT_reaper_tid));
	if (main != t && main->dead) /* children made since its end are known as the process's */
		thread_reparent(a->s, main, ev_num(ev, EVP_PROCEXIT_reaper_tid));
	a->s->pending.exited = t;
}
