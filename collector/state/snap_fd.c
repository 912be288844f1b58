/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors as the kernel's own tables have them: shared by the rows of a snapshot and of passed
 * descriptors. */
#include "collector/state/state_int.h"
#include <sys/socket.h>

/* Has no event reported or closed the descriptor since? */
static bool
fd_is_news(const struct apply *a, int64_t fd)
{
	uint32_t pid = (uint32_t) a->main->pid;
	uint32_t i = (pid * 31 + (uint32_t) fd) % CLOSED_SIZE;
	const struct fd_entry *e = fdt_get(a->main->fds, fd);

	if (a->s->closed[i].pid == pid && a->s->closed[i].fd == fd &&
	    a->s->closed[i].ts >= a->ev->ts)
		return false;
	return e == NULL || e->since <= a->ev->ts;
}

struct fd_entry *
snap_fd(struct apply *a, enum fd_type type, uint32_t name)
{
	int64_t fd = ev_num(a->ev, 0);
	uint64_t ino = (uint64_t) ev_role_num(a->ev, EVR_INO);
	struct fd_entry *e;

	if (!fd_is_news(a, fd))
		return NULL;
	e = fd_edit(a, fd);
	if (e != NULL && e->type == type && (e->ino == ino || e->ino == 0) &&
	    (name == INTERN_NULL || e->name == name)) {
		e->since = a->ev->ts;
		return NULL;
	}
	e = fd_new(a, fd, type);
	if (e == NULL)
		return NULL;
	e->ino = ino;
	e->state = FDS_SNAPSHOT;
	if (name != INTERN_NULL)
		fd_name(a, e, name);
	return e;
}

void
snap_ends(struct apply *a, struct fd_entry *e, struct ends *n)
{
	static const uint8_t none[16];

	if (memcmp(n->dst, none, sizeof(none)) != 0 || n->dport != 0) {
		e->role = ROLE_CLIENT;
		e->state |= FDS_CONNECTED;
		if (fdt_serves(a->main->fds, n->sport)) {
			e->role = ROLE_SERVER;
			ends_swap(n);
		}
		(void) fd_set_ends(a, e, n);
	} else if (n->sport != 0) { /* bound, not connected */
		e->type = n->family == AF_INET ? FD_IPV4_SERVER : FD_IPV6_SERVER;
		memcpy(e->dip, n->src, sizeof(e->dip));
		e->dport = n->sport;
		e->role = ROLE_SERVER;
		fdt_serve(&a->s->fds, a->main->fds, e);
		fd_name(a, e, name_of_server(a->s, e));
	}
}

enum fd_type
snap_anon_type(struct slice name)
{
	/* The kernel's names: "anon_inode:[eventfd]", sometimes without brackets. */
	static const struct {
		struct slice word;
		enum fd_type type;
	} words[] = {
		{ { "eventfd", 7 }, FD_EVENT },
		{ { "eventpoll", 9 }, FD_EPOLL },
		{ { "inotify", 7 }, FD_INOTIFY },
		{ { "signalfd", 8 }, FD_SIGNALFD },
		{ { "timerfd", 7 }, FD_TIMERFD },
		{ { "io_uring", 8 }, FD_IO_URING },
		{ { "userfaultfd", 11 }, FD_USERFAULTFD },
		{ { "pidfd", 5 }, FD_PIDFD },
		{ { "bpf", 3 }, FD_BPF },
	};

	for (size_t i = 0; name.p != NULL && i < ARRAY_SIZE(words); i++) {
		if (memmem(name.p, name.n, words[i].word.p, words[i].word.n) != NULL)
			return words[i].type;
	}
	return FD_UNKNOWN;
}
