/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/field_int.h"
#include <string.h>

/* Fields of what is read, written and opened. */

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
	return is_io(g->v, IO_ANY) ? put_text(g, event_text(g->v, "data")) : 0;
}

/* What a call on a descriptor that is known read, wrote or did otherwise. */
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

/* Values of open.flags. */
enum {
	F_READ = 0x1,
	F_WRITE = 0x2,
	F_CREAT = 0x4,
	F_TMPFILE = 0x2000,
	F_CREATED = 0x4000,
};

/* Where an open has its flags and its mode; -1: nowhere. false: it is no open. */
static bool
open_params(unsigned num, int *flags, int *mode)
{
	switch (num) {
	case EV_OPEN:
		*flags = EVP_OPEN_flags;
		*mode = EVP_OPEN_mode;
		return true;
	case EV_OPENAT:
		*flags = EVP_OPENAT_flags;
		*mode = EVP_OPENAT_mode;
		return true;
	case EV_OPENAT2:
		*flags = EVP_OPENAT2_flags;
		*mode = EVP_OPENAT2_mode;
		return true;
	case EV_OPEN_BY_HANDLE_AT:
		*flags = EVP_OPEN_BY_HANDLE_AT_flags;
		*mode = -1;
		return true;
	default:
		return false;
	}
}

/* Falco: a bit of the flags as asked for, also on an open that failed; false on other events. */
int
get_evt_is_open(const struct fget *g)
{
	const struct event *ev = g->v->ev;
	int64_t flags, mode, fd = -1;
	int flags_at, mode_at;

	if (ev->schema->num == EV_CREAT && g->a == OPEN_EXEC)
		return put_bool(g, (ev_num(ev, EVP_CREAT_mode) & 0111) != 0);
	if (!open_params(ev->schema->num, &flags_at, &mode_at))
		return put_bool(g, false);
	flags = ev_num(ev, (unsigned) flags_at);
	mode = mode_at < 0 ? 0 : ev_num(ev, (unsigned) mode_at);
	switch (g->a) {
	case OPEN_READ:
		return put_bool(g, (flags & F_READ) != 0);
	case OPEN_WRITE:
		return put_bool(g, (flags & F_WRITE) != 0);
	case OPEN_EXEC:
		return put_bool(g, (flags & (F_CREAT | F_TMPFILE)) != 0 && (mode & 0111) != 0);
	default:
		(void) event_result(ev, &fd);
		return put_bool(
		    g, (flags & F_CREATED) != 0 || ((flags & F_TMPFILE) != 0 && fd >= 0));
	}
}

unsigned
open_access(const struct event *ev)
{
	int flags_at, mode_at;

	if (!open_params(ev->schema->num, &flags_at, &mode_at))
		return 0;
	return (unsigned) ev_num(ev, (unsigned) flags_at) & (F_READ | F_WRITE);
}

/* Where an *at call has its paths: evt.abspath and .src, .dst; each after its descriptor. */
static int
at_path(unsigned num, bool second)
{
	switch (num) {
	case EV_RENAMEAT:
		return second ? EVP_RENAMEAT_newpath : EVP_RENAMEAT_oldpath;
	case EV_RENAMEAT2:
		return second ? EVP_RENAMEAT2_newpath : EVP_RENAMEAT2_oldpath;
	case EV_LINKAT:
		return second ? EVP_LINKAT_newpath : EVP_LINKAT_oldpath;
	case EV_SYMLINKAT:
		return EVP_SYMLINKAT_linkpath;
	case EV_OPENAT:
		return EVP_OPENAT_name;
	case EV_OPENAT2:
		return EVP_OPENAT2_name;
	case EV_UNLINKAT:
		return EVP_UNLINKAT_name;
	case EV_MKDIRAT:
		return EVP_MKDIRAT_path;
	case EV_FCHMODAT:
		return EVP_FCHMODAT_filename;
	case EV_FCHOWNAT:
		return EVP_FCHOWNAT_pathname;
	default:
		return -1;
	}
}

int
get_evt_abspath(const struct fget *g)
{
	const struct view *v = g->v;
	const struct event *ev = v->ev;
	bool second = g->f->has_arg && slice_eq(g->f->key, SLICE("dst"));
	int i = at_path(ev->schema->num, second);
	struct slice path;
	int64_t dirfd;
	uint32_t id;

	if (ev->schema->num == EV_OPEN_BY_HANDLE_AT && ev_num(ev, EVP_OPEN_BY_HANDLE_AT_fd) > 0) {
		id = ev_intern(state_pool(v->state), v->batch, ev, EVP_OPEN_BY_HANDLE_AT_path);
		return put_id(g, state_resolve(v->state, v->main, AT_CWD, id));
	}
	if (i < 0 || !ev_has(ev, (unsigned) i) || !ev_has(ev, (unsigned) i - 1))
		return 0;
	path = ev_text(v->batch, ev, (unsigned) i);
	dirfd = ev_num(ev, (unsigned) i - 1);
	if (path.n > 0 && path.p[0] != '/' && dirfd != AT_CWD &&
	    state_fd(v->state, v->main, dirfd) == NULL) {
		struct buf *out = scratch_buf(g->fs);

		buf_str(out, "<UNKNOWN>/");
		buf_slice(out, path);
		return put_text(g, scratch_take(g->fs, out));
	}
	id = ev_intern(state_pool(v->state), v->batch, ev, (unsigned) i);
	return put_id(g, state_resolve(v->state, v->main, dirfd, id));
}
