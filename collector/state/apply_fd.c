/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors other than sockets: opened, created, copied, closed. */
#include "collector/state/state_int.h"

/* openat2() that stays below its folder. */
#define CONFINED (NV_openat2_resolve_RESOLVE_BENEATH | NV_openat2_resolve_RESOLVE_IN_ROOT)

struct fd_entry *
fd_new(struct apply *a, int64_t fd, enum fd_type type)
{
	struct fd_entry *e = fdt_put(&a->s->fds, &a->main->fds, fd);

	if (e == NULL)
		return NULL;
	e->type = (uint8_t) type;
	e->since = a->ev->ts;
	e->name = e->nameraw = e->real = INTERN_EMPTY;
	return e;
}

struct fd_entry *
fd_edit(struct apply *a, int64_t fd)
{
	return fdt_edit(&a->s->fds, &a->main->fds, fd);
}

void
fd_forget(struct apply *a, int64_t fd)
{
	fdt_del(&a->s->fds, &a->main->fds, fd);
}

void
fd_name(struct apply *a, struct fd_entry *e, uint32_t name)
{
	hold(a->s->pool, &e->name, name);
}

_Static_assert((int) NV_open_flags_O_CLOEXEC == (int) NV_fd_flags_O_CLOEXEC, "one role, one bit");

bool
asks_cloexec(const struct event *ev)
{
	return (ev_role_num(ev, EVR_OPEN_FLAGS) & NV_open_flags_O_CLOEXEC) != 0;
}

static void
choose_fd(struct apply *a, int64_t fd)
{
	a->fd = fd;
	a->fd_set = true;
}

/* ---- open ---- */

static void
opened(struct apply *a, uint32_t full, uint32_t raw)
{
	const struct event *ev = a->ev;
	uint32_t flags = (uint32_t) ev_role_num(ev, EVR_OPEN_FLAGS);
	/* O_TMPFILE includes O_DIRECTORY, but it writes, which no folder allows */
	bool dir = (flags & NV_open_flags_O_DIRECTORY) && !(flags & NV_open_flags_O_WRONLY);
	struct fd_entry *e = fd_new(a, ev_num(ev, 0), dir ? FD_DIRECTORY : FD_FILE);

	if (e == NULL)
		return;
	e->flags = flags;
	e->dev = (uint32_t) ev_role_num(ev, EVR_DEV);
	e->ino = (uint64_t) ev_role_num(ev, EVR_INO);
	if (flags & NV_open_flags_O_CLOEXEC)
		e->state |= FDS_CLOEXEC;
	if (flags & NV_open_flags_FD_UPPER_LAYER)
		e->state |= FDS_UPPER_LAYER;
	if (flags & NV_open_flags_FD_LOWER_LAYER)
		e->state |= FDS_LOWER_LAYER;
	hold(a->s->pool, &e->name, full);
	hold(a->s->pool, &e->nameraw, raw);
	hold_text(a, &e->real, ev->schema->role[EVR_REAL]);
	a->v->fd_name_changed = true; /* from none, as in Falco */
}

/* The path of an openat2 confined to its folder: the opened file; after a failure, the path below
 * the folder, which is also its root. */
static uint32_t
confined(struct apply *a, int64_t dirfd, uint32_t name)
{
	struct slice p = intern_get(a->s->pool, name);

	if (ev_has(a->ev, EVP_OPENAT2_realname))
		return ev_intern(a->s->pool, a->b, a->ev, EVP_OPENAT2_realname);
	while (p.n > 0 && *p.p == '/')
		p.p++, p.n--;
	return path_full(a->s, a->t, dirfd, intern_put(a->s->pool, p), NULL);
}

static void
open_path(struct apply *a, uint32_t full, uint32_t raw)
{
	if (ev_num(a->ev, 0) >= 0) {
		opened(a, full, raw);
		return;
	}
	a->v->event_path = full;
	a->v->event_pathraw = raw;
}

void
parse_open(struct apply *a)
{
	const struct event *ev = a->ev;
	unsigned path = ev->schema->role[EVR_PATH];
	uint32_t name = ev_intern(a->s->pool, a->b, ev, path), full, raw = 0;
	int64_t dirfd = ev_dirfd(ev, path);

	full = path_full(a->s, a->t, dirfd, name, &raw);
	if (ev->schema->num == EV_OPENAT2 && (ev_num(ev, EVP_OPENAT2_resolve) & CONFINED))
		full = confined(a, dirfd, name);
	open_path(a, full, raw);
}

void
parse_creat(struct apply *a)
{
	uint32_t layer = (uint32_t) ev_num(a->ev, EVP_CREAT_creat_flags);
	struct fd_entry *e;

	parse_open(a);
	e = fd_edit(a, ev_num(a->ev, EVP_CREAT_fd));
	if (e != NULL && (layer & NV_creat_creat_flags_FD_UPPER_LAYER_CREAT))
		e->state |= FDS_UPPER_LAYER;
	if (e != NULL && (layer & NV_creat_creat_flags_FD_LOWER_LAYER_CREAT))
		e->state |= FDS_LOWER_LAYER;
}

