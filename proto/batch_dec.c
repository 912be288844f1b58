/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/batch_int.h"
#include "proto/peer_schema.h"
#include "proto/wire.h"
#include <stdlib.h>
#include <zstd.h>

/* The thread, CPU and flags of an event. */
struct origin {
	uint64_t start;
	uint32_t tid, pid, flags;
	uint16_t cpu;
};

/* The batch being built, and the next value of each column. */
struct decode {
	struct batch *b;
	const struct peer_schema *peer;
	const uint8_t *at[NFIELDS];
	struct origin *origin;
	size_t norigins;
	const int64_t *last[EV_TYPE_MAX]; /* parameters of the newest event; NULL: none yet */
	int64_t *v;                       /* room for the remaining parameters */
	size_t params;                    /* remaining on the wire */
	const char **why;
};

/* Unpack the Columns message of a body into the batch's own memory. */
static int
unwrap(const Wire__Body *body, struct batch *b, const char **why)
{
	const ProtobufCBinaryData *d = &body->data;

	if (body->size > WIRE_COLUMNS_MAX)
		return bad(why, "the columns are too large");
	if (b->plain.cap > BATCH_KEPT && body->size < BATCH_KEPT)
		buf_fini(&b->plain);
	buf_clear(&b->plain);
	if (body->encoding == WIRE__BODY__ENCODING__PLAIN) {
		if (d->len != body->size)
			return bad(why, "the size does not match the data");
		buf_add(&b->plain, d->data, d->len);
		return buf_ok(&b->plain);
	}
	if (body->encoding != WIRE__BODY__ENCODING__ZSTD)
		return bad(why, "unknown encoding");
	if (ZSTD_getFrameContentSize(d->data, d->len) != body->size ||
	    ZSTD_findFrameCompressedSize(d->data, d->len) != d->len)
		return bad(why, "the size does not match the compressed data");
	if (b->zstd == NULL)
		b->zstd = ZSTD_createDCtx();
	if (b->zstd == NULL || buf_reserve(&b->plain, body->size) < 0)
		return -ENOMEM;
	if (ZSTD_decompressDCtx(b->zstd, b->plain.p, body->size, d->data, d->len) != body->size)
		return bad(why, "the compressed data is damaged");
	b->plain.n = body->size;
	return 0;
}

/* ---- building the events ---- */

/* Allocate everything at once, reusing the last batch's memory if it suffices. */
static int
make_room(struct decode *d, const struct columns *c)
{
	struct batch *b = d->b;
	size_t nev = c->n[F_TYPE], ntext = columns_texts(c) + 1,
	       lacks = d->peer == NULL ? 0 : d->peer->lacks;
	size_t ev = nev * sizeof(*b->ev), v = (c->n[F_PARAMS] + nev * lacks) * sizeof(*d->v);
	size_t text = ntext * sizeof(*b->text), origin = c->n[F_TID] * sizeof(*d->origin);
	size_t ids = ntext * sizeof(*b->text_id), need = ev + v + text + origin + ids;

	if (b->room < need || (b->room > BATCH_KEPT && need < BATCH_KEPT)) {
		free(b->memory);
		b->room = need + need / 2;
		b->memory = malloc(b->room);
		if (b->memory == NULL) {
			b->room = 0;
			return -ENOMEM;
		}
	}
	b->ev = (void *) b->memory;
	d->v = (void *) (b->memory + ev);
	b->text = (void *) (b->memory + ev + v);
	d->origin = (void *) (b->memory + ev + v + text);
	b->text_id = (void *) (b->memory + ev + v + text + origin);
	memset(b->text_id, 0, ids);
	return 0;
}

static inline int64_t
next_signed(const uint8_t **p)
{
	uint64_t x = column_next(p);

	return (int64_t) (x >> 1 ^ (0 - (x & 1)));
}

static int
make_origins(struct decode *d, size_t n, bool flags)
{
	for (size_t i = 0; i < n; i++) {
		struct origin *o = &d->origin[i];
		uint64_t cpu = column_next(&d->at[F_CPU]);

		if (cpu > UINT16_MAX)
			return bad(d->why, "a CPU's number is out of range");
		o->start = column_next(&d->at[F_START]);
		o->tid = (uint32_t) column_next(&d->at[F_TID]);
		o->pid = (uint32_t) column_next(&d->at[F_PID]);
		o->flags = flags ? (uint32_t) column_next(&d->at[F_FLAGS]) : 0;
		o->cpu = (uint16_t) cpu;
	}
	d->norigins = n;
	return 0;
}

/* Look up the event's schema, and the number of its parameters on the wire. */
static int
make_schema(struct decode *d, struct event *ev, unsigned *n)
{
	uint64_t type = column_next(&d->at[F_TYPE]);

	ev->schema = type < EV_TYPE_MAX ? schema_get((uint32_t) type) : NULL;
	if (ev->schema == NULL)
		return bad(d->why, "an event's number is unknown");
	*n = d->peer == NULL ? ev->schema->nparams : d->peer->n[type];
	if (d->peer != NULL && *n == PEER_NOT_SENT)
		return bad(d->why, "an event that the Hello did not name");
	if (*n > d->params)
		return bad(d->why, "fewer parameters than the events have");
	d->params -= *n;
	return 0;
}

