/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that are not sockets: opened, made, copied, closed. */
#include "collector/state/state_int.h"

#define F_DUPFD_         0x1
#define F_SETFD_         0x3
#define F_DUPFD_CLOEXEC_ 0x1a
#define CREAT_UPPER      0x1
#define CREAT_LOWER      0x2
#define RANGE_UNSHARE    0x2
#define RANGE_CLOEXEC    0x4
#define CONFINED         0x3 /* RESOLVE_BENEATH, RESOLVE_IN_ROOT */

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

static void
choose_fd(struct apply *a, int64_t fd)
{
	a->fd = fd;
	a->fd_set = true;
}

/* ---- open ---- */

_Static_assert((int) EVP_OPENAT_E_name == (int) EVP_OPENAT2_E_name &&
		   (int) EVP_OPENAT_E_dirfd == (int) EVP_OPENAT2_E_dirfd &&
		   (int) EVP_OPEN_E_name == (int) EVP_CREAT_E_name,
    "one parser for all entries");

/* What the open calls have in common: the indexes of their parameters, -1 for none. */
struct open_params {
	int8_t dirfd, name, flags, dev, ino, real;
};

static void
opened(struct apply *a, const struct open_params *p, uint32_t flags, uint32_t full, uint32_t raw)
{
	bool dir = flags & OF_DIRECTORY;
	struct fd_entry *e = fd_new(a, ev_num(a->ev, 0), dir ? FD_DIRECTORY : FD_FILE);

	if (e == NULL)
		return;
	e->flags = flags;
	e->dev = (uint32_t) ev_num(a->ev, (unsigned) p->dev);
	e->ino = (uint64_t) ev_num(a->ev, (unsigned) p->ino);
	if (flags & OF_CLOEXEC)
		e->state |= FDS_CLOEXEC;
	if (flags & OF_UPPER_LAYER)
		e->state |= FDS_UPPER_LAYER;
	if (flags & OF_LOWER_LAYER)
		e->state |= FDS_LOWER_LAYER;
	hold(a->s->pool, &e->name, full);
	hold(a->s->pool, &e->nameraw, raw);
	if (p->real >= 0)
		hold_text(a, &e->real, (unsigned) p->real);
	a->v->fd_name_changed = true; /* from none, as in Falco */
}

/* The entry of an open call: what another thread may have written over by the time of its exit. */
void
parse_enter(struct apply *a)
{
	bool dirfd = a->ev->schema->num == EV_OPENAT_E || a->ev->schema->num == EV_OPENAT2_E;
	unsigned name = dirfd ? (unsigned) EVP_OPENAT_E_name : (unsigned) EVP_OPEN_E_name;
	struct slice text = ev_text(a->b, a->ev, name);

	a->t->enter = 0;
	if (text.n == 0 || slice_eq(text, SLICE("<NA>")) || slice_eq(text, SLICE("(NULL)")))
		return;                                    /* it could not be read */
	a->t->enter = (uint16_t) (a->ev->schema->num + 1); /* its exit's number */
	a->t->enter_dirfd = dirfd ? ev_num(a->ev, EVP_OPENAT_E_dirfd) : AT_CWD;
	hold(a->s->pool, &a->t->enter_name, ev_intern(a->s->pool, a->b, a->ev, name));
}

/* The path of an openat2 that its folder confines: what was opened; of one that failed, the path
 * below the folder, which is its root too. */
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
open_any(struct apply *a, const struct open_params *p)
{
	const struct event *ev = a->ev;
	uint32_t name = ev_intern(a->s->pool, a->b, ev, (unsigned) p->name), full, raw = 0;
	int64_t dirfd = p->dirfd < 0 ? AT_CWD : ev_num(ev, (unsigned) p->dirfd);

	if (a->t->enter == ev->schema->num) {
		name = a->t->enter_name;
		dirfd = a->t->enter_dirfd;
	}
	a->t->enter = 0;
	full = path_full(a->s, a->t, dirfd, name, &raw);
	if (ev->schema->num == EV_OPENAT2 && (ev_num(ev, EVP_OPENAT2_resolve) & CONFINED))
		full = confined(a, dirfd, name);
	if (ev_num(ev, 0) >= 0) {
		opened(
		    a, p, p->flags < 0 ? 0 : (uint32_t) ev_num(ev, (unsigned) p->flags), full, raw);
		return;
	}
	a->v->event_path = full;
	a->v->event_pathraw = raw;
}

