/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/field_int.h"
#include <string.h>
#include <sys/sysmacros.h>

/*
 * A descriptor is the event's, in its state after the event. If the event has one that is not in
 * the table (a failed open), the name comes from the event itself.
 */

int
get_fd_num(const struct fget *g)
{
	return g->v->has_fd ? put_int(g, g->v->fd_num) : 0;
}

/* The letter of the descriptor that a failed call would have created. Falco knows these types, and
 * prints 'o' for others, for open() and for open_by_handle_at(). */
static char
would_be(const struct ev_schema *s)
{
	switch ((enum fd_type) fd_type_by_event[s->num]) {
	case FD_FILE:
		return s->num == EV_OPEN || s->num == EV_OPEN_BY_HANDLE_AT ? 'o' : 'f';
	case FD_IPV4:
	case FD_PIPE:
	case FD_EVENT:
	case FD_SIGNALFD:
	case FD_TIMERFD:
	case FD_INOTIFY:
		return fd_type_char((enum fd_type) fd_type_by_event[s->num]);
	case FD_UNKNOWN:
	case FD_DIRECTORY:
	case FD_IPV4_SERVER:
	case FD_IPV6:
	case FD_IPV6_SERVER:
	case FD_UNIX:
	case FD_EPOLL:
	case FD_NETLINK:
	case FD_BPF:
	case FD_USERFAULTFD:
	case FD_IO_URING:
	case FD_MEMFD:
	case FD_PIDFD:
	case FD_UNSUPPORTED:
		break;
	}
	return 'o';
}

int
get_fd_type(const struct fget *g)
{
	if (g->v->fd == NULL)
		return 0;
	return put_word(g, fd_type_word((enum fd_type) g->v->fd->type));
}

int
get_fd_typechar(const struct fget *g)
{
	static const char letters[] = "fd46upesiltnbrmPXo";
	const char *p;
	char c;

	if (!g->v->has_fd)
		return 0;
	c = g->v->fd != NULL ? fd_type_char((enum fd_type) g->v->fd->type)
			     : would_be(g->v->ev->schema);
	p = strchr(letters, c);
	return p == NULL ? 0 : put_text(g, (struct slice){ p, 1 });
}

bool
fd_lost_tuple(const struct view *v, struct slice *ret)
{
	if (!connects(v->ev->schema))
		return false;
	*ret = ev_role_text(v->batch, v->ev, EVR_TUPLE);
	return true;
}

static struct slice
tuple_of(const struct fget *g)
{
	struct buf *out;

	if (!connects(g->v->ev->schema))
		return (struct slice){ NULL, 0 };
	out = scratch_buf(g->fs);
	param_text(g->v, g->v->ev->schema->role[EVR_TUPLE], out);
	return scratch_take(g->fs, out);
}

/* fd.name; p == NULL: null */
static struct slice
name_of(const struct fget *g)
{
	const struct view *v = g->v;
	struct slice tuple = { NULL, 0 };

	if (!v->has_fd)
		return (struct slice){ NULL, 0 };
	if (v->fd == NULL && v->event_path == INTERN_NULL)
		tuple = tuple_of(g);
	return tuple.p != NULL ? tuple : view_text(v, v->fd != NULL ? v->fd->name : v->event_path);
}

int
get_fd_name(const struct fget *g)
{
	if (g->v->has_fd && (g->v->fd != NULL || g->v->event_path != INTERN_NULL))
		return put_id(g, g->v->fd != NULL ? g->v->fd->name : g->v->event_path);
	return put_text(g, name_of(g));
}

int
get_fd_realname(const struct fget *g)
{
	const struct fd_entry *fd = g->v->fd;

	if (g->v->has_fd && fd != NULL && fd->real != INTERN_NULL && fd->real != INTERN_EMPTY)
		return put_id(g, fd->real);
	return get_fd_name(g);
}

int
get_fd_nameraw(const struct fget *g)
{
	if (!g->v->has_fd)
		return 0;
	if (g->v->fd == NULL && g->v->event_path == INTERN_NULL)
		return put_text(g, name_of(g));
	return put_id(g, g->v->fd != NULL ? g->v->fd->nameraw : g->v->event_pathraw);
}

