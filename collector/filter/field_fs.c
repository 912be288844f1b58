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

static bool
succeeded(const struct event *ev)
{
	int64_t res;

	if (event_num(ev, "res", &res))
		return res == 0;
	return event_num(ev, "fd", &res) && res >= 0;
}

/* On which descriptor an event acts, where it has no path. */
static bool
by_descriptor(const struct view *v)
{
	unsigned num = v->ev->schema->num;

	return num == EV_FCHMOD || num == EV_FCHOWN ||
	       ((v->ev->schema->flags & EF_CREATES_FD) && v->fd != NULL);
}

/*
 * A relative path is below the descriptor before it; AT_FDCWD there is not taken for the cwd, and
 * linkat's descriptors are not looked at: both as in Falco.
 */
static int
resolve(const struct fget *g, int i, struct slice raw)
{
	const struct view *v = g->v;
	const struct ev_schema *s = v->ev->schema;
	int64_t dirfd = -100;
	struct buf *out;
	uint32_t id;

	if (raw.n > 0 && raw.p[0] != '/' && s->params[i].type == PT_FSRELPATH && i > 0 &&
	    s->num != EV_LINKAT) {
		dirfd = ev_num(v->ev, (unsigned) i - 1);
		if (dirfd < 0 || state_fd(v->state, v->main, dirfd) == NULL) {
			out = scratch_buf(g->fs);
			buf_str(out, "<UNKNOWN>");
			buf_slice(out, raw);
			return put_text(g, scratch_take(g->fs, out));
		}
	}
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
