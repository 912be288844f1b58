/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/container_sqlite.h"
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define MAGIC        "SQLite format 3"
#define HEAD         100u /* of the file, in front of the first page's own */
#define PAGE_MIN     1024u
#define PAGE_MAX     65536u
#define RESERVED_MAX 255u
#define READS_MAX    4096u /* pages of one look-up */
#define DEPTH_MAX    12u
#define INTERIOR     0x05 /* kinds of pages of a table */
#define LEAF         0x0d
#define SCHEMA       1u /* the page at which the list of tables begins */
#define SCHEMA_NAME  1u /* its columns */
#define SCHEMA_ROOT  3u
#define SCHEMA_KEY   "table"
#define BYTES        12u /* types of columns from here on: even: bytes, odd: text */

struct db {
	int fd;
	unsigned reads;
	uint32_t page_size, usable;
	struct buf page;    /* the last one read */
	struct buf payload; /* of the row that was found */
};

static uint64_t
number(const char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | (unsigned char) p[i];
	return v;
}

/* Take a number of variable length. False: the text ends before it. */
static bool
varint(struct slice *s, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i = 0;

	for (; i < 8 && i < s->n && ((unsigned char) s->p[i] & 0x80) != 0; i++)
		v = v << 7 | ((unsigned char) s->p[i] & 0x7f);
	if (i == s->n)
		return false;
	v = i == 8 ? v << 8 | (unsigned char) s->p[i] : v << 7 | (unsigned char) s->p[i];
	*s = (struct slice){ s->p + i + 1, s->n - i - 1 };
	*ret = v;
	return true;
}

static int
read_page(struct db *d, uint64_t id)
{
	buf_clear(&d->page);
	if (id == 0 || id > UINT32_MAX || d->reads++ >= READS_MAX)
		return -EBADMSG;
	if (buf_reserve(&d->page, d->page_size) < 0)
		return -ENOMEM;
	if (pread(d->fd, d->page.p, d->page_size, (off_t) ((id - 1) * d->page_size)) !=
	    (ssize_t) d->page_size)
		return -EBADMSG;
	d->page.n = d->page_size;
	return 0;
}

static int
read_head(struct db *d)
{
	char head[HEAD];

	if (pread(d->fd, head, sizeof(head), 0) != (ssize_t) sizeof(head) ||
	    memcmp(head, MAGIC, sizeof(MAGIC)) != 0)
		return -EBADMSG;
	d->page_size = (uint32_t) number(head + 16, 2);
	if (d->page_size == 1)
		d->page_size = PAGE_MAX;
	d->usable = d->page_size - (unsigned char) head[20];
	if (d->page_size < PAGE_MIN || (d->page_size & (d->page_size - 1)) != 0 ||
	    d->usable < PAGE_MIN - RESERVED_MAX || number(head + 56, 4) != 1) /* UTF-8 */
		return -EBADMSG;
	return 0;
}

/* What a column's type says of its length. */
static uint64_t
length(uint64_t type)
{
	static const unsigned char small[BYTES] = { 0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0 };

	return type < BYTES ? small[type] : (type - BYTES) / 2;
}

/* Column i of a row, of which the end may be missing. False: it is not there. */
static bool
column(struct slice row, unsigned i, struct slice *ret, uint64_t *kind)
{
	struct slice head = row;
	uint64_t n, type = 0, at;

	if (!varint(&head, &n) || n > row.n || n < (uint64_t) (head.p - row.p))
		return false;
	head.n = n - (uint64_t) (head.p - row.p);
	at = n;
	for (unsigned k = 0; k <= i; k++) {
		at += k == 0 ? 0 : length(type);
		if (at > row.n || !varint(&head, &type))
			return false;
	}
	if (length(type) > row.n - at)
		return false;
	*ret = (struct slice){ row.p + at, length(type) };
	*kind = type;
	return true;
}

static bool
column_is(struct slice row, unsigned i, struct slice want)
{
	struct slice v;
	uint64_t kind;

	return column(row, i, &v, &kind) && kind >= BYTES && (kind & 1) != 0 && slice_eq(v, want);
}

/* A cell of the page: what follows its start, up to the page's end. */
static bool
cell(const struct db *d, size_t at, unsigned i, bool leaf, struct slice *ret)
{
	size_t place = at + (leaf ? 8u : 12u) + (size_t) i * 2, start;

	if (place + 2 > d->usable)
		return false;
	start = (size_t) number(d->page.p + place, 2);
	if (start + 4 > d->usable)
		return false;
	*ret = (struct slice){ d->page.p + start, d->usable - start };
	return true;
}

