/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/field_int.h"
#include <string.h>

/*
 * fs.path.*: the paths that a successful event acts on, as in Falco. A link is created at its
 * source and points to its target; a renamed file moves from its source to its target.
 */

/* fs.path.name of a call on a descriptor is the descriptor's name. */
enum { NAME_OF_FD = EV_ABSENT + 1 };

/* The parameter for a field; EV_ABSENT: none. */
static unsigned
path_param(const struct ev_schema *s, int what)
{
	if (!(s->flags & EF_FS_PATH))
		return EV_ABSENT;
	if (what != FS_NAME)
		return s->role[what == FS_SOURCE ? EVR_SOURCE : EVR_TARGET];
	if (schema_has_role(s, EVR_PATH) || schema_has_role(s, EVR_SOURCE))
		return s->role[EVR_PATH];
	return NAME_OF_FD;
}

/* A descriptor of -1 is a failure, any other errno is not: as in Falco. */
static bool
succeeded(const struct event *ev)
{
	int64_t res;

	return event_result(ev, &res) && (ev->schema->flags & EF_CREATES_FD ? res != -1 : res == 0);
}

static int
put_unknown(const struct fget *g, struct slice path)
{
	struct buf *out = scratch_buf(g->fs);

	buf_str(out, "<UNKNOWN>");
	buf_slice(out, path);
	return put_text(g, scratch_take(g->fs, out));
}

/* The descriptor parameter to which a relative path is relative; EV_ABSENT: the working folder. A
 * link's target is relative to the link's own folder. */
static unsigned
folder_of(const struct ev_schema *s, unsigned i)
{
	unsigned dirfd = schema_dirfd(s, i);

	return dirfd == EV_ABSENT && i == s->role[EVR_TARGET] ? schema_dirfd(s, s->role[EVR_SOURCE])
							      : dirfd;
}

static int64_t
folder_num(const struct event *ev, unsigned folder)
{
	return folder == EV_ABSENT ? AT_CWD : ev_num(ev, folder);
}

/*
 * A relative path is below the preceding descriptor. If that is the event's descriptor, AT_FDCWD is
 * not treated as the working folder; a failed open has only that; linkat's descriptors are ignored;
 * a link's target is below its folder: all as in Falco.
 */
static int
resolve(const struct fget *g, unsigned i, struct slice raw)
{
	const struct view *v = g->v;
	const struct ev_schema *s = v->ev->schema;
	bool relative = raw.n == 0 || raw.p[0] != '/';
	unsigned folder = s->num == EV_LINKAT ? EV_ABSENT : folder_of(s, i);
	int64_t dirfd = relative ? folder_num(v->ev, folder) : AT_CWD;
	bool by_fd = folder != EV_ABSENT && (s->flags & (EF_USES_FD | EF_CREATES_FD));
	uint32_t id;

	if (relative && dirfd == AT_CWD && by_fd)
		return put_unknown(g, s->flags & EF_CREATES_FD ? (struct slice){ NULL, 0 } : raw);
	if (dirfd != AT_CWD && state_fd(v->state, v->main, dirfd) == NULL)
		return put_unknown(g, raw);
	id = ev_intern(state_pool(v->state), v->batch, v->ev, i);
	return put_id(g, state_resolve(v->state, v->main, dirfd, id));
}

static uint32_t
resolved(const struct view *v, unsigned i)
{
	uint32_t id = ev_intern(state_pool(v->state), v->batch, v->ev, i);
	unsigned folder = folder_of(v->ev->schema, i);

	return state_resolve(v->state, v->main, folder_num(v->ev, folder), id);
}

/* Resolve as the kernel does: below the descriptor, or the working folder; what a symbolic link
 * points to, below the link's own folder. */
static int
resolve_own(const struct fget *g, unsigned i)
{
	const struct view *v = g->v;
	const struct ev_schema *s = v->ev->schema;
	bool symbolic = s->num == EV_SYMLINK || s->num == EV_SYMLINKAT;

	if (!symbolic || i != s->role[EVR_TARGET])
		return put_id(g, resolved(v, i));
	return put_id(g, state_resolve_beside(v->state, resolved(v, s->role[EVR_SOURCE]),
			     ev_intern(state_pool(v->state), v->batch, v->ev, i)));
}

int
get_fs_path(const struct fget *g)
{
	const struct event *ev = g->v->ev;
	unsigned i = path_param(ev->schema, g->a);
	struct slice raw;

	if (i == EV_ABSENT || (g->b != FS_OWN && !succeeded(ev)))
		return 0;
	/* A successful open has its path in the table. */
	if (i == NAME_OF_FD ||
	    (g->b != FS_RAW && (ev->schema->flags & EF_CREATES_FD) && g->v->fd != NULL))
		return g->v->fd == NULL ? 0 : put_id(g, g->v->fd->name);
	raw = ev_text(g->v->batch, ev, i);
	if (raw.p == NULL)
		return 0;
	if (g->b == FS_RAW)
		return put_text(g, raw);
	return g->b == FS_OWN ? resolve_own(g, i) : resolve(g, i, raw);
}
