/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses in events, and socket names made from them. */
#include "collector/state/state_int.h"
#include <arpa/inet.h>
#include <stdio.h>

#define FAMILY_UNIX  1
#define FAMILY_INET  2
#define FAMILY_INET6 10

static const uint8_t zero[16];
static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

/* Take n bytes off the front. */
static bool
take(struct slice *s, void *to, size_t n)
{
	if (s->n < n)
		return false;
	memcpy(to, s->p, n);
	s->p += n;
	s->n -= n;
	return true;
}

static bool
take_port(struct slice *s, uint16_t *port)
{
	uint8_t b[2];

	if (!take(s, b, sizeof(b)))
		return false;
	*port = (uint16_t) (b[0] | b[1] << 8);
	return true;
}

static size_t
addr_size(uint8_t family)
{
	return family == FAMILY_INET ? 4 : family == FAMILY_INET6 ? 16 : 0;
}

struct ends
ends_of_tuple(struct slice s)
{
	struct ends e = { 0 };
	uint8_t family;
	size_t n;

	if (!take(&s, &family, 1))
		return e;
	n = addr_size(family);
	if (family == FAMILY_UNIX) {
		if (!take(&s, e.src, 8) || !take(&s, e.dst, 8))
			return e;
		e.path = s;
	} else if (n == 0 || !take(&s, e.src, n) || !take_port(&s, &e.sport) ||
		   !take(&s, e.dst, n) || !take_port(&s, &e.dport)) {
		return e;
	}
	e.family = family;
	return e;
}

struct ends
ends_of_addr(struct slice s)
{
	struct ends e = { 0 };
	uint8_t family;
	size_t n;

	if (!take(&s, &family, 1))
		return e;
	n = addr_size(family);
	if (family == FAMILY_UNIX)
		e.path = s;
	else if (n == 0 || !take(&s, e.dst, n) || !take_port(&s, &e.dport))
		return e;
	e.family = family;
	return e;
}

void
ends_swap(struct ends *e)
{
	uint8_t addr[16];
	uint16_t port = e->sport;

	memcpy(addr, e->src, sizeof(addr));
	memcpy(e->src, e->dst, sizeof(addr));
	memcpy(e->dst, addr, sizeof(addr));
	e->sport = e->dport;
	e->dport = port;
}

static bool
same_net(const struct iface *f, const uint8_t *addr)
{
	size_t whole = f->prefix / 8;
	uint8_t rest = (uint8_t) (0xff << (8 - f->prefix % 8));

	return memcmp(f->addr, addr, whole) == 0 &&
	       (f->prefix % 8 == 0 || ((f->addr[whole] ^ addr[whole]) & rest) == 0);
}

/* Fill in the node's address that reaches 'peer'. */
static void
complete(const struct state *s, uint8_t *addr, const uint8_t *peer, size_t n)
{
	const struct iface *best = NULL;
	unsigned rank = 0;

	if (memcmp(addr, zero, n) != 0)
		return;
	for (size_t i = 0; i < s->nifaces; i++) {
		const struct iface *f = &s->ifaces[i];
		unsigned r;

		if (f->n != n)
			continue;
		r = memcmp(f->addr, peer, n) == 0 ? 3
		    : same_net(f, peer)           ? 2
		    : !f->loopback                ? 1
						  : 0;
		if (r > rank) {
			rank = r;
			best = f;
		}
	}
	if (best != NULL)
		memcpy(addr, best->addr, n);
}

void
ends_complete(const struct state *s, struct ends *e)
{
	size_t n = addr_size(e->family);

	if (n == 0)
		return;
	complete(s, e->src, e->dst, n);
	complete(s, e->dst, e->src, n);
}

