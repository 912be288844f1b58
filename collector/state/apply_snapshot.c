/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apply a snapshot: the state from before capture began. A row carries the time at which it was
 * read and comes after all older events; newer events may have been applied already. So a row
 *
 *   - does not bring back what exited or was closed after it was read;
 *   - fills unknown values, and replaces only those that no newer event has set;
 *   - is valid until the next snapshot, which removes what it does not name, once it is complete.
 */
#include "collector/state/state_int.h"
#include <sys/socket.h>

/* ---- tasks ---- */

static void
task_num(const struct event *ev, unsigned i, bool all, bool unknown, void *to, size_t size)
{
	if (all || unknown)
		num_into(ev, i, to, size);
}
#define TASK_NUM(i, member, unknown) \
	task_num(a->ev, EVP_TASK_##i, all, (member) == (unknown), &(member), sizeof(member))

static void
task_text(struct apply *a, unsigned i, bool all, uint32_t *slot)
{
	struct words *w = &a->s->words;

	if (all || *slot == INTERN_NULL || *slot == w->na || *slot == INTERN_EMPTY)
		hold_text(a, slot, i);
}

static void
task_ids(struct apply *a, struct thread *t, bool all)
{
	TASK_NUM(pgid, t->pgid, -1);
	TASK_NUM(vpgid, t->vpgid, -1);
	TASK_NUM(sid, t->sid, -1);
	TASK_NUM(flags, t->exe_flags, 0);
	TASK_NUM(fdlimit, t->fdlimit, 0);
	TASK_NUM(euid, t->uid, UNKNOWN_ID);
	TASK_NUM(egid, t->gid, UNKNOWN_ID);
	TASK_NUM(loginuid, t->loginuid, UNKNOWN_ID);
	TASK_NUM(tty, t->tty, 0);
	TASK_NUM(cap_permitted, t->cap_permitted, 0);
	TASK_NUM(cap_effective, t->cap_effective, 0);
	TASK_NUM(cap_inheritable, t->cap_inheritable, 0);
	TASK_NUM(exe_ino_num, t->exe_ino, 0);
	TASK_NUM(exe_ino_ctime, t->exe_ino_ctime, 0);
	TASK_NUM(exe_ino_mtime, t->exe_ino_mtime, 0);
	TASK_NUM(vm_size, t->vm_size, 0);
	TASK_NUM(vm_rss, t->vm_rss, 0);
	TASK_NUM(vm_swap, t->vm_swap, 0);
	TASK_NUM(pgft_maj, t->pgft_maj, 0);
	TASK_NUM(pgft_min, t->pgft_min, 0);
	TASK_NUM(vtgid, t->vpid, -1);
	TASK_NUM(vpid, t->vtid, -1);
	if (all || t->clone_ts == 0)
		t->clone_ts = a->s->epoch == 0 ? 0 : a->ev->start + a->s->epoch;
	if (all || t->ptid == 0)
		thread_set_parent(a->s, t, ev_num(a->ev, EVP_TASK_ppid));
}

/* The list of arguments is argv: its first element is the exe. */
static void
task_args(struct apply *a, struct thread *t)
{
	struct intern *pool = a->s->pool;
	struct slice argv = ev_text(a->b, a->ev, EVP_TASK_argv);
	size_t n = strnlen(argv.p == NULL ? "" : argv.p, argv.n);

	hold(pool, &t->exe, intern_put(pool, (struct slice){ argv.n == 0 ? "" : argv.p, n }));
	n = MIN(n + 1, argv.n);
	thread_set_args(a->s, t,
	    n == argv.n ? INTERN_EMPTY
			: intern_put(pool, (struct slice){ argv.p + n, argv.n - n }));
}

static void
task_texts(struct apply *a, struct thread *t, bool all)
{
	struct state *s = a->s;
	bool no_args = all || t->args == INTERN_NULL || t->exe == s->words.na;

	task_text(a, EVP_TASK_comm, all, &t->comm);
	if (no_args)
		task_args(a, t);
	task_text(a, EVP_TASK_exepath, all, &t->exepath);
	hold(s->pool, &t->exepath, strip_deleted(s, t->exepath));
	task_text(a, EVP_TASK_root, all, &t->root);
	if (ev_has(a->ev, EVP_TASK_cgroups) && (all || t->cgroups == INTERN_NULL))
		thread_set_cgroups(s, t, ev_intern(s->pool, a->b, a->ev, EVP_TASK_cgroups));
	if (!thread_is_main(t))
		return;
	task_text(a, EVP_TASK_env, all, &t->env);
	if (ev_text(a->b, a->ev, EVP_TASK_cwd).n > 0 && (all || t->cwd == s->words.here)) {
		hold(s->pool, &t->cwd,
		    path_as_dir(s, ev_intern(s->pool, a->b, a->ev, EVP_TASK_cwd)));
	}
}

/* The entry of a snapshot's task, or NULL if it has exited. */
static struct thread *
task_entry(struct state *s, const struct event *ev)
{
	struct thread *t = thread_find(s, ev->tid);

	if (exited_since(s, ev->tid, ev->start, ev->ts))
		return NULL;
	if (t != NULL && t->gone) {
		if (t->start == ev->start || t->died >= ev->ts)
			return NULL;
		thread_drop(s, t); /* the tid has been reused */
	}
	t = thread_get(s, ev->tid, ev->pid, ev->start);
	return t == NULL || t->gone ? NULL : t;
}

static void
snap_task(struct apply *a)
{
	struct state *s = a->s;
	uint64_t start_time = (uint64_t) ev_num(a->ev, EVP_TASK_start_time);
	struct thread *t;
	bool all;

	if (s->epoch == 0 && start_time > a->ev->start)
		s->epoch = start_time - a->ev->start;
	t = task_entry(s, a->ev);
	if (t == NULL)
		return;
	t->snap = s->snap;
	t->snap_ts = a->ev->ts;
	all = t->updated <= a->ev->ts && !(t->placeholder && t->updated != 0);
	task_ids(a, t, all);
	task_texts(a, t, all);
	if (all || !t->pidns_known)
		thread_set_pidns(t, in_pidns(t), ev_num(a->ev, EVP_TASK_pidns_init_start_ts));
	t->placeholder = false;
	if (all)
		t->updated = a->ev->ts;
}

/* ---- descriptors ---- */

static void
snap_file(struct apply *a)
{
	enum fd_type type = (enum fd_type) fd_type_by_event[a->ev->schema->num];
	uint32_t path = ev_intern(a->s->pool, a->b, a->ev, a->ev->schema->role[EVR_PATH]);
	struct fd_entry *e;

	if (type == FD_PIPE) /* has no name */
		path = INTERN_EMPTY;
	e = snap_fd(a, type, strip_deleted(a->s, path));
	if (e == NULL)
		return;
	if (type == FD_FILE || type == FD_DIRECTORY)
		hold(a->s->pool, &e->nameraw, e->name);
	if (a->ev->schema->num == EV_TASK_FILE_REGULAR)
		e->flags = (uint32_t) ev_num(a->ev, EVP_TASK_FILE_REGULAR_flags);
	if (e->flags & NV_open_flags_O_CLOEXEC)
		e->state |= FDS_CLOEXEC;
}

static uint8_t
snap_l4(const struct event *ev)
{
	switch (ev_num(ev, EVP_TASK_FILE_SOCKET_INET_sk_type)) {
	case SOCK_STREAM:
		return L4_TCP;
	case SOCK_DGRAM:
		return L4_UDP;
	case SOCK_RAW:
		return L4_RAW;
	default:
		return L4_UNKNOWN;
	}
}

static void
snap_addr(const struct apply *a, unsigned i, uint8_t *to)
{
	struct slice text;
	uint32_t v4;

	if (a->ev->schema->num == EV_TASK_FILE_SOCKET_INET) {
		v4 = (uint32_t) ev_num(a->ev, i); /* network order, as in memory */
		memcpy(to, &v4, sizeof(v4));
		return;
	}
	text = ev_text(a->b, a->ev, i);
	if (text.n == 16)
		memcpy(to, text.p, 16);
}

_Static_assert(
    (int) EVP_TASK_FILE_SOCKET_INET_remote_port == (int) EVP_TASK_FILE_SOCKET_INET6_remote_port,
    "one parser for both");

static void
snap_inet(struct apply *a)
{
	const struct event *ev = a->ev;
	enum fd_type type = (enum fd_type) fd_type_by_event[ev->schema->num];
	bool v4 = type == FD_IPV4;
	struct ends n = { .family = v4 ? AF_INET : AF_INET6 };
	struct fd_entry *e;

	n.sport = (uint16_t) ev_num(ev, EVP_TASK_FILE_SOCKET_INET_local_port);
	n.dport = (uint16_t) ev_num(ev, EVP_TASK_FILE_SOCKET_INET_remote_port);
	snap_addr(a, EVP_TASK_FILE_SOCKET_INET_local_ip, n.src);
	snap_addr(a, EVP_TASK_FILE_SOCKET_INET_remote_ip, n.dst);
	e = snap_fd(a, type, INTERN_NULL);
	if (e == NULL)
		return;
	e->l4 = snap_l4(ev);
	snap_ends(a, e, &n);
}

static void
snap_unix(struct apply *a)
{
	const struct event *ev = a->ev;
	uint64_t end = (uint64_t) ev_num(ev, EVP_TASK_FILE_SOCKET_UNIX_sk_pointer);
	struct fd_entry *e = snap_fd(
	    a, FD_UNIX, ev_intern(a->s->pool, a->b, ev, EVP_TASK_FILE_SOCKET_UNIX_sun_path));

	if (e == NULL)
		return;
	e->l4 = L4_NA;
	memcpy(e->sip, &end, sizeof(end));
}

static void
snap_anon(struct apply *a)
{
	(void) snap_fd(
	    a, snap_anon_type(ev_text(a->b, a->ev, EVP_TASK_FILE_ANON_INODE_path)), INTERN_EMPTY);
}

static void
snap_netlink(struct apply *a)
{
	(void) snap_fd(a, FD_NETLINK, INTERN_EMPTY);
}

static parse_fn *
snap_fd_parser(unsigned num)
{
	switch (num) {
	case EV_TASK_FILE_PIPE:
	case EV_TASK_FILE_MEMFD:
	case EV_TASK_FILE_REGULAR:
	case EV_TASK_FILE_DIRECTORY:
		return snap_file;
	case EV_TASK_FILE_SOCKET_INET:
	case EV_TASK_FILE_SOCKET_INET6:
		return snap_inet;
	case EV_TASK_FILE_SOCKET_UNIX:
		return snap_unix;
	case EV_TASK_FILE_SOCKET_NETLINK:
		return snap_netlink;
	case EV_TASK_FILE_ANON_INODE:
		return snap_anon;
	case EV_TASK_FILE_PASSED:
		return parse_passed;
	default:
		return NULL;
	}
}

void
state_snapshot(struct state *s, const struct batch *b, const struct event *ev)
{
	struct view v = { .state = s, .batch = b, .ev = ev };
	struct apply a = { .s = s, .b = b, .ev = ev, .v = &v, .fd = -1 };
	unsigned num = ev->schema->num;
	parse_fn *parse = snap_fd_parser(num);

	state_flush(s);
	touch(s, state_touches[num]);
	if (num != EV_TASK_FILE_PASSED && num != EV_CONTAINER_INFO &&
	    (s->snap_first == 0 || ev->ts < s->snap_first)) /* 0: the snapshot begins */
		s->snap_first = ev->ts;
	s->stats.snapshot_entries++;
	if (num == EV_TASK) {
		snap_task(&a);
	} else if (num == EV_USERADDED) {
		parse_user(&a);
	} else if (num == EV_GROUPADDED) {
		parse_group(&a);
	} else if (num == EV_CONTAINER_INFO) {
		parse_container(&a);
	} else if (parse != NULL) {
		a.t = task_entry(s, ev);
		if (a.t == NULL)
			return;
		a.main = thread_main(s, a.t);
		parse(&a);
	}
}

/* ---- the end ---- */

static bool
is_older(const struct fd_entry *e, const void *arg)
{
	return e->since < *(const uint64_t *) arg;
}

/* Was it not named, although it existed when the list of tasks was read? */
static bool
is_missing(const struct thread *t, uint64_t began)
{
	return t->start < began && t->seen < began;
}

/* Remove what the snapshot that began then has not named. */
static void
take_away(struct state *s, uint64_t began)
{
	uint32_t i = 0;

	began = MIN(began, s->snap_first);
	began -= MIN(began, SNAP_SLACK);
	while (i <= s->threads.mask) {
		struct thread *t = s->threads.slots[i].t;

		if (t != NULL && !t->gone && t->snap != s->snap && is_missing(t, began)) {
			thread_reparent(s, t, 0);
			thread_drop(s, t);
			continue; /* another may have moved to this slot */
		}
		if (t != NULL && t->snap == s->snap && thread_is_main(t))
			fdt_filter(&s->fds, &t->fds, is_older, &t->snap_ts);
		i++;
	}
}

bool
state_snapshot_part(struct state *s, const Wire__Snapshot *part)
{
	if (part->part == 0) {
		s->snap++;
		s->snap_first = 0;
		s->snap_id = part->id;
		s->snap_part = 0;
	}
	if (part->id == 0 || part->id != s->snap_id || part->part != s->snap_part) {
		s->snap_id = 0;
		return false;
	}
	s->snap_part++;
	return true;
}

bool
state_snapshot_end(struct state *s, const Wire__Snapshot *part)
{
	if (!part->last || part->id == 0 || part->id != s->snap_id)
		return false;
	state_flush(s);
	take_away(s, part->began_ns);
	s->snap_id = 0;
	threads_expire(s);
	return true;
}
