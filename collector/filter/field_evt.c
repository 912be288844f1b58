/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/field_bind.h"
#include "collector/filter/field_int.h"
#include <string.h>
#include <time.h>

bool
event_num(const struct event *ev, const char *name, int64_t *ret)
{
	int i = schema_param(ev->schema, slice_str(name));

	if (i < 0 || !ev_has(ev, (unsigned) i))
		return false;
	*ret = ev_num(ev, (unsigned) i);
	return true;
}

struct slice
event_text(const struct view *v, const char *name)
{
	int i = schema_param(v->ev->schema, slice_str(name));

	return i < 0 ? (struct slice){ NULL, 0 } : ev_text(v->batch, v->ev, (unsigned) i);
}

bool
event_result(const struct event *ev, int64_t *ret)
{
	const struct ev_schema *s = ev->schema;
	bool made = (s->flags & EF_CREATES_FD) != 0;

	if (s->nargs == 0)
		return false;
	if (strcmp(s->params[0].name, "res") == 0 ||
	    (made && strcmp(s->params[0].name, "fd") == 0)) {
		*ret = ev_num(ev, 0);
		return ev_has(ev, 0);
	}
	return event_num(ev, "res", ret) || (made && event_num(ev, "fd", ret));
}

int
get_evt_num(const struct fget *g)
{
	return put_uint(g, g->v->num);
}

