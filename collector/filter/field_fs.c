/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/field_int.h"
#include <string.h>

/*
 * fs.path.*: the paths that a successful event acts on, as Falco has them. A link is made at its
 * source and points to its target; a renamed file goes from its source to its target.
 */

/* The parameter by the first of these names that the event has; -1: none. */
static int
first_param(const struct ev_schema *s, const char *const *names, size_t n)
{
	int i = -1;

	for (size_t k = 0; k < n && i < 0; k++)
		i = schema_param(s, slice_str(names[k]));
	return i;
}

static bool
is_rename(unsigned num)
{
	return num == EV_RENAME || num == EV_RENAMEAT || num == EV_RENAMEAT2;
}

/* The parameter that a field asks for; -1: this event has none. */
static int
path_param(const struct ev_schema *s, int what)
{
	static const char *const one[] = { "name", "path", "filename", "pathname", "dir",
		"special" };
	static const char *const made[] = { "newpath", "linkpath" };
	static const char *const pointed[] = { "oldpath", "target" };

	if (s->num == EV_MOUNT)
		return what == FS_NAME     ? -1
		       : what == FS_SOURCE ? (int) EVP_MOUNT_dev
					   : (int) EVP_MOUNT_dir;
	if (what == FS_NAME)
		return first_param(s, one, ARRAY_SIZE(one));
	if ((what == FS_SOURCE) != is_rename(s->num))
		return first_param(s, made, ARRAY_SIZE(made));
	return first_param(s, pointed, ARRAY_SIZE(pointed));
}

/* A descriptor of -1 is a failure, any other errno is not: as in Falco. */
static bool
succeeded(const struct event *ev)
{
	int64_t res;

	if (event_num(ev, "res", &res))
		return res == 0;
	return event_num(ev, "fd", &res) && res != -1;
}

/* On which descriptor an event acts, where it has no path. */
static bool
by_descriptor(const struct view *v)
{
	unsigned num = v->ev->schema->num;

	return num == EV_FCHMOD || num == EV_FCHOWN ||
	       ((v->ev->schema->flags & EF_CREATES_FD) && v->fd != NULL);
}

static int
put_unknown(const struct fget *g, struct slice path)
{
	struct buf *out = scratch_buf(g->fs);

	buf_str(out, "<UNKNOWN>");
	buf_slice(out, path);
	return put_text(g, scratch_take(g->fs, out));
}

/* The descriptor that a relative path is below; AT_CWD: the working folder. */
static int64_t
folder_of(const struct event *ev, int i)
{
	const struct ev_schema *s = ev->schema;

	if (s->num == EV_SYMLINKAT)
		return ev_num(ev, EVP_SYMLINKAT_linkdirfd);
	if (s->params[i].type != PT_FSRELPATH || i == 0 || s->num == EV_LINKAT)
		return AT_CWD;
	return ev_num(ev, (unsigned) i - 1);
}

/*
 * A relative path is below the descriptor before it. Where that is the descriptor that the event is
 * about, AT_FDCWD is not taken for the working folder; a failed open has nothing but that; linkat's
 * descriptors are not looked at; a link's target is below its folder: all as in Falco.
 */
static int
resolve(const struct fget *g, int i, struct slice raw)
{
	const struct view *v = g->v;
	bool relative = raw.n == 0 || raw.p[0] != '/';
	int64_t dirfd = relative ? folder_of(v->ev, i) : AT_CWD;
	bool by_fd = v->ev->schema->params[i].type == PT_FSRELPATH &&
		     (v->ev->schema->flags & (EF_USES_FD | EF_CREATES_FD));
	uint32_t id;

	if (relative && dirfd == AT_CWD && (by_fd || v->ev->schema->num == EV_SYMLINKAT))
		return put_unknown(
		    g, v->ev->schema->flags & EF_CREATES_FD ? (struct slice){ NULL, 0 } : raw);
	if (dirfd != AT_CWD && state_fd(v->state, v->main, dirfd) == NULL)
		return put_unknown(g, raw);
	id = ev_intern(state_pool(v->state), v->batch, v->ev, (unsigned) i);
	return put_id(g, state_resolve(v->state, v->main, dirfd, id));
}

int
get_fs_path(const struct fget *g)
{
	const struct event *ev = g->v->ev;
	int i = path_param(ev->schema, g->a);
	struct slice raw;

	if (!succeeded(ev))
		return 0;
	if (g->a == FS_NAME && by_descriptor(g->v) && (i < 0 || g->b == 0))
		return g->v->fd == NULL ? 0 : put_id(g, g->v->fd->name);
	if (i < 0)
		return 0;
	raw = ev_text(g->v->batch, ev, (unsigned) i);
	if (raw.p == NULL)
		return 0;
	return g->b != 0 ? put_text(g, raw) : resolve(g, i, raw);
}
