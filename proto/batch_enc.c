/* SPDX-License-Identifier: Apache-2.0 */
#include "common/array.h"
#include "common/hashtable.h"
#include "proto/batch.h"
#include "proto/wire.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <xxhash.h>
#include <zstd.h>

/*
 * Columns are kept in wire format: each is a buffer of varints, but the texts' bytes. Closing a
 * batch adds only a tag and a length to each.
 */
enum column {
	COL_TID, /* its field number in Columns is FIELD_OF(column) */
	COL_PID,
	COL_START,
	COL_TYPE,
	COL_TIME,
	COL_ORIGIN,
	COL_CPU,
	COL_FLAGS,
	COL_ABSENT,
	COL_PARAMS,
	COL_TAILS,
	COL_SIZE,
	COL_SHARED,
	COL_LIKE,
	NCOLUMNS,
};
#define FIELD_OF(col) ((col) + 2)
#define TAG(field)    ((char) ((field) << 3 | 2)) /* length-delimited; one byte up to field 15 */

enum {
	VARINT_MAX = 10,
	TABLE_MIN = 64,
	ZSTD_FROM = 256, /* bytes; for less, a frame's header outweighs the gain */
	SHARED_MIN = 4,  /* bytes; for less, the reference outweighs the gain */
	COLUMN_HEAD = 6, /* bytes of a column's tag and length */
};

/*
 * An entry of this batch: a text (a: offset in 'whole', b: length), a folder (the same, c: the
 * newest text in it) or an origin (a: the thread's start, b: tid and pid, c: CPU and flags). Slots
 * hold 1 + the entry's index.
 */
struct entry {
	uint64_t a, b, c;
	uint32_t hash, pos;
};

struct seen {
	struct entry *entry; /* room for cap / 2 of them, or more */
	size_t room;
	uint32_t *slot;
	uint32_t n, cap; /* cap: a power of two, or 0 */
};

struct batch_enc {
	struct buf col[NCOLUMNS];
	struct buf whole; /* all texts */
	struct seen texts, folders, origins;
	size_t events;
	size_t bytes; /* in all columns */
	uint64_t last_ts;
	uint64_t seed;      /* keeps outsiders from preparing colliding texts */
	bool flags, absent; /* does that column hold anything but 0? */
	int64_t *last;      /* for each event type, the parameters of the newest event */
	struct buf plain;
	ZSTD_CCtx *zstd;
};

/* A text or an origin that is looked for. */
struct want {
	const struct batch_enc *e;
	uint32_t hash;
	struct slice text;
	uint64_t origin[3];
};

static bool
is_text(const struct want *w, const struct entry *t)
{
	return t->hash == w->hash && t->b == w->text.n &&
	       memcmp(w->e->whole.p + t->a, w->text.p, w->text.n) == 0;
}

static bool
is_origin(const struct want *w, const struct entry *t)
{
	return t->hash == w->hash && t->a == w->origin[0] && t->b == w->origin[1] &&
	       t->c == w->origin[2];
}

TABLE_TYPE(texts, uint32_t, struct want, *s == 0, is_text(k, &k->e->texts.entry[*s - 1]), *s);
TABLE_TYPE(folders, uint32_t, struct want, *s == 0, is_text(k, &k->e->folders.entry[*s - 1]), *s);
TABLE_TYPE(origins, uint32_t, struct want, *s == 0, is_origin(k, &k->e->origins.entry[*s - 1]), *s);

static int
seen_reserve(struct seen *t, uint32_t n)
{
	uint32_t cap = t->cap == 0 ? TABLE_MIN : t->cap;
	uint32_t *slot;

	if (LIKELY(t->n + n <= t->cap / 2))
		return 0;
	while (cap / 2 < t->n + n)
		cap *= 2;
	if (ARRAY_RESERVE(t->entry, t->n, cap / 2 - t->n, t->room) < 0)
		return -ENOMEM;
	slot = calloc(cap, sizeof(*slot));
	if (slot == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->n; i++) {
		struct entry *e = &t->entry[i];

		e->pos = (uint32_t) slots_place(&texts, slot, cap - 1, e->hash);
		slot[e->pos] = i + 1;
	}
	free(t->slot);
	t->slot = slot;
	t->cap = cap;
	return 0;
}

