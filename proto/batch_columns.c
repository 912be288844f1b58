/* SPDX-License-Identifier: Apache-2.0 */
/* batch_columns.c - the decoder's first half: find the columns of a body, and its texts. */
#include "proto/batch_int.h"
#include "proto/wire.h"

/* 0 and *v, or -EBADMSG if the value does not end. */
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

/* Count the values that end in these bytes. */
static size_t
count_varints(const uint8_t *p, size_t n)
{
	const uint64_t ones = 0x0101010101010101ULL;
	size_t count = 0;
	uint64_t w;

	for (; n >= sizeof(w); n -= sizeof(w), p += sizeof(w)) {
		memcpy(&w, p, sizeof(w));
		count += (~w >> 7 & ones) * ones >> 56; /* the product's top byte is the sum */
	}
	for (; n > 0; n--)
		count += *p++ < 0x80;
	return count;
}

/* Read the next field's number and kind; *n is the size of its value at *p. */
static int
next_field(const uint8_t **p, const uint8_t *end, uint64_t *field, unsigned *kind, size_t *n,
    const char **why)
{
	const uint8_t *from;
	uint64_t tag, v = 0;

	if (get_varint(p, end, &tag) < 0)
		return bad(why, "the columns are cut short");
	if (tag >> 3 == 0)
		return bad(why, "the columns are not a Columns message");
	*field = tag >> 3;
	*kind = tag & 7;
	from = *p;
	if (*kind == 1 || *kind == 5) {
		v = *kind == 1 ? 8 : 4;
	} else if (*kind != 0 && *kind != 2) {
		return bad(why, "the columns have an unknown encoding");
	} else if (get_varint(p, end, &v) < 0) {
		return bad(why, "the columns are cut short");
	} else if (*kind == 0) {
		v = (uint64_t) (*p - from);
		*p = from;
	}
	if (v > (uint64_t) (end - *p))
		return bad(why, "the columns are cut short");
	*n = (size_t) v;
	return 0;
}

static int
find(struct slice data, struct columns *c, const char **why)
{
	const uint8_t *p = (const uint8_t *) data.p, *end = p + data.n;

	while (p < end) {
		uint64_t field;
		unsigned kind;
		size_t n;
		int r = next_field(&p, end, &field, &kind, &n, why);

		if (r < 0)
			return r;
		if (field < NFIELDS && kind != 2)
			return bad(why, "a column's values are not packed");
		if (field == F_DICT) {
			c->n[F_DICT]++;
		} else if (field < NFIELDS) {
			if (c->col[field].p != NULL)
				return bad(why, "a column comes twice");
			if (n > 0 && field != F_TAILS && p[n - 1] >= 0x80)
				return bad(why, "a column's values are damaged");
			c->col[field] = (struct slice){ (const char *) p, n };
			c->n[field] = field == F_TAILS ? 0 : count_varints(p, n);
		}
		p += n;
	}
	return 0;
}

static int
check_texts(const struct columns *c, const char **why)
{
	if (c->n[F_DICT] > 0 && c->n[F_SIZE] > 0)
		return bad(why, "texts in two forms");
	if (c->n[F_SHARED] != c->n[F_SIZE] || c->n[F_LIKE] > c->n[F_SIZE])
		return bad(why, "text columns of unequal length");
	if (columns_texts(c) > c->n[F_PARAMS])
		return bad(why, "more texts than parameters");
	return 0;
}

static int
check_counts(const size_t *count, const char **why)
{
	size_t nev = count[F_TYPE], norigin = count[F_TID];

	if (nev > WIRE_EVENTS_MAX)
		return bad(why, "too many events");
	if (count[F_TIME] != nev || count[F_ORIGIN] != nev ||
	    (count[F_ABSENT] != nev && count[F_ABSENT] != 0))
		return bad(why, "columns of unequal length");
	if (count[F_PID] != norigin || count[F_START] != norigin || count[F_CPU] != norigin ||
	    (count[F_FLAGS] != norigin && count[F_FLAGS] != 0) || norigin > nev)
		return bad(why, "origin columns of unequal length");
	if (count[F_PARAMS] > nev * 64)
		return bad(why, "too many parameters");
	return 0;
}

