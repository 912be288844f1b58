/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/field_bind.h"
#include "collector/field/field_int.h"
#include "common/clock.h"
#include "proto/syscalls.h"
#include <arpa/inet.h>
#include <signal.h>
#include <string.h>

/*
 * A parameter has a raw text and, if more is known about it, a resolved one: 2(<f>/etc/x). evt.args
 * prints both, evt.arg.NAME the resolved one if there is one.
 */

void
fd_letters(const struct fd_entry *fd, struct buf *out)
{
	static const char l4[] = {
		[L4_TCP] = 't', [L4_UDP] = 'u', [L4_ICMP] = 'i', [L4_RAW] = 'r'
	};
	bool ip = fd->type == FD_IPV4 || fd->type == FD_IPV4_SERVER || fd->type == FD_IPV6 ||
		  fd->type == FD_IPV6_SERVER;
	unsigned shown = fd_transport(fd);

	buf_char(out, '<');
	buf_char(out, fd_type_char((enum fd_type) fd->type));
	if (ip && shown < ARRAY_SIZE(l4) && l4[shown] != '\0')
		buf_char(out, l4[shown]);
	buf_char(out, '>');
}

/* The names of a number: flags remove their bits, others must be equal. Those of accept4 are an
 * integer in the schema. */
static void
names_text(const struct ev_param *p, uint64_t v, struct buf *out)
{
	bool flags = p->type == PT_FLAGS8 || p->type == PT_FLAGS16 || p->type == PT_FLAGS32 ||
		     p->type == PT_MODE || p->names->kind == NAMES_FLAGS;
	uint64_t left = v;
	size_t start = out->n;

	for (size_t i = 0; i < p->names->n; i++) {
		const struct ev_name *n = &p->names->v[i];
		bool fits = n->value == 0 || !flags ? n->value == v : (left & n->value) == n->value;

		if (!fits)
			continue;
		if (out->n > start)
			buf_char(out, '|');
		buf_str(out, n->name);
		if (flags)
			left &= ~n->value;
	}
}

static uint16_t
port_of(const char *p)
{
	return (uint16_t) ((unsigned char) p[0] | (unsigned char) p[1] << 8);
}

