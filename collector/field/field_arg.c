/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/field_bind.h"
#include "collector/field/field_int.h"
#include <string.h>

/* An event's parameters: evt.args, evt.arg.NAME, evt.rawarg.NAME. */

int
get_evt_args(const struct fget *g)
{
	struct buf *out = scratch_buf(g->fs);

	params_text(g->v, out);
	return put_text(g, scratch_take(g->fs, out));
}

/* The index of the referenced parameter in this event; -1: it has none. */
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

/* Uses the type of this event's parameter, which may differ from the one used by the compiler. */
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
