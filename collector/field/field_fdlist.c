/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/field_int.h"
#include <string.h>

/* The descriptors passed to poll(): a count of 2 bytes, then for each its number (8) and the events
 * (2). */
enum { COUNT_SIZE = 2, ITEM_SIZE = 10 };

static bool
is_pair(const struct fd_entry *fd)
{
	return fd != NULL && (fd->type == FD_IPV4 || fd->type == FD_IPV6);
}

static bool
has_server(const struct fd_entry *fd)
{
	return is_pair(fd) ||
	       (fd != NULL && (fd->type == FD_IPV4_SERVER || fd->type == FD_IPV6_SERVER));
}

static unsigned
family(const struct fd_entry *fd)
{
	return fd->type == FD_IPV4 || fd->type == FD_IPV4_SERVER ? 4 : 6;
}

/* Append one item of the list; an empty one is left out. */
static void
put_item(const struct fget *g, int64_t num, const struct fd_entry *fd, struct buf *out)
{
	struct slice name = fd == NULL ? SLICE("") : view_text(g->v, fd->name);

	if (g->a == LIST_NUM)
		buf_printf(out, "%lld", (long long) num);
	else if (g->a == LIST_NAME)
		buf_slice(out, name.n == 0 ? SLICE("<NA>") : name);
	else if (g->a == LIST_CIP && is_pair(fd))
		ip_text(fd->sip, family(fd), out);
	else if (g->a == LIST_SIP && has_server(fd))
		ip_text(fd->dip, family(fd), out);
	else if (g->a == LIST_CPORT && is_pair(fd))
		buf_u64(out, fd->sport);
	else if (g->a == LIST_SPORT && is_pair(fd))
		buf_u64(out, fd->dport);
}

int
get_fdlist(const struct fget *g)
{
	const struct event *ev = g->v->ev;
	struct slice list;
	struct buf *out;
	uint16_t n = 0;
	int64_t num;

	list = ev_role_text(g->v->batch, ev, EVR_FDS);
	if (list.n >= COUNT_SIZE)
		memcpy(&n, list.p, sizeof(n));
	out = scratch_buf(g->fs);
	for (size_t i = 0, at = COUNT_SIZE; i < n && at + ITEM_SIZE <= list.n;
	     i++, at += ITEM_SIZE) {
		size_t before = out->n;

		if (before > 0)
			buf_char(out, ',');
		memcpy(&num, list.p + at, sizeof(num));
		put_item(g, num, state_fd(g->v->state, g->v->main, num), out);
		if (out->n == before + 1 && before > 0)
			out->n = before;
	}
	list = scratch_take(g->fs, out);
	return list.n == 0 ? 0 : put_text(g, list);
}
