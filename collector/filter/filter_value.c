/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_prog.h"
#include "common/near.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>

/* Constants, by the type of the field they are compared with. */

enum { TEXT_MAX = 64, SERVICE_BUF = 2048 };

const char *
ftype_name(enum ftype t)
{
	static const char *const names[] = { [FT_STR] = "text",
		[FT_INT] = "integer",
		[FT_UINT] = "unsigned integer",
		[FT_BOOL] = "boolean",
		[FT_DOUBLE] = "floating point",
		[FT_BYTES] = "buffer",
		[FT_IP] = "address",
		[FT_NET] = "network",
		[FT_PORT] = "port",
		[FT_RELTIME] = "duration",
		[FT_ABSTIME] = "time",
		[FT_DYN] = "parameter" };

	return names[t];
}

static bool
terminated(struct slice s, char text[TEXT_MAX])
{
	if (s.n == 0 || s.n >= TEXT_MAX || memchr(s.p, 0, s.n) != NULL)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return true;
}

static bool
parse_signed(struct slice s, int64_t *ret)
{
	char text[TEXT_MAX], *end;

	if (!terminated(s, text) || text[0] == ' ')
		return false;
	errno = 0;
	*ret = strtoll(text, &end, 10);
	return *end == '\0' && end != text && errno == 0;
}

/* -1 wraps, as in Falco: user.uid = -1 */
static bool
parse_unsigned(struct slice s, uint64_t *ret)
{
	char text[TEXT_MAX], *end;

	if (!terminated(s, text) || text[0] == ' ')
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return *end == '\0' && end != text && errno == 0;
}

static int
bad_value(struct compile *c, const struct field *f, enum ftype type, const struct term *t)
{
	return compile_fail(c, t->at, "'%.*s' is not a valid %s for '%s'",
	    (int) MIN(t->text.n, 100), t->text.p, ftype_name(type), f == NULL ? "this" : f->name);
}

/* Fields of 32 bits, in which -1 is the largest number. */
static bool
is_narrow(const struct field *f)
{
	return f != NULL && (f->flags & FF_32_BITS) != 0;
}

static int
parse_port(struct compile *c, const struct term *t, struct fval *v)
{
	char text[TEXT_MAX], mem[SERVICE_BUF];
	struct servent ent, *found = NULL;

	if (parse_unsigned(t->text, &v->u) && v->u <= UINT16_MAX)
		return 0;
	if (terminated(t->text, text) &&
	    getservbyname_r(text, NULL, &ent, mem, sizeof(mem), &found) == 0 && found != NULL) {
		v->u = ntohs((uint16_t) found->s_port);
		return 0;
	}
	return compile_fail(
	    c, t->at, "unrecognized protocol '%.*s'", (int) MIN(t->text.n, 100), t->text.p);
}

static int
parse_ip(struct compile *c, struct slice s, const struct term *t, struct fval *v)
{
	bool four = memchr(s.p, '.', s.n) != NULL;
	char text[TEXT_MAX];

	v->ip.family = four ? 4 : 6;
	if (terminated(s, text) && inet_pton(four ? AF_INET : AF_INET6, text, v->ip.addr) == 1)
		return 0;
	return compile_fail(c, t->at, "unrecognized %s address '%.*s'", four ? "IPv4" : "IPv6",
	    (int) MIN(s.n, 100), s.p);
}

static int
parse_net(struct compile *c, const struct term *t, struct konst *k)
{
	const char *slash = t->text.n == 0 ? NULL : memchr(t->text.p, '/', t->text.n);
	struct slice addr, mask;
	uint64_t bits;
	int r;

	if (slash == NULL)
		return compile_fail(c, t->at, "'%.*s' is not a network: ADDRESS/BITS is expected",
		    (int) MIN(t->text.n, 100), t->text.p);
	addr = (struct slice){ t->text.p, (size_t) (slash - t->text.p) };
	mask = (struct slice){ slash + 1, t->text.n - addr.n - 1 };
	r = parse_ip(c, addr, t, &k->v);
	if (r < 0)
		return r;
	if (!parse_unsigned(mask, &bits) || bits > (k->v.ip.family == 4 ? 32 : 128) ||
	    (bits == 0 && k->v.ip.family == 6))
		return compile_fail(
		    c, t->at, "invalid netmask '%.*s'", (int) MIN(mask.n, 100), mask.p);
	k->bits = (uint8_t) bits;
	return 0;
}

static int
check_event(struct compile *c, const struct term *t)
{
	struct near near = near_to(t->text);
	struct event_set set;

	if (event_name_set(t->text, &set))
		return 0;
	for (size_t i = 0; i < schema_nevents; i++)
		near_try(&near, slice_str(schema_events[i].name));
	return compile_fail_as(c, DIAG_UNKNOWN_EVENT, t->at, "unknown event type '%.*s'%s",
	    (int) MIN(t->text.n, 100), t->text.p, near_hint(&near));
}

static int
parse_text(
    struct compile *c, const struct field *f, enum ftype type, const struct term *t, struct fval *v)
{
	char *copy;

	if (type == FT_STR && t->text.n > 0 && memchr(t->text.p, 0, t->text.n) != NULL)
		return compile_fail(c, t->at, "a value of '%s' may not hold a NUL byte",
		    f == NULL ? "this" : f->name);
	if (f != NULL && (f->flags & FF_EVENT_NAME)) {
		int r = check_event(c, t);

		if (r < 0)
			return r;
	}
	copy = arena_strdup(c->a, t->text);
	if (copy == NULL)
		return -ENOMEM;
	v->s = (struct slice){ copy, t->text.n };
	return 0;
}

int
value_parse(struct compile *c, const struct field *f, enum ftype type, const struct term *t,
    struct konst *ret)
{
	struct fval *v = &ret->v;
	int64_t num;

	v->type = type;
	switch (type) {
	case FT_STR:
	case FT_BYTES:
		return parse_text(c, f, type, t, v);
	case FT_INT:
	case FT_DYN:
		return parse_signed(t->text, &v->i) ? 0 : bad_value(c, f, type, t);
	case FT_UINT:
	case FT_RELTIME:
	case FT_ABSTIME:
		if (!parse_unsigned(t->text, &v->u))
			return bad_value(c, f, type, t);
		if (is_narrow(f) && t->text.p[0] == '-')
			v->u = (uint32_t) v->u;
		return 0;
	case FT_BOOL:
		v->b = slice_eq(t->text, SLICE("true"));
		return v->b || slice_eq(t->text, SLICE("false")) ? 0 : bad_value(c, f, type, t);
	case FT_DOUBLE:
		if (!parse_signed(t->text, &num))
			return bad_value(c, f, type, t);
		v->d = (double) num;
		return 0;
	case FT_IP:
		return parse_ip(c, t->text, t, v);
	case FT_NET:
		return parse_net(c, t, ret);
	case FT_PORT:
		return parse_port(c, t, v);
	}
	return bad_value(c, f, type, t);
}
