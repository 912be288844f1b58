/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/field_int.h"
#include <string.h>

/*
 * fs.path.*: the paths that a successful event acts on. Link-like calls have their new path as the
 * source and their old one as the target, as in Falco.
 */

static const char *const names[] = { "name", "path", "filename", "pathname", "dir", "special" };

static bool
is_mount(unsigned num)
{
	return num == EV_MOUNT;
}

/* The parameter that a field asks for; -1: this event has none. */
static int
path_param(const struct ev_schema *s, int what)
{
	static const char *const source[] = { "newpath", "linkpath" }, *const target[] = {
		"oldpath", "target"
	};
	int i;

	if (is_mount(s->num))
		return what == FS_NAME
			   ? -1
			   : schema_param(s, slice_str(what == FS_SOURCE ? "dev" : "dir"));
	if (what != FS_NAME) {
		const char *const *v = what == FS_SOURCE ? source : target;

		i = schema_param(s, slice_str(v[0]));
		return i >= 0 ? i : schema_param(s, slice_str(v[1]));
	}
	for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
		i = schema_param(s, slice_str(names[k]));
		if (i >= 0 &&
		    (s->params[i].type == PT_FSPATH || s->params[i].type == PT_FSRELPATH ||
			s->params[i].type == PT_CHARBUF))
			return i;
	}
	return -1;
}

static bool
succeeded(const struct event *ev)
{
	int64_t res;

	if (event_num(ev, "res", &res))
		return res == 0;
	return event_num(ev, "fd", &res) && res >= 0;
}

static struct slice
without_slashes(struct slice s)
{
	while (s.n > 1 && s.p[s.n - 1] == '/')
		s.n--;
	return s;
}

/* The descriptor before an FSRELPATH; AT_FDCWD there is not taken for the cwd, as in Falco. */
static int
resolve(const struct fget *g, int i, struct slice raw)
{
	const struct view *v = g->v;
	const struct ev_param *p = &v->ev->schema->params[i];
	int64_t dirfd = -100;
	struct buf *out;
	uint32_t id;

	if (raw.n > 0 && raw.p[0] == '/')
		return put_text(g, without_slashes(raw));
	if (p->type == PT_FSRELPATH && i > 0) {
		dirfd = ev_num(v->ev, (unsigned) i - 1);
		if (dirfd < 0 || state_fd(v->state, v->main, dirfd) == NULL) {
			out = scratch_buf(g->fs);
			buf_str(out, "<UNKNOWN>");
			buf_slice(out, raw);
			return put_text(g, scratch_take(g->fs, out));
		}
	}
	id = ev_intern(state_pool(v->state), v->batch, v->ev, (unsigned) i);
	id = state_resolve(v->state, v->main, dirfd, id);
	return put_text(g, without_slashes(view_text(v, id)));
}

int
get_fs_path(const struct fget *g)
{
	const struct event *ev = g->v->ev;
	int i = path_param(ev->schema, g->a);
	struct slice raw;

	if (i < 0 || !succeeded(ev) || !ev_has(ev, (unsigned) i))
		return 0;
	raw = ev_text(g->v->batch, ev, (unsigned) i);
	if (raw.p == NULL)
		return 0;
	if (g->b != 0)
		return put_text(g, raw);
	if ((ev->schema->flags & EF_CREATES_FD) && g->v->fd != NULL)
		return put_id(g, g->v->fd->name);
	return resolve(g, i, raw);
}
