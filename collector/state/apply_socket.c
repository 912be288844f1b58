/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets: created, bound, connected, accepted, used.
 *
 * A socket's source is the client's end. The role follows from how the socket came to its peer:
 * connect() and sending first make a client; accept() and a bound datagram socket a server.
 */
#include "collector/state/state_int.h"
#include <netinet/in.h>
#include <sys/socket.h>

#define SOCK_TYPE(t) ((t) &0xf)

enum fd_type
type_of(int64_t domain)
{
	switch (domain) {
	case AF_UNIX:
		return FD_UNIX;
	case AF_INET:
		return FD_IPV4;
	case AF_INET6:
		return FD_IPV6;
	case AF_NETLINK:
		return FD_NETLINK;
	default:
		return FD_UNKNOWN;
	}
}

uint8_t
l4_of(enum fd_type type, int64_t sock_type, int64_t proto)
{
	bool raw = SOCK_TYPE(sock_type) == SOCK_RAW;

	if (type != FD_IPV4 && type != FD_IPV6)
		return L4_NA;
	switch (proto) {
	case IPPROTO_TCP:
		return raw ? L4_RAW : L4_TCP;
	case IPPROTO_UDP:
		return raw ? L4_RAW : L4_UDP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return raw ? L4_RAW : L4_ICMP;
	case IPPROTO_RAW:
		return L4_RAW;
	case IPPROTO_IP:
		break;
	default:
		return L4_UNKNOWN;
	}
	return SOCK_TYPE(sock_type) == SOCK_STREAM  ? L4_TCP
	       : SOCK_TYPE(sock_type) == SOCK_DGRAM ? L4_UDP
	       : raw                                ? L4_RAW
						    : L4_UNKNOWN;
}

/* Also true for a family without its own type. */
static bool
may_be_socket(const struct fd_entry *e)
{
	return (e->type >= FD_IPV4 && e->type <= FD_UNIX) || e->type == FD_NETLINK ||
	       e->type == FD_UNKNOWN;
}

/*
 * The writable entry of a descriptor just used as a socket. An entry of another kind is stale,
 * because its close was missed: it is forgotten.
 */
static struct fd_entry *
socket_edit(struct apply *a, int64_t fd)
{
	const struct fd_entry *e = fdt_get(a->main->fds, fd);

	if (e == NULL)
		return NULL;
	if (!may_be_socket(e)) {
		fd_forget(a, fd);
		return NULL;
	}
	return fd_edit(a, fd);
}

void
parse_socket(struct apply *a)
{
	const struct event *ev = a->ev;
	enum fd_type type = type_of(ev_num(ev, EVP_SOCKET_domain));
	struct fd_entry *e = fd_new(a, ev_num(ev, EVP_SOCKET_fd), type);

	if (e == NULL)
		return;
	e->l4 = l4_of(type, ev_num(ev, EVP_SOCKET_type), ev_num(ev, EVP_SOCKET_proto));
	if (asks_cloexec(ev))
		e->state |= FDS_CLOEXEC;
}

void
parse_socketpair(struct apply *a)
{
	const struct event *ev = a->ev;
	int64_t fd[2] = { ev_num(ev, EVP_SOCKETPAIR_fd1), ev_num(ev, EVP_SOCKETPAIR_fd2) };
	int64_t end[2] = { ev_num(ev, EVP_SOCKETPAIR_source), ev_num(ev, EVP_SOCKETPAIR_peer) };

	a->fd_set = true;
	a->fd = -1;
	if (ev_num(ev, EVP_SOCKETPAIR_res) < 0)
		return;
	a->fd = fd[1];
	for (size_t i = 0; i < 2; i++) {
		struct fd_entry *e = fd_new(a, fd[i], FD_UNIX);

		if (e == NULL)
			continue;
		memcpy(e->sip, &end[i], sizeof(end[i]));
		memcpy(e->dip, &end[1 - i], sizeof(end[i]));
		e->l4 = L4_NA;
	}
}

