/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/sample_event.h"
#include "proto/sock_parse.h"
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

/* Append an end of a connection; 'mapped': IPv4 addresses are meant as mapped to IPv6. */
static void
add_end(struct buf *b, const char *text, size_t n, bool mapped)
{
	const char *colon = memchr(text, ':', n);

	if (mapped && colon != NULL && colon == memrchr(text, ':', n))
		buf_str(b, "::ffff:");
	buf_add(b, text, n);
}

static size_t
put_socket(char *out, const char *text, size_t n, enum ev_ptype type, bool mapped)
{
	CLEANUP(buf_fini) struct buf full = BUF_INIT, bytes = BUF_INIT;
	const char *arrow = memmem(text, n, "->", 2);
	size_t from = arrow == NULL ? 0 : (size_t) (arrow + 2 - text);

	if (n == 4 && memcmp(text, "NULL", 4) == 0)
		return 0;
	if (arrow != NULL) {
		add_end(&full, text, from - 2, mapped);
		buf_str(&full, "->");
	}
	add_end(&full, text + from, n - from, mapped);
	if ((type == PT_SOCKADDR ? sockaddr_parse(buf_get(&full), &bytes)
				 : socktuple_parse(buf_get(&full), &bytes)) < 0)
		errx(1, "no socket: %.*s", (int) n, text);
	memcpy(out, bytes.p, bytes.n);
	return bytes.n;
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
		evb_bytes(b, p->name, out, put_socket(out, text, n, p->type, mapped));
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