void
parse_open(struct apply *a)
{
	static const struct open_params p = { -1, EVP_OPEN_name, EVP_OPEN_flags, EVP_OPEN_dev,
		EVP_OPEN_ino, EVP_OPEN_realname };

	open_any(a, &p);
}

void
parse_openat(struct apply *a)
{
	static const struct open_params p = { EVP_OPENAT_dirfd, EVP_OPENAT_name, EVP_OPENAT_flags,
		EVP_OPENAT_dev, EVP_OPENAT_ino, EVP_OPENAT_realname };

	open_any(a, &p);
}

void
parse_openat2(struct apply *a)
{
	static const struct open_params p = { EVP_OPENAT2_dirfd, EVP_OPENAT2_name,
		EVP_OPENAT2_flags, EVP_OPENAT2_dev, EVP_OPENAT2_ino, EVP_OPENAT2_realname };

	open_any(a, &p);
}

void
parse_creat(struct apply *a)
{
	static const struct open_params p = { -1, EVP_CREAT_name, -1, EVP_CREAT_dev, EVP_CREAT_ino,
		EVP_CREAT_realname };
	uint32_t layer = (uint32_t) ev_num(a->ev, EVP_CREAT_creat_flags);
	struct fd_entry *e;

	open_any(a, &p);
	e = fd_edit(a, ev_num(a->ev, EVP_CREAT_fd));
	if (e != NULL && (layer & CREAT_UPPER))
		e->state |= FDS_UPPER_LAYER;
	if (e != NULL && (layer & CREAT_LOWER))
		e->state |= FDS_LOWER_LAYER;
}