/* Read the values and 'present' of an event with n parameters on the wire. */
static int
make_params(struct decode *d, struct event *ev, unsigned n, uint64_t absent)
{
	unsigned ours = ev->schema->nparams, known = MIN(n, ours);
	uint64_t mask = (1ULL << known) - 1;
	const int64_t *last = d->last[ev->schema->num];
	int64_t *v = d->v;

	if (n < 64 && absent >> n != 0)
		return bad(d->why, "an absent parameter that the event does not have");
	for (unsigned i = 0; i < known; i++)
		v[i] = next_signed(&d->at[F_PARAMS]);
	for (unsigned i = 0; last != NULL && i < known; i++)
		v[i] = (int64_t) ((uint64_t) v[i] + (uint64_t) last[i]);
	for (unsigned i = known; i < n; i++)
		(void) column_next(&d->at[F_PARAMS]);
	for (unsigned i = known; i < ours; i++)
		v[i] = 0;
	ev->v = d->last[ev->schema->num] = v;
	ev->present = ~absent & mask;
	for (uint64_t left = ev->schema->texts & mask; left != 0; left &= left - 1) {
		unsigned i = (unsigned) __builtin_ctzll(left);

		if ((uint64_t) v[i] >= d->b->ntext)
			return bad(d->why, "a text's index is outside the dictionary");
		if (v[i] == 0)
			ev->present &= ~(1ULL << i);
	}
	d->v += ours;
	return 0;
}

static int
make_event(struct decode *d, struct event *ev, const struct columns *c)
{
	uint64_t k = column_next(&d->at[F_ORIGIN]), absent;
	unsigned n;
	int r = make_schema(d, ev, &n);

	if (r < 0)
		return r;
	if (k >= d->norigins)
		return bad(d->why, "an origin's index is outside the origins");
	ev->start = d->origin[k].start;
	ev->tid = d->origin[k].tid;
	ev->pid = d->origin[k].pid;
	ev->flags = d->origin[k].flags;
	ev->cpu = d->origin[k].cpu;
	absent = c->n[F_ABSENT] == 0 ? 0 : column_next(&d->at[F_ABSENT]);
	return make_params(d, ev, n, absent);
}

static int
make_events(struct decode *d, const struct columns *c)
{
	uint64_t ts = 0;
	int r;

	for (unsigned i = 0; i < NFIELDS; i++)
		d->at[i] = (const uint8_t *) c->col[i].p;
	d->params = c->n[F_PARAMS];
	r = columns_texts_get(d->b, c, d->why);
	if (r == 0)
		r = make_origins(d, c->n[F_TID], c->n[F_FLAGS] > 0);
	if (r < 0)
		return r;
	for (size_t i = 0; i < c->n[F_TYPE]; i++) {
		struct event *ev = &d->b->ev[i];

		ts += (uint64_t) next_signed(&d->at[F_TIME]);
		ev->ts = ts;
		ev->index = (uint32_t) i;
		r = make_event(d, ev, c);
		if (r < 0)
			return r;
	}
	d->b->nev = c->n[F_TYPE];
	return d->params == 0 ? 0 : bad(d->why, "more parameters than the events have");
}

static int
decode_into(
    struct batch *b, const Wire__Body *body, const struct peer_schema *peer, const char **why)
{
	struct decode d = { .b = b, .peer = peer, .why = why };
	struct columns c = { 0 };
	int r;

	b->nev = b->ntext = 0;
	r = unwrap(body, b, why);
	if (r == 0)
		r = columns_find(buf_get(&b->plain), &c, why);
	if (r == 0)
		r = make_room(&d, &c);
	if (r == 0)
		r = make_events(&d, &c);
	if (r < 0)
		b->nev = 0;
	return r;
}

int
batch_decode_again(
    const Wire__Body *body, const struct peer_schema *peer, struct batch **b, const char **why)
{
	if (*b == NULL)
		*b = calloc(1, sizeof(**b));
	return *b == NULL ? -ENOMEM : decode_into(*b, body, peer, why);
}

int
batch_decode(
    const Wire__Body *body, const struct peer_schema *peer, struct batch **ret, const char **why)
{
	struct batch *b = NULL;
	int r = batch_decode_again(body, peer, &b, why);

	if (r < 0)
		batch_free(b);
	else
		*ret = b;
	return r;
}

void
batch_free(struct batch *b)
{
	if (b == NULL)
		return;
	buf_fini(&b->plain);
	buf_fini(&b->whole);
	(void) ZSTD_freeDCtx(b->zstd);
	free(b->memory);
	free(b);
}
