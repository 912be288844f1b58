/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/batch.h"
#include "proto/wire.h"
#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

enum {
	NOT_SENT = 0xff,   /* peer_schema.n: the peer did not name this event */
	PIECES_MAX = 1024, /* fields of a Columns message, the dictionary's apart */
	DECODE_BLOCK = 16 << 10,
};

/* Field numbers of Columns. */
enum field {
	F_DICT = 1,
	F_TID,
	F_PID,
	F_START,
	F_TYPE,
	F_TIME,
	F_THREAD,
	F_CPU,
	F_FLAGS,
	F_ABSENT,
	F_PARAMS,
	NFIELDS,
};

struct peer_schema {
	uint8_t n[EV_TYPE_MAX]; /* parameters of each event, as the peer sends it */
};

#define bad(why, text) (*(why) = (text), -EBADMSG)

int
peer_schema_new(Wire__EventSchema *const *v, size_t n, struct peer_schema **ret, const char **why)
{
	struct peer_schema *p = malloc(sizeof(*p));
	int r = -EBADMSG;

	if (p == NULL)
		return -ENOMEM;
	memset(p->n, NOT_SENT, sizeof(p->n));
	for (size_t i = 0; i < n; i++) {
		const struct ev_schema *s = schema_get(v[i]->num);

		*why = "an event's number is out of range";
		if (v[i]->num >= EV_TYPE_MAX)
			goto fail;
		*why = "an event is described twice";
		if (p->n[v[i]->num] != NOT_SENT)
			goto fail;
		*why = "an event has too many parameters";
		if (v[i]->n_types > 64)
			goto fail;
		*why = "an event's parameter has another type here";
		for (size_t k = 0; s != NULL && k < MIN(v[i]->n_types, (size_t) s->nparams); k++) {
			if (v[i]->types[k] != s->params[k].type)
				goto fail;
		}
		p->n[v[i]->num] = (uint8_t) v[i]->n_types;
	}
	*ret = p;
	return 0;
fail:
	peer_schema_free(p);
	return r;
}

void
peer_schema_free(struct peer_schema *p)
{
	free(p);
}

/* 0 and *v, or -EBADMSG if it does not end. */
static int
get_varint(const uint8_t **p, const uint8_t *end, uint64_t *v)
{
	uint64_t x = 0;

	for (unsigned shift = 0; shift < 64 && *p < end; shift += 7) {
		uint8_t c = *(*p)++;

		x |= (uint64_t) (c & 0x7f) << shift;
		if (c < 0x80) {
			*v = x;
			return 0;
		}
	}
	return -EBADMSG;
}

static size_t
count_varints(const uint8_t *p, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += p[i] < 0x80;
	return count;
}

/* How many values each column has: what there will be to allocate. */
static int
count_columns(struct slice data, size_t *count, const char **why)
{
	const uint8_t *p = (const uint8_t *) data.p, *end = p + data.n;
	size_t pieces = 0;

	while (p < end) {
		uint64_t tag, n = 0;
		size_t values = 1;

		if (get_varint(&p, end, &tag) < 0)
			return bad(why, "the columns are cut short");
		switch (tag & 7) {
		case 0:
			if (get_varint(&p, end, &n) < 0)
				return bad(why, "the columns are cut short");
			n = 0;
			break;
		case 1:
			n = 8;
			break;
		case 2:
			if (get_varint(&p, end, &n) < 0)
				return bad(why, "the columns are cut short");
			break;
		case 5:
			n = 4;
			break;
		default:
			return bad(why, "the columns have an unknown encoding");
		}
		if (n > (uint64_t) (end - p))
			return bad(why, "the columns are cut short");
		if (tag >> 3 != F_DICT && ++pieces > PIECES_MAX)
			return bad(why, "the columns are in too many pieces");
		if ((tag & 7) == 2 && tag >> 3 != F_DICT)
			values = count_varints(p, n);
		if (tag >> 3 < NFIELDS)
			count[tag >> 3] += values;
		p += n;
	}
	return 0;
}