/* The path comes from the kernel and is complete. */
void
parse_open_by_handle(struct apply *a)
{
	uint32_t raw = 0, full = path_join(a->s, INTERN_EMPTY,
			      ev_intern(a->s->pool, a->b, a->ev, EVP_OPEN_BY_HANDLE_AT_path), &raw);

	open_path(a, full, raw);
}

/* ---- close ---- */

void
parse_close(struct apply *a)
{
	int64_t fd = ev_num(a->ev, EVP_CLOSE_fd);
	uint32_t i = ((uint32_t) a->main->pid * 31 + (uint32_t) fd) % CLOSED_SIZE;

	if (ev_num(a->ev, EVP_CLOSE_res) < 0 || fd < 0)
		return;
	a->s->pending.owner = a->main;
	a->s->pending.first = a->s->pending.last = fd;
	a->s->closed[i].pid = (uint32_t) a->main->pid;
	a->s->closed[i].fd = (int32_t) fd;
	a->s->closed[i].ts = a->ev->ts;
}

static bool
in_range_keep(const struct fd_entry *e, int64_t first, int64_t last)
{
	return e->fd >= first && e->fd <= last;
}

void
parse_close_range(struct apply *a)
{
	int64_t first = ev_num(a->ev, EVP_CLOSE_RANGE_first);
	int64_t last = (uint32_t) ev_num(a->ev, EVP_CLOSE_RANGE_last);
	const struct fd_entry *e;
	size_t pos = 0;

	if (ev_num(a->ev, EVP_CLOSE_RANGE_res) < 0)
		return;
	if ((ev_num(a->ev, EVP_CLOSE_RANGE_flags) & NV_close_range_flags_CLOSE_RANGE_UNSHARE) &&
	    a->main->nthreads > 1)
		return; /* only the thread's copy; the process keeps its descriptors */
	if (!(ev_num(a->ev, EVP_CLOSE_RANGE_flags) & NV_close_range_flags_CLOSE_RANGE_CLOEXEC)) {
		a->s->pending.owner = a->main;
		a->s->pending.first = first;
		a->s->pending.last = last;
		return;
	}
	while ((e = fdt_next(a->main->fds, &pos)) != NULL) {
		if (in_range_keep(e, first, last) && !(e->state & FDS_CLOEXEC)) {
			struct fd_entry *w = fd_edit(a, e->fd);

			if (w == NULL)
				return;
			w->state |= FDS_CLOEXEC;
		}
	}
}

/* ---- copies ---- */

/* Make descriptor 'to' a copy of *src; NULL: unknown. */
static void
put_copy(struct apply *a, const struct fd_entry *src, int64_t to, bool cloexec)
{
	struct fd_entry copy, *e;

	if (src == NULL) {
		fd_forget(a, to);
		return;
	}
	copy = *src; /* the table may grow and move; its names may be released with the old 'to' */
	fd_names_ref(a->s->pool, &copy);
	e = fd_new(a, to, copy.type);
	if (e == NULL) {
		fd_names_unref(a->s->pool, &copy);
		return;
	}
	copy.fd = e->fd;
	copy.since = e->since;
	copy.state &= (uint8_t) ~(FDS_CLOEXEC | FDS_SNAPSHOT);
	if (cloexec)
		copy.state |= FDS_CLOEXEC;
	*e = copy;
	fdt_serve(&a->s->fds, a->main->fds, e);
}

static void
copy_fd(struct apply *a, int64_t from, int64_t to, bool cloexec)
{
	if (from != to)
		put_copy(a, fdt_get(a->main->fds, from), to, cloexec);
}

void
parse_dup(struct apply *a)
{
	int64_t res = ev_num(a->ev, EVP_DUP_res), from = ev_num(a->ev, EVP_DUP_oldfd);

	choose_fd(a, res >= 0 ? res : from);
	if (res >= 0)
		copy_fd(a, from, res, asks_cloexec(a->ev));
}

void
parse_fcntl(struct apply *a)
{
	int64_t res = ev_num(a->ev, EVP_FCNTL_res), fd = ev_num(a->ev, EVP_FCNTL_fd);
	int64_t cmd = ev_num(a->ev, EVP_FCNTL_cmd);
	struct fd_entry *e;

	if (res < 0)
		return;
	if (cmd == NV_fcntl_cmd_F_DUPFD || cmd == NV_fcntl_cmd_F_DUPFD_CLOEXEC) {
		copy_fd(a, fd, res, cmd == NV_fcntl_cmd_F_DUPFD_CLOEXEC);
		choose_fd(a, res);
	} else if (cmd == NV_fcntl_cmd_F_SETFD) {
		e = fd_edit(a, fd);
		if (e == NULL)
			return;
		e->state &= (uint8_t) ~FDS_CLOEXEC;
		if (ev_num(a->ev, EVP_FCNTL_arg) & 1)
			e->state |= FDS_CLOEXEC;
	}
}

