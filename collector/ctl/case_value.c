/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/case_value.h"
#include "proto/sock_parse.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { ERRNO_MAX = 133 };

static bool
is_digits(struct slice s, int64_t *ret)
{
	char text[32], *end;

	if (s.n == 0 || s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	errno = 0;
	*ret = text[0] == '-' ? strtoll(text, &end, 0) : (int64_t) strtoull(text, &end, 0);
	return errno == 0 && *end == '\0';
}

/* Parse a word that stands for a number, if the type allows it. */
static bool
is_word(enum ev_ptype type, struct slice s, int64_t *ret)
{
	if ((type == PT_FD || type == PT_ERRNO) && s.n > 1 && s.p[0] == 'E') {
		for (int e = 1; e <= ERRNO_MAX; e++) {
			const char *name = strerrorname_np(e);

			*ret = -e;
			if (name != NULL && slice_eq(s, slice_str(name)))
				return true;
		}
	}
	if (type == PT_SIGTYPE && slice_starts(s, SLICE("SIG"))) {
		for (int sig = 1; sig < NSIG; sig++) {
			const char *name = sigabbrev_np(sig);

			*ret = sig;
			if (name != NULL && s.n == strlen(name) + 3 &&
			    memcmp(s.p + 3, name, s.n - 3) == 0)
				return true;
		}
	}
	*ret = AT_FDCWD;
	return type == PT_FD && slice_eq(s, SLICE("AT_FDCWD"));
}

static bool
is_name(const struct ev_names *names, struct slice s, int64_t *ret)
{
	for (size_t i = 0; i < names->n; i++) {
		if (slice_eq(s, slice_str(names->v[i].name))) {
			*ret |= (int64_t) names->v[i].value;
			return true;
		}
	}
	return false;
}

/* Parse "O_RDWR|O_CREAT". */
static bool
is_names(const struct ev_names *names, struct slice s, int64_t *ret)
{
	*ret = 0;
	for (;;) {
		const char *bar = memchr(s.p, '|', s.n);
		size_t n = bar == NULL ? s.n : (size_t) (bar - s.p);

		if (!is_name(names, (struct slice){ s.p, n }, ret))
			return false;
		if (bar == NULL)
			return true;
		s = (struct slice){ bar + 1, s.n - n - 1 };
	}
}

static int
number(struct composer *c, unsigned i, struct slice s, const char **why)
{
	const struct ev_param *p = &c->schema->params[i];
	uint8_t addr[16];
	uint32_t v4;
	int64_t v;

	if (p->type == PT_IPV4ADDR && ip_parse(s, addr) == AF_INET) {
		memcpy(&v4, addr, sizeof(v4));
		compose_num(c, i, v4);
		return 0;
	}
	if (is_digits(s, &v) || is_names(p->names, s, &v) || is_word(p->type, s, &v)) {
		compose_num(c, i, v);
		return 0;
	}
	*why = p->names->n > 0 ? "a number, or its words joined by '|'" : "a number";
	return -EINVAL;
}

static int
keep(struct composer *c, unsigned i, const struct buf *b, struct arena *a)
{
	char *p;

	if (buf_ok(b) < 0 || (p = arena_strdup(a, buf_get(b))) == NULL)
		return -ENOMEM;
	compose_text(c, i, (struct slice){ p, b->n });
	return 0;
}

static int
sockaddr(struct composer *c, unsigned i, struct slice s, struct arena *a, const char **why)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	int r = sockaddr_parse(s, &b);

	*why = "ADDRESS:PORT, or the path of a unix socket";
	return r < 0 ? r : keep(c, i, &b, a);
}

static int
socktuple(struct composer *c, unsigned i, struct slice s, struct arena *a, const char **why)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	int r = socktuple_parse(s, &b);

	*why = "ADDRESS:PORT->ADDRESS:PORT, or the path of a unix socket";
	return r < 0 ? r : keep(c, i, &b, a);
}

static int
ipv6(struct composer *c, unsigned i, struct slice s, struct arena *a, const char **why)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	uint8_t addr[16];

	*why = "an IPv6 address";
	if (ip_parse(s, addr) != AF_INET6)
		return -EINVAL;
	buf_add(&b, addr, sizeof(addr));
	return keep(c, i, &b, a);
}

int
case_value(struct composer *c, unsigned i, struct slice text, struct arena *a, const char **why)
{
	enum ev_ptype type = c->schema->params[i].type;
	char *p;

	if (!ptype_is_text(type))
		return number(c, i, text, why);
	if (type == PT_SOCKADDR)
		return sockaddr(c, i, text, a, why);
	if (type == PT_SOCKTUPLE)
		return socktuple(c, i, text, a, why);
	if (type == PT_IPV6ADDR)
		return ipv6(c, i, text, a, why);
	p = arena_strdup(a, text);
	if (p == NULL)
		return -ENOMEM;
	compose_text(c, i, (struct slice){ p, text.n });
	return 0;
}
