/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets: made, bound, connected, accepted, talked through.
 *
 * A socket's source is the client's end. Who is the client follows from how the socket came to its
 * peer: connect() and what is sent first make a client; accept() and a bound datagram socket a
 * server.
 */
#include "collector/state/state_int.h"
#include <netinet/in.h>
#include <sys/socket.h>

#define SOCK_TYPE(t) ((t) &0xf)

static enum fd_type
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

static uint8_t
l4_of(enum fd_type type, int64_t sock_type, int64_t proto)
{
	if (type != FD_IPV4 && type != FD_IPV6)
		return L4_NA;
	if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6)
		return L4_ICMP;
	switch (SOCK_TYPE(sock_type)) {
	case SOCK_STREAM:
		return L4_TCP;
	case SOCK_DGRAM:
		return L4_UDP;
	case SOCK_RAW:
		return L4_RAW;
	default:
		return L4_UNKNOWN;
	}
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
	if (ev_num(ev, EVP_SOCKET_flags) & OF_CLOEXEC)
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
		e->state |= FDS_CONNECTED;
		fd_name(a, e, name_of_ends(a->s, e, (struct slice){ NULL, 0 }));
	}
}

/* A bound unix socket keeps the path as its name until it is connected. */
void
parse_bind(struct apply *a)
{
	const struct event *ev = a->ev;
	struct ends n = ends_of_addr(ev_text(a->b, ev, EVP_BIND_addr));
	struct fd_entry *e;
	uint32_t before;

	if (ev_num(ev, EVP_BIND_res) < 0 || n.family == 0)
		return;
	e = fd_edit(a, ev_num(ev, EVP_BIND_fd));
	if (e == NULL)
		e = fd_new(a, ev_num(ev, EVP_BIND_fd), type_of(n.family));
	if (e == NULL)
		return;
	if (n.family == AF_UNIX) {
		fd_name(a, e, intern_put(a->s->pool, n.path));
		return;
	}
	if (n.dport == 0)
		return;
	before = e->name;
	memcpy(e->dip, n.dst, sizeof(e->dip));
	e->dport = n.dport;
	e->type = n.family == AF_INET ? FD_IPV4_SERVER : FD_IPV6_SERVER;
	e->role = ROLE_SERVER;
	fd_name(a, e, name_of_server(a->s, e));
	a->v->fd_name_changed = e->name != before;
}

/* The ends of a connect(): the socket's, if the kernel had them, else what was asked for. */
static struct ends
connect_ends(const struct apply *a)
{
	struct ends n = ends_of_tuple(ev_text(a->b, a->ev, EVP_CONNECT_tuple));

	if (n.family == 0)
		n = ends_of_addr(ev_text(a->b, a->ev, EVP_CONNECT_addr));
	return n;
}

void
parse_connect(struct apply *a)
{
	int64_t res = ev_num(a->ev, EVP_CONNECT_res), fd = ev_num(a->ev, EVP_CONNECT_fd);
	struct ends n = connect_ends(a);
	struct fd_entry *e;

	if (res < 0 && res != -EINPROGRESS)
		return;
	e = fd_edit(a, fd);
	if (e == NULL) /* its socket() was not seen */
		e = fd_new(a, fd, type_of(n.family));
	if (e == NULL)
		return;
	e->state &= (uint8_t) ~FDS_PENDING;
	e->state |= res < 0 ? FDS_CONNECTED | FDS_PENDING : FDS_CONNECTED; /* as Falco has it */
	if (n.family == 0)
		return;
	ends_complete(a->s, &n);
	if (e->role == ROLE_SERVER && e->l4 == L4_UDP)
		ends_swap(&n);
	else
		e->role = ROLE_CLIENT;
	a->v->fd_name_changed = fd_set_ends(a, e, &n);
	if (n.family == AF_INET6 && e->type == FD_IPV4) { /* mapped: Falco loses the transport */
		e->l4 = L4_UNKNOWN;
		fd_name(a, e, a->s->words.unknown);
		a->v->fd_name_changed = true;
	}
}

