/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_bolt.c - a database as podman writes it, and one that is damaged. */
#include "sensor/container_bolt.h"
#include "tests/support/test.h"
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE  1024u
#define PAGES 9u

static char image[PAGES * PAGE];

static void
put(size_t at, uint64_t v, size_t n)
{
	v = htole64(v);
	memcpy(image + at, &v, n);
}

enum { BRANCH = 1, LEAF = 2, META = 4 };

static size_t
page(uint64_t id, unsigned flags, unsigned count, unsigned overflow)
{
	size_t at = id * PAGE;

	put(at, id, 8);
	put(at + 8, flags, 2);
	put(at + 10, count, 2);
	put(at + 12, overflow, 4);
	return at + 16;
}

static void
meta(uint64_t id, uint64_t txid, uint64_t root)
{
	size_t at = page(id, META, 0, 0);

	put(at, 0xed0cdaed, 4);
	put(at + 4, 2, 4);
	put(at + 8, PAGE, 4);
	put(at + 16, root, 8);
	put(at + 48, txid, 8);
}

/* Element i of a page whose elements begin at 'at'; its key and value are put at 'text'. */
static size_t
leaf(size_t at, unsigned i, bool bucket, const char *key, const void *value, size_t n, size_t text)
{
	size_t e = at + i * 16;

	put(e, bucket, 4);
	put(e + 4, text - e, 4);
	put(e + 8, strlen(key), 4);
	put(e + 12, n, 4);
	memcpy(image + text, key, strlen(key));
	memcpy(image + text + strlen(key), value, n);
	return text + strlen(key) + n;
}

static void
branch(size_t at, unsigned i, const char *key, uint64_t below, size_t text)
{
	size_t e = at + i * 16;

	put(e, text - e, 4);
	put(e + 4, strlen(key), 4);
	put(e + 8, below, 8);
	memcpy(image + text, key, strlen(key));
}

/* A bucket of its own page; one within its element. */
static void
build(void)
{
	char bucket[16] = { 0 }, small[128] = { 0 }, big[2 * PAGE - 100];
	size_t at;

	memset(image, 0, sizeof(image));
	meta(0, 7, 8); /* the older one */
	meta(1, 8, 2);
	at = page(2, LEAF, 2, 0);
	memset(bucket, 0, sizeof(bucket));
	bucket[0] = 3;
	at = leaf(at, 1, true, "ctr", bucket, 16, leaf(at, 0, true, "all", bucket, 16, at + 64));
	at = page(3, BRANCH, 2, 0);
	branch(at, 0, "aa", 4, at + 64);
	branch(at, 1, "cc", 5, at + 80);
	/* "bb" is a bucket in its element: 16 bytes, then a page */
	at = page(0, LEAF, 1, 0); /* made here, moved there: over the older meta page */
	(void) leaf(at, 0, false, "config", "{1}", 3, at + 16);
	memcpy(small + 16, image, 64);
	meta(0, 7, 8);
	at = page(4, LEAF, 2, 0);
	(void) leaf(at, 1, true, "bb", small, 80, leaf(at, 0, false, "aa", "x", 1, at + 64));
	bucket[0] = 6;
	at = page(5, LEAF, 1, 0);
	(void) leaf(at, 0, true, "cc", bucket, 16, at + 64);
	/* a value that is larger than its page */
	memset(big, 'v', sizeof(big));
	at = page(6, LEAF, 1, 1);
	(void) leaf(at, 0, false, "config", big, sizeof(big), at + 16);
}

static int
get(const char *container, const char *key, struct buf *value)
{
	const struct slice keys[] = { SLICE("ctr"), slice_str(container), slice_str(key) };
	FILE *f = tmpfile();
	int r;

	assert_non_null(f);
	assert_int_equal(1, fwrite(image, sizeof(image), 1, f));
	assert_int_equal(0, fflush(f));
	r = bolt_get(fileno(f), keys, key[0] == '\0' ? 2 : 3, value);
	(void) fclose(f);
	return r;
}

static const struct {
	const char *container, *key;
	int result;
	size_t n; /* bytes of the value */
} rows[] = {
	{ "bb", "config", 0, 3 },
	{ "cc", "config", 0, 2 * PAGE - 100 },
	{ "aa", "", 0, 1 },
	{ "aa", "config", -ENOENT, 0 }, /* a value, no bucket */
	{ "bb", "", -ENOENT, 0 },       /* a bucket, no value */
	{ "bb", "state", -ENOENT, 0 },
	{ "dd", "config", -ENOENT, 0 },
	{ "0", "config", -ENOENT, 0 },
};

static void
t_get(void **state)
{
	(void) state;
	build();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(buf_fini) struct buf value = BUF_INIT;
		int r = get(rows[i].container, rows[i].key, &value);

		if (r != rows[i].result || value.n != rows[i].n)
			fail_msg("row %zu: %d, %zu bytes", i, r, value.n);
	}
}

/* Whatever a byte becomes: an end, within the file. */
static void
t_damaged(void **state)
{
	static const unsigned char bytes[] = { 0x00, 0x01, 0x02, 0x7f, 0xff };

	(void) state;
	for (size_t at = 0; at < 7 * PAGE; at += at % PAGE < 160 ? 1 : 97) {
		for (size_t k = 0; k < ARRAY_SIZE(bytes); k++) {
			CLEANUP(buf_fini) struct buf value = BUF_INIT;

			build();
			image[at] = (char) bytes[k];
			for (size_t i = 0; i < 2; i++) {
				int r = get(rows[i].container, rows[i].key, &value);

				assert_true(r == 0 || r == -ENOENT || r == -EBADMSG);
			}
		}
	}
	memset(image, 0, sizeof(image));
	{
		CLEANUP(buf_fini) struct buf value = BUF_INIT;

		assert_int_equal(-EBADMSG, get("bb", "config", &value));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(t_get), cmocka_unit_test(t_damaged) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
