/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sock_parse.h"
#include "common/hex.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

/* The text before and after 'at', which lies in 's' and has n bytes. */
static struct slice
before(struct slice s, const char *at)
{
	return (struct slice){ s.p, (size_t) (at - s.p) };
}

static struct slice
after(struct slice s, const char *at, size_t n)
{
	return (struct slice){ at + n, s.n - n - (size_t) (at - s.p) };
}

int
ip_parse(struct slice text, uint8_t ret[16])
{
	char copy[INET6_ADDRSTRLEN];

	if (text.n >= sizeof(copy))
		return 0;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if (inet_pton(AF_INET, copy, ret) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, copy, ret) == 1 ? AF_INET6 : 0;
}

static bool
port_parse(struct slice s, unsigned long *ret)
{
	char copy[8], *end;

	if (s.n == 0 || s.n >= sizeof(copy) || s.p[0] < '0' || s.p[0] > '9')
		return false;
	memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	*ret = strtoul(copy, &end, 0);
	return *end == '\0' && *ret <= UINT16_MAX;
}

/* Append address and port. Returns the family, or 0. */
static int
end_parse(struct slice s, struct buf *out)
{
	const char *colon = s.n == 0 ? NULL : memrchr(s.p, ':', s.n);
	struct slice host;
	unsigned long port;
	uint8_t addr[16];
	int family;

	if (colon == NULL || !port_parse(after(s, colon, 1), &port))
		return 0;
	host = before(s, colon);
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (struct slice){ host.p + 1, host.n - 2 };
	family = ip_parse(host, addr);
	if (family == 0)
		return 0;
	buf_add(out, addr, family == AF_INET ? 4 : 16);
	buf_char(out, (char) (port & 0xff));
	buf_char(out, (char) (port >> 8));
	return family;
}

static bool
is_path(struct slice s)
{
	return s.n > 0 && (s.p[0] == '/' || s.p[0] == '@');
}

/* Append a kernel address. */
static bool
kernel_parse(struct slice s, struct buf *out)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 16)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (hex_digit(s.p[i]) < 0)
			return false;
		v = v << 4 | (uint64_t) hex_digit(s.p[i]);
	}
	buf_add(out, &v, sizeof(v));
	return true;
}

int
sockaddr_parse(struct slice text, struct buf *out)
{
	CLEANUP(buf_fini) struct buf end = BUF_INIT;
	int family = is_path(text) ? AF_UNIX : end_parse(text, &end);

	if (family == 0)
		return -EINVAL;
	buf_char(out, (char) family);
	buf_slice(out, family == AF_UNIX ? text : buf_get(&end));
	return buf_ok(&end) < 0 ? -ENOMEM : buf_ok(out);
}

/* Append the ends of a connection. Returns the family, or 0. */
static int
ends_parse(struct slice text, struct buf *out)
{
	static const char no_addresses[16];
	const char *arrow = text.n == 0 ? NULL : memmem(text.p, text.n, "->", 2), *space;
	struct slice to;
	int family;

	if (is_path(text)) {
		buf_add(out, no_addresses, sizeof(no_addresses));
		buf_slice(out, text);
		return AF_UNIX;
	}
	if (arrow == NULL)
		return 0;
	to = after(text, arrow, 2);
	space = to.n == 0 ? NULL : memchr(to.p, ' ', to.n);
	if (space != NULL) {
		if (!kernel_parse(before(text, arrow), out) ||
		    !kernel_parse(before(to, space), out))
			return 0;
		buf_slice(out, after(to, space, 1));
		return AF_UNIX;
	}
	family = end_parse(before(text, arrow), out);
	return family != 0 && end_parse(to, out) == family ? family : 0;
}

int
socktuple_parse(struct slice text, struct buf *out)
{
	CLEANUP(buf_fini) struct buf ends = BUF_INIT;
	int family = ends_parse(text, &ends);

	if (family == 0)
		return -EINVAL;
	buf_char(out, (char) family);
	buf_slice(out, buf_get(&ends));
	return buf_ok(&ends) < 0 ? -ENOMEM : buf_ok(out);
}
