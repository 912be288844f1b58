/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups for fields: threads by number, ancestors, leaders, descriptors, local addresses. */
#include "collector/state/state_int.h"
#include <stdlib.h>

const struct thread *
state_thread(const struct state *s, int64_t tid)
{
	const struct thread *t = thread_find(s, tid);

	return t == NULL || t->gone ? NULL : t;
}

const struct thread *
state_main(const struct state *s, const struct thread *t)
{
	return thread_main(s, t);
}

static const struct thread *
parent_of(const struct state *s, const struct thread *main)
{
	const struct thread *p = main->placeholder ? NULL : thread_find(s, main->ptid);

	if (p == NULL)
		return NULL;
	p = thread_main(s, p);
	return p == main ? NULL : p;
}

const struct thread *
state_ancestor(const struct state *s, const struct thread *t, unsigned n)
{
	const struct thread *p = thread_main(s, t);

	for (; n > 0 && p != NULL; n--)
		p = parent_of(s, p);
	return p;
}

static int64_t
number_at(const struct thread *t, size_t offset)
{
	return *(const int64_t *) (const void *) ((const char *) t + offset);
}

/* The oldest of the consecutive ancestors with the same number at 'offset' in struct thread. */
static const struct thread *
oldest_with(const struct state *s, const struct thread *t, size_t offset)
{
	int64_t id = number_at(t, offset);
	const struct thread *found = thread_main(s, t), *p = found;

	for (unsigned hop = 0; hop < HOPS_MAX; hop++) {
		p = parent_of(s, p);
		if (p == NULL || number_at(p, offset) != id)
			break;
		found = p;
	}
	return found;
}

/* The process whose pid is the number at 'offset'; NULL: it has exited, or was never seen. No
 * process has the number 0, that of the first processes of the machine. */
static const struct thread *
leader(const struct state *s, const struct thread *t, size_t offset)
{
	int64_t id = number_at(t, offset), own;
	const struct thread *found;

	if (id == 0)
		return oldest_with(s, t, offset);
	found = id < 0 ? NULL : state_thread(s, id);
	own = found == NULL ? -1 : number_at(found, offset);
	return own == id || own == -1 ? found : NULL;
}

const struct thread *
state_session_leader(const struct state *s, const struct thread *t)
{
	return leader(s, t, offsetof(struct thread, sid));
}

const struct thread *
state_vpgid_leader(const struct state *s, const struct thread *t)
{
	if (!in_pidns(t))
		return leader(s, t, offsetof(struct thread, vpgid));
	/* the same group: only its number differs */
	return t->pgid != -1    ? state_pgid_leader(s, t)
	       : t->vpgid != -1 ? oldest_with(s, t, offsetof(struct thread, vpgid))
				: NULL;
}

const struct thread *
state_pgid_leader(const struct state *s, const struct thread *t)
{
	return leader(s, t, offsetof(struct thread, pgid));
}

const struct fd_entry *
state_fd(const struct state *s, const struct thread *t, int64_t fd)
{
	return fdt_get(thread_main(s, t)->fds, fd);
}

const struct fd_entry *
state_fd_next(const struct state *s, const struct thread *t, size_t *pos)
{
	return fdt_next(thread_main(s, t)->fds, pos);
}

size_t
state_fd_count(const struct state *s, const struct thread *t)
{
	const struct fd_table *f = thread_main(s, t)->fds;

	return f == NULL ? 0 : f->n;
}

int
state_set_interfaces(struct state *s, Wire__Interface *const *v, size_t n)
{
	struct iface *new = calloc(n + 1, sizeof(*new));
	size_t k = 0;

	if (new == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		size_t len = v[i]->address.len;

		if (len != 4 && len != 16)
			continue;
		memcpy(new[k].addr, v[i]->address.data, len);
		new[k].n = (uint8_t) len;
		new[k].prefix = (uint8_t) MIN(v[i]->prefix, len * 8);
		new[k].loopback =
		    len == 4 ? new[k].addr[0] == 127
			     : memcmp(new[k].addr, (const uint8_t[16]){ [15] = 1 }, 16) == 0;
		k++;
	}
	free(s->ifaces);
	s->ifaces = new;
	s->nifaces = k;
	return 0;
}

bool
state_is_local(const struct state *s, const uint8_t *addr, size_t n)
{
	size_t compare = n == 16 ? 8 : 4; /* for IPv6, the network half */

	for (size_t i = 0; i < s->nifaces; i++) {
		if (s->ifaces[i].n == n && memcmp(s->ifaces[i].addr, addr, compare) == 0)
			return true;
	}
	return false;
}

uint64_t
state_pidns_start(const struct state *s, const struct thread *t)
{
	return t->pidns_known && s->epoch != 0 ? s->epoch + t->pidns_start : 0;
}

uint64_t
state_began(const struct state *s)
{
	return s->began;
}

uint64_t
state_before(const struct state *s)
{
	return s->before;
}

struct intern *
state_pool(const struct state *s)
{
	return s->pool;
}

uint64_t
state_version(const struct state *s, unsigned pieces)
{
	return s->version[pieces];
}

void
state_stats(const struct state *s, struct state_stats *ret)
{
	*ret = s->stats;
	ret->fds = s->fds.n;
	ret->fds_refused = s->fds.refused;
}

static const struct {
	const char *word;
	char c;
} fd_types[] = {
	[FD_UNKNOWN] = { "<NA>", 'o' },
	[FD_FILE] = { "file", 'f' },
	[FD_DIRECTORY] = { "directory", 'd' },
	[FD_IPV4] = { "ipv4", '4' },
	[FD_IPV4_SERVER] = { "ipv4", '4' },
	[FD_IPV6] = { "ipv6", '6' },
	[FD_IPV6_SERVER] = { "ipv6", '6' },
	[FD_UNIX] = { "unix", 'u' },
	[FD_PIPE] = { "pipe", 'p' },
	[FD_EVENT] = { "event", 'e' },
	[FD_SIGNALFD] = { "signalfd", 's' },
	[FD_EPOLL] = { "eventpoll", 'l' },
	[FD_INOTIFY] = { "inotify", 'i' },
	[FD_TIMERFD] = { "timerfd", 't' },
	[FD_NETLINK] = { "netlink", 'n' },
	[FD_BPF] = { "bpf", 'b' },
	[FD_USERFAULTFD] = { "userfaultfd", 'u' },
	[FD_IO_URING] = { "io_uring", 'r' },
	[FD_MEMFD] = { "memfd", 'm' },
	[FD_PIDFD] = { "pidfd", 'P' },
	[FD_UNSUPPORTED] = { NULL, 'X' },
};

const uint8_t fd_type_by_event[] = {
#define FDTYPE(ID, TYPE) [EV_##ID] = FD_##TYPE,
#include "proto/events.def"
	[EV_TYPE_MAX - 1] = FD_UNKNOWN
};

const char *
fd_type_word(enum fd_type t)
{
	return fd_types[t].word;
}

char
fd_type_char(enum fd_type t)
{
	return fd_types[t].c;
}
