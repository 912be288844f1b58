/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/field_int.h"
#include <string.h>

enum { ANCESTORS_MAX = 64 }; /* levels searched for "any ancestor" */

static uint32_t
id_at(const struct thread *t, int offset)
{
	uint32_t id;

	memcpy(&id, (const char *) t + offset, sizeof(id));
	return id;
}

static const struct thread *
who(const struct fget *g)
{
	const struct view *v = g->v;

	switch (g->a) {
	case WHO_PARENT:
		return v->thread->placeholder ? NULL : state_ancestor(v->state, v->thread, 1);
	case WHO_SID:
		return state_session_leader(v->state, v->thread);
	case WHO_VPGID:
		return state_vpgid_leader(v->state, v->thread);
	case WHO_PGID:
		return state_pgid_leader(v->state, v->thread);
	default:
		return v->thread;
	}
}

/* Is the field about a session or group whose number is not known? */
static bool
number_unknown(const struct fget *g)
{
	const struct thread *t = g->v->thread;

	return (g->a == WHO_SID && t->sid == -1) || (g->a == WHO_VPGID && t->vpgid == -1) ||
	       (g->a == WHO_PGID && t->pgid == -1);
}

/* Ancestor n; 0 is the thread itself, not its main thread. NULL: unknown. */
static const struct thread *
ancestor(const struct view *v, int64_t n)
{
	if (n < 0 || n > 100000)
		return NULL;
	return n == 0 ? v->main : state_ancestor(v->state, v->thread, (unsigned) n);
}

int
get_proc_text(const struct fget *g)
{
	const struct thread *t = who(g);

	if (t == NULL) /* as in Falco, a group without a number has an empty name */
		return number_unknown(g) ? put_text(g, SLICE("")) : 0;
	return put_id(g, id_at(t, g->b));
}

/* One ancestor, or all from the parent up. */
int
get_proc_ancestors(const struct fget *g)
{
	const struct thread *t;
	int n = 0;

	if (g->f->has_index) {
		t = ancestor(g->v, g->f->index);
		return t == NULL ? 0 : put_id(g, id_at(t, g->b));
	}
	for (int i = 1; n < MIN(g->max, (int) ANCESTORS_MAX); i++) {
		t = ancestor(g->v, i);
		if (t == NULL)
			break;
		g->ret[n++] = (struct fval){
			.type = FT_STR, .id = id_at(t, g->b), .s = view_text(g->v, id_at(t, g->b))
		};
	}
	return n;
}

int
get_proc_apid(const struct fget *g)
{
	const struct thread *t;
	int n = 0;

	if (g->f->has_index) {
		t = ancestor(g->v, g->f->index);
		return t == NULL ? 0 : put_int(g, t->pid);
	}
	for (int i = 1; n < MIN(g->max, (int) ANCESTORS_MAX); i++) {
		t = ancestor(g->v, i);
		if (t == NULL)
			break;
		g->ret[n++] = (struct fval){ .type = FT_INT, .i = t->pid };
	}
	return n;
}

/* The n-th text of a list of NUL-terminated texts; p == NULL: there are fewer. */
static struct slice
list_item(struct slice list, int64_t n)
{
	const char *p = list.p, *end = list.p + list.n, *nul;

	for (; p < end; p = nul + 1) {
		nul = memchr(p, '\0', (size_t) (end - p));
		if (nul == NULL)
			nul = end;
		if (n-- == 0)
			return (struct slice){ p, (size_t) (nul - p) };
	}
	return (struct slice){ NULL, 0 };
}

int
get_proc_args(const struct fget *g)
{
	struct slice item;

	if (!g->f->has_index)
		return put_id(g, g->v->thread->args_text);
	item = list_item(view_text(g->v, g->v->thread->args), g->f->index);
	return put_text(g, item.p == NULL ? SLICE("") : item);
}

int
get_proc_aargs(const struct fget *g)
{
	const struct thread *t;
	struct buf *out;

	if (g->f->has_index) {
		t = ancestor(g->v, g->f->index);
		return t == NULL ? 0 : put_id(g, t->args_text);
	}
	t = ancestor(g->v, 1);
	if (t == NULL)
		return 0;
	out = scratch_buf(g->fs);
	for (int i = 2; t != NULL && i < ANCESTORS_MAX; i++) {
		if (i > 2)
			buf_char(out, ' ');
		buf_slice(out, view_text(g->v, t->args_text));
		t = ancestor(g->v, i);
	}
	return put_text(g, scratch_take(g->fs, out));
}