/* The part of a row that is in its leaf; *more: the page on which it goes on, 0: none. */
static bool
local_part(const struct db *d, struct slice c, struct slice *row, uint64_t *size, uint64_t *more)
{
	uint64_t rowid, least, n;
	uint64_t most = d->usable - 35;

	if (!varint(&c, size) || !varint(&c, &rowid) || *size > SQLITE_VALUE_MAX)
		return false;
	n = *size;
	if (n > most) {
		least = (d->usable - 12) * 32 / 255 - 23;
		n = least + (*size - least) % (d->usable - 4);
		n = n <= most ? n : least;
	}
	*more = 0;
	if (n > c.n || (n < *size && n + 4 > c.n))
		return false;
	if (n < *size)
		*more = number(c.p + n, 4);
	*row = (struct slice){ c.p, n };
	return true;
}

/* Make d->payload a whole row. */
static int
whole(struct db *d, struct slice row, uint64_t size, uint64_t more)
{
	int r = 0;

	buf_clear(&d->payload);
	buf_slice(&d->payload, row);
	while (r == 0 && d->payload.n < size) {
		r = read_page(d, more);
		if (r < 0)
			break;
		more = number(d->page.p, 4);
		buf_slice(&d->payload,
		    (struct slice){ d->page.p + 4, MIN(size - d->payload.n, d->usable - 4) });
		r = buf_ok(&d->payload);
	}
	return r < 0 ? r : buf_ok(&d->payload);
}

/* Look at the rows of a leaf. 1: found. A row that is too long is none that is looked for. */
static int
look(struct db *d, size_t at, unsigned n, unsigned key_column, struct slice key)
{
	struct slice c, row;
	uint64_t size, more;

	for (unsigned i = 0; i < n; i++) {
		if (!cell(d, at, i, true, &c))
			return -EBADMSG;
		if (local_part(d, c, &row, &size, &more) && column_is(row, key_column, key)) {
			int r = whole(d, row, size, more);

			return r < 0 ? r : 1;
		}
	}
	return 0;
}

/* Go through the tree of a table in order, and find a row by a column at its beginning. The way
 * down is pages and the child that comes next on each. */
static int
find(struct db *d, uint64_t root, unsigned key_column, struct slice key)
{
	struct {
		uint64_t page;
		unsigned next;
	} way[DEPTH_MAX] = { { root, 0 } };
	unsigned depth = 1;
	struct slice c;

	while (depth > 0) {
		uint64_t id = way[depth - 1].page;
		size_t at = id == SCHEMA ? HEAD : 0;
		int r = read_page(d, id);
		unsigned kind, n, i = way[depth - 1].next++;

		if (r < 0)
			return r;
		kind = (unsigned char) d->page.p[at];
		n = (unsigned) number(d->page.p + at + 3, 2);
		if (kind == LEAF) {
			r = look(d, at, n, key_column, key);
			if (r != 0)
				return r < 0 ? r : 0;
			depth--;
		} else if (kind != INTERIOR) {
			return -EBADMSG;
		} else if (i > n) {
			depth--;
		} else if (depth == DEPTH_MAX || (i < n && !cell(d, at, i, false, &c))) {
			return -EBADMSG;
		} else { /* the last child is in the page's head */
			way[depth].page = number(i < n ? c.p : d->page.p + at + 8, 4);
			way[depth++].next = 0;
		}
	}
	return -ENOENT;
}

int
sqlite_get(int fd, struct slice table, struct slice key, unsigned i, struct buf *value)
{
	struct db d = { .fd = fd, .page = BUF_INIT, .payload = BUF_INIT };
	struct slice v = { NULL, 0 };
	uint64_t kind = 0;
	int r = read_head(&d);

	if (r == 0)
		r = find(&d, SCHEMA, SCHEMA_NAME, table);
	if (r == 0 &&
	    (!column_is(buf_get(&d.payload), 0, SLICE(SCHEMA_KEY)) ||
		!column(buf_get(&d.payload), SCHEMA_ROOT, &v, &kind) || kind >= BYTES || v.n > 4))
		r = -ENOENT;
	if (r == 0)
		r = find(&d, number(v.p, v.n), 0, key);
	if (r == 0 && (!column(buf_get(&d.payload), i, &v, &kind) || kind < BYTES))
		r = -ENOENT;
	if (r == 0) {
		buf_slice(value, v);
		r = buf_ok(value);
	}
	buf_fini(&d.page);
	buf_fini(&d.payload);
	return r;
}