static uint64_t
address_of(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void
sockaddr_text(struct slice s, struct buf *out)
{
	unsigned family = s.n == 0 ? 0 : (unsigned char) s.p[0];
	size_t n = family == AF_INET ? 4 : 16;
	char ip[INET6_ADDRSTRLEN];

	if (s.n == 0) {
		buf_str(out, "NULL");
	} else if ((family == AF_INET || family == AF_INET6) && s.n >= 1 + n + 2) {
		(void) inet_ntop((int) family, s.p + 1, ip, sizeof(ip));
		buf_printf(out, "%s:%u", ip, port_of(s.p + 1 + n));
	} else if (family == AF_UNIX) {
		buf_slice(out, slice_until_nul((struct slice){ s.p + 1, s.n - 1 }));
	} else {
		buf_printf(out, "family %u", family);
	}
}

static void
tuple_text(const struct view *v, struct slice s, struct buf *out)
{
	bool ports = v->fd == NULL || (v->fd->l4 != L4_ICMP && v->fd->l4 != L4_RAW);
	unsigned family = s.n == 0 ? 0 : (unsigned char) s.p[0];
	size_t n = family == AF_INET ? 4 : 16;
	const char *p = s.p + 1;

	if (s.n == 0) {
		buf_str(out, "NULL");
	} else if ((family == AF_INET || family == AF_INET6) && s.n >= 1 + 2 * (n + 2)) {
		ip_text((const uint8_t *) p, family == AF_INET ? 4 : 6, out);
		if (ports)
			buf_printf(out, ":%u", port_of(p + n));
		buf_str(out, "->");
		ip_text((const uint8_t *) p + n + 2, family == AF_INET ? 4 : 6, out);
		if (ports)
			buf_printf(out, ":%u", port_of(p + 2 * n + 2));
	} else if (family == AF_UNIX && s.n >= 17) {
		buf_printf(out, "%llx->%llx", (unsigned long long) address_of(p),
		    (unsigned long long) address_of(p + 8));
		if (s.n > 17)
			buf_char(out, ' ');
		buf_slice(out, slice_until_nul((struct slice){ p + 16, s.n - 17 }));
	} else {
		buf_printf(out, "family %u", family);
	}
}

static void
bytes_text(struct slice s, struct buf *out)
{
	if (s.n == 0) {
		buf_str(out, "NULL");
		return;
	}
	for (size_t i = 0; i < s.n; i++)
		buf_char(out, s.p[i] >= ' ' && s.p[i] <= '~' ? s.p[i] : '.');
}

static void
signal_text(int sig, struct buf *out)
{
	const char *name = sig == SIGIO ? "IO" : sig <= 0 || sig >= NSIG ? NULL : sigabbrev_np(sig);

	if (name != NULL)
		buf_printf(out, "SIG%s", name);
}

/* Bit 0 of a set is signal 1; Falco prints the first 32. */
static void
signals_text(uint64_t set, struct buf *out)
{
	size_t start = out->n;

	for (int sig = 1; sig <= 32; sig++) {
		if (!(set >> (sig - 1) & 1))
			continue;
		if (out->n > start)
			buf_char(out, ' ');
		signal_text(sig, out);
	}
}

static void
number_raw(const struct ev_param *p, int64_t v, struct buf *out)
{
	bool flags = p->type >= PT_FLAGS8 && p->type <= PT_ENUMFLAGS32;

	if (p->type == PT_IPV4ADDR)
		ip_text((const uint8_t *) &v, 4, out);
	else if (p->fmt == PF_HEX && !flags)
		buf_printf(out, "%llX", (unsigned long long) v);
	else if (p->fmt == PF_OCT)
		buf_printf(out, "%#llo", (unsigned long long) v);
	else if (p->type == PT_RELTIME && v == -1)
		buf_str(out, "none");
	else if (p->type == PT_SIGSET)
		signals_text((uint64_t) v, out);
	else if (p->type == PT_ABSTIME)
		time_text((uint64_t) v, false, ' ', true, out);
	else if (p->type == PT_UID || p->type == PT_GID)
		buf_printf(out, "%d", (int32_t) v);
	else if (p->type == PT_UINT64)
		buf_u64(out, (uint64_t) v);
	else
		buf_printf(out, "%lld", (long long) v);
}

/* Parameters whose type is in their first byte, by event. All others are bytes. */
static const struct dyn_kind {
	unsigned event, kind;
	struct ev_param as;
} dyn_kinds[] = {
#define KIND(EVENT, kind, TYPE, FMT)                       \
	{                                                  \
		EV_##EVENT, kind,                          \
		{                                          \
			.type = PT_##TYPE, .fmt = PF_##FMT \
		}                                          \
	}
	KIND(PTRACE, 0, UINT64, HEX),
	KIND(PTRACE, 1, SIGTYPE, DEC),
	KIND(SETSOCKOPT, 1, ERRNO, DEC),
	KIND(SETSOCKOPT, 2, UINT32, DEC),
	KIND(SETSOCKOPT, 3, UINT64, DEC),
	KIND(SETSOCKOPT, 4, RELTIME, DEC),
	KIND(GETSOCKOPT, 1, ERRNO, DEC),
	KIND(GETSOCKOPT, 2, UINT32, DEC),
	KIND(GETSOCKOPT, 3, UINT64, DEC),
	KIND(GETSOCKOPT, 4, RELTIME, DEC),
	KIND(KEYCTL, 0, INT64, DEC),
#undef KIND
};

/* The number that such a parameter holds; NULL: not a number. */
static const struct ev_param *
dyn_number(const struct view *v, struct slice s, int64_t *ret)
{
	uint64_t n = 0;

	if (s.n < 2 || s.n > 9)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(dyn_kinds); i++) {
		const struct dyn_kind *k = &dyn_kinds[i];

		if (k->event != v->ev->schema->num || k->kind != (unsigned char) s.p[0])
			continue;
		memcpy(&n, s.p + 1, s.n - 1);
		*ret = (int64_t) n;
		return &k->as;
	}
	return NULL;
}

