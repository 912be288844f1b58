/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/field_int.h"
#include <string.h>

/*
 * fs.path.*: the paths that a successful event acts on, as Falco has them. A link is made at its
 * source and points to its target; a renamed file goes from its source to its target.
 */

enum { NONE = -1 };

/* Which parameters of an event are paths. 'name' is fs.path.name; NAME_OF_FD: the descriptor's. */
enum { NAME_OF_FD = -2 };
static const struct paths {
	uint16_t event;
	int8_t name, source, target;
} paths[] = {
	{ EV_OPEN, EVP_OPEN_name, NONE, NONE },
	{ EV_OPENAT, EVP_OPENAT_name, NONE, NONE },
	{ EV_OPENAT2, EVP_OPENAT2_name, NONE, NONE },
	{ EV_MKDIR, EVP_MKDIR_path, NONE, NONE },
	{ EV_MKDIRAT, EVP_MKDIRAT_path, NONE, NONE },
	{ EV_RMDIR, EVP_RMDIR_path, NONE, NONE },
	{ EV_UNLINK, EVP_UNLINK_path, NONE, NONE },
	{ EV_UNLINKAT, EVP_UNLINKAT_name, NONE, NONE },
	{ EV_CHMOD, EVP_CHMOD_filename, NONE, NONE },
	{ EV_FCHMOD, NAME_OF_FD, NONE, NONE },
	{ EV_FCHMODAT, EVP_FCHMODAT_filename, NONE, NONE },
	{ EV_CHOWN, EVP_CHOWN_path, NONE, NONE },
	{ EV_LCHOWN, EVP_LCHOWN_path, NONE, NONE },
	{ EV_FCHOWN, NAME_OF_FD, NONE, NONE },
	{ EV_FCHOWNAT, EVP_FCHOWNAT_pathname, NONE, NONE },
	{ EV_QUOTACTL, EVP_QUOTACTL_special, NONE, NONE },
	{ EV_UMOUNT, EVP_UMOUNT_name, NONE, NONE },
	{ EV_UMOUNT2, EVP_UMOUNT2_name, NONE, NONE },
	{ EV_RENAME, NONE, EVP_RENAME_oldpath, EVP_RENAME_newpath },
	{ EV_RENAMEAT, NONE, EVP_RENAMEAT_oldpath, EVP_RENAMEAT_newpath },
	{ EV_RENAMEAT2, NONE, EVP_RENAMEAT2_oldpath, EVP_RENAMEAT2_newpath },
	{ EV_LINK, NONE, EVP_LINK_newpath, EVP_LINK_oldpath },
	{ EV_LINKAT, NONE, EVP_LINKAT_newpath, EVP_LINKAT_oldpath },
	{ EV_SYMLINK, NONE, EVP_SYMLINK_linkpath, EVP_SYMLINK_target },
	{ EV_SYMLINKAT, NONE, EVP_SYMLINKAT_linkpath, EVP_SYMLINKAT_target },
	{ EV_MOUNT, NONE, EVP_MOUNT_dev, EVP_MOUNT_dir },
};

/* The parameter that a field asks for. */
static int
path_param(unsigned num, int what)
{
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		if (paths[i].event == num)
			return what == FS_NAME     ? paths[i].name
			       : what == FS_SOURCE ? paths[i].source
						   : paths[i].target;
	}
	return NONE;
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

/* The same as the kernel takes it: below the descriptor, or the working folder. */
static int
resolve_own(const struct fget *g, int i)
{
	const struct view *v = g->v;
	const struct ev_schema *s = v->ev->schema;
	int64_t dirfd = AT_CWD;

	if (s->num == EV_SYMLINKAT)
		dirfd = ev_num(v->ev, EVP_SYMLINKAT_linkdirfd);
	else if (s->params[i].type == PT_FSRELPATH && i > 0)
		dirfd = ev_num(v->ev, (unsigned) i - 1);
	return put_id(g, state_resolve(v->state, v->main, dirfd,
			     ev_intern(state_pool(v->state), v->batch, v->ev, (unsigned) i)));
}

int
get_fs_path(const struct fget *g)
{
	const struct event *ev = g->v->ev;
	int i = path_param(ev->schema->num, g->a);
	struct slice raw;

	if (i == NONE || (g->b != FS_OWN && !succeeded(ev)))
		return 0;
	/* An open that succeeded has its path in the table. */
	if (i == NAME_OF_FD ||
	    (g->b != FS_RAW && (ev->schema->flags & EF_CREATES_FD) && g->v->fd != NULL))
		return g->v->fd == NULL ? 0 : put_id(g, g->v->fd->name);
	raw = ev_text(g->v->batch, ev, (unsigned) i);
	if (raw.p == NULL)
		return 0;
	if (g->b == FS_RAW)
		return put_text(g, raw);
	return g->b == FS_OWN ? resolve_own(g, i) : resolve(g, i, raw);
}