/* Make the address the name; with a port, the socket is a server's. */
static void
bound(struct apply *a, struct fd_entry *e, const struct ends *n)
{
	uint32_t before = e->name;

	if (n->family == AF_UNIX) {
		e->role = ROLE_SERVER;
		fd_name(a, e, intern_put(a->s->pool, slice_until_nul(n->path)));
	} else {
		if (n->dport != 0) {
			fd_set_server(a, e, n);
			e->role = ROLE_SERVER;
		}
		fd_name(a, e, name_of_addr(a->s, n));
	}
	a->v->fd_name_changed = e->name != before;
}

void
parse_bind(struct apply *a)
{
	const struct event *ev = a->ev;
	struct ends n = ends_of_addr(ev_text(a->b, ev, EVP_BIND_addr));
	struct fd_entry *e;

	if (ev_num(ev, EVP_BIND_res) < 0 || n.family == 0)
		return;
	e = socket_edit(a, ev_num(ev, EVP_BIND_fd));
	if (e == NULL)
		e = fd_new(a, ev_num(ev, EVP_BIND_fd), type_of(n.family));
	if (e != NULL)
		bound(a, e, &n);
}

void
parse_connect(struct apply *a)
{
	int64_t res = ev_num(a->ev, EVP_CONNECT_res), fd = ev_num(a->ev, EVP_CONNECT_fd);
	struct ends n = ends_of_tuple(ev_text(a->b, a->ev, EVP_CONNECT_tuple));
	struct fd_entry *e;

	if (n.family == 0) /* the kernel had no ends: what was asked for */
		n = ends_of_addr(ev_text(a->b, a->ev, EVP_CONNECT_addr));
	if (res < 0 && res != -EINPROGRESS)
		return;
	e = socket_edit(a, fd);
	if (e == NULL) { /* its socket() was missed */
		e = fd_new(a, fd, type_of(n.family));
		if (e == NULL)
			return;
		e->l4 = L4_NA;
	}
	e->state &= (uint8_t) ~FDS_PENDING;
	e->state |= res < 0 ? FDS_CONNECTED | FDS_PENDING : FDS_CONNECTED; /* as in Falco */
	if (n.family == 0)
		return;
	ends_complete(a->s, &n);
	if (e->role == ROLE_SERVER && e->l4 == L4_UDP)
		ends_swap(&n);
	else
		e->role = ROLE_CLIENT;
	e->state &= (uint8_t) ~FDS_MAPPED;
	if (n.family == AF_INET6 && ends_mapped(&n))
		e->state |= FDS_MAPPED;
	a->v->fd_name_changed = fd_set_ends(a, e, &n);
}

void
parse_accept(struct apply *a)
{
	const struct event *ev = a->ev;
	struct ends n = ends_of_tuple(ev_text(a->b, ev, EVP_ACCEPT_tuple));
	struct fd_entry *e;

	if (ev_num(ev, EVP_ACCEPT_fd) < 0)
		return;
	if (n.family == 0) { /* of a kind without ends */
		fd_forget(a, ev_num(ev, EVP_ACCEPT_fd));
		return;
	}
	e = fd_new(a, ev_num(ev, EVP_ACCEPT_fd), type_of(n.family));
	if (e == NULL)
		return;
	e->role = ROLE_SERVER;
	e->state |= FDS_CONNECTED;
	if (asks_cloexec(ev))
		e->state |= FDS_CLOEXEC;
	e->l4 = n.family == AF_UNIX ? L4_NA : L4_TCP;
	ends_complete(a->s, &n);
	a->v->fd_name_changed = fd_set_ends(a, e, &n);
}

/* Set the role by the ends, if it has none yet: a socket bound to the port is a server's. The
 * server's end becomes the destination. */
static void
take_role(struct apply *a, struct fd_entry *e, struct ends *n, bool sent)
{
	uint16_t own = sent ? n->sport : n->dport;

	if (e->role == ROLE_NONE) {
		e->role = fdt_serves(a->main->fds, own) ? ROLE_SERVER : ROLE_CLIENT;
		if (e->l4 == L4_NA) /* its socket() was missed, and it did not connect */
			e->l4 = L4_UDP;
	}
	if ((e->role == ROLE_SERVER) == sent)
		ends_swap(n);
}

