/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/case_value.h"
#include "common/buf.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>

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
	char text[INET_ADDRSTRLEN];
	int64_t v;

	if (p->type == PT_IPV4ADDR && s.n < sizeof(text)) {
		uint32_t addr;

		memcpy(text, s.p, s.n);
		text[s.n] = '\0';
		if (inet_pton(AF_INET, text, &addr) == 1) {
			compose_num(c, i, addr);
			return 0;
		}
	}
	if (is_digits(s, &v) || is_names(p->names, s, &v) || is_word(p->type, s, &v)) {
		compose_num(c, i, v);
		return 0;
	}
	*why = p->names->n > 0 ? "a number, or its words joined by '|'" : "a number";
	return -EINVAL;
}

/* Parse an address without a port. Returns its family (AF_*), or 0. */
static int
address(struct slice s, uint8_t ret[16])
{
	char text[INET6_ADDRSTRLEN];

	if (s.n >= sizeof(text))
		return 0;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (inet_pton(AF_INET, text, ret) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, text, ret) == 1 ? AF_INET6 : 0;
}

/* Parse "10.0.0.1:443" or "[::1]:53" into address and port as events hold them. Returns the family,
 * or 0. */
static int
endpoint(struct slice s, struct buf *out)
{
	const char *colon = memrchr(s.p, ':', s.n);
	struct slice host = { s.p, colon == NULL ? 0 : (size_t) (colon - s.p) };
	uint8_t addr[16];
	int64_t port;
	int family;

	if (colon == NULL || !is_digits((struct slice){ colon + 1, s.n - host.n - 1 }, &port) ||
	    port < 0 || port > UINT16_MAX)
		return 0;
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (struct slice){ host.p + 1, host.n - 2 };
	family = address(host, addr);
	if (family == 0)
		return 0;
	buf_add(out, addr, family == AF_INET ? 4 : 16);
	buf_char(out, (char) (port & 0xff));
	buf_char(out, (char) (port >> 8));
	return family;
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

/* SOCKADDR: family, address, port; or family, path. */
static int
sockaddr(struct composer *c, unsigned i, struct slice s, struct arena *a, const char **why)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT, end = BUF_INIT;
	bool path = s.n > 0 && (s.p[0] == '/' || s.p[0] == '@');
	int family = path ? AF_UNIX : endpoint(s, &end);

	*why = "ADDRESS:PORT, or the path of a unix socket";
	if (family == 0)
		return -EINVAL;
	buf_char(&b, (char) family);
	buf_slice(&b, path ? s : buf_get(&end));
	return keep(c, i, &b, a);
}

/* SOCKTUPLE: family, source, destination; or family, two kernel addresses, path. */
static int
socktuple(struct composer *c, unsigned i, struct slice s, struct arena *a, const char **why)
{
	static const char no_addresses[16];
	CLEANUP(buf_fini) struct buf b = BUF_INIT, ends = BUF_INIT;
	const char *arrow = memmem(s.p, s.n, "->", 2);
	int family = AF_UNIX;

	*why = "ADDRESS:PORT->ADDRESS:PORT, or the path of a unix socket";
	if (arrow != NULL) {
		size_t n = (size_t) (arrow - s.p);

		family = endpoint((struct slice){ s.p, n }, &ends);
		if (family == 0 ||
		    endpoint((struct slice){ arrow + 2, s.n - n - 2 }, &ends) != family)
			return -EINVAL;
	} else if (s.n == 0 || (s.p[0] != '/' && s.p[0] != '@')) {
		return -EINVAL;
	} else {
		buf_add(&ends, no_addresses, sizeof(no_addresses));
		buf_slice(&ends, s);
	}
	buf_char(&b, (char) family);
	buf_slice(&b, buf_get(&ends));
	return keep(c, i, &b, a);
}

static int
ipv6(struct composer *c, unsigned i, struct slice s, struct arena *a, const char **why)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	uint8_t addr[16];

	*why = "an IPv6 address";
	if (address(s, addr) != AF_INET6)
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
