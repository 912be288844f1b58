/* SPDX-License-Identifier: Apache-2.0 */
/* execve, execveat: a process gets a new image. A failure changes nothing. */
#include "collector/state/state_int.h"

_Static_assert(
    (int) EVP_EXECVE_gid == (int) EVP_EXECVEAT_gid, "common parameters have equal indexes");

#define ANCESTORS_MAX 64 /* that are asked whether a container began with them */

/* Our own parameters follow execve's filename, which execveat does not have. */
#define EXTRA(ev, name)                                                \
	((ev)->schema->num == EV_EXECVE ? (unsigned) EVP_EXECVE_##name \
					: (unsigned) EVP_EXECVEAT_##name)

uint32_t
strip_deleted(struct state *s, uint32_t path)
{
	struct slice p = intern_get(s->pool, path);

	if (!slice_ends(p, SLICE(" (deleted)")))
		return path;
	p.n -= sizeof(" (deleted)") - 1;
	return intern_put(s->pool, p);
}

/* Was a descriptor closed by an exec? By the kernel's bits, which also cover closes and
 * close-on-exec marks that were missed. Beyond the bits, by the known mark. */
static bool
is_closed(const struct fd_entry *e, const void *arg)
{
	const struct slice *open = arg;
	size_t i = (size_t) e->fd / 8;

	if (i < open->n)
		return !((unsigned char) open->p[i] >> (e->fd % 8) & 1);
	return (e->state & FDS_CLOEXEC) || (open->n > 0 && open->n < EV_OPEN_FDS / 8);
}

static void
close_on_exec(struct apply *a, struct thread *t)
{
	struct slice open = SLICE("");

	if (a->ev->schema->num == EV_EXECVE && ev_has(a->ev, EVP_EXECVE_open_fds))
		open = ev_text(a->b, a->ev, EVP_EXECVE_open_fds);
	fdt_filter(&a->s->fds, &t->fds, is_closed, &open);
}

/* The other threads are gone; the caller has become the main thread. */
static void
sole_thread(struct state *s, struct thread *main)
{
	main->dead = false; /* first: it takes over the children of the others */
	while (main->grp_next != main) {
		struct thread *t = main->grp_next;

		thread_reparent(s, t, main->tid);
		thread_drop(s, t);
	}
	main->nthreads = 1;
}

static void
set_ids(const struct apply *a, struct thread *t)
{
	const struct event *ev = a->ev;

	NUM_INTO(ev, EVP_EXECVE_tty, t->tty);
	NUM_INTO(ev, EVP_EXECVE_vpgid, t->vpgid);
	NUM_INTO(ev, EVP_EXECVE_pgid, t->pgid);
	NUM_INTO(ev, EVP_EXECVE_loginuid, t->loginuid);
	NUM_INTO(ev, EVP_EXECVE_uid, t->uid);
	NUM_INTO(ev, EVP_EXECVE_gid, t->gid);
	NUM_INTO(ev, EVP_EXECVE_cap_inheritable, t->cap_inheritable);
	NUM_INTO(ev, EVP_EXECVE_cap_permitted, t->cap_permitted);
	NUM_INTO(ev, EVP_EXECVE_cap_effective, t->cap_effective);
	NUM_INTO(ev, EXTRA(ev, vtid), t->vtid);
	NUM_INTO(ev, EXTRA(ev, vpid), t->vpid);
	NUM_INTO(ev, EXTRA(ev, sid), t->sid);
	NUM_INTO(ev, EXTRA(ev, cgroup_id), t->cgroup_id);
}

static void
set_image(struct apply *a, struct thread *t)
{
	struct state *s = a->s;
	const struct event *ev = a->ev;
	uint32_t path;

	NUM_INTO(ev, EVP_EXECVE_flags, t->exe_flags);
	NUM_INTO(ev, EVP_EXECVE_exe_ino, t->exe_ino);
	NUM_INTO(ev, EVP_EXECVE_exe_ino_ctime, t->exe_ino_ctime);
	NUM_INTO(ev, EVP_EXECVE_exe_ino_mtime, t->exe_ino_mtime);
	NUM_INTO(ev, EVP_EXECVE_fdlimit, t->fdlimit);
	NUM_INTO(ev, EVP_EXECVE_pgft_maj, t->pgft_maj);
	NUM_INTO(ev, EVP_EXECVE_pgft_min, t->pgft_min);
	NUM_INTO(ev, EVP_EXECVE_vm_size, t->vm_size);
	NUM_INTO(ev, EVP_EXECVE_vm_rss, t->vm_rss);
	NUM_INTO(ev, EVP_EXECVE_vm_swap, t->vm_swap);
	hold_text(a, &t->comm, ev_has(ev, EVP_EXECVE_comm) ? EVP_EXECVE_comm : EVP_EXECVE_exe);
	hold_text(a, &t->exe, EVP_EXECVE_exe);
	hold_text(a, &t->env, EVP_EXECVE_env);
	thread_set_cwd(a, t, EVP_EXECVE_cwd);
	thread_set_args(s, t, ev_intern(s->pool, a->b, ev, EVP_EXECVE_args));
	path = ev_has(ev, EVP_EXECVE_trusted_exepath)
		   ? ev_intern(s->pool, a->b, ev, EVP_EXECVE_trusted_exepath)
		   : INTERN_EMPTY;
	hold(s->pool, &t->exepath, strip_deleted(s, path));
	if (ev_has(ev, EVP_EXECVE_cgroups))
		thread_set_cgroups(s, t, ev_intern(s->pool, a->b, ev, EVP_EXECVE_cgroups));
}

/* For a process that was unknown: further facts from the exec. */
static void
set_origin(struct apply *a, struct thread *t)
{
	const struct event *ev = a->ev;

	if (ev_has(ev, EVP_EXECVE_ptid))
		thread_set_parent(a->s, t, ev_num(ev, EVP_EXECVE_ptid));
	if (t->vtid == -1)
		t->vtid = t->tid;
	if (t->vpid == -1)
		t->vpid = t->pid;
	thread_set_pidns(t, in_pidns(t), ev_num(ev, EXTRA(ev, pidns_init_start_ts)));
	t->placeholder = false;
}

/* A runtime's own program, on its way to the command that it runs in a container. */
static bool
is_runtime(struct state *s, const struct thread *t)
{
	return slice_eq(intern_get(s->pool, t->args), (struct slice){ "init", sizeof("init") }) &&
	       slice_ends(intern_get(s->pool, t->exe), SLICE("runc"));
}

/* Does it descend from the process with which its container began? */
static bool
began_with_container(const struct state *s, const struct thread *t)
{
	uint32_t container = t->container_id;

	for (unsigned n = 0; t != NULL && n < ANCESTORS_MAX; n++, t = state_ancestor(s, t, 1)) {
		if (t->container_id == container && t->vpid == 1)
			return true;
	}
	return false;
}

/* The first command of a process that a runtime put into a container that runs: docker exec, a
 * health check. Its children, and what it executes later, were put there by it. */
static void
set_entered(struct state *s, struct thread *t)
{
	struct slice exe = intern_get(s->pool, t->exe), args = intern_get(s->pool, t->args);
	size_t n = MIN(exe.n, SCRATCH_SIZE - 1);

	if (t->entered_by != INTERN_NULL || t->container_id == s->words.host || is_runtime(s, t) ||
	    began_with_container(s, t))
		return;
	memcpy(state_scratch, exe.p, n);
	state_scratch[n++] = '\0';
	args.n = MIN(args.n, SCRATCH_SIZE - n);
	if (args.n > 0)
		memcpy(state_scratch + n, args.p, args.n);
	hold(s->pool, &t->entered_by,
	    intern_put(s->pool, (struct slice){ state_scratch, n + args.n }));
}

void
parse_exec(struct apply *a)
{
	const struct event *ev = a->ev;
	struct thread *t = thread_get(a->s, ev->tid, ev->pid, ev->start);

	a->t = t;
	if (t == NULL || ev_num(ev, EVP_EXECVE_res) < 0)
		return;
	t = thread_main(a->s, t);
	if (t->gone) /* all its known threads had exited */
		thread_unbury(a->s, t);
	sole_thread(a->s, t);
	set_ids(a, t);
	set_image(a, t);
	if (t->placeholder)
		set_origin(a, t);
	set_entered(a->s, t);
	close_on_exec(a, t);
	t->updated = ev->ts;
	a->t = t;
}