void
parse_accept(struct apply *a)
{
	const struct event *ev = a->ev;
	struct ends n = ends_of_tuple(ev_text(a->b, ev, EVP_ACCEPT_tuple));
	struct fd_entry *e;

	if (ev_num(ev, EVP_ACCEPT_fd) < 0)
		return;
	e = fd_new(a, ev_num(ev, EVP_ACCEPT_fd), type_of(n.family));
	if (e == NULL)
		return;
	e->role = ROLE_SERVER;
	e->state |= FDS_CONNECTED;
	if (ev->schema->num == EV_ACCEPT4 && (ev_num(ev, EVP_ACCEPT4_flags) & OF_CLOEXEC))
		e->state |= FDS_CLOEXEC;
	if (n.family == 0)
		return;
	e->l4 = n.family == AF_UNIX ? L4_NA : L4_TCP;
	ends_complete(a->s, &n);
	a->v->fd_name_changed = fd_set_ends(a, e, &n);
}

/* Is the socket bound to this end? */
static bool
bound_to(const struct fd_entry *e, uint16_t port)
{
	return e->role == ROLE_SERVER && e->dport == port;
}

/* A datagram or a first one: 'n' has the sender as source. */
static void
talk(struct apply *a, int64_t fd, struct ends n, bool sent, bool ok)
{
	struct fd_entry *e = fd_edit(a, fd);
	uint16_t own_port = sent ? n.sport : n.dport;

	if (e == NULL && n.family != 0) {
		e = fd_new(a, fd, type_of(n.family));
		if (e != NULL)
			e->l4 = n.family == AF_UNIX ? L4_NA : L4_UDP;
	}
	if (e == NULL)
		return;
	if (ok)
		e->state |= FDS_CONNECTED;
	if (n.family == 0 || (e->l4 == L4_TCP && e->name != INTERN_EMPTY))
		return;
	ends_complete(a->s, &n);
	if (n.family != AF_UNIX) {
		bool server = bound_to(e, own_port);

		if (server == sent) /* the server's end is to be the destination */
			ends_swap(&n);
		e->role = server ? ROLE_SERVER : ROLE_CLIENT;
	}
	a->v->fd_name_changed = fd_set_ends(a, e, &n);
}

struct talk_params {
	int8_t fd, tuple;
};

static struct talk_params
talk_params(unsigned num)
{
	switch (num) {
	case EV_SEND:
		return (struct talk_params){ EVP_SEND_fd, EVP_SEND_tuple };
	case EV_SENDTO:
		return (struct talk_params){ EVP_SENDTO_fd, EVP_SENDTO_tuple };
	case EV_SENDMSG:
		return (struct talk_params){ EVP_SENDMSG_fd, EVP_SENDMSG_tuple };
	case EV_SENDMMSG:
		return (struct talk_params){ EVP_SENDMMSG_fd, EVP_SENDMMSG_tuple };
	case EV_RECV:
		return (struct talk_params){ EVP_RECV_fd, EVP_RECV_tuple };
	case EV_RECVFROM:
		return (struct talk_params){ EVP_RECVFROM_fd, EVP_RECVFROM_tuple };
	case EV_RECVMSG:
		return (struct talk_params){ EVP_RECVMSG_fd, EVP_RECVMSG_tuple };
	default:
		return (struct talk_params){ EVP_RECVMMSG_fd, EVP_RECVMMSG_tuple };
	}
}

static void
talk_event(struct apply *a, bool sent)
{
	struct talk_params p = talk_params(a->ev->schema->num);
	int64_t res = ev_num(a->ev, 0);

	if (res < 0)
		return;
	talk(a, ev_num(a->ev, (unsigned) p.fd),
	    ends_of_tuple(ev_text(a->b, a->ev, (unsigned) p.tuple)), sent, true);
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

/* SO_ERROR tells how a pending connect() ended. */
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