/* "3:f1 4:p2": descriptors, the letters of their types, the events polled for. */
static void
fdlist_text(const struct view *v, struct slice s, struct buf *out)
{
	enum { COUNT = 2, ENTRY = 10 };
	size_t n = s.n < COUNT ? 0 : (s.n - COUNT) / ENTRY;

	for (size_t i = 0; i < MIN(n, port_of(s.p)); i++) {
		const char *p = s.p + COUNT + i * ENTRY;
		int64_t num = (int64_t) address_of(p);
		const struct fd_entry *fd = state_fd(v->state, v->main, num);

		buf_printf(out, "%s%lld:%c%x", i > 0 ? " " : "", (long long) num,
		    fd == NULL ? '?' : fd_type_char((enum fd_type) fd->type), port_of(p + 8));
	}
}

static void
text_raw(const struct view *v, const struct ev_param *p, struct slice s, struct buf *out)
{
	const struct ev_param *as;
	int64_t num = 0;

	if (p->type == PT_SOCKADDR) {
		sockaddr_text(s, out);
	} else if (p->type == PT_SOCKTUPLE) {
		tuple_text(v, s, out);
	} else if (p->type == PT_CHARBUF || p->type == PT_FSPATH || p->type == PT_FSRELPATH) {
		buf_slice(out, s.p == NULL ? SLICE("<NA>") : s);
	} else if (p->type == PT_DYN && (as = dyn_number(v, s, &num)) != NULL) {
		number_raw(as, num, out);
	} else if (p->type == PT_DYN && s.n > 0) {
		bytes_text((struct slice){ s.p + 1, s.n - 1 }, out);
	} else if (p->type == PT_IPV6ADDR && s.n == 16) {
		ip_text((const uint8_t *) s.p, 6, out);
	} else if (p->type == PT_FDLIST && s.n > 0) {
		fdlist_text(v, s, out);
	} else {
		bytes_text(s, out);
	}
}

static void
fd_resolved(const struct view *v, int64_t num, struct buf *out)
{
	const struct fd_entry *fd;
	const char *name;

	if (num == AT_CWD) {
		buf_str(out, "AT_FDCWD");
	} else if (num < 0) {
		name = errno_name(num);
		buf_str(out, name == NULL ? "" : name);
	} else {
		fd = v->has_fd && num == v->fd_num ? v->fd : state_fd(v->state, v->main, num);
		if (fd == NULL)
			return;
		fd_letters(fd, out);
		buf_slice(out, view_text(v, fd->name));
	}
}

static void
user_resolved(const struct view *v, const struct ev_param *p, uint32_t id, struct buf *out)
{
	const struct user_info *u;
	uint32_t name;

	if (id == UINT32_MAX) {
		buf_str(out, "<NONE>");
		return;
	}
	if (p->type == PT_GID) {
		name = state_group(v->state, v->thread, id);
	} else {
		u = state_user(v->state, v->thread, id);
		name = u == NULL ? INTERN_NULL : u->name;
	}
	if (name != INTERN_NULL)
		buf_slice(out, view_text(v, name));
	else
		buf_str(out, id == 0 ? "root" : "<NA>");
}

