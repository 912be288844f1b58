/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/compose.h"
#include <errno.h>
#include <string.h>

void
compose_begin(struct composer *c, const struct ev_schema *s)
{
	c->schema = s;
	c->hdr = (struct ev_hdr){ .type = s->num };
	memset(c->num, 0, sizeof(c->num));
}

void
compose_num(struct composer *c, unsigned i, int64_t v)
{
	c->hdr.present |= 1ULL << i;
	c->num[i] = v;
}

void
compose_text(struct composer *c, unsigned i, struct slice v)
{
	c->hdr.present |= 1ULL << i;
	c->text[i] = v;
}

void
compose_event(struct composer *c, const struct batch *b, const struct event *ev)
{
	const struct ev_schema *s = ev->schema;

	compose_begin(c, s);
	c->hdr.ts = ev->ts;
	c->hdr.start = ev->start;
	c->hdr.tid = ev->tid;
	c->hdr.pid = ev->pid;
	c->hdr.cpu = ev->cpu;
	c->hdr.flags = (uint16_t) ev->flags;
	for (unsigned i = 0; i < s->nparams; i++) {
		if (!ev_has(ev, i))
			continue;
		if (ptype_is_text(s->params[i].type))
			compose_text(c, i, b->text[ev->v[i]]);
		else
			compose_num(c, i, ev->v[i]);
	}
}

/* Append one text: its length, its bytes, padding. NULL: no room. */
static char *
put_text(char *p, const char *end, struct slice s)
{
	uint32_t n = (uint32_t) s.n;
	size_t size = (sizeof(n) + s.n + 7) & ~(size_t) 7;

	if (s.n > EV_RECORD_MAX || size > (size_t) (end - p))
		return NULL;
	memset(p, 0, size);
	memcpy(p, &n, sizeof(n));
	if (n > 0)
		memcpy(p + sizeof(n), s.p, n);
	return p + size;
}

int
compose_end(const struct composer *c, union ev_record *ret)
{
	const struct ev_schema *s = c->schema;
	char *p = ret->bytes + sizeof(c->hdr), *end = ret->bytes + sizeof(ret->bytes);

	for (unsigned i = 0; i < s->nparams; i++) {
		if (ptype_is_text(s->params[i].type))
			continue;
		memcpy(p, &c->num[i], sizeof(c->num[i]));
		p += sizeof(c->num[i]);
	}
	for (unsigned i = 0; i < s->nparams; i++) {
		if (!ptype_is_text(s->params[i].type) || !(c->hdr.present >> i & 1))
			continue;
		p = put_text(p, end, c->text[i]);
		if (p == NULL)
			return -EMSGSIZE;
	}
	ret->hdr = c->hdr;
	ret->hdr.len = (uint32_t) (p - ret->bytes);
	return 0;
}
