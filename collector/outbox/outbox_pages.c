/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox_pages.c - recover rows from the pages of a damaged outbox, without its trees.
 *
 * A row is never changed and carries its checksum, so it is valid wherever it is found: in a page
 * of the file or of the log, whether or not SQLite could still reach it. Pages that are not intact
 * leaves of a table are searched byte by byte: every row begins with the same few bytes.
 *
 * Format: https://www.sqlite.org/fileformat2.html, "B-tree Pages", "Record Format", "WAL Format".
 */
#include "collector/outbox/outbox_int.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAL_HEADER 32
#define WAL_FRAME  (24 + OUTBOX_PAGE)
#define LEAF       0x0d /* of a table */
#define ROW_MOST   (64U << 20)
#define COLUMNS    10

struct file {
	uint8_t *p; /* mapped read-only */
	size_t n;
};

struct pages {
	struct file db, log;
	size_t npages, nframes;
	uint32_t *newest; /* for each page: its last frame in the log, counted from 1 */
	size_t nnewest;
	struct buf row; /* assembled from several pages */
	bool summed;    /* rows have checksums */
	outbox_found_fn fn;
	void *arg;
	int r; /* fn's error */
};

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | p[3];
}

static unsigned
be16(const uint8_t *p)
{
	return (unsigned) p[0] << 8 | p[1];
}

/* Decode SQLite's variable-length number: returns its size, 0 if it does not end before 'end'. */
static size_t
varint(const uint8_t *p, const uint8_t *end, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < 9 && p + i < end; i++) {
		if (i == 8) {
			*ret = v << 8 | p[i];
			return 9;
		}
		v = v << 7 | (p[i] & 0x7f);
		if ((p[i] & 0x80) == 0) {
			*ret = v;
			return i + 1;
		}
	}
	return 0;
}

static const uint8_t *
frame(const struct pages *g, size_t i)
{
	return g->log.p + WAL_HEADER + i * WAL_FRAME;
}

static const uint8_t *
page(const struct pages *g, uint32_t number, bool with_log)
{
	if (with_log && number < g->nnewest && g->newest[number] > 0)
		return frame(g, g->newest[number] - 1) + 24;
	if (number == 0 || number > g->npages)
		return NULL;
	return g->db.p + (size_t) (number - 1) * OUTBOX_PAGE;
}

/* The number of a row's bytes in its leaf; the rest is in a chain of pages. */
static size_t
bytes_in_leaf(size_t payload)
{
	size_t most = OUTBOX_PAGE - 35, least = (OUTBOX_PAGE - 12) * 32 / 255 - 23, n;

	if (payload <= most)
		return payload;
	n = least + (payload - least) % (OUTBOX_PAGE - 4);
	return n <= most ? n : least;
}

static bool
follow(struct pages *g, uint32_t next, size_t missing, bool with_log)
{
	const uint8_t *p;
	size_t n;

	while (missing > 0) {
		p = page(g, next, with_log);
		if (p == NULL)
			return false;
		n = MIN(missing, OUTBOX_PAGE - 4);
		buf_add(&g->row, p + 4, n);
		missing -= n;
		next = be32(p);
	}
	return buf_ok(&g->row) == 0;
}

/* The size of a column by its type; -1: no alert has this type. */
static int64_t
size_of(uint64_t type)
{
	static const int sizes[] = { 0, 1, 2, 3, 4, 6, 8, -1, 0, 0 };

	if (type < ARRAY_SIZE(sizes))
		return sizes[type];
	return type >= 13 && type % 2 == 1 && type < ROW_MOST ? (int64_t) ((type - 13) / 2) : -1;
}

static uint64_t
number(const uint8_t *p, uint64_t type)
{
	int64_t v = type == 9;

	for (int64_t i = 0; type < 7 && i < size_of(type); i++)
		v = i == 0 ? (int8_t) p[0] : (int64_t) ((uint64_t) v << 8 | p[i]);
	return (uint64_t) v;
}

/* Decode a record as an alert; false: it is none, or incomplete. */
static bool
decode(const uint8_t *p, size_t n, uint64_t rowid, bool summed, struct outbox_record *ret)
{
	uint64_t head = 0, type[COLUMNS] = { 0 };
	const uint8_t *at[COLUMNS], *end = p + n, *value;
	size_t used = varint(p, end, &head), step, columns = summed ? COLUMNS : COLUMNS - 1;

	if (used == 0 || head > n)
		return false;
	value = p + head;
	for (size_t i = 0; i < columns; i++) {
		step = varint(p + used, p + head, &type[i]);
		if (step == 0 || size_of(type[i]) < 0 || size_of(type[i]) > end - value)
			return false;
		used += step;
		at[i] = value;
		value += size_of(type[i]);
	}
	if (used != head || value != end)
		return false;
#define TEXT(i)   ((struct slice){ (const char *) at[i], (size_t) size_of(type[i]) })
#define NUMBER(i) number(at[i], type[i])
	*ret = (struct outbox_record){ rowid, NUMBER(2), NUMBER(3), NUMBER(4), TEXT(1), TEXT(5),
		TEXT(6), TEXT(7), TEXT(8) };
	if (summed)
		return NUMBER(9) == outbox_record_sum(ret);
#undef TEXT
#undef NUMBER
	return outbox_record_plausible(ret);
}

