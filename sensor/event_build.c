/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/event_build.h"
#include "sensor/string_list.h"
#include <assert.h>
#include <string.h>

void
rec_begin(struct rec *r, unsigned type, uint64_t ts, uint32_t pid, uint32_t tid, uint64_t start)
{
	r->schema = schema_get(type);
	assert(r->schema != NULL);
	r->u.hdr = (struct ev_hdr){
		.type = (uint16_t) type, .ts = ts, .start = start, .tid = tid, .pid = pid
	};
	r->n = sizeof(r->u.hdr);
	for (unsigned i = 0; i < r->schema->nparams; i++)
		r->n += ptype_is_text(r->schema->params[i].type) ? 0 : sizeof(int64_t);
	memset(r->u.bytes + sizeof(r->u.hdr), 0, r->n - sizeof(r->u.hdr));
}

void
rec_num(struct rec *r, unsigned i, int64_t v)
{
	size_t off = sizeof(r->u.hdr);

	assert(i < r->schema->nparams && !ptype_is_text(r->schema->params[i].type));
	for (unsigned k = 0; k < i; k++)
		off += ptype_is_text(r->schema->params[k].type) ? 0 : sizeof(v);
	memcpy(r->u.bytes + off, &v, sizeof(v));
	r->u.hdr.present |= 1ULL << i;
}

static char *
append(struct rec *r, unsigned i, struct slice s)
{
	uint32_t n = (uint32_t) (s.n > EV_TEXT_MAX ? EV_TEXT_MAX : s.n);
	size_t size = (sizeof(n) + n + 7) & ~(size_t) 7;
	char *p = r->u.bytes + r->n;

	assert(i < r->schema->nparams && ptype_is_text(r->schema->params[i].type));
	assert(r->n + size <= sizeof(r->u.bytes));
	memset(p, 0, size);
	memcpy(p, &n, sizeof(n));
	if (n > 0)
		memcpy(p + sizeof(n), s.p, n);
	if (n < s.n)
		r->u.hdr.flags |= EVF_CUT;
	r->n += size;
	r->u.hdr.present |= 1ULL << i;
	return p + sizeof(n);
}

void
rec_text(struct rec *r, unsigned i, struct slice s)
{
	if (s.p != NULL)
		(void) append(r, i, s);
}

static void
append_list(struct rec *r, unsigned i, struct slice s, bool whole)
{
	char cut[EV_TEXT_MAX];

	if (s.p != NULL && s.n > EV_TEXT_MAX) {
		s = (struct slice){ cut, args_cut(s, whole, cut) };
		r->u.hdr.flags |= EVF_CUT;
		if (s.n > 0)
			cut[s.n - 1] = '\0';
	}
	rec_text(r, i, s);
}

void
rec_list(struct rec *r, unsigned i, struct slice s)
{
	append_list(r, i, s, true);
}

void
rec_args(struct rec *r, unsigned i, struct slice s)
{
	append_list(r, i, s, false);
}

const struct ev_hdr *
rec_end(struct rec *r)
{
	r->u.hdr.len = (uint32_t) r->n;
	return &r->u.hdr;
}