static const char *
last_slash(struct slice s)
{
	return s.n == 0 ? NULL : memrchr(s.p, '/', s.n);
}

/* Up to the last slash; a path that ends in a slash is returned whole. */
static struct slice
directory_of(const struct fget *g)
{
	const struct view *v = g->v;
	struct slice s = name_of(g);
	const char *slash;

	if (s.p == NULL || (v->fd != NULL && v->fd->type == FD_DIRECTORY))
		return s;
	if (v->fd != NULL && v->fd->type != FD_FILE)
		return (struct slice){ NULL, 0 };
	slash = last_slash(s);
	if (slash == NULL || slash == s.p)
		return SLICE("/");
	if (slash + 1 == s.p + s.n)
		return s;
	return (struct slice){ s.p, (size_t) (slash - s.p) };
}

int
get_fd_directory(const struct fget *g)
{
	return put_text(g, directory_of(g));
}

int
get_fd_filename(const struct fget *g)
{
	struct slice s;
	const char *slash;

	if (g->v->fd == NULL || g->v->fd->type != FD_FILE)
		return 0;
	s = name_of(g);
	slash = last_slash(s);
	if (slash == NULL)
		return put_text(g, SLICE("/"));
	if (slash + 1 == s.p + s.n)
		return put_text(g, s);
	return put_text(g, (struct slice){ slash + 1, s.n - (size_t) (slash + 1 - s.p) });
}

int
get_fd_container(const struct fget *g)
{
	struct slice s = g->a == 0 ? name_of(g) : directory_of(g), id = thread_container(g->v);
	struct buf *out;

	if (s.p == NULL)
		return 0;
	out = scratch_buf(g->fs);
	if (!slice_eq(id, SLICE("host")))
		buf_slice(out, id);
	buf_char(out, ':');
	buf_slice(out, s);
	return put_text(g, scratch_take(g->fs, out));
}

/* 4 or 6; 0: not an internet socket. Sets *server for a bound one, which has only a server's
 * end. */
static unsigned
family(const struct fd_entry *fd, bool *server)
{
	*server = false;
	if (fd == NULL)
		return 0;
	switch ((enum fd_type) fd->type) {
	case FD_IPV4_SERVER:
		*server = true;
		return 4;
	case FD_IPV6_SERVER:
		*server = true;
		return 6;
	case FD_IPV4:
		return 4;
	case FD_IPV6:
		return 6;
	case FD_UNKNOWN:
	case FD_FILE:
	case FD_DIRECTORY:
	case FD_UNIX:
	case FD_PIPE:
	case FD_EVENT:
	case FD_SIGNALFD:
	case FD_EPOLL:
	case FD_INOTIFY:
	case FD_TIMERFD:
	case FD_NETLINK:
	case FD_BPF:
	case FD_USERFAULTFD:
	case FD_IO_URING:
	case FD_MEMFD:
	case FD_PIDFD:
	case FD_UNSUPPORTED:
		break;
	}
	return 0;
}

/* The ends that a field refers to: bit 0 the client's (source), bit 1 the server's. 0: null. */
static unsigned
ends(const struct fget *g, unsigned *fam)
{
	const struct fd_entry *fd = g->v->fd;
	bool server, local;

	*fam = family(fd, &server);
	if (*fam == 0)
		return 0;
	if (server)
		return g->a == END_SERVER || g->a == END_BOTH ? 2 : 0;
	if (fd->role == ROLE_NONE)
		return 0;
	local = state_is_local(g->v->state, fd->sip, *fam == 4 ? 4 : 16);
	switch (g->a) {
	case END_CLIENT:
		return 1;
	case END_SERVER:
		return 2;
	case END_LOCAL:
		return local ? 1 : 2;
	case END_REMOTE:
		return local ? 2 : 1;
	default:
		return 3;
	}
}

int
get_fd_ip(const struct fget *g)
{
	const struct fd_entry *fd = g->v->fd;
	unsigned fam, which = ends(g, &fam);
	int n = 0;

	for (unsigned end = 1; end <= 2 && n < g->max; end++) {
		if (!(which & end))
			continue;
		g->ret[n] = (struct fval){ .type = FT_IP };
		g->ret[n].ip.family = (uint8_t) fam;
		memcpy(g->ret[n].ip.addr, end == 1 ? fd->sip : fd->dip, 16);
		n++;
	}
	return n;
}

