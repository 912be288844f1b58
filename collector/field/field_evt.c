/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/field_bind.h"
#include "collector/field/field_int.h"
#include "common/clock.h"
#include "proto/syscalls.h"
#include <string.h>

bool
event_result(const struct event *ev, int64_t *ret)
{
	unsigned i = ev->schema->role[EVR_RESULT];

	*ret = ev_num(ev, i);
	return ev_has(ev, i);
}

int
get_evt_num(const struct fget *g)
{
	return put_uint(g, g->v->num);
}

int
get_evt_clock(const struct fget *g)
{
	bool fraction = g->a != CLK_TIME_S && g->a != CLK_DATE_S;
	char date = g->a == CLK_ISO ? 'T' : g->a == CLK_DATE || g->a == CLK_DATE_S ? ' ' : '\0';
	struct buf *out = scratch_buf(g->fs);

	time_text(g->v->time, g->a == CLK_ISO, date, fraction, out);
	if (g->a == CLK_ISO)
		buf_str(out, "+0000");
	return put_text(g, scratch_take(g->fs, out));
}

static uint64_t
part_of(uint64_t ns, int part)
{
	return part == PART_ALL ? ns : part == PART_S ? ns / NS_PER_S : ns % NS_PER_S;
}

int
get_evt_rawtime(const struct fget *g)
{
	return put_uint(g, part_of(g->v->time, g->a));
}

int
get_evt_reltime(const struct fget *g)
{
	return put_uint(g, part_of(g->v->ev->ts - state_began(g->v->state), g->a));
}

/* Events of different CPUs may be slightly out of order. */
int
get_evt_deltatime(const struct fget *g)
{
	uint64_t before = state_before(g->v->state), ts = g->v->ev->ts;

	return put_uint(g, part_of(ts > before ? ts - before : 0, g->a));
}

int
get_evt_word(const struct fget *g)
{
	if (g->a == WORD_DIR)
		return put_word(g, g->v->ev->schema->flags & EF_ENTRY ? ">" : "<");
	return put_word(g, "0ns");
}

/* Plugins' events have their own sources, which are unknown here. */
int
get_evt_source(const struct fget *g)
{
	const struct event *ev = g->v->ev;

	if (ev->schema->num == EV_PLUGINEVENT ||
	    (ev->schema->num == EV_ASYNCEVENT && ev_num(ev, EVP_ASYNCEVENT_plugin_id) != 0))
		return 0;
	return put_word(g, "syscall");
}

int
get_evt_is_async(const struct fget *g)
{
	return put_bool(g, (g->v->ev->schema->flags & EF_ASYNC) != 0);
}

int
get_evt_hostname(const struct fget *g)
{
	return put_word(g, g->v->node);
}

/* procinfo: an event for every thread, or for main threads. */
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

/* A system call without an event is named by its number, an asynchronous event by its own name. */
static struct slice
event_name(const struct view *v)
{
	struct slice name = { NULL, 0 };

	if (v->ev->schema->num == EV_SYSCALL)
		name = slice_str(syscall_name(ev_num(v->ev, EVP_SYSCALL_ID)));
	else if (v->ev->schema->num == EV_ASYNCEVENT)
		name = ev_text(v->batch, v->ev, EVP_ASYNCEVENT_name);
	return name.p == NULL ? slice_str(v->ev->schema->name) : name;
}

int
get_evt_type(const struct fget *g)
{
	return put_text(g, event_name(g->v));
}

int
get_evt_type_is(const struct fget *g)
{
	return put_uint(g, slice_eq(event_name(g->v), g->f->key));
}

int
get_evt_asynctype(const struct fget *g)
{
	return g->v->ev->schema->flags & EF_ASYNC ? put_text(g, event_name(g->v)) : 0;
}

int
get_evt_syscall(const struct fget *g)
{
	enum ev_category c = g->v->ev->schema->category;

	if (c == EC_INTERNAL || c == EC_SCHEDULER || g->v->ev->schema->num == EV_PROCEXIT)
		return 0;
	return put_text(g, event_name(g->v));
}

/* An event on a descriptor has the category of the descriptor's type. */
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
	return "unknown";
}

static const char *
category(const struct view *v)
{
	static const char *const words[] = { [EC_NONE] = "unknown",
		[EC_OTHER] = "other",
		[EC_FILE] = "file",
		[EC_NET] = "net",
		[EC_IPC] = "IPC",
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

	return event_result(g->v->ev, &res) ? put_bool(g, res < 0) : 0;
}

/* The object of a failed call: by its descriptor, or by what the call would have created. */
static int
error_kind(const struct view *v)
{
	const struct ev_schema *s = v->ev->schema;

	if (v->fd != NULL)
		return v->fd->type == FD_FILE || v->fd->type == FD_DIRECTORY ? FDK_FILE
		       : v->fd->type >= FD_IPV4 && v->fd->type <= FD_UNIX    ? FDK_NET
									     : FDK_OTHER;
	if (opens_file(s))
		return FDK_FILE;
	if (connects(s))
		return FDK_NET;
	return s->category == EC_MEMORY ? FDK_MEMORY : FDK_OTHER;
}

int
get_evt_count_error(const struct fget *g)
{
	bool kind = g->a == FDK_ANY ||
		    (g->a == FDK_MEMORY && g->v->ev->schema->category == EC_MEMORY) ||
		    (g->a != FDK_MEMORY && error_kind(g->v) == g->a);
	int64_t res;

	return kind && event_result(g->v->ev, &res) ? put_uint(g, res < 0) : 0;
}

int
get_evt_count_exit(const struct fget *g)
{
	return g->v->ev->schema->num % 2 == 0 ? 0 : put_uint(g, 1);
}

/* Find "...; Event: NAME; ..." in the description of an infrastructure event. */
int
get_evt_infra(const struct fget *g)
{
	static const char *const keys[] = { "Event:", "ID:", "name:", "Image:" };
	struct slice s, key = slice_str(keys[g->a]);
	const char *p, *end;
	enum { ID = 1, ID_SHOWN = 12 };

	if (g->v->ev->schema->num != EV_INFRA)
		return 0;
	s = ev_text(g->v->batch, g->v->ev, EVP_INFRA_description);
	p = s.n == 0 ? NULL : memmem(s.p, s.n, key.p, key.n);
	if (p == NULL)
		return 0;
	end = memchr(p, ';', (size_t) (s.p + s.n - p));
	end = end == NULL ? s.p + s.n : end;
	for (p += key.n; p < end && *p == ' '; p++)
		;
	while (end > p && end[-1] == ' ')
		end--;
	s = (struct slice){ p, (size_t) (end - p) };
	if (g->a == ID)
		s.n = MIN(s.n, (size_t) ID_SHOWN);
	return put_text(g, s);
}

int
get_evt_around(const struct fget *g)
{
	uint64_t t = (uint64_t) g->f->index, now = g->v->time;

	return put_uint(g, now > t ? now - t : t - now);
}