int
columns_find(struct slice data, struct columns *c, const char **why)
{
	int r = find(data, c, why);

	if (r == 0)
		r = check_counts(c->n, why);
	return r < 0 ? r : check_texts(c, why);
}

/* ---- texts ---- */

/* Texts up to protocol 3: each a field of its own. */
static void
dict_texts(struct batch *b, size_t n)
{
	const uint8_t *p = (const uint8_t *) b->plain.p, *end = p + b->plain.n;
	const char *why;
	uint64_t field;
	unsigned kind;
	size_t len, k = 1;

	while (k <= n && next_field(&p, end, &field, &kind, &len, &why) == 0) {
		if (field == F_DICT)
			b->text[k++] = (struct slice){ len == 0 ? "" : (const char *) p, len };
		p += len;
	}
}

/* Where the next values of the columns of texts are. */
struct texts_at {
	const uint8_t *size, *shared, *like;
	const char *tail;
};

static struct texts_at
texts_begin(const struct columns *c)
{
	return (struct texts_at){ (const uint8_t *) c->col[F_SIZE].p,
		(const uint8_t *) c->col[F_SHARED].p, (const uint8_t *) c->col[F_LIKE].p,
		c->col[F_TAILS].p };
}

/* Make room for the whole texts that share bytes, after a check of all sizes. */
static int
reserve_whole(struct batch *b, const struct columns *c, const char **why)
{
	size_t n = c->n[F_SIZE], tails = c->col[F_TAILS].n, sum = 0, sharing = 0;
	struct texts_at at = texts_begin(c);
	uint64_t whole = 0;

	for (size_t k = 0; k < n; k++) {
		uint64_t size = column_next(&at.size), shared = column_next(&at.shared);

		if (size > tails - sum)
			return bad(why, "a text's end is outside the texts");
		sum += (size_t) size;
		if (shared == 0)
			continue;
		sharing++;
		if (shared > WIRE_COLUMNS_MAX || (whole += size + shared) > WIRE_COLUMNS_MAX)
			return bad(why, "the texts are too large");
	}
	if (sum != tails || sharing != c->n[F_LIKE])
		return bad(why, "text columns of unequal length");
	if (b->whole.cap > BATCH_KEPT && whole < BATCH_KEPT)
		buf_fini(&b->whole);
	buf_clear(&b->whole);
	return whole == 0 ? 0 : buf_reserve(&b->whole, (size_t) whole);
}

/* Append the first 'shared' bytes of an earlier text and a tail. */
static struct slice
text_join(struct buf *whole, struct slice like, size_t shared, const char *tail, size_t n)
{
	char *p = whole->p + whole->n;

	memcpy(p, like.p, shared);
	if (n > 0)
		memcpy(p + shared, tail, n);
	whole->n += shared + n;
	return (struct slice){ p, shared + n };
}

int
columns_texts_get(struct batch *b, const struct columns *c, const char **why)
{
	struct texts_at at = texts_begin(c);
	int r;

	b->ntext = columns_texts(c) + 1;
	b->text[0] = (struct slice){ NULL, 0 };
	dict_texts(b, c->n[F_DICT]);
	r = reserve_whole(b, c, why);
	for (size_t k = 1; r == 0 && k <= c->n[F_SIZE]; k++) {
		size_t n = (size_t) column_next(&at.size);
		uint64_t shared = column_next(&at.shared), back;

		if (shared == 0) {
			b->text[k] = (struct slice){ n == 0 ? "" : at.tail, n };
		} else {
			back = column_next(&at.like);
			if (back == 0 || back >= k || shared > b->text[k - back].n)
				return bad(why, "a text begins like none before it");
			b->text[k] =
			    text_join(&b->whole, b->text[k - back], (size_t) shared, at.tail, n);
		}
		if (n > 0)
			at.tail += n;
	}
	return r;
}