int
get_fd_port(const struct fget *g)
{
	const struct fd_entry *fd = g->v->fd;
	unsigned fam, which = ends(g, &fam);
	int n = 0;

	if (which & 1)
		g->ret[n++] = (struct fval){ .type = FT_PORT, .u = fd->sport };
	if ((which & 2) && n < g->max)
		g->ret[n++] = (struct fval){ .type = FT_PORT, .u = fd->dport };
	return n;
}

/* Falco looks up service names only if configured to, and by default it is not. */
int
get_fd_proto(const struct fget *g)
{
	struct fval port;
	struct fget one = *g;
	struct buf *out;

	one.ret = &port;
	one.max = 1;
	if (get_fd_port(&one) == 0)
		return 0;
	out = scratch_buf(g->fs);
	buf_u64(out, port.u);
	return put_text(g, scratch_take(g->fs, out));
}

int
get_fd_l4proto(const struct fget *g)
{
	static const char *const words[] = {
		[L4_TCP] = "tcp", [L4_UDP] = "udp", [L4_ICMP] = "icmp", [L4_RAW] = "raw"
	};
	const struct fd_entry *fd = g->v->fd;
	const char *word;

	if (fd == NULL)
		return 0;
	word = fd_transport(fd) >= ARRAY_SIZE(words) ? NULL : words[fd_transport(fd)];
	return put_word(g, word == NULL ? "<NA>" : word);
}

int
get_fd_sockfamily(const struct fget *g)
{
	bool server;

	if (family(g->v->fd, &server) != 0)
		return put_word(g, "ip");
	return g->v->fd != NULL && g->v->fd->type == FD_UNIX ? put_word(g, "unix") : 0;
}

int
get_fd_is_server(const struct fget *g)
{
	const struct fd_entry *fd = g->v->fd;
	bool server;
	unsigned fam = family(fd, &server);

	if (fd == NULL)
		return 0;
	return put_bool(
	    g, server || (fam != 0 && state_is_local(g->v->state, fd->dip, fam == 4 ? 4 : 16)));
}

int
get_fd_uid(const struct fget *g)
{
	struct buf *out;

	if (!g->v->has_fd)
		return 0;
	out = scratch_buf(g->fs);
	buf_printf(out, "%u%lld", g->v->ev->tid, (long long) g->v->fd_num);
	return put_text(g, scratch_take(g->fs, out));
}

int
get_fd_state(const struct fget *g)
{
	return g->v->fd == NULL ? 0 : put_bool(g, (g->v->fd->state & g->a) != 0);
}

int
get_fd_name_changed(const struct fget *g)
{
	return g->v->fd == NULL ? 0 : put_bool(g, g->v->fd_name_changed);
}

int
get_fd_dev(const struct fget *g)
{
	const struct fd_entry *fd = g->v->fd;

	if (fd == NULL)
		return 0;
	return put_int(g, g->a == DEV_ALL     ? fd->dev
			  : g->a == DEV_MAJOR ? major(fd->dev)
					      : minor(fd->dev));
}

int
get_fd_ino(const struct fget *g)
{
	return g->v->fd == NULL ? 0 : put_uint(g, g->v->fd->ino);
}

int
get_fd_types(const struct fget *g)
{
	const struct fd_entry *fd;
	bool had[FD_UNSUPPORTED + 1] = { false };
	const char *word;
	size_t pos = 0;
	int n = 0;

	if (!g->v->has_fd) /* the event is not about a descriptor */
		return 0;
	if (g->f->has_index) {
		fd = state_fd(g->v->state, g->v->main, g->f->index);
		return fd == NULL ? 0 : put_word(g, fd_type_word((enum fd_type) fd->type));
	}
	while (n < g->max && (fd = state_fd_next(g->v->state, g->v->main, &pos)) != NULL) {
		word = had[fd->type] ? NULL : fd_type_word((enum fd_type) fd->type);
		had[fd->type] = true;
		if (word != NULL)
			g->ret[n++] = (struct fval){ .type = FT_STR, .s = slice_str(word) };
	}
	return n;
}
