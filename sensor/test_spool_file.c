/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire.h"
#include "sensor/spool_file.h"
#include "tests/support/test.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#define HELLO   "a Hello"
#define BEGIN   (24 + sizeof(HELLO) - 1)
#define RECORDS 3
#define SIZE    (sizeof(struct spool_rec) + 5) /* of a record: its request is five bytes long */

/* A file with RECORDS records, numbers from 7, events 10 each. */
static int
make(void)
{
	int fd = memfd_create("spool", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint64_t at;

	assert_true(fd >= 0);
	assert_int_equal(0, spool_file_begin(fd, slice_str(HELLO), &at));
	assert_int_equal(BEGIN, at);
	for (uint64_t i = 0; i < RECORDS; i++) {
		struct spool_rec rec = {
			.events = 10, .seq = 7 + i, .durable = 6, .closed.real_ns = 99
		};

		assert_int_equal(0, spool_file_append(fd, &at, &rec, slice_str("batch")));
		assert_int_equal(BEGIN + (i + 1) * SIZE, at);
	}
	return fd;
}

/* Read all: "7 8! 9 ." is a whole one, a damaged one, a whole one, the end; "?" ends it too early.
 */
static void
read_all(int fd, char *out, size_t size)
{
	CLEANUP(buf_fini) struct buf hello = BUF_INIT, msg = BUF_INIT;
	struct spool_rec rec;
	uint64_t at = 0;
	size_t n = 0;
	int r = spool_file_open(fd, &hello, &at);

	if (r < 0) {
		(void) snprintf(out, size, "%s", r == -EPROTONOSUPPORT ? "version" : "head");
		assert_true(r == -EPROTONOSUPPORT || r == -EBADMSG);
		return;
	}
	assert_true(slice_eq(buf_get(&hello), slice_str(HELLO)));
	while ((r = spool_file_next(fd, &at, &rec, &msg)) == 1 || r == -EILSEQ) {
		n +=
		    (size_t) snprintf(out + n, size - n, "%d%s ", (int) rec.seq, r == 1 ? "" : "!");
		assert_int_equal(10, rec.events);
		assert_int_equal(6, rec.durable);
		assert_int_equal(99, rec.closed.real_ns);
		if (r == 1)
			assert_true(slice_eq(buf_get(&msg), slice_str("batch")));
	}
	assert_true(r == 0 || r == -EBADMSG);
	(void) snprintf(out + n, size - n, "%s", r == 0 ? "." : "?");
}

static const struct {
	const char *what;
	unsigned at;   /* this byte ... */
	unsigned flip; /* ... is changed by these bits */
	unsigned size; /* and the file has this size; 0: as it is */
	const char *want;
} damage_cases[] = {
	{ "nothing", 0, 0, 0, "7 8 9 ." },
	{ "an empty file", 0, 0, 1, "head" },
	{ "no magic", 0, 1, 0, "head" },
	{ "a newer version", 7, 1, 0, "version" },
	{ "an older version, before 1", 7, 2, 0, "version" },
	{ "the Hello's size", 8, 1, 0, "head" },
	{ "the Hello's size is impossible", 15, 0x80, 0, "head" },
	{ "the Hello", 25, 1, 0, "head" },
	{ "no whole Hello", 0, 0, BEGIN - 1, "head" },
	{ "no records", 0, 0, BEGIN, "." },
	{ "a request", BEGIN + SIZE - 1, 4, 0, "7! 8 9 ." },
	{ "the last request", BEGIN + 3 * SIZE - 1, 4, 0, "7 8 9! ." },
	{ "a record's size", BEGIN + SIZE, 1, 0, "7 ?" },
	{ "a record's number", BEGIN + SIZE + 8, 1, 0, "7 ?" },
	{ "a request's sum", BEGIN + SIZE + 32, 1, 0, "7 ?" },
	{ "a record's sum", BEGIN + SIZE + 40, 1, 0, "7 ?" },
	{ "torn in the first record's head", 0, 0, BEGIN + 1, "?" },
	{ "torn in the last request", 0, 0, BEGIN + 3 * SIZE - 1, "7 8 ?" },
	{ "torn in the last head", 0, 0, BEGIN + 2 * SIZE + 7, "7 8 ?" },
	{ "cut between records", 0, 0, BEGIN + 2 * SIZE, "7 8 ." },
	{ "zeros behind it", 0, 0, BEGIN + 5 * SIZE, "7 8 9 ?" },
};

static void
test_damage(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(damage_cases); i++) {
		char got[64];
		int fd = make();
		char b;

		assert_int_equal(1, pread(fd, &b, 1, damage_cases[i].at));
		b = (char) (b ^ (int) damage_cases[i].flip);
		assert_int_equal(1, pwrite(fd, &b, 1, damage_cases[i].at));
		if (damage_cases[i].size != 0)
			assert_int_equal(0, ftruncate(fd, damage_cases[i].size));
		read_all(fd, got, sizeof(got));
		if (strcmp(got, damage_cases[i].want) != 0)
			fail_msg(
			    "%s: read %s, not %s", damage_cases[i].what, got, damage_cases[i].want);
		(void) close(fd);
	}
}

