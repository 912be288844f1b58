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

int
get_evt_buflen(const struct fget *g)
{
	const struct fd_entry *fd = g->v->fd;
	bool net = fd != NULL && fd->type >= FD_IPV4 && fd->type <= FD_UNIX;
	bool file = fd != NULL && (fd->type == FD_FILE || fd->type == FD_DIRECTORY);
	int64_t res;

	if (!is_io(g->v, g->a) || (g->b == FDK_FILE && !file) || (g->b == FDK_NET && !net))
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
	return put_word(g, is_io(g->v, IO_IN) ? "read" : "write");
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

/* The path of an *at call, by its descriptor: the parameter before it. */
int
get_evt_abspath(const struct fget *g)
{
	const struct ev_schema *s = g->v->ev->schema;
	const char *want = !g->f->has_arg                      ? NULL
			   : slice_eq(g->f->key, SLICE("src")) ? "oldpath"
							       : "newpath";
	uint32_t id;

	if (s->num == EV_OPEN_BY_HANDLE_AT && want == NULL) {
		id = ev_intern(
		    state_pool(g->v->state), g->v->batch, g->v->ev, EVP_OPEN_BY_HANDLE_AT_path);
		return put_id(g, state_resolve(g->v->state, g->v->main, -100, id));
	}
	for (unsigned i = 1; i < s->nargs; i++) {
		if (s->params[i].type != PT_FSRELPATH || !ev_has(g->v->ev, i))
			continue;
		if (want == NULL ? strcmp(s->params[i].name, "newpath") == 0 ||
				       strcmp(s->params[i].name, "oldpath") == 0
				 : strcmp(s->params[i].name, want) != 0)
			continue;
		id = ev_intern(state_pool(g->v->state), g->v->batch, g->v->ev, i);
		return put_id(
		    g, state_resolve(g->v->state, g->v->main, ev_num(g->v->ev, i - 1), id));
	}
	return 0;
}