/* The kernel says the path: it is whole already. */
void
parse_open_by_handle(struct apply *a)
{
	static const struct open_params p = { -1, EVP_OPEN_BY_HANDLE_AT_path,
		EVP_OPEN_BY_HANDLE_AT_flags, EVP_OPEN_BY_HANDLE_AT_dev, EVP_OPEN_BY_HANDLE_AT_ino,
		-1 };
	uint32_t raw = 0, full = path_join(a->s, INTERN_EMPTY,
			      ev_intern(a->s->pool, a->b, a->ev, EVP_OPEN_BY_HANDLE_AT_path), &raw);

	if (ev_num(a->ev, 0) >= 0) {
		opened(a, &p, (uint32_t) ev_num(a->ev, (unsigned) p.flags), full, raw);
		return;
	}
	a->v->event_path = full;
	a->v->event_pathraw = raw;
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
	if ((ev_num(a->ev, EVP_CLOSE_RANGE_flags) & RANGE_UNSHARE) && a->main->nthreads > 1)
		return; /* of its own copy only; the process keeps what it has */
	if (!(ev_num(a->ev, EVP_CLOSE_RANGE_flags) & RANGE_CLOEXEC)) {
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

/* Gives the number 'to' the meaning of *src, a copy; NULL: its meaning is not known. */
static void
put_copy(struct apply *a, const struct fd_entry *src, int64_t to, bool cloexec)
{
	struct fd_entry copy, *e;

	if (src == NULL) {
		fd_forget(a, to);
		return;
	}
	copy = *src; /* moves when the table grows; its names may be let go with the old 'to' */
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
	bool cloexec =
	    a->ev->schema->num == EV_DUP3 && (ev_num(a->ev, EVP_DUP3_flags) & OF_CLOEXEC) != 0;

	choose_fd(a, res >= 0 ? res : from);
	if (res >= 0)
		copy_fd(a, from, res, cloexec);
}

void
parse_fcntl(struct apply *a)
{
	int64_t res = ev_num(a->ev, EVP_FCNTL_res), fd = ev_num(a->ev, EVP_FCNTL_fd);
	int64_t cmd = ev_num(a->ev, EVP_FCNTL_cmd);
	struct fd_entry *e;

	if (res < 0)
		return;
	if (cmd == F_DUPFD_ || cmd == F_DUPFD_CLOEXEC_) {
		copy_fd(a, fd, res, cmd == F_DUPFD_CLOEXEC_);
		choose_fd(a, res);
	} else if (cmd == F_SETFD_) {
		e = fd_edit(a, fd);
		if (e == NULL)
			return;
		e->state &= (uint8_t) ~FDS_CLOEXEC;
		if (ev_num(a->ev, EVP_FCNTL_arg) & 1)
			e->state |= FDS_CLOEXEC;
	}
}

/* The entry that a descriptor of another process has there; NULL: it is not known. */
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
	bool cloexec =
	    a->ev->schema->num == EV_PIPE2 && (ev_num(a->ev, EVP_PIPE2_flags) & OF_CLOEXEC) != 0;
	int64_t fd[2] = { ev_num(a->ev, EVP_PIPE_fd1), ev_num(a->ev, EVP_PIPE_fd2) };

	if (ev_num(a->ev, EVP_PIPE_res) < 0) {
		choose_fd(a, -1);
		return;
	}
	for (size_t i = 0; i < 2; i++) {
		struct fd_entry *e = fd_new(a, fd[i], FD_PIPE);

		if (e == NULL)
			continue;
		e->ino = (uint64_t) ev_num(a->ev, EVP_PIPE_ino);
		if (cloexec)
			e->state |= FDS_CLOEXEC;
	}
	choose_fd(a, fd[1]);
}

/* Calls that return a descriptor of one kind. cloexec: the bit of parameter 'flags' that says so;
 * ALWAYS where the kernel sets it unasked. */
#define ALWAYS 0xffffffffu
static const struct {
	uint16_t event;
	uint8_t type;
	int8_t flags;
	uint32_t cloexec;
} new_fds[] = {
	{ EV_EVENTFD, FD_EVENT, -1, 0 },
	{ EV_EVENTFD2, FD_EVENT, EVP_EVENTFD2_flags, OF_CLOEXEC },
	{ EV_SIGNALFD, FD_SIGNALFD, -1, 0 },
	{ EV_SIGNALFD4, FD_SIGNALFD, EVP_SIGNALFD4_flags, OF_CLOEXEC },
	{ EV_TIMERFD_CREATE, FD_TIMERFD, -1, 0 },
	{ EV_EPOLL_CREATE, FD_EPOLL, -1, 0 },
	{ EV_EPOLL_CREATE1, FD_EPOLL, EVP_EPOLL_CREATE1_flags, 0x1 },
	{ EV_INOTIFY_INIT, FD_INOTIFY, -1, 0 },
	{ EV_INOTIFY_INIT1, FD_INOTIFY, EVP_INOTIFY_INIT1_flags, OF_CLOEXEC },
	{ EV_USERFAULTFD, FD_USERFAULTFD, EVP_USERFAULTFD_flags, OF_CLOEXEC },
	{ EV_IO_URING_SETUP, FD_IO_URING, -1, ALWAYS },
	{ EV_BPF, FD_BPF, -1, ALWAYS },
	{ EV_PIDFD_OPEN, FD_PIDFD, -1, ALWAYS },
};

/* bpf() returns a descriptor for these commands only (bit: names.def's bpf_cmd). */
#define BPF_FD_CMDS                                                                           \
	(1ULL << 0x0 | 1ULL << 0x5 | 1ULL << 0x7 | 1ULL << 0xd | 1ULL << 0xe | 1ULL << 0x11 | \
	    1ULL << 0x12 | 1ULL << 0x13 | 1ULL << 0x1c | 1ULL << 0x1e | 1ULL << 0x20 |        \
	    1ULL << 0x21)

void
parse_new_fd(struct apply *a)
{
	const struct event *ev = a->ev;
	uint16_t num = ev->schema->num;
	struct fd_entry *e;
	size_t i = 0;

	while (new_fds[i].event != num)
		i++;
	if (num == EV_BPF && (ev_num(ev, EVP_BPF_cmd) > 63 || ev_num(ev, EVP_BPF_cmd) < 0 ||
				 !(BPF_FD_CMDS >> ev_num(ev, EVP_BPF_cmd) & 1)))
		return;
	e = fd_new(a, ev_num(ev, 0), new_fds[i].type);
	if (e == NULL)
		return;
	if (new_fds[i].cloexec == ALWAYS ||
	    (new_fds[i].flags >= 0 &&
		(ev_num(ev, (unsigned) new_fds[i].flags) & new_fds[i].cloexec)))
		e->state |= FDS_CLOEXEC;
	if (num == EV_PIDFD_OPEN) /* whose it is: pidfd_getfd asks */
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
	if (ev_num(a->ev, EVP_MEMFD_CREATE_flags) & 0x1)
		e->state |= FDS_CLOEXEC;
}