/* Keep one direction, whoever sends: a server's own end is the destination, any other's the
 * source. Only a message to the end with the path names that, so known ends keep their name. */
static bool
unix_ends(struct apply *a, struct fd_entry *e, struct ends *n, bool sent)
{
	if ((e->role == ROLE_SERVER) == sent)
		ends_swap(n);
	if (e->name != INTERN_EMPTY && memcmp(e->sip, n->src, sizeof(uint64_t)) == 0 &&
	    memcmp(e->dip, n->dst, sizeof(uint64_t)) == 0)
		return false;
	return fd_set_ends(a, e, n);
}

static struct fd_entry *
talker(struct apply *a, int64_t fd, uint8_t family)
{
	struct fd_entry *e = socket_edit(a, fd);

	if (e != NULL || family == 0)
		return e;
	e = fd_new(a, fd, type_of(family)); /* its socket() was missed */
	if (e != NULL)
		e->l4 = family == AF_UNIX ? L4_NA : L4_UDP;
	return e;
}

/* Data was sent or received: 'n' has the sender as source. */
static void
talk(struct apply *a, int64_t fd, struct ends n, bool sent)
{
	struct fd_entry *e = talker(a, fd, n.family);

	if (e == NULL)
		return;
	if (e->type == FD_IPV4 || e->type == FD_IPV6)
		e->state |= FDS_CONNECTED;
	if (n.family == AF_UNIX) {
		a->v->fd_name_changed = unix_ends(a, e, &n, sent);
		return;
	}
	if (n.family == 0 ||
	    (e->l4 == L4_TCP && e->name != INTERN_EMPTY && !(e->state & FDS_MAPPED)))
		return;
	ends_complete(a->s, &n);
	take_role(a, e, &n, sent);
	e->state &= (uint8_t) ~FDS_MAPPED;
	a->v->fd_name_changed = fd_set_ends(a, e, &n);
}

static void
talk_event(struct apply *a, bool sent)
{
	int64_t res = ev_role_num(a->ev, EVR_RESULT);

	if (res < 0 && !(sent && res == -EINPROGRESS)) /* TCP Fast Open connects first */
		return;
	talk(a, ev_role_num(a->ev, EVR_FD), ends_of_tuple(ev_role_text(a->b, a->ev, EVR_TUPLE)),
	    sent);
}

void
parse_send(struct apply *a)
{
	talk_event(a, true);
}

void
parse_recv(struct apply *a)
{
	talk_event(a, false);
}

/* A socket that is read or written is connected. */
void
parse_io(struct apply *a)
{
	const struct fd_entry *e = fdt_get(a->main->fds, ev_role_num(a->ev, EVR_FD));
	struct fd_entry *w;

	if (e == NULL || (e->type != FD_IPV4 && e->type != FD_IPV6) || (e->state & FDS_CONNECTED) ||
	    ev_role_num(a->ev, EVR_RESULT) < 0)
		return;
	w = fd_edit(a, e->fd);
	if (w != NULL)
		w->state |= FDS_CONNECTED;
}

/* SO_ERROR reports the result of a pending connect(). */
void
parse_getsockopt(struct apply *a)
{
	const struct event *ev = a->ev;
	struct slice val = ev_text(a->b, ev, EVP_GETSOCKOPT_val);
	struct fd_entry *e;

	if (ev_num(ev, EVP_GETSOCKOPT_res) < 0 || ev_num(ev, EVP_GETSOCKOPT_level) != 1 ||
	    ev_num(ev, EVP_GETSOCKOPT_optname) != 4 || val.n == 0)
		return;
	e = fd_edit(a, ev_num(ev, EVP_GETSOCKOPT_fd));
	if (e == NULL || !(e->state & FDS_PENDING))
		return;
	e->state &= (uint8_t) ~FDS_PENDING;
	for (size_t i = 1; i < val.n; i++) { /* the first byte is the value's kind */
		if (val.p[i] != 0)
			e->state &= (uint8_t) ~FDS_CONNECTED;
	}
}