/* The entry that another process has for a descriptor; NULL: unknown. */
static const struct fd_entry *
getfd_source(struct apply *a)
{
	const struct fd_entry *pidfd = fdt_get(a->main->fds, ev_num(a->ev, EVP_PIDFD_GETFD_pid_fd));
	const struct thread *target;

	if (pidfd == NULL || pidfd->type != FD_PIDFD)
		return NULL;
	target = thread_find(a->s, (int64_t) pidfd->ino);
	return target == NULL ? NULL
			      : state_fd(a->s, target, ev_num(a->ev, EVP_PIDFD_GETFD_target_fd));
}

void
parse_pidfd_getfd(struct apply *a)
{
	int64_t fd = ev_num(a->ev, EVP_PIDFD_GETFD_fd);

	if (fd >= 0)
		put_copy(a, getfd_source(a), fd, true);
}

/* ---- the others ---- */

void
parse_pipe(struct apply *a)
{
	int64_t fd[2] = { ev_num(a->ev, EVP_PIPE_fd1), ev_num(a->ev, EVP_PIPE_fd2) };

	if (ev_num(a->ev, EVP_PIPE_res) < 0) {
		choose_fd(a, -1);
		return;
	}
	for (size_t i = 0; i < 2; i++) {
		struct fd_entry *e = fd_new(a, fd[i], FD_PIPE);

		if (e == NULL)
			continue;
		e->ino = (uint64_t) ev_role_num(a->ev, EVR_INO);
		if (asks_cloexec(a->ev))
			e->state |= FDS_CLOEXEC;
	}
	choose_fd(a, fd[1]);
}

/* bpf() returns a descriptor for these commands only. */
#define BPF_FD_CMD(cmd) (1ULL << NV_bpf_cmd_BPF_##cmd)
#define BPF_FD_CMDS                                                             \
	(BPF_FD_CMD(MAP_CREATE) | BPF_FD_CMD(PROG_LOAD) | BPF_FD_CMD(OBJ_GET) | \
	    BPF_FD_CMD(PROG_GET_FD_BY_ID) | BPF_FD_CMD(MAP_GET_FD_BY_ID) |      \
	    BPF_FD_CMD(RAW_TRACEPOINT_OPEN) | BPF_FD_CMD(BTF_LOAD) |            \
	    BPF_FD_CMD(BTF_GET_FD_BY_ID) | BPF_FD_CMD(LINK_CREATE) |            \
	    BPF_FD_CMD(LINK_GET_FD_BY_ID) | BPF_FD_CMD(ENABLE_STATS) | BPF_FD_CMD(ITER_CREATE))

void
parse_new_fd(struct apply *a)
{
	const struct event *ev = a->ev;
	uint16_t num = ev->schema->num;
	enum fd_type type = (enum fd_type) fd_type_by_event[num];
	/* always closed on exec */
	bool always = type == FD_IO_URING || type == FD_BPF || type == FD_PIDFD;
	struct fd_entry *e;

	if (num == EV_BPF && (ev_num(ev, EVP_BPF_cmd) > 63 || ev_num(ev, EVP_BPF_cmd) < 0 ||
				 !(BPF_FD_CMDS >> ev_num(ev, EVP_BPF_cmd) & 1)))
		return;
	e = fd_new(a, ev_num(ev, 0), type);
	if (e == NULL)
		return;
	if (always || asks_cloexec(ev) ||
	    (num == EV_EPOLL_CREATE1 &&
		(ev_num(ev, EVP_EPOLL_CREATE1_flags) & NV_epoll_create1_flags_EPOLL_CLOEXEC)))
		e->state |= FDS_CLOEXEC;
	if (num == EV_PIDFD_OPEN) /* its process, for pidfd_getfd */
		e->ino = (uint64_t) ev_num(ev, EVP_PIDFD_OPEN_pid);
}

void
parse_memfd(struct apply *a)
{
	struct fd_entry *e = fd_new(a, ev_num(a->ev, EVP_MEMFD_CREATE_fd), FD_MEMFD);

	if (e == NULL)
		return;
	hold_text(a, &e->name, EVP_MEMFD_CREATE_name);
	a->v->fd_name_changed = e->name != INTERN_EMPTY;
	if (ev_num(a->ev, EVP_MEMFD_CREATE_flags) & NV_memfd_create_flags_MFD_CLOEXEC)
		e->state |= FDS_CLOEXEC;
}