int
get_evt_clock(const struct fget *g)
{
	time_t sec = (time_t) (g->v->time / 1000000000);
	unsigned ns = (unsigned) (g->v->time % 1000000000);
	struct buf *out = scratch_buf(g->fs);
	struct tm tm;

	if (g->a == CLK_ISO)
		(void) gmtime_r(&sec, &tm);
	else
		(void) localtime_r(&sec, &tm);
	if (g->a == CLK_ISO || g->a == CLK_DATE || g->a == CLK_DATE_S)
		buf_printf(out, "%04d-%02d-%02d%c", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		    g->a == CLK_ISO ? 'T' : ' ');
	buf_printf(out, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (g->a != CLK_TIME_S && g->a != CLK_DATE_S)
		buf_printf(out, ".%09u", ns);
	if (g->a == CLK_ISO)
		buf_str(out, "+0000");
	return put_text(g, scratch_take(g->fs, out));
}

int
get_evt_rawtime(const struct fget *g)
{
	uint64_t t = g->v->time;

	return put_uint(g, g->a == PART_ALL ? t : g->a == PART_S ? t / 1000000000 : t % 1000000000);
}

int
get_evt_word(const struct fget *g)
{
	static const char *const words[] = {
		[WORD_SOURCE] = "syscall", [WORD_DIR] = "<", [WORD_LATENCY] = "0ns"
	};

	return put_word(g, words[g->a]);
}

int
get_evt_is_async(const struct fget *g)
{
	return put_bool(g, g->v->ev->schema->num == EV_ASYNCEVENT);
}

int
get_evt_hostname(const struct fget *g)
{
	return put_word(g, g->v->node);
}

/* procinfo: an event of every thread, or of the main ones. */
int
get_evt_procinfo(const struct fget *g)
{
	const struct event *ev = g->v->ev;

	return put_uint(g, ev->schema->num == EV_PROCINFO && (g->a == 0 || ev->tid == ev->pid));
}

int
get_evt_const(const struct fget *g)
{
	return put_uint(g, (uint64_t) g->a);
}

/* A system call without a row of its own is named by its number. */
static const char *
event_name(const struct event *ev)
{
	const char *name = NULL;

	if (ev->schema->num == EV_SYSCALL)
		name = syscall_name(ev_num(ev, EVP_SYSCALL_ID));
	return name == NULL ? ev->schema->name : name;
}

int
get_evt_type(const struct fget *g)
{
	return put_word(g, event_name(g->v->ev));
}

int
get_evt_type_is(const struct fget *g)
{
	return put_uint(g, slice_eq(slice_str(event_name(g->v->ev)), g->f->key));
}

int
get_evt_syscall(const struct fget *g)
{
	enum ev_category c = g->v->ev->schema->category;

	if (c == EC_INTERNAL || c == EC_SCHEDULER || g->v->ev->schema->num == EV_PROCEXIT)
		return 0;
	return put_word(g, event_name(g->v->ev));
}

/* An event on a descriptor is of the descriptor's kind. */
static const char *
io_category(const struct view *v)
{
	if (v->fd == NULL)
		return "unknown";
	switch ((enum fd_type) v->fd->type) {
	case FD_FILE:
	case FD_DIRECTORY:
	case FD_MEMFD:
		return "file";
	case FD_IPV4:
	case FD_IPV4_SERVER:
	case FD_IPV6:
	case FD_IPV6_SERVER:
		return "net";
	case FD_UNIX:
	case FD_PIPE:
	case FD_EVENT:
	case FD_SIGNALFD:
	case FD_EPOLL:
	case FD_INOTIFY:
	case FD_TIMERFD:
		return "ipc";
	case FD_UNKNOWN:
	case FD_NETLINK:
	case FD_BPF:
	case FD_USERFAULTFD:
	case FD_IO_URING:
	case FD_PIDFD:
	case FD_UNSUPPORTED:
		break;
	}
	return "other";
}

static const char *
category(const struct view *v)
{
	static const char *const words[] = { [EC_NONE] = "unknown",
		[EC_OTHER] = "other",
		[EC_FILE] = "file",
		[EC_NET] = "net",
		[EC_IPC] = "ipc",
		[EC_MEMORY] = "memory",
		[EC_PROCESS] = "process",
		[EC_SLEEP] = "sleep",
		[EC_SYSTEM] = "system",
		[EC_SIGNAL] = "signal",
		[EC_USER] = "user",
		[EC_TIME] = "time",
		[EC_WAIT] = "wait",
		[EC_SCHEDULER] = "scheduler",
		[EC_INTERNAL] = "internal" };
	enum ev_category c = v->ev->schema->category;

	if (c == EC_IO_READ || c == EC_IO_WRITE || c == EC_IO_OTHER)
		return io_category(v);
	return c < ARRAY_SIZE(words) && words[c] != NULL ? words[c] : "unknown";
}

int
get_evt_category(const struct fget *g)
{
	return put_word(g, category(g->v));
}

int
get_evt_cpu(const struct fget *g)
{
	return put_int(g, g->v->ev->cpu);
}

int
get_evt_args(const struct fget *g)
{
	struct buf *out = scratch_buf(g->fs);

	params_text(g->v, out);
	return put_text(g, scratch_take(g->fs, out));
}

/* The index in this event of the parameter that the reference names; -1: it has none. */
static int
param_of(const struct fget *g)
{
	const struct event *ev = g->v->ev;
	int i;

	if (g->f->has_index)
		i = g->f->index < ev->schema->nargs ? (int) g->f->index : -1;
	else
		i = g->f->param_index[ev->schema->num] == 0xff ? -1
							       : g->f->param_index[ev->schema->num];
	return i;
}

int
get_evt_arg(const struct fget *g)
{
	const struct ev_schema *s = g->v->ev->schema;
	int i = param_of(g);
	struct buf *out;

	if (i < 0)
		return 0;
	if (s->params[i].type == PT_CHARBUF && ev_has(g->v->ev, (unsigned) i))
		return put_text(g, ev_text(g->v->batch, g->v->ev, (unsigned) i));
	out = scratch_buf(g->fs);
	param_text(g->v, (unsigned) i, out);
	return put_text(g, scratch_take(g->fs, out));
}

enum ftype
param_ftype(const struct ev_param *p)
{
	switch (p->type) {
	case PT_ERRNO:
	case PT_FD:
	case PT_PID:
	case PT_INT16:
	case PT_INT32:
	case PT_INT64:
		return FT_INT;
	case PT_CHARBUF:
	case PT_FSPATH:
	case PT_FSRELPATH:
		return FT_STR;
	case PT_CHARBUFARRAY:
	case PT_BYTEBUF:
	case PT_SOCKADDR:
	case PT_SOCKTUPLE:
	case PT_DYN:
	case PT_IPV6ADDR:
	case PT_FDLIST:
		return FT_BYTES;
	case PT_PORT:
		return FT_PORT;
	case PT_RELTIME:
		return FT_RELTIME;
	case PT_ABSTIME:
		return FT_ABSTIME;
	case PT_UID:
	case PT_GID:
	case PT_UINT8:
	case PT_UINT16:
	case PT_UINT32:
	case PT_UINT64:
	case PT_FLAGS8:
	case PT_FLAGS16:
	case PT_FLAGS32:
	case PT_ENUMFLAGS8:
	case PT_ENUMFLAGS16:
	case PT_ENUMFLAGS32:
	case PT_MODE:
	case PT_SIGTYPE:
	case PT_SIGSET:
	case PT_IPV4ADDR:
	case PT_SYSCALLID:
		break;
	}
	return FT_UINT;
}

/* With the type of this event's parameter, which may not be that which the compiler went by. */
int
get_evt_rawarg(const struct fget *g)
{
	const struct event *ev = g->v->ev;
	int i = param_of(g);

	if (i < 0)
		return 0;
	g->ret[0] = (struct fval){ .type = param_ftype(&ev->schema->params[i]) };
	if (!ptype_is_text(ev->schema->params[i].type)) {
		g->ret[0].i = ev_num(ev, (unsigned) i);
		return ev_has(ev, (unsigned) i);
	}
	g->ret[0].s = ev_text(g->v->batch, ev, (unsigned) i);
	if (g->ret[0].s.p == NULL)
		g->ret[0].s = SLICE("<NA>");
	return 1;
}

bool
rawarg_empty(const struct field_ref *f, const struct event *ev)
{
	unsigned i = f->param_index[ev->schema->num];

	return i != 0xff && !ev_has(ev, i) && !ptype_is_text(ev->schema->params[i].type);
}

enum ev_pfmt
rawarg_fmt(const struct field_ref *f, const struct event *ev)
{
	unsigned i = f->param_index[ev->schema->num];

	return i == 0xff ? PF_NA : ev->schema->params[i].fmt;
}

int
get_evt_res(const struct fget *g)
{
	const char *name;
	struct buf *out;
	int64_t res;

	if (!event_result(g->v->ev, &res))
		return 0;
	name = res >= 0 ? "SUCCESS" : errno_name(res);
	if (name != NULL)
		return put_word(g, name);
	out = scratch_buf(g->fs);
	buf_printf(out, "%lld", (long long) res);
	return put_text(g, scratch_take(g->fs, out));
}

int
get_evt_rawres(const struct fget *g)
{
	int64_t res;

	return event_result(g->v->ev, &res) ? put_int(g, res) : 0;
}

int
get_evt_failed(const struct fget *g)
{
	int64_t res;

	return put_bool(g, event_result(g->v->ev, &res) && res < 0);
}

int
get_evt_count_error(const struct fget *g)
{
	const char *c = category(g->v);
	bool file = strcmp(c, "file") == 0, net = strcmp(c, "net") == 0,
	     memory = strcmp(c, "memory") == 0;
	bool kind = g->a == FDK_ANY || (g->a == FDK_FILE && file) || (g->a == FDK_NET && net) ||
		    (g->a == FDK_MEMORY && memory) ||
		    (g->a == FDK_OTHER && !file && !net && !memory);
	int64_t res;

	return put_uint(g, kind && event_result(g->v->ev, &res) && res < 0);
}

int
get_evt_around(const struct fget *g)
{
	uint64_t t = (uint64_t) g->f->index, now = g->v->time;

	return put_uint(g, now > t ? now - t : t - now);
}
