/* SPDX-License-Identifier: Apache-2.0 */
#include "common/buf.h"
#include "common/utf8.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
buf_fini(struct buf *b)
{
	free(b->p);
	*b = (struct buf) BUF_INIT;
}

void
buf_clear(struct buf *b)
{
	b->n = 0;
	b->failed = false;
	if (b->p != NULL)
		b->p[0] = '\0';
}

int
buf_ok(const struct buf *b)
{
	return b->failed ? -ENOMEM : 0;
}

int
buf_reserve(struct buf *b, size_t n)
{
	size_t cap = b->cap == 0 ? 64 : b->cap;
	char *p;

	if (LIKELY(b->cap > b->n && b->cap - b->n > n))
		return 0;
	if (n > SIZE_MAX / 4 || b->n > SIZE_MAX / 4) {
		b->failed = true;
		return -ENOMEM;
	}
	while (cap - b->n <= n)
		cap *= 2;
	p = realloc(b->p, cap);
	if (p == NULL) {
		b->failed = true;
		return -ENOMEM;
	}
	b->p = p;
	b->cap = cap;
	return 0;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (buf_reserve(b, n) < 0)
		return;
	if (n > 0)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void
buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_slice(struct buf *b, struct slice s)
{
	buf_add(b, s.p, s.n);
}

void
buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_u64(struct buf *b, uint64_t v)
{
	char t[20];
	size_t i = sizeof(t);

	do {
		t[--i] = (char) ('0' + v % 10);
		v /= 10;
	} while (v != 0);
	buf_add(b, t + i, sizeof(t) - i);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || buf_reserve(b, (size_t) n) < 0)
		return;
	va_start(ap, fmt);
	(void) vsnprintf(b->p + b->n, (size_t) n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t) n;
}

static void
json_control(struct buf *b, unsigned char c)
{
	switch (c) {
	case '"':
		buf_str(b, "\\\"");
		break;
	case '\\':
		buf_str(b, "\\\\");
		break;
	case '\b':
		buf_str(b, "\\b");
		break;
	case '\f':
		buf_str(b, "\\f");
		break;
	case '\n':
		buf_str(b, "\\n");
		break;
	case '\r':
		buf_str(b, "\\r");
		break;
	case '\t':
		buf_str(b, "\\t");
		break;
	default:
		buf_printf(b, "\\u%04x", c);
		break;
	}
}

void
buf_json(struct buf *b, struct slice s)
{
	size_t from = 0, i = 0;

	buf_char(b, '"');
	while (i < s.n) {
		unsigned char c = (unsigned char) s.p[i];
		size_t n = utf8_len((struct slice){ s.p + i, s.n - i });

		if (n > 0 && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) {
			i += n;
			continue;
		}
		buf_add(b, s.p + from, i - from);
		if (n == 0)
			buf_str(b, UTF8_REPLACEMENT);
		else
			json_control(b, c);
		from = ++i;
	}
	if (from < s.n)
		buf_add(b, s.p + from, s.n - from);
	buf_char(b, '"');
}