static void
number_resolved(const struct view *v, const struct ev_param *p, int64_t num, struct buf *out)
{
	const struct thread *t;
	const char *name = NULL;

	if (p->names != NULL && p->names->n > 0)
		names_text(p, (uint64_t) num, out);
	else if (p->type == PT_ERRNO)
		name = errno_name(num);
	else if (p->type == PT_FD)
		fd_resolved(v, num, out);
	else if (p->type == PT_UID || p->type == PT_GID)
		user_resolved(v, p, (uint32_t) num, out);
	else if (p->type == PT_SIGTYPE)
		signal_text((int) num, out);
	else if (p->type == PT_PID && (t = state_thread(v->state, num)) != NULL)
		buf_slice(out, view_text(v, t->comm));
	else if (p->type == PT_RELTIME && num != -1)
		buf_printf(out, "%gs", (double) (uint64_t) num / NS_PER_S);
	else if (p->type == PT_SYSCALLID)
		name = syscall_name(num);
	if (name != NULL)
		buf_str(out, name);
}

/* Is a path relative to an unknown descriptor? Falco resolves it to itself. */
static bool
is_adrift(const struct view *v, unsigned i)
{
	int64_t dirfd = ev_dirfd(v->ev, i);
	struct slice s;

	if (dirfd == AT_CWD || state_fd(v->state, v->main, dirfd) != NULL)
		return false;
	s = ev_text(v->batch, v->ev, i);
	return s.n > 0 && s.p[0] != '/' && !slice_eq(s, SLICE("<NA>"));
}

/* Make a relative path absolute. An absolute one stays as it was passed, as in Falco. */
static void
path_resolved(const struct view *v, unsigned i, struct slice s, struct buf *out)
{
	int64_t dirfd = ev_dirfd(v->ev, i);
	uint32_t id;

	if (s.n == 0 || s.p[0] == '/' || v->ev->schema->num == EV_EXECVE)
		return;
	if (slice_eq(s, SLICE("<NA>")))
		return; /* it could not be read */
	if (is_adrift(v, i)) {
		buf_slice(out, s);
		return;
	}
	id = ev_intern(state_pool(v->state), v->batch, v->ev, i);
	id = state_resolve(v->state, v->main, dirfd, id);
	if (id != INTERN_NULL)
		buf_slice(out, view_text(v, id));
}

static void
resolved(const struct view *v, unsigned i, struct buf *out)
{
	const struct ev_param *p = &v->ev->schema->params[i];
	int64_t num = 0;

	if (p->type == PT_FSPATH || p->type == PT_FSRELPATH)
		path_resolved(v, i, ev_text(v->batch, v->ev, i), out);
	else if (!ptype_is_text(p->type))
		number_resolved(v, p, ev_num(v->ev, i), out);
	else if (p->type == PT_DYN &&
		 (p = dyn_number(v, ev_text(v->batch, v->ev, i), &num)) != NULL)
		number_resolved(v, p, num, out);
}

static void
raw(const struct view *v, unsigned i, struct buf *out)
{
	const struct ev_param *p = &v->ev->schema->params[i];

	if (ptype_is_text(p->type))
		text_raw(v, p, ev_text(v->batch, v->ev, i), out);
	else if (!ev_has(v->ev, i))
		buf_str(out, "<NA>");
	else
		number_raw(p, ev_num(v->ev, i), out);
}

void
param_text(const struct view *v, unsigned i, struct buf *out)
{
	size_t start = out->n;

	if (ev_has(v->ev, i))
		resolved(v, i, out);
	if (out->n == start)
		raw(v, i, out);
}

void
params_text(const struct view *v, struct buf *out)
{
	const struct ev_schema *s = v->ev->schema;
	size_t start, mid;

	for (unsigned i = 0; i < s->nargs && s->num != EV_SYSCALL; i++) {
		if (i > 0)
			buf_char(out, ' ');
		buf_str(out, s->params[i].name);
		buf_char(out, '=');
		start = out->n;
		raw(v, i, out);
		mid = out->n;
		if (!ev_has(v->ev, i))
			continue;
		buf_char(out, '(');
		resolved(v, i, out);
		buf_char(out, ')');
		if (buf_ok(out) == 0 && !is_adrift(v, i) &&
		    (out->n == mid + 2 ||
			slice_eq((struct slice){ out->p + start, mid - start },
			    (struct slice){ out->p + mid + 1, out->n - mid - 2 })))
			out->n = mid; /* adds nothing */
	}
}