static int
check_counts(const size_t *count, const char **why)
{
	size_t nev = count[F_TYPE], nthread = count[F_TID];

	if (nev > WIRE_EVENTS_MAX)
		return bad(why, "too many events");
	if (count[F_TIME] != nev || count[F_THREAD] != nev || count[F_CPU] != nev ||
	    (count[F_FLAGS] != nev && count[F_FLAGS] != 0) ||
	    (count[F_ABSENT] != nev && count[F_ABSENT] != 0))
		return bad(why, "columns of unequal length");
	if (count[F_PID] != nthread || count[F_START] != nthread || nthread > nev)
		return bad(why, "thread columns of unequal length");
	if (count[F_PARAMS] > nev * 64)
		return bad(why, "too many parameters");
	if (count[F_DICT] > count[F_PARAMS])
		return bad(why, "more texts than parameters");
	return 0;
}

/* The Columns message of a body, borrowed from it or from the arena. */
static int
unwrap(const Wire__Body *body, struct arena *a, struct slice *ret, const char **why)
{
	const ProtobufCBinaryData *d = &body->data;
	char *p;

	if (body->size > WIRE_COLUMNS_MAX)
		return bad(why, "the columns are too large");
	if (body->encoding == WIRE__BODY__ENCODING__PLAIN) {
		if (d->len != body->size)
			return bad(why, "the size is not that of the data");
		*ret = (struct slice){ (const char *) d->data, d->len };
		return 0;
	}
	if (body->encoding != WIRE__BODY__ENCODING__ZSTD)
		return bad(why, "unknown encoding");
	if (ZSTD_getFrameContentSize(d->data, d->len) != body->size ||
	    ZSTD_findFrameCompressedSize(d->data, d->len) != d->len)
		return bad(why, "the size is not that of the compressed data");
	p = arena_alloc(a, body->size);
	if (p == NULL)
		return -ENOMEM;
	if (ZSTD_decompress(p, body->size, d->data, d->len) != body->size)
		return bad(why, "the compressed data is damaged");
	*ret = (struct slice){ p, body->size };
	return 0;
}

/* protobuf-c unpacks into the arena, which frees all at once. */
struct unpack_mem {
	struct arena *arena;
	bool failed;
};

static void *
pb_alloc(void *data, size_t n)
{
	struct unpack_mem *m = data;
	void *p = arena_alloc(m->arena, n);

	m->failed |= p == NULL;
	return p;
}

static void
pb_free(void *data, void *p)
{
	(void) data;
	(void) p;
}

static int
unpack(
    struct arena *a, struct slice data, const size_t *count, Wire__Columns **ret, const char **why)
{
	struct unpack_mem mem = { a, false };
	ProtobufCAllocator pa = { pb_alloc, pb_free, &mem };
	Wire__Columns *c;

	c = wire__columns__unpack(&pa, data.n, (const uint8_t *) data.p);
	if (c == NULL)
		return mem.failed ? -ENOMEM : bad(why, "the columns are not a Columns message");
	if (c->n_dict != count[F_DICT] || c->n_tid != count[F_TID] || c->n_pid != count[F_PID] ||
	    c->n_start != count[F_START] || c->n_type != count[F_TYPE] ||
	    c->n_time != count[F_TIME] || c->n_thread != count[F_THREAD] ||
	    c->n_cpu != count[F_CPU] || c->n_flags != count[F_FLAGS] ||
	    c->n_absent != count[F_ABSENT] || c->n_params != count[F_PARAMS])
		return bad(why, "a column's values are damaged");
	*ret = c;
	return 0;
}

static int
make_texts(struct batch *b, const Wire__Columns *c)
{
	size_t n = c->n_dict + 1;
	struct slice *text = arena_alloc(&b->arena, n * sizeof(*text));

	b->text_id = arena_alloc(&b->arena, n * sizeof(*b->text_id));
	if (text == NULL || b->text_id == NULL)
		return -ENOMEM;
	for (size_t i = 1; i < n; i++) {
		const ProtobufCBinaryData *d = &c->dict[i - 1];

		text[i] = (struct slice){ d->len == 0 ? "" : (const char *) d->data, d->len };
	}
	b->text = text;
	b->ntext = n;
	return 0;
}

