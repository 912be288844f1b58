/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_sqlite.c - databases with podman 5's tables, written by SQLite itself; damaged
 * ones. */
#include "sensor/container_sqlite.h"
#include "tests/support/put_file.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROWS 80

/* As podman 5 makes them; the other tables are left out. Its JSON is bytes in a column of text. */
static const char tables[] =
    "CREATE TABLE IDNamespace(ID TEXT PRIMARY KEY NOT NULL);"
    "CREATE TABLE ContainerConfig(ID TEXT PRIMARY KEY NOT NULL, Name TEXT UNIQUE NOT NULL,"
    " PodID TEXT, JSON TEXT NOT NULL, FOREIGN KEY (ID) REFERENCES IDNamespace(ID)"
    " DEFERRABLE INITIALLY DEFERRED);"
    "CREATE TABLE ContainerState(ID TEXT PRIMARY KEY NOT NULL, State INTEGER NOT NULL,"
    " ExitCode INTEGER, JSON TEXT NOT NULL, CHECK (ExitCode BETWEEN -1 AND 255));"
    "CREATE VIEW Hostile AS SELECT ID, JSON FROM ContainerConfig;";

static char path[256];

static void
run(sqlite3 *db, const char *sql)
{
	char *error = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
}

/* Sizes of the JSON: in its leaf, just too long for it, over many pages, too long to be read. */
static int
size_of(int i)
{
	static const int sizes[] = { 2, 300, 900, 4000, 4061, 4062, 9000, 100000 };

	return i == ROWS - 1 ? (int) SQLITE_VALUE_MAX + 1 : sizes[i % (int) ARRAY_SIZE(sizes)];
}

static void
put_row(sqlite3 *db, int i)
{
	char *json = malloc((size_t) size_of(i) + 1), *sql;

	assert_non_null(json);
	memset(json, 'a' + i % 26, (size_t) size_of(i));
	json[size_of(i)] = '\0';
	sql = sqlite3_mprintf(
	    "INSERT INTO IDNamespace VALUES('%064x');"
	    "INSERT INTO ContainerConfig VALUES('%064x', 'name %d', %Q, CAST(%Q AS BLOB));"
	    "INSERT INTO ContainerState VALUES('%064x', %d, %d, '{}');",
	    i, i, i, i % 2 == 0 ? NULL : "pod", json, i, i, i % 3);
	assert_non_null(sql);
	run(db, sql);
	sqlite3_free(sql);
	free(json);
}

static void
build(unsigned page_size, int rows)
{
	char sql[64];
	sqlite3 *db = NULL;

	(void) snprintf(path, sizeof(path), "%s/db.sql", tmpdir);
	(void) unlink(path);
	assert_int_equal(SQLITE_OK, sqlite3_open(path, &db));
	(void) snprintf(sql, sizeof(sql), "PRAGMA page_size = %u; BEGIN", page_size);
	run(db, sql);
	run(db, tables);
	for (int i = 0; i < rows; i++)
		put_row(db, i);
	run(db, "DELETE FROM ContainerConfig WHERE Name = 'name 9'; COMMIT");
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
}

static int
get(const char *query, const char *key, struct buf *value)
{
	int fd = open(path, O_RDONLY), r;

	assert_true(fd >= 0);
	r = sqlite_text(fd, query, slice_str(key), value);
	(void) close(fd);
	return r;
}

static int
get_row(int row, struct buf *value)
{
	char key[65];

	(void) snprintf(key, sizeof(key), "%064x", (unsigned) row);
	return get("SELECT JSON FROM ContainerConfig WHERE ID = ?1", key, value);
}

static void
t_get(void **state)
{
	static const unsigned page_sizes[] = { 1024, 4096, 65536 };

	(void) state;
	for (size_t p = 0; p < ARRAY_SIZE(page_sizes); p++) {
		build(page_sizes[p], ROWS);
		for (int i = 0; i < ROWS + 1; i++) {
			CLEANUP(buf_fini) struct buf value = BUF_INIT;
			int r = get_row(i, &value);
			bool none = i == 9 || i >= ROWS - 1;

			if ((none ? r >= 0 : r != 0) ||
			    (!none && (value.n != (size_t) size_of(i) ||
					  value.p[value.n - 1] != 'a' + i % 26)))
				fail_msg("%u, row %d: %d, %zu bytes", page_sizes[p], i, r, value.n);
		}
	}
}

static const struct {
	const char *query, *key;
	int result;
} rows[] = {
#define ZEROS "00000000000000000000000000000000000000000000000000000000000000"
	{ "SELECT Name FROM ContainerConfig WHERE ID = ?1", ZEROS "01", 0 },
	{ "SELECT PodID FROM ContainerConfig WHERE ID = ?1", ZEROS "01", 0 },
	{ "SELECT PodID FROM ContainerConfig WHERE ID = ?1", ZEROS "02", -ENOENT }, /* NULL */
	{ "SELECT JSON FROM ContainerConfig WHERE ID = ?1", ZEROS "01", 0 },
	{ "SELECT State FROM ContainerState WHERE ID = ?1", ZEROS "05", -ENOENT }, /* a number */
	{ "SELECT JSON FROM ContainerState WHERE ID = ?1", ZEROS "05", 0 },        /* text */
	{ "SELECT JSON FROM ContainerConfig WHERE ID = ?1", "", -ENOENT },
	{ "SELECT JSON FROM None WHERE ID = ?1", ZEROS "01", -EBADMSG },
	{ "SELECT JSON FROM Hostile WHERE ID = ?1", ZEROS "01", -EBADMSG }, /* a view */
	{ "WITH RECURSIVE r(n) AS (VALUES(1) UNION ALL SELECT n + 1 FROM r) "
	  "SELECT max(n) FROM r WHERE ?1 <> ''",
	    ZEROS "01", -EBADMSG }, /* without end */
};

static void
t_rows(void **state)
{
	(void) state;
	build(4096, 20);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(buf_fini) struct buf value = BUF_INIT;
		int r = get(rows[i].query, rows[i].key, &value);

		if (r != rows[i].result || (r == 0) != (value.n > 0))
			fail_msg("row %zu: %d", i, r);
	}
}

/* Whatever a byte becomes: an end, within the file. */
static void
t_damaged(void **state)
{
	static const unsigned char bytes[] = { 0x00, 0x05, 0xff };
	CLEANUP(buf_fini) struct buf none = BUF_INIT;
	char was;
	int fd;
	off_t size;

	(void) state;
	build(1024, 12);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	size = lseek(fd, 0, SEEK_END);
	for (off_t at = 0; at < size; at += at < 100 ? 1 : 61) {
		assert_int_equal(1, pread(fd, &was, 1, at));
		for (size_t k = 0; k < ARRAY_SIZE(bytes); k++) {
			CLEANUP(buf_fini) struct buf value = BUF_INIT;
			int r;

			assert_int_equal(1, pwrite(fd, &bytes[k], 1, at));
			r = get_row((int) (at % 12), &value);
			assert_true(r == 0 || r == -ENOENT || r == -EBADMSG);
			assert_true(value.n <= SQLITE_VALUE_MAX);
		}
		assert_int_equal(1, pwrite(fd, &was, 1, at));
	}
	for (off_t n = 0; n < 3000; n += 61) {
		build(1024, 2);
		assert_int_equal(0, truncate(path, n));
		assert_true(get_row(1, &none) < 0);
	}
	assert_int_equal(0, none.n);
	(void) close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_get),
		cmocka_unit_test(t_rows),
		cmocka_unit_test(t_damaged),
	};

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