int
get_proc_nargs(const struct fget *g)
{
	struct slice args = view_text(g->v, g->v->thread->args);
	uint64_t n = 0;

	for (size_t i = 0; i < args.n; i++)
		n += args.p[i] == '\0';
	return put_uint(g, g->a == 0 ? n : args.n - n);
}

int
get_proc_exeline(const struct fget *g)
{
	struct buf *out = scratch_buf(g->fs);

	buf_slice(out, view_text(g->v, g->v->thread->exe));
	buf_char(out, ' ');
	buf_slice(out, view_text(g->v, g->v->thread->args_text));
	return put_text(g, scratch_take(g->fs, out));
}

/* The value of NAME=value in an environment; p == NULL: missing. */
static struct slice
env_value(struct slice env, struct slice name)
{
	const char *p = env.p, *end = env.p + env.n, *nul;

	for (; p < end; p = nul + 1) {
		nul = memchr(p, '\0', (size_t) (end - p));
		if (nul == NULL)
			nul = end;
		if ((size_t) (nul - p) > name.n && p[name.n] == '=' &&
		    memcmp(p, name.p, name.n) == 0)
			return (struct slice){ p + name.n + 1, (size_t) (nul - p) - name.n - 1 };
	}
	return (struct slice){ NULL, 0 };
}

int
get_proc_env(const struct fget *g)
{
	struct slice env = view_text(g->v, g->v->main->env), value;

	if (!g->f->has_arg)
		return put_text(g, scratch_join(g->fs, env));
	value = env_value(env, g->f->key);
	return put_text(g, value.p == NULL ? SLICE("") : value);
}

/* [N]: the whole environment of ancestor N; [NAME]: of the nearest ancestor that has it; else
 * all. */
int
get_proc_aenv(const struct fget *g)
{
	enum { LEVELS = 20 };
	const struct thread *t;
	struct slice s;
	int n = 0;

	if (g->f->has_index) {
		t = ancestor(g->v, g->f->index);
		return t == NULL ? 0 : put_text(g, scratch_join(g->fs, view_text(g->v, t->env)));
	}
	for (int i = 1; i <= LEVELS && n < g->max; i++) { /* excluding the process itself */
		t = ancestor(g->v, i);
		if (t == NULL)
			break;
		if (!g->f->has_arg) {
			s = scratch_join(g->fs, view_text(g->v, t->env));
			if (s.p != NULL)
				g->ret[n++] = (struct fval){ .type = FT_STR, .s = s };
			continue;
		}
		s = env_value(view_text(g->v, t->env), g->f->key);
		if (s.p != NULL)
			return put_text(g, s);
	}
	return g->f->has_arg ? put_text(g, SLICE("")) : n;
}

int
get_proc_cwd(const struct fget *g)
{
	if (g->v->main->cwd == INTERN_NULL)
		return put_text(g, SLICE("./"));
	return put_id(g, g->v->main->cwd);
}

/* The oldest ancestor, or the process itself, with a name ending in "sh". */
int
get_proc_loginshell(const struct fget *g)
{
	const struct thread *t, *found = NULL;

	for (int i = 0; i < ANCESTORS_MAX; i++) {
		t = ancestor(g->v, i);
		if (t == NULL)
			break;
		if (slice_ends(view_text(g->v, t->comm), SLICE("sh")))
			found = t;
	}
	return found == NULL ? 0 : put_int(g, found->pid);
}

static int
known(const struct fget *g, int64_t v)
{
	return v < 0 ? 0 : put_int(g, v);
}

static int
memory_num(const struct fget *g, const struct thread *t)
{
	bool main = t->tid == t->pid;

	switch (g->b) {
	case NUM_VMSIZE:
		return put_uint(g, g->v->main->vm_size);
	case NUM_VMRSS:
		return put_uint(g, g->v->main->vm_rss);
	case NUM_VMSWAP:
		return put_uint(g, g->v->main->vm_swap);
	case NUM_MAIN_VMSIZE:
		return put_uint(g, main ? t->vm_size : 0);
	case NUM_MAIN_VMRSS:
		return put_uint(g, main ? t->vm_rss : 0);
	case NUM_MAIN_VMSIZE_B:
		return put_uint(g, main ? t->vm_size * 1024ULL : 0);
	default:
		return put_uint(g, main ? t->vm_rss * 1024ULL : 0);
	}
}