/* Try to decode a row at p, in a page that ends at 'end'. */
static bool
try_row(struct pages *g, const uint8_t *p, const uint8_t *end)
{
	uint64_t payload = 0, rowid = 0;
	struct outbox_record rec;
	size_t here, n = varint(p, end, &payload), m;

	m = n == 0 ? 0 : varint(p + n, end, &rowid);
	p += n + m;
	/* A header's size, a NULL for the number, the text of an id: every alert begins so. */
	if (m == 0 || end - p < 4 || p[1] != 0 || p[2] < 13 || p[2] % 2 == 0 ||
	    !outbox_id_length_ok((p[2] - 13U) / 2) || payload > ROW_MOST || rowid == 0 ||
	    rowid > INT64_MAX)
		return false;
	here = bytes_in_leaf((size_t) payload);
	if (here > (size_t) (end - p))
		return false;
	if (here == payload) {
		if (!decode(p, here, rowid, g->summed, &rec))
			return false;
		g->r = g->fn(g->arg, &rec);
		return true;
	}
	if (here + 4 > (size_t) (end - p))
		return false;
	for (int with_log = 1; with_log >= 0; with_log--) {
		buf_clear(&g->row);
		buf_add(&g->row, p, here);
		if (!follow(g, be32(p + here), (size_t) payload - here, with_log))
			continue;
		if (!decode((const uint8_t *) g->row.p, g->row.n, rowid, g->summed, &rec))
			continue;
		g->r = g->fn(g->arg, &rec);
		return true;
	}
	return false;
}

/* Find rows through the page's cell table; false: not an intact leaf. */
static bool
by_table(struct pages *g, const uint8_t *p)
{
	unsigned n = be16(p + 3), at;

	if (p[0] != LEAF || 8 + 2 * n > OUTBOX_PAGE)
		return false;
	for (unsigned i = 0; i < n && g->r == 0; i++) {
		at = be16(p + 8 + (size_t) 2 * i);
		if (at < 8 + 2 * n || at >= OUTBOX_PAGE || !try_row(g, p + at, p + OUTBOX_PAGE))
			return false;
	}
	return true;
}

static void
search(struct pages *g, const uint8_t *p)
{
	if (by_table(g, p))
		return;
	for (unsigned at = 0; at < OUTBOX_PAGE - 8 && g->r == 0; at++)
		(void) try_row(g, p + at, p + OUTBOX_PAGE);
}

static int
map(const char *path, struct file *ret)
{
	struct stat sb;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *p;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &sb) < 0 || sb.st_size == 0) {
		(void) close(fd);
		return 0;
	}
	p = mmap(NULL, (size_t) sb.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	(void) close(fd);
	if (p == MAP_FAILED)
		return -errno;
	ret->p = p;
	ret->n = (size_t) sb.st_size;
	return 0;
}

static void
unmap(struct file *f)
{
	if (f->n > 0)
		(void) munmap(f->p, f->n);
}

/* Record each page's last frame in the log. */
static int
index_log(struct pages *g)
{
	uint32_t n;

	for (size_t i = 0; i < g->nframes; i++)
		g->nnewest = MAX(g->nnewest, (size_t) be32(frame(g, i)) + 1);
	g->nnewest = MIN(g->nnewest, g->npages + g->nframes + 1);
	g->newest = calloc(g->nnewest + 1, sizeof(*g->newest));
	if (g->newest == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < g->nframes; i++) {
		n = be32(frame(g, i));
		if (n < g->nnewest)
			g->newest[n] = (uint32_t) i + 1;
	}
	return 0;
}

int
outbox_pages_search(const char *db, const char *log, bool summed, outbox_found_fn fn, void *arg)
{
	struct pages g = { .row = BUF_INIT, .summed = summed, .fn = fn, .arg = arg };
	int r = map(db, &g.db);

	if (r == 0)
		r = map(log, &g.log);
	g.npages = g.db.n / OUTBOX_PAGE;
	g.nframes = g.log.n < WAL_HEADER ? 0 : (g.log.n - WAL_HEADER) / WAL_FRAME;
	if (r == 0)
		r = index_log(&g);
	for (size_t i = 0; r == 0 && i < g.npages; i++) {
		search(&g, g.db.p + i * OUTBOX_PAGE);
		r = g.r;
	}
	for (size_t i = 0; r == 0 && i < g.nframes; i++) {
		search(&g, frame(&g, i) + 24);
		r = g.r;
	}
	unmap(&g.db);
	unmap(&g.log);
	free(g.newest);
	buf_fini(&g.row);
	return r;
}
