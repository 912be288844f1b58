/* SPDX-License-Identifier: Apache-2.0 */
#include "common/escape.h"
#include "common/macros.h"
#include "common/utf8.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ESCAPED 4 /* bytes of \xNN */

/* Characters to escape besides those below 0x20. */
static const struct {
	uint32_t first, last;
} hidden[] = {
	{ 0x7f, 0x9f },      /* DEL, C1 */
	{ 0xad, 0xad },      /* soft hyphen */
	{ 0x061c, 0x061c },  /* Arabic letter mark */
	{ 0x200b, 0x200f },  /* zero width, direction marks */
	{ 0x2028, 0x202e },  /* line and paragraph separators, embeddings, overrides */
	{ 0x2060, 0x206f },  /* word joiner, isolates, deprecated formatting */
	{ 0xfeff, 0xfeff },  /* zero width no-break space */
	{ 0xfff9, 0xfffb },  /* annotations */
	{ 0xe0000, 0xe0fff } /* tags, variation selectors */
};

static bool
is_hidden(uint32_t c)
{
	if (c < 0x20)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
		if (c >= hidden[i].first && c <= hidden[i].last)
			return true;
	}
	return false;
}

/* Write the next character of 's', escaped if necessary, to 'out'; advance 's'. Returns its
 * length. */
static size_t
next_shown(struct slice *s, char out[4 * ESCAPED + 1])
{
	const unsigned char *p = (const unsigned char *) s->p;
	uint32_t c = 0;
	size_t len = utf8_decode(*s, &c), n = 0;
	bool plain = len > 0 && !is_hidden(c);

	if (len == 0)
		len = 1;
	if (plain) {
		memcpy(out, p, len);
		n = len;
	}
	for (size_t i = 0; !plain && i < len; i++, n += ESCAPED)
		(void) snprintf(out + n, ESCAPED + 1, "\\x%02x", p[i]);
	s->p += len;
	s->n -= len;
	return n;
}

void
escape_add(struct buf *b, struct slice s)
{
	char one[4 * ESCAPED + 1];

	while (s.n > 0) {
		size_t n = next_shown(&s, one);

		buf_add(b, one, n);
	}
}

void
escape_print(FILE *f, struct slice s)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;

	escape_add(&b, s);
	if (buf_ok(&b) == 0 && b.n > 0)
		(void) fwrite(b.p, 1, b.n, f);
}

void
escape_json(struct buf *b, struct slice json)
{
	size_t from = 0, i = 0;

	while (i < json.n) {
		uint32_t c = 0xfffd;
		size_t n = utf8_decode((struct slice){ json.p + i, json.n - i }, &c);

		if (n > 0 && (!is_hidden(c) || c == '\n' || c == '\t' || c == '\r')) {
			i += n;
			continue;
		}
		buf_add(b, json.p + from, i - from);
		if (c > 0xffff)
			buf_printf(b, "\\u%04x\\u%04x", (unsigned) (0xd800 + ((c - 0x10000) >> 10)),
			    (unsigned) (0xdc00 + (c & 0x3ff)));
		else
			buf_printf(b, "\\u%04x", (unsigned) c);
		i += n > 0 ? n : 1;
		from = i;
	}
	buf_add(b, json.p + from, json.n - from);
}

size_t
escape_text(char *out, size_t cap, struct slice s)
{
	char one[4 * ESCAPED + 1];
	size_t at = 0;

	while (s.n > 0) {
		size_t n = next_shown(&s, one);

		if (at + n >= cap)
			break;
		memcpy(out + at, one, n);
		at += n;
	}
	out[at] = '\0';
	return at;
}