/* Add an entry; the caller has reserved room. Returns its index. */
static uint32_t
seen_add(struct seen *t, uint32_t hash, uint32_t pos, uint64_t a, uint64_t b, uint64_t c)
{
	t->entry[t->n] = (struct entry){ a, b, c, hash, pos };
	t->slot[pos] = ++t->n;
	return t->n - 1;
}

static void
seen_clear(struct seen *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		t->slot[t->entry[i].pos] = 0;
	t->n = 0;
}

static void
seen_fini(struct seen *t)
{
	free(t->entry);
	free(t->slot);
}

static size_t
varint(char *p, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		p[n++] = (char) (v | 0x80);
	p[n++] = (char) v;
	return n;
}

static uint64_t
zigzag(int64_t v)
{
	return (uint64_t) v << 1 ^ (uint64_t) (v >> 63);
}

/* Append a varint to a column; the caller has reserved room. */
static void
put(struct batch_enc *e, enum column col, uint64_t v)
{
	struct buf *b = &e->col[col];
	size_t n = varint(b->p + b->n, v);

	b->n += n;
	e->bytes += n;
}

int
batch_enc_new(struct batch_enc **ret)
{
	struct batch_enc *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return -ENOMEM;
	e->last = calloc(schema_nparams, sizeof(*e->last));
	if (e->last == NULL) {
		free(e);
		return -ENOMEM;
	}
	if (getrandom(&e->seed, sizeof(e->seed), GRND_NONBLOCK) < 0)
		e->seed = (uintptr_t) e; /* getrandom is not ready at early boot */
	*ret = e;
	return 0;
}

void
batch_enc_free(struct batch_enc *e)
{
	if (e == NULL)
		return;
	for (int i = 0; i < NCOLUMNS; i++)
		buf_fini(&e->col[i]);
	buf_fini(&e->whole);
	buf_fini(&e->plain);
	seen_fini(&e->texts);
	seen_fini(&e->folders);
	seen_fini(&e->origins);
	(void) ZSTD_freeCCtx(e->zstd);
	free(e->last);
	free(e);
}

/* Reserve room for everything this record can add, so that adding it cannot fail half-way. */
static int
enc_reserve(struct batch_enc *e, const struct ev_hdr *rec, const struct ev_schema *s)
{
	size_t each = s->nparams * (size_t) VARINT_MAX;

	for (int i = 0; i < NCOLUMNS; i++) {
		struct buf *b = &e->col[i];
		size_t n = i == COL_TAILS ? rec->len : i >= COL_PARAMS ? each : VARINT_MAX;

		if (UNLIKELY(b->cap - b->n <= n) && buf_reserve(b, n) < 0)
			return -ENOMEM;
	}
	if (buf_reserve(&e->whole, rec->len) < 0 || seen_reserve(&e->origins, 1) < 0 ||
	    seen_reserve(&e->folders, s->nparams) < 0)
		return -ENOMEM;
	return seen_reserve(&e->texts, s->nparams);
}

/* Return the index of the record's origin (thread, CPU, flags); add it if it is new. */
static uint32_t
enc_origin(struct batch_enc *e, const struct ev_hdr *rec)
{
	struct want w = { .e = e,
		.origin = { rec->start, (uint64_t) rec->tid << 32 | rec->pid,
		    (uint64_t) rec->cpu << 32 | rec->flags } };
	struct seen *s = &e->origins;
	uint32_t pos;

	w.hash = (uint32_t) XXH3_64bits_withSeed(w.origin, sizeof(w.origin), e->seed);
	pos = (uint32_t) slots_find(&origins, s->slot, s->cap - 1, w.hash, &w);
	if (s->slot[pos] != 0)
		return s->slot[pos] - 1;
	put(e, COL_TID, rec->tid);
	put(e, COL_PID, rec->pid);
	put(e, COL_START, rec->start);
	put(e, COL_CPU, rec->cpu);
	put(e, COL_FLAGS, rec->flags);
	e->flags |= rec->flags != 0;
	return seen_add(s, w.hash, pos, w.origin[0], w.origin[1], w.origin[2]);
}

/* The number of bytes that both texts begin with. */
static uint32_t
common_bytes(const char *a, const char *b, uint32_t most)
{
	uint32_t n = 0;
	uint64_t x, y;

	for (; n + sizeof(x) <= most; n += sizeof(x)) {
		memcpy(&x, a + n, sizeof(x));
		memcpy(&y, b + n, sizeof(y));
		if (x != y)
			break;
	}
	while (n < most && a[n] == b[n])
		n++;
	return n;
}