int
get_proc_num(const struct fget *g)
{
	const struct thread *t = who(g);
	uint64_t pidns;
	uint32_t threads;

	if (t == NULL)
		return 0;
	/* Once a group's main thread is gone, Falco counts no threads. */
	threads =
	    t->placeholder || (g->v->main->dead && g->v->main != t) ? 0 : g->v->main->nthreads;
	switch (g->b) {
	case NUM_TTY:
		return put_uint(g, t->tty);
	case NUM_PID:
		return put_int(g, t->placeholder ? -1 : t->pid);
	case NUM_VPID:
		return known(g, t->vpid);
	case NUM_SID:
		return put_int(g, t->sid);
	case NUM_VPGID:
		return put_int(g, t->vpgid);
	case NUM_PGID:
		return put_int(g, t->pgid);
	case NUM_EXE_INO:
		return t->exe_ino == 0 ? 0 : put_uint(g, t->exe_ino);
	case NUM_FDLIMIT:
		return put_int(g, g->v->main->fdlimit);
	case NUM_NTHREADS:
		return put_uint(g, threads);
	case NUM_NCHILDS:
		return put_uint(g, threads > 0 ? threads - 1 : 0);
	case NUM_PIDNS:
		pidns = state_pidns_start(g->v->state, t);
		return pidns == 0 ? 0 : put_uint(g, pidns);
	case NUM_PFMAJOR:
		return put_uint(g, t->pgft_maj);
	case NUM_PFMINOR:
		return put_uint(g, t->pgft_min);
	case NUM_TID:
		return put_int(g, g->v->ev->tid);
	case NUM_VTID:
		return known(g, t->vtid);
	default:
		return memory_num(g, t);
	}
}

int
get_util_cnt(const struct fget *g)
{
	return put_uint(g, scratch_count(g->fs));
}

int
get_proc_time(const struct fget *g)
{
	const struct thread *t = who(g);
	uint64_t pidns, now, began = t == NULL ? 0 : t->clone_ts;

	if (t == NULL)
		return 0;
	switch (g->b) {
	case TIME_AGE:
		/* by boot time, if it is known: no step of the clock changes that */
		now = t->start != 0 ? g->v->ev->ts : g->v->time;
		began = t->start != 0 ? t->start : began;
		return began == 0 || began > now ? 0 : put_uint(g, now - began);
	case TIME_START:
		return began == 0 ? 0 : put_uint(g, began);
	case TIME_CTIME:
		return t->exe_ino_ctime == 0 ? 0 : put_uint(g, t->exe_ino_ctime);
	case TIME_MTIME:
		return t->exe_ino_mtime == 0 ? 0 : put_uint(g, t->exe_ino_mtime);
	case TIME_SINCE_CTIME:
		if (began <= t->exe_ino_ctime)
			return 0;
		return put_uint(g, began - t->exe_ino_ctime);
	default:
		pidns = state_pidns_start(g->v->state, t);
		return pidns == 0 || t->exe_ino_ctime <= pidns
			   ? 0
			   : put_uint(g, t->exe_ino_ctime - pidns);
	}
}

int
get_proc_exe_flag(const struct fget *g)
{
	return put_bool(g, (g->v->thread->exe_flags & (uint32_t) g->a) != 0);
}

int
get_proc_is_leader(const struct fget *g)
{
	const struct thread *t = g->v->thread;

	if (g->a == WHO_SID)
		return put_bool(g, t->sid == t->pid);
	return put_bool(g, g->a == WHO_VPGID ? t->vpgid == t->vpid : t->pgid == t->pid);
}

int
get_proc_fds(const struct fget *g)
{
	uint64_t n = state_fd_count(g->v->state, g->v->main);

	if (g->a == 0)
		return put_uint(g, n);
	g->ret[0] = (struct fval){ .type = FT_DOUBLE };
	if (g->v->main->fdlimit > 0)
		g->ret[0].d = (double) n * 100 / (double) g->v->main->fdlimit;
	return 1;
}

int
get_proc_ismain(const struct fget *g)
{
	return put_bool(g, g->v->thread->tid == g->v->thread->pid);
}

int
get_proc_nametid(const struct fget *g)
{
	struct buf *out = scratch_buf(g->fs);

	buf_slice(out, view_text(g->v, g->v->thread->comm));
	buf_u64(out, g->v->ev->tid);
	return put_text(g, scratch_take(g->fs, out));
}

int
get_proc_std(const struct fget *g)
{
	const struct fd_entry *fd = state_fd(g->v->state, g->v->main, g->a);

	if (fd == NULL)
		return 0;
	return g->b == 0 ? put_word(g, fd_type_word((enum fd_type) fd->type)) : put_id(g, fd->name);
}