static uint64_t
pointer_of(const uint8_t *p)
{
	uint64_t v = 0;

	for (unsigned i = 8; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

uint32_t
name_of_ends(struct state *s, const struct fd_entry *e, struct slice path)
{
	int family = e->type == FD_IPV4 ? AF_INET : AF_INET6, n;
	bool ports = e->l4 != L4_ICMP && e->l4 != L4_RAW;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	if (e->type != FD_UNIX && (e->l4 == L4_UNKNOWN || (e->state & FDS_MAPPED)))
		return s->words.unknown;
	if (e->type == FD_UNIX) {
		n = snprintf(state_scratch, SCRATCH_SIZE, "%llx->%llx%s%.*s",
		    (unsigned long long) pointer_of(e->sip),
		    (unsigned long long) pointer_of(e->dip), path.n > 0 ? " " : "",
		    SLICE_ARG(path));
	} else {
		(void) inet_ntop(family, e->sip, src, sizeof(src));
		(void) inet_ntop(family, e->dip, dst, sizeof(dst));
		n = ports ? snprintf(state_scratch, SCRATCH_SIZE, "%s:%u->%s:%u", src, e->sport,
				dst, e->dport)
			  : snprintf(state_scratch, SCRATCH_SIZE, "%s->%s", src, dst);
	}
	return intern_put(
	    s->pool, (struct slice){ state_scratch, MIN((size_t) n, SCRATCH_SIZE - 1) });
}

static uint32_t
name_of_end(struct state *s, int family, const uint8_t *addr, uint16_t port)
{
	char ip[INET6_ADDRSTRLEN];
	int n;

	(void) inet_ntop(family, addr, ip, sizeof(ip));
	n = snprintf(state_scratch, SCRATCH_SIZE, "%s:%u", ip, port);
	return intern_put(s->pool, (struct slice){ state_scratch, (size_t) n });
}

uint32_t
name_of_server(struct state *s, const struct fd_entry *e)
{
	return name_of_end(s, e->type == FD_IPV4_SERVER ? AF_INET : AF_INET6, e->dip, e->dport);
}

uint32_t
name_of_addr(struct state *s, const struct ends *n)
{
	return name_of_end(s, n->family == FAMILY_INET ? AF_INET : AF_INET6, n->dst, n->dport);
}

static bool
is_mapped(const uint8_t *addr)
{
	return memcmp(addr, mapped, sizeof(mapped)) == 0;
}

bool
ends_mapped(const struct ends *n)
{
	return is_mapped(n->src) && is_mapped(n->dst);
}

void
fd_set_server(struct apply *a, struct fd_entry *e, const struct ends *n)
{
	bool v4 = n->family == FAMILY_INET || is_mapped(n->dst);

	fdt_unserve(a->main->fds, e);
	memset(e->dip, 0, sizeof(e->dip));
	if (n->family == FAMILY_INET6 && v4)
		memcpy(e->dip, n->dst + sizeof(mapped), 4);
	else
		memcpy(e->dip, n->dst, sizeof(e->dip));
	e->dport = n->dport;
	e->type = v4 ? FD_IPV4_SERVER : FD_IPV6_SERVER;
	fdt_serve(&a->s->fds, a->main->fds, e);
}

bool
fd_set_ends(struct apply *a, struct fd_entry *e, const struct ends *n)
{
	uint32_t before = e->name;

	fdt_unserve(a->main->fds, e);
	memcpy(e->sip, n->src, sizeof(e->sip));
	memcpy(e->dip, n->dst, sizeof(e->dip));
	e->sport = n->sport;
	e->dport = n->dport;
	e->type = n->family == FAMILY_UNIX ? FD_UNIX : n->family == FAMILY_INET ? FD_IPV4 : FD_IPV6;
	if (n->family == FAMILY_INET6 && ends_mapped(n)) {
		memset(e->sip, 0, sizeof(e->sip));
		memset(e->dip, 0, sizeof(e->dip));
		memcpy(e->sip, n->src + 12, 4);
		memcpy(e->dip, n->dst + 12, 4);
		e->type = FD_IPV4;
	}
	fd_name(a, e, name_of_ends(a->s, e, n->path));
	return e->name != before;
}