/* Return the newest text, from 1, in the folder of the path (p, n), which is about to be added; 0:
 * none. */
static uint32_t
enc_folder(struct batch_enc *e, const char *p, uint32_t n)
{
	const char *slash = memrchr(p, '/', n);
	struct want w = { .e = e, .text = { p, slash == NULL ? 0 : (size_t) (slash + 1 - p) } };
	struct seen *s = &e->folders;
	uint32_t pos, newest = 0;

	if (w.text.n < SHARED_MIN)
		return 0;
	w.hash = (uint32_t) XXH3_64bits_withSeed(p, w.text.n, e->seed);
	pos = (uint32_t) slots_find(&folders, s->slot, s->cap - 1, w.hash, &w);
	if (s->slot[pos] == 0) {
		(void) seen_add(s, w.hash, pos, e->whole.n, w.text.n, e->texts.n + 1);
	} else {
		newest = (uint32_t) s->entry[s->slot[pos] - 1].c;
		s->entry[s->slot[pos] - 1].c = e->texts.n + 1;
	}
	return newest;
}

/* Append a new text: how it differs from one in the same folder, or else from 'before' (from 1; 0:
 * none). */
static void
enc_tail(struct batch_enc *e, const char *p, uint32_t n, uint32_t before)
{
	uint32_t like = enc_folder(e, p, n), shared = 0;
	struct buf *tails = &e->col[COL_TAILS];

	if (like == 0)
		like = before;
	if (like != 0) {
		const struct entry *t = &e->texts.entry[like - 1];

		shared = common_bytes(e->whole.p + t->a, p, (uint32_t) MIN(t->b, n));
	}
	if (shared < SHARED_MIN)
		shared = 0;
	put(e, COL_SIZE, n - shared);
	put(e, COL_SHARED, shared);
	if (shared > 0)
		put(e, COL_LIKE, e->texts.n + 1 - like);
	memcpy(tails->p + tails->n, p + shared, n - shared);
	tails->n += n - shared;
	e->bytes += n - shared;
	memcpy(e->whole.p + e->whole.n, p, n);
	e->whole.n += n;
}

/* Return the index of a text on the wire, from 1; add it if it is new. 'before': the text of the
 * same parameter in the event before. */
static uint32_t
enc_text(struct batch_enc *e, const char *p, uint32_t n, uint32_t before)
{
	const struct want w = {
		.e = e, .hash = (uint32_t) XXH3_64bits_withSeed(p, n, e->seed), .text = { p, n }
	};
	struct seen *s = &e->texts;
	uint32_t pos = (uint32_t) slots_find(&texts, s->slot, s->cap - 1, w.hash, &w);

	if (s->slot[pos] != 0)
		return s->slot[pos];
	enc_tail(e, p, n, before);
	return seen_add(s, w.hash, pos, e->whole.n - n, n, 0) + 1;
}

/* Append a parameter, as the difference from the newest event of this type. */
static inline void
enc_param(struct batch_enc *e, int64_t *last, int64_t v)
{
	put(e, COL_PARAMS, zigzag((int64_t) ((uint64_t) v - (uint64_t) *last)));
	*last = v;
}

/* Append all parameters in the table's order. In a record, numbers come first, then texts. */
static void
enc_params(struct batch_enc *e, const struct ev_hdr *rec, const struct ev_schema *s)
{
	const char *num = (const char *) (rec + 1), *text = (const char *) rec + s->texts_at;
	uint64_t absent = ~(rec->present | s->texts) & ((1ULL << s->nparams) - 1);
	int64_t *last = e->last + s->first;

	for (unsigned i = 0; i < s->nparams; i++) {
		bool filled = rec->present >> i & 1;
		uint32_t n, id = 0;
		int64_t v;

		if (!(s->texts >> i & 1)) {
			memcpy(&v, num, sizeof(v));
			num += sizeof(v);
			enc_param(e, &last[i], filled ? v : 0);
			continue;
		}
		if (filled) {
			memcpy(&n, text, sizeof(n));
			id = enc_text(e, text + sizeof(n), n, (uint32_t) last[i]);
			text += (sizeof(n) + n + 7) & ~(size_t) 7;
		}
		enc_param(e, &last[i], id);
	}
	put(e, COL_ABSENT, absent);
	e->absent |= absent != 0;
}

