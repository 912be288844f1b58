/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/sample_event.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Encode family, address and port; 'mapped': an IPv4 address mapped to IPv6. Returns the size. */
static size_t
put_end(char *out, const char *text, size_t n, bool mapped, bool first)
{
	static const char in_v6[12] = { [10] = '\xff', [11] = '\xff' };
	char ip[INET6_ADDRSTRLEN] = "";
	const char *colon = memrchr(text, ':', n);
	unsigned long port = strtoul(colon + 1, NULL, 10);
	char *p = out;

	memcpy(ip, text, (size_t) (colon - text));
	if (first)
		*p++ = strchr(ip, ':') != NULL || mapped ? AF_INET6 : AF_INET;
	if (strchr(ip, ':') != NULL) {
		(void) inet_pton(AF_INET6, ip, p);
		p += 16;
	} else {
		if (mapped) {
			memcpy(p, in_v6, sizeof(in_v6));
			p += sizeof(in_v6);
		}
		(void) inet_pton(AF_INET, ip, p);
		p += 4;
	}
	*p++ = (char) (port & 0xff);
	*p++ = (char) (port >> 8);
	return (size_t) (p - out);
}

static size_t
put_sockaddr(char *out, const char *text, size_t n, bool mapped)
{
	const char *arrow = memmem(text, n, "->", 2), *path;
	uint64_t end[2];
	size_t k;

	if (n == 4 && memcmp(text, "NULL", 4) == 0)
		return 0;
	if (arrow == NULL && text[0] == '/') {
		out[0] = AF_UNIX;
		memcpy(out + 1, text, n);
		return n + 1;
	}
	if (arrow == NULL)
		return put_end(out, text, n, mapped, true);
	path = memchr(text, ' ', n);
	if (path != NULL) {
		end[0] = strtoull(text, NULL, 16);
		end[1] = strtoull(arrow + 2, NULL, 16);
		out[0] = AF_UNIX;
		memcpy(out + 1, end, sizeof(end));
		k = n - (size_t) (path + 1 - text);
		memcpy(out + 17, path + 1, k);
		return 17 + k;
	}
	k = put_end(out, text, (size_t) (arrow - text), mapped, true);
	return k + put_end(out + k, arrow + 2, n - (size_t) (arrow + 2 - text), mapped, false);
}

/* Set a parameter from its raw text: without "(resolved)". */
static void
set_param(struct evb *b, const struct ev_param *p, const char *text, size_t n, bool mapped)
{
	static char keep[64][256];
	static unsigned next;
	char *out = keep[next++ % ARRAY_SIZE(keep)];
	const char *paren = memchr(text, '(', n);
	int base = p->fmt == PF_OCT ? 8 : p->fmt == PF_HEX && p->names->n == 0 ? 16 : 10;

	if (paren != NULL)
		n = (size_t) (paren - text);
	if (!ptype_is_text(p->type)) {
		evb_num(b, p->name, (int64_t) strtoll(text, NULL, base));
	} else if (p->type == PT_SOCKTUPLE || p->type == PT_SOCKADDR) {
		evb_bytes(b, p->name, out, put_sockaddr(out, text, n, mapped));
	} else if (p->type == PT_BYTEBUF && memcmp(text, ".ELF.ab", MIN(n, 7)) == 0) {
		evb_bytes(b, p->name, "\177ELF\1ab", 7);
	} else if (p->type == PT_DYN && n == 1 && text[0] == '0') {
		memset(out, 0, 9); /* the kind of the value, and the value */
		evb_bytes(b, p->name, out, 9);
	} else if (n != 4 || memcmp(text, "NULL", 4) != 0) {
		memcpy(out, text, n);
		evb_bytes(b, p->name, out, n);
	}
}

/* Find " name=" of a parameter in the text; NULL: missing. */
static const char *
find_param(const char *text, const char *name)
{
	char key[64];
	const char *p;

	(void) snprintf(key, sizeof(key), " %s=", name);
	p = strstr(text, key);
	return p == NULL ? NULL : p + strlen(key);
}

void
sample_params(struct evb *b, const struct ev_schema *s, const char *text)
{
	bool mapped = strstr(text, "::ffff:") != NULL;

	for (unsigned i = 0; i < s->nargs; i++) {
		const char *from = find_param(text, s->params[i].name);
		const char *to = from == NULL ? NULL : from + strlen(from);

		if (from == NULL)
			continue;
		if (i + 1 < s->nargs && find_param(from, s->params[i + 1].name) != NULL)
			to = find_param(from, s->params[i + 1].name) -
			     strlen(s->params[i + 1].name) - 2;
		set_param(b, &s->params[i], from, (size_t) (to - from), mapped);
	}
}
