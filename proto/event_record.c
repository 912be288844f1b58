/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/schema.h"
#include <errno.h>
#include <string.h>

/* The size of a text of n bytes in a record: length, bytes, padding. */
static size_t
text_size(uint32_t n)
{
	return (sizeof(uint32_t) + n + 7) & ~(size_t) 7;
}

static uint32_t
text_len(const char *p)
{
	uint32_t n;

	memcpy(&n, p, sizeof(n));
	return n;
}

int
record_check(const void *rec, size_t n)
{
	const struct ev_hdr *h = rec;
	const struct ev_schema *s;
	size_t off;

	if (n < sizeof(*h) || h->len > n || h->len % 8 != 0 || h->len > EV_RECORD_MAX)
		return -EBADMSG;
	s = schema_get(h->type);
	if (s == NULL || (h->present >> s->nparams) != 0)
		return -EBADMSG;
	off = s->texts_at;
	if (off > h->len)
		return -EBADMSG;
	for (uint64_t left = h->present & s->texts; left != 0; left &= left - 1) {
		uint32_t len;

		if (h->len - off < sizeof(len))
			return -EBADMSG;
		len = text_len((const char *) rec + off);
		if (len > EV_RECORD_MAX || text_size(len) > h->len - off)
			return -EBADMSG;
		off += text_size(len);
	}
	return off == h->len ? 0 : -EBADMSG;
}

int64_t
record_num(const struct ev_hdr *rec, const struct ev_schema *s, unsigned i)
{
	int64_t v;

	if (i >= s->nparams || ptype_is_text(s->params[i].type) || !(rec->present >> i & 1))
		return 0;
	memcpy(&v, (const char *) rec + s->params[i].at, sizeof(v));
	return v;
}

struct slice
record_text(const struct ev_hdr *rec, const struct ev_schema *s, unsigned i)
{
	const char *p = (const char *) rec + s->texts_at;

	if (i >= s->nparams || !ptype_is_text(s->params[i].type) || !(rec->present >> i & 1))
		return (struct slice){ NULL, 0 };
	for (uint64_t left = rec->present & s->texts & ((1ULL << i) - 1); left != 0;
	     left &= left - 1)
		p += text_size(text_len(p));
	return (struct slice){ p + sizeof(uint32_t), text_len(p) };
}