static bool
column_empty(const struct batch_enc *e, int i)
{
	return e->col[i].n == 0 || (i == COL_FLAGS && !e->flags) || (i == COL_ABSENT && !e->absent);
}

int
batch_enc_add(struct batch_enc *e, const struct ev_hdr *rec)
{
	const struct ev_schema *s = schema_get(rec->type);
	size_t most = rec->len + (NCOLUMNS + 4 * EV_PARAM_MAX) * (size_t) VARINT_MAX;

	if (e->events == WIRE_EVENTS_MAX || batch_enc_bytes(e) + most > WIRE_COLUMNS_MAX ||
	    e->whole.n + rec->len > WIRE_COLUMNS_MAX)
		return -ENOSPC;
	if (enc_reserve(e, rec, s) < 0)
		return -ENOMEM;
	put(e, COL_TYPE, rec->type);
	put(e, COL_TIME, zigzag((int64_t) (rec->ts - e->last_ts)));
	put(e, COL_ORIGIN, enc_origin(e, rec));
	enc_params(e, rec, s);
	e->last_ts = rec->ts;
	e->events++;
	return 0;
}

size_t
batch_enc_events(const struct batch_enc *e)
{
	return e->events;
}

size_t
batch_enc_bytes(const struct batch_enc *e)
{
	return e->events == 0 ? 0 : e->bytes + (size_t) NCOLUMNS * COLUMN_HEAD;
}

static int
serialize(const struct batch_enc *e, struct buf *out)
{
	if (buf_reserve(out, batch_enc_bytes(e)) < 0)
		return -ENOMEM;
	for (int i = 0; i < NCOLUMNS; i++) {
		if (column_empty(e, i))
			continue;
		out->p[out->n++] = TAG(FIELD_OF(i));
		out->n += varint(out->p + out->n, e->col[i].n);
		buf_slice(out, buf_get(&e->col[i]));
	}
	return buf_ok(out);
}

/* Compress e->plain into 'data'. 0: no gain; 1: done; -ENOMEM. */
static int
compress(struct batch_enc *e, int level, struct buf *data)
{
	size_t n;

	if (level <= 0 || e->plain.n < ZSTD_FROM)
		return 0;
	if (e->zstd == NULL)
		e->zstd = ZSTD_createCCtx();
	if (e->zstd == NULL || buf_reserve(data, ZSTD_compressBound(e->plain.n)) < 0)
		return -ENOMEM;
	n = ZSTD_compressCCtx(e->zstd, data->p, data->cap, e->plain.p, e->plain.n, level);
	if (ZSTD_isError(n)) /* the room suffices: the error can only be lack of memory */
		return -ENOMEM;
	if (n + n / 16 >= e->plain.n)
		return 0;
	data->n = n;
	return 1;
}

static void
enc_clear(struct batch_enc *e)
{
	for (int i = 0; i < NCOLUMNS; i++)
		buf_clear(&e->col[i]);
	buf_clear(&e->whole);
	seen_clear(&e->texts);
	seen_clear(&e->folders);
	seen_clear(&e->origins);
	memset(e->last, 0, schema_nparams * sizeof(*e->last));
	e->events = 0;
	e->bytes = 0;
	e->last_ts = 0;
	e->flags = false;
	e->absent = false;
}

int
batch_enc_finish(struct batch_enc *e, int level, struct buf *data, Wire__Body *body)
{
	int r;

	buf_clear(data);
	buf_clear(&e->plain);
	if (serialize(e, &e->plain) < 0)
		return -ENOMEM;
	r = compress(e, level, data);
	if (r < 0)
		return r;
	if (r == 0)
		buf_slice(data, buf_get(&e->plain));
	if (buf_ok(data) < 0)
		return -ENOMEM;
	wire__body__init(body);
	body->encoding = r == 1 ? WIRE__BODY__ENCODING__ZSTD : WIRE__BODY__ENCODING__PLAIN;
	body->size = (uint32_t) e->plain.n;
	body->data = (ProtobufCBinaryData){ data->n, (uint8_t *) data->p };
	enc_clear(e);
	return 0;
}
