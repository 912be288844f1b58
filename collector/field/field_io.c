/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/field_int.h"
#include <string.h>

/* Fields of reads, writes and opens. */

static bool
is_io(const struct view *v, int dir)
{
	uint32_t want = dir == IO_IN    ? EF_READS_FD
			: dir == IO_OUT ? EF_WRITES_FD
					: EF_READS_FD | EF_WRITES_FD;

	return (v->ev->schema->flags & want) != 0;
}

int
get_evt_buffer(const struct fget *g)
{
	return put_text(g, ev_role_text(g->v->batch, g->v->ev, EVR_DATA));
}

/* The number of bytes that a call on a known descriptor read, wrote or otherwise processed. */
int
get_evt_buflen(const struct fget *g)
{
	const struct fd_entry *fd = g->v->fd;
	enum ev_category c = g->v->ev->schema->category;
	int64_t res;

	if (fd == NULL || (c != EC_IO_READ && c != EC_IO_WRITE && c != EC_IO_OTHER))
		return 0;
	if ((g->a == IO_IN && c != EC_IO_READ) || (g->a == IO_OUT && c != EC_IO_WRITE) ||
	    (g->b == FDK_FILE && fd->type != FD_FILE) ||
	    (g->b == FDK_NET && (fd->type < FD_IPV4 || fd->type > FD_IPV6_SERVER)))
		return 0;
	return event_result(g->v->ev, &res) && res >= 0 ? put_uint(g, (uint64_t) res) : 0;
}

int
get_evt_is_io(const struct fget *g)
{
	return put_bool(g, is_io(g->v, g->a));
}

int
get_evt_io_dir(const struct fget *g)
{
	if (!is_io(g->v, IO_ANY))
		return 0;
	return put_word(g, is_io(g->v, IO_OUT) ? "write" : "read");
}

int
get_evt_is_wait(const struct fget *g)
{
	return put_bool(g, (g->v->ev->schema->flags & EF_WAITS) != 0);
}

int
get_evt_is_syslog(const struct fget *g)
{
	struct slice name;

	if (!is_io(g->v, IO_OUT) || g->v->fd == NULL)
		return put_bool(g, false);
	name = view_text(g->v, g->v->fd->name);
	return put_bool(g, memmem(name.p, name.n, "/dev/log", 8) != NULL);
}

/* As in Falco: tests the requested flags, also of a failed open; false on other events. */
int
get_evt_is_open(const struct fget *g)
{
	const struct event *ev = g->v->ev;
	int64_t flags, fd = -1;
	bool makes;

	if (!opens_file(ev->schema))
		return put_bool(g, false);
	flags = ev_role_num(ev, EVR_OPEN_FLAGS);
	switch (g->a) {
	case OPEN_READ:
		return put_bool(g, (flags & NV_open_flags_O_RDONLY) != 0);
	case OPEN_WRITE:
		return put_bool(g, (flags & NV_open_flags_O_WRONLY) != 0);
	case OPEN_EXEC: /* creat() has no flags: it always creates its file */
		makes = (flags & (NV_open_flags_O_CREAT | NV_open_flags_O_TMPFILE)) ||
			!schema_has_role(ev->schema, EVR_OPEN_FLAGS);
		return put_bool(g, makes && (ev_role_num(ev, EVR_MODE) & 0111) != 0);
	default:
		(void) event_result(ev, &fd);
		return put_bool(g, (flags & NV_open_flags_O_F_CREATED) != 0 ||
				       ((flags & NV_open_flags_O_TMPFILE) != 0 && fd >= 0));
	}
}

unsigned
open_access(const struct event *ev)
{
	if (!opens_file(ev->schema))
		return 0;
	return (unsigned) ev_role_num(ev, EVR_OPEN_FLAGS) & NV_open_flags_O_RDWR;
}

/* The path of an *at call for evt.abspath, and for .dst: of two, the first and the last. */
static unsigned
at_path(const struct ev_schema *s, bool last)
{
	unsigned path = s->role[EVR_PATH];

	if (!(s->flags & EF_FS_PATH))
		return EV_ABSENT;
	if (schema_has_role(s, EVR_SOURCE)) {
		path = MIN(s->role[EVR_SOURCE], s->role[EVR_TARGET]);
		if (last || schema_dirfd(s, path) == EV_ABSENT)
			path = MAX(s->role[EVR_SOURCE], s->role[EVR_TARGET]);
	}
	return schema_dirfd(s, path) == EV_ABSENT ? EV_ABSENT : path;
}

int
get_evt_abspath(const struct fget *g)
{
	const struct view *v = g->v;
	const struct event *ev = v->ev;
	bool last = g->f->has_arg && slice_eq(g->f->key, SLICE("dst"));
	unsigned i = at_path(ev->schema, last);
	struct slice path;
	int64_t dirfd;
	uint32_t id;

	if (ev->schema->num == EV_OPEN_BY_HANDLE_AT && ev_num(ev, EVP_OPEN_BY_HANDLE_AT_fd) > 0) {
		id = ev_intern(state_pool(v->state), v->batch, ev, EVP_OPEN_BY_HANDLE_AT_path);
		return put_id(g, state_resolve(v->state, v->main, AT_CWD, id));
	}
	if (!ev_has(ev, i) || !ev_has(ev, schema_dirfd(ev->schema, i)))
		return 0;
	path = ev_text(v->batch, ev, i);
	dirfd = ev_dirfd(ev, i);
	if (path.n > 0 && path.p[0] != '/' && dirfd != AT_CWD &&
	    state_fd(v->state, v->main, dirfd) == NULL) {
		struct buf *out = scratch_buf(g->fs);

		buf_str(out, "<UNKNOWN>/");
		buf_slice(out, path);
		return put_text(g, scratch_take(g->fs, out));
	}
	id = ev_intern(state_pool(v->state), v->batch, ev, i);
	return put_id(g, state_resolve(v->state, v->main, dirfd, id));
}
