/* SPDX-License-Identifier: Apache-2.0 */
/* thread.c - the entry of one thread: found or made, and what a parent or an event gives it. */
#include "collector/state/state_int.h"

/* Is the entry that of (tid, start)? An older holder of the tid has no entry any more. */
static bool
same_thread(struct state *s, struct thread **t, uint64_t start)
{
	if (start == 0 || (*t)->start == 0 || start == (*t)->start) {
		if ((*t)->start == 0)
			(*t)->start = start;
		return true;
	}
	if (start > (*t)->start) { /* the tid has a new holder; the exit was missed */
		thread_reparent(s, *t, 0);
		thread_drop(s, *t);
		*t = NULL;
		return true;
	}
	return false;
}

struct thread *
thread_get(struct state *s, int64_t tid, int64_t pid, uint64_t start)
{
	struct thread *t = thread_find(s, tid), *main = NULL;

	if (t != NULL && !same_thread(s, &t, start))
		return NULL;
	if (t != NULL)
		return t;
	if (pid > 0 && pid != tid) {
		main = thread_get(s, pid, pid, 0);
		if (main == NULL)
			return NULL;
		if (main->gone) /* it exited, and its last known thread: not the last */
			thread_unbury(s, main);
	}
	t = thread_add(s, tid, main);
	if (t == NULL)
		return NULL;
	t->start = start;
	t->clone_ts = start == 0 || s->epoch == 0 ? 0 : start + s->epoch;
	if (main != NULL && !main->placeholder) {
		thread_inherit(s, t, main);
		thread_set_parent(s, t, main->ptid);
	} else {
		s->stats.placeholders++;
	}
	return t;
}

void
thread_inherit(struct state *s, struct thread *t, const struct thread *from)
{
	struct intern *p = s->pool;

	t->sid = from->sid;
	t->pgid = from->pgid;
	t->vpgid = from->vpgid;
	t->uid = from->uid;
	t->gid = from->gid;
	t->loginuid = from->loginuid;
	t->tty = from->tty;
	t->fdlimit = from->fdlimit;
	t->cap_inheritable = from->cap_inheritable;
	t->cap_permitted = from->cap_permitted;
	t->cap_effective = from->cap_effective;
	t->exe_flags = from->exe_flags;
	t->exe_ino = from->exe_ino;
	t->exe_ino_ctime = from->exe_ino_ctime;
	t->exe_ino_mtime = from->exe_ino_mtime;
	t->cgroup_id = from->cgroup_id;
	t->pidns_start = from->pidns_start;
	t->pidns_known = from->pidns_known;
	hold(p, &t->comm, from->comm);
	hold(p, &t->exe, from->exe);
	hold(p, &t->exepath, from->exepath);
	hold(p, &t->args, from->args);
	hold(p, &t->args_text, from->args_text);
	hold(p, &t->cmdline, from->cmdline);
	hold(p, &t->cgroups, from->cgroups);
	hold(p, &t->container_id, from->container_id);
	hold(p, &t->entered_by, from->entered_by);
	hold(p, &t->root, from->root);
	t->placeholder = false;
}

void
thread_set_pidns(struct thread *t, bool nested, int64_t init_start)
{
	t->pidns_start = nested ? (uint64_t) init_start : 0;
	t->pidns_known = !nested || init_start != 0;
}

/* The list as text: blanks between. Returns the length; the rest of the scratch stays. */
static size_t
join_args(size_t at, struct slice args)
{
	size_t n;

	if (args.n > 0 && args.p[args.n - 1] == '\0')
		args.n--;
	n = MIN(args.n, SCRATCH_SIZE - at);
	for (size_t i = 0; i < n; i++)
		state_scratch[at + i] = args.p[i] == '\0' ? ' ' : args.p[i];
	return at + n;
}

void
thread_set_args(struct state *s, struct thread *t, uint32_t args)
{
	struct slice comm = intern_get(s->pool, t->comm), list = intern_get(s->pool, args);
	size_t n = MIN(comm.n, 64), end;

	hold(s->pool, &t->args, list.n == 0 ? INTERN_EMPTY : args);
	if (list.n == 0) {
		hold(s->pool, &t->args_text, INTERN_EMPTY);
		hold(s->pool, &t->cmdline, t->comm);
		return;
	}
	if (n > 0)
		memcpy(state_scratch, comm.p, n);
	state_scratch[n] = ' ';
	end = join_args(n + 1, list);
	hold(s->pool, &t->cmdline, intern_put(s->pool, (struct slice){ state_scratch, end }));
	hold(s->pool, &t->args_text,
	    intern_put(s->pool, (struct slice){ state_scratch + n + 1, end - n - 1 }));
}

void
thread_set_cgroups(struct state *s, struct thread *t, uint32_t cgroups)
{
	uint32_t *from = &s->containers[cgroups % CGROUP_MEMO_SIZE].cgroups;
	uint32_t *id = &s->containers[cgroups % CGROUP_MEMO_SIZE].id;

	if (t->cgroups == cgroups)
		return;
	hold(s->pool, &t->cgroups, cgroups);
	if (*from != cgroups || *id == INTERN_NULL) {
		struct slice name = container_id_of(intern_get(s->pool, cgroups));

		hold(s->pool, from, cgroups);
		hold(s->pool, id, name.p == NULL ? s->words.host : intern_put(s->pool, name));
	}
	if (t->container_id != *id)
		hold(s->pool, &t->entered_by, INTERN_NULL);
	hold(s->pool, &t->container_id, *id);
}

void
thread_set_cwd(struct apply *a, struct thread *t, unsigned i)
{
	if (slice_starts(ev_text(a->b, a->ev, i), SLICE("/")))
		hold(a->s->pool, &t->cwd, path_as_dir(a->s, ev_intern(a->s->pool, a->b, a->ev, i)));
}
