/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/container_bolt.h"
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define MAGIC       0xed0cdaedu
#define FORMAT      2u
#define PAGE_MIN    1024u
#define PAGE_MAX    65536u
#define PAGE_HEAD   16u /* id, flags, count, overflow */
#define ELEMENT     16u /* of a leaf and of a branch */
#define BUCKET_HEAD 16u /* root page, sequence */
#define READS_MAX   64u /* pages of one look-up */
#define LEAF_BUCKET 1u  /* the value of this element is a bucket */
#define BRANCH_FLAG 1u
#define LEAF_FLAG   2u

struct bolt {
	int fd;
	unsigned reads;
	uint32_t page_size;
	struct buf page; /* the last one read, with its overflow */
};

static uint32_t
u32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static uint64_t
u64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static uint16_t
u16(const char *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static int
read_at(struct bolt *b, uint64_t at, size_t n)
{
	buf_clear(&b->page);
	if (at > INT64_MAX - n || b->reads++ >= READS_MAX)
		return -EBADMSG;
	if (buf_reserve(&b->page, n) < 0)
		return -ENOMEM;
	if (pread(b->fd, b->page.p, n, (off_t) at) != (ssize_t) n)
		return -EBADMSG;
	b->page.n = n;
	return 0;
}

static int
read_page(struct bolt *b, uint64_t id, struct slice *ret)
{
	uint64_t size;
	int r = id > UINT32_MAX ? -EBADMSG : read_at(b, id * b->page_size, PAGE_HEAD);

	if (r < 0)
		return r;
	size = (u32(b->page.p + 12) + (uint64_t) 1) * b->page_size;
	if (u64(b->page.p) != id || size > BOLT_VALUE_MAX + PAGE_MAX)
		return -EBADMSG;
	r = read_at(b, id * b->page_size, size);
	*ret = buf_get(&b->page);
	return r;
}

/* The newer of the two pages that say where all begins. The other one may be half written. */
static int
find_root(struct bolt *b, uint64_t *root)
{
	uint64_t newest = 0;

	b->page_size = PAGE_MIN;
	for (uint64_t at = 0; b->page_size <= PAGE_MAX;) {
		const char *m;

		if (read_at(b, at, PAGE_HEAD + 64) < 0)
			break;
		m = b->page.p + PAGE_HEAD;
		if (u32(m) == MAGIC && u32(m + 4) == FORMAT && u32(m + 8) >= PAGE_MIN &&
		    u32(m + 8) <= PAGE_MAX && u64(m + 48) + 1 > newest) {
			newest = u64(m + 48) + 1;
			*root = u64(m + 16);
			b->page_size = u32(m + 8);
		}
		if (at != 0 || newest == 0)
			break;
		at = b->page_size;
	}
	return newest == 0 ? -EBADMSG : 0;
}

/* Element i of a page: where its key is, and how long. False: beyond the page. */
static bool
element(struct slice page, unsigned i, bool branch, struct slice *key, struct slice *value)
{
	size_t at = PAGE_HEAD + (size_t) i * ELEMENT;
	const char *e = page.p + at;
	uint64_t pos, ksize, vsize;

	if (at + ELEMENT > page.n)
		return false;
	pos = at + u32(branch ? e : e + 4);
	ksize = u32(branch ? e + 4 : e + 8);
	vsize = branch ? 0 : u32(e + 12);
	if (pos + ksize + vsize > page.n)
		return false;
	*key = (struct slice){ page.p + pos, ksize };
	*value = branch ? (struct slice){ e + 8, 8 } : (struct slice){ key->p + ksize, vsize };
	return true;
}

static int
compare(struct slice a, struct slice b)
{
	int r = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return r != 0 ? r : a.n < b.n ? -1 : a.n > b.n;
}

/* Look in a page: 1 and a leaf's value, or 0 and the page below. */
static int
look(struct slice page, struct slice key, bool *bucket, struct slice *value, uint64_t *below)
{
	unsigned flags = u16(page.p + 8), n = u16(page.p + 10);
	bool branch = (flags & BRANCH_FLAG) != 0;
	struct slice k, v;
	int found = -ENOENT;

	if (!branch && (flags & LEAF_FLAG) == 0)
		return -EBADMSG;
	for (unsigned i = 0; i < n; i++) {
		if (!element(page, i, branch, &k, &v))
			return -EBADMSG;
		if (branch && (i == 0 || compare(k, key) <= 0)) { /* it begins with this key */
			*below = u64(v.p);
			found = 0;
		} else if (!branch && k.n == key.n && memcmp(k.p, key.p, k.n) == 0) {
			*bucket =
			    (u32(page.p + PAGE_HEAD + (size_t) i * ELEMENT) & LEAF_BUCKET) != 0;
			*value = v;
			return 1;
		}
	}
	return found;
}

/* The value of a key in the tree below a page. It is valid until the next page is read. */
static int
get(struct bolt *b, uint64_t root, struct slice key, bool *bucket, struct slice *value)
{
	struct slice page;
	int r = 0;

	while (r == 0) {
		r = read_page(b, root, &page);
		if (r == 0)
			r = look(page, key, bucket, value, &root);
	}
	return r < 0 ? r : 0;
}

/* Where a look-up is: a value, or a bucket, which has a page of its own or is in its element. */
struct place {
	struct slice value;
	bool bucket;
	uint64_t root; /* of a bucket; 0: in its element */
};

static int
go_down(struct bolt *b, struct place *at, struct slice key)
{
	struct slice page = { at->value.p + BUCKET_HEAD, at->value.n - BUCKET_HEAD };
	uint64_t unused;
	int r;

	if (!at->bucket)
		return -ENOENT;
	if (at->root != 0) {
		r = get(b, at->root, key, &at->bucket, &at->value);
	} else if (page.n < PAGE_HEAD) {
		r = -EBADMSG;
	} else {
		r = look(page, key, &at->bucket, &at->value, &unused);
		r = r == 1 ? 0 : r == 0 ? -EBADMSG : r; /* it has no pages below */
	}
	if (r < 0 || !at->bucket)
		return r;
	if (at->value.n < BUCKET_HEAD)
		return -EBADMSG;
	at->root = u64(at->value.p);
	return 0;
}

int
bolt_get(int fd, const struct slice *keys, size_t n, struct buf *value)
{
	static const char nothing[BUCKET_HEAD];
	struct bolt b = { .fd = fd, .page = BUF_INIT };
	struct place at = { { nothing, sizeof(nothing) }, true, 0 };
	int r = find_root(&b, &at.root);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = go_down(&b, &at, keys[i]);
	if (r == 0 && (at.bucket || at.value.n > BOLT_VALUE_MAX))
		r = -ENOENT;
	if (r == 0) {
		buf_slice(value, at.value);
		r = buf_ok(value);
	}
	buf_fini(&b.page);
	return r;
}