/* How many values an event's parameters take on the wire; -EBADMSG if it may not be there. */
static int
wire_params(const struct ev_schema *s, const struct peer_schema *peer, const char **why)
{
	if (s == NULL)
		return bad(why, "an event's number is unknown");
	if (peer == NULL)
		return s->nparams;
	if (peer->n[s->num] == NOT_SENT)
		return bad(why, "an event that the Hello did not name");
	return peer->n[s->num];
}

/* Set v and present of an event whose 'n' values start at 'v'. */
static int
make_params(struct batch *b, struct event *ev, const int64_t *v, unsigned n, uint64_t absent,
    const char **why)
{
	unsigned known = MIN(n, (unsigned) ev->schema->nparams);
	int64_t *copy;

	if (n < 64 && absent >> n != 0)
		return bad(why, "an absent parameter that the event does not have");
	ev->present = ~absent & ((1ULL << known) - 1);
	for (unsigned i = 0; i < known; i++) {
		if (!ptype_is_text(ev->schema->params[i].type))
			continue;
		if (v[i] < 0 || (uint64_t) v[i] >= b->ntext)
			return bad(why, "a text's index is outside the dictionary");
		if (v[i] == 0)
			ev->present &= ~(1ULL << i);
	}
	ev->v = v;
	if (n >= ev->schema->nparams)
		return 0;
	copy = arena_alloc(&b->arena, ev->schema->nparams * sizeof(*copy));
	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, v, n * sizeof(*v));
	ev->v = copy;
	return 0;
}

static int
make_events(
    struct batch *b, const Wire__Columns *c, const struct peer_schema *peer, const char **why)
{
	uint64_t ts = 0;
	size_t at = 0;
	int r;

	b->ev = arena_alloc(&b->arena, c->n_type * sizeof(*b->ev));
	if (b->ev == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_type; i++) {
		struct event *ev = &b->ev[i];
		uint32_t thread = c->thread[i];
		int n;

		ev->schema = schema_get(c->type[i]);
		n = wire_params(ev->schema, peer, why);
		if (n < 0)
			return n;
		if (thread >= c->n_tid)
			return bad(why, "a thread's index is outside the threads");
		if ((size_t) n > c->n_params - at)
			return bad(why, "fewer parameters than the events have");
		if (c->cpu[i] > UINT16_MAX)
			return bad(why, "a CPU's number is out of range");
		ts += (uint64_t) c->time[i];
		ev->ts = ts;
		ev->start = c->start[thread];
		ev->tid = c->tid[thread];
		ev->pid = c->pid[thread];
		ev->index = (uint32_t) i;
		ev->flags = c->n_flags == 0 ? 0 : c->flags[i];
		ev->cpu = (uint16_t) c->cpu[i];
		r = make_params(
		    b, ev, c->params + at, (unsigned) n, c->n_absent == 0 ? 0 : c->absent[i], why);
		if (r < 0)
			return r;
		at += (size_t) n;
	}
	b->nev = c->n_type;
	return at == c->n_params ? 0 : bad(why, "more parameters than the events have");
}

int
batch_decode(
    const Wire__Body *body, const struct peer_schema *peer, struct batch **ret, const char **why)
{
	struct batch *b = calloc(1, sizeof(*b));
	size_t count[NFIELDS] = { 0 };
	struct slice data = { NULL, 0 };
	Wire__Columns *c = NULL;
	int r;

	if (b == NULL)
		return -ENOMEM;
	arena_init(&b->arena, DECODE_BLOCK);
	r = unwrap(body, &b->arena, &data, why);
	if (r == 0)
		r = count_columns(data, count, why);
	if (r == 0)
		r = check_counts(count, why);
	if (r == 0)
		r = unpack(&b->arena, data, count, &c, why);
	if (r == 0)
		r = make_texts(b, c);
	if (r == 0)
		r = make_events(b, c, peer, why);
	if (r < 0) {
		batch_free(b);
		return r;
	}
	*ret = b;
	return 0;
}

void
batch_free(struct batch *b)
{
	if (b == NULL)
		return;
	arena_fini(&b->arena);
	free(b);
}