/* A file of version 1: its records tell only by the wall clock when a batch was closed. */
static void
test_version_1(void **state)
{
	struct {
		uint32_t n, events;
		uint64_t seq, durable, real_ns, sum, check;
	} rec = { .n = 5, .events = 10, .durable = 6, .real_ns = 99 };
	char got[64];
	int fd = make();
	uint64_t at = BEGIN;

	(void) state;
	assert_int_equal(1, pwrite(fd, "1", 1, 7));
	assert_int_equal(0, ftruncate(fd, BEGIN));
	rec.sum = XXH3_64bits("batch", 5);
	for (rec.seq = 7; rec.seq < 10; rec.seq++) {
		rec.check = XXH3_64bits(&rec, offsetof(typeof(rec), check));
		assert_int_equal(sizeof(rec), pwrite(fd, &rec, sizeof(rec), (off_t) at));
		assert_int_equal(5, pwrite(fd, "batch", 5, (off_t) (at + sizeof(rec))));
		at += sizeof(rec) + 5;
	}
	read_all(fd, got, sizeof(got));
	assert_string_equal("7 8 9 .", got);
	assert_int_equal(0, ftruncate(fd, (off_t) at - 1));
	read_all(fd, got, sizeof(got));
	assert_string_equal("7 8 ?", got);
	(void) close(fd);
}

/* Whichever bit of the file is wrong: no wrong request is taken for a whole one, which read_all()
 * checks, and not all of them are whole. */
static void
test_each_bit(void **state)
{
	char got[64];
	int fd = make();

	(void) state;
	for (unsigned bit = 0; bit < (BEGIN + RECORDS * SIZE) * 8; bit++) {
		char b, bad;

		assert_int_equal(1, pread(fd, &b, 1, bit / 8));
		bad = (char) (b ^ (1 << bit % 8));
		assert_int_equal(1, pwrite(fd, &bad, 1, bit / 8));
		read_all(fd, got, sizeof(got));
		assert_string_not_equal("7 8 9 .", got);
		assert_int_equal(1, pwrite(fd, &b, 1, bit / 8));
	}
	read_all(fd, got, sizeof(got));
	assert_string_equal("7 8 9 .", got);
	(void) close(fd);
}

/* A record that does not fit leaves nothing behind. */
static void
test_full(void **state)
{
	struct spool_rec rec = { .events = 10, .seq = 10, .durable = 6, .closed.real_ns = 99 };
	char got[64];
	int fd = make();
	uint64_t at = BEGIN + RECORDS * SIZE;

	(void) state;
	assert_int_equal(0, fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	assert_int_equal(-EPERM, spool_file_append(fd, &at, &rec, slice_str("batch")));
	assert_int_equal(BEGIN + RECORDS * SIZE, at);
	read_all(fd, got, sizeof(got));
	assert_string_equal("7 8 9 .", got);
	(void) close(fd);
}

static void
test_end_mark(void **state)
{
	struct spool_rec rec = { .closed.real_ns = 1 };
	int fd = make();
	uint64_t at = BEGIN + RECORDS * SIZE, from = at;

	(void) state;
	assert_int_equal(0, spool_file_append(fd, &at, &rec, (struct slice){ NULL, 0 }));
	rec.n = 1;
	assert_int_equal(1, spool_file_next(fd, &from, &rec, NULL));
	assert_int_equal(0, rec.n);
	assert_int_equal(at, from);
	assert_int_equal(0, spool_file_next(fd, &from, &rec, NULL));
	(void) close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_each_bit),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_end_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
