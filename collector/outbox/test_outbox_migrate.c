/* SPDX-License-Identifier: Apache-2.0 */
/* test_outbox_migrate.c - migrate a file of schema 1 in place. */
#include "collector/outbox/outbox.h"
#include "tests/support/outbox_kit.h"
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALERTS 1500

/* As collectors of schema 1 created it. */
static const char schema_1[] =
    "PRAGMA journal_mode=WAL; BEGIN;"
    "CREATE TABLE alert(n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " added INTEGER NOT NULL, time INTEGER NOT NULL, priority INTEGER NOT NULL,"
    " rule TEXT NOT NULL, cluster TEXT NOT NULL, node TEXT NOT NULL, json TEXT NOT NULL);"
    "CREATE INDEX alert_time ON alert(time);"
    "CREATE TABLE stream(cluster TEXT NOT NULL, node TEXT NOT NULL, boot TEXT NOT NULL,"
    " sensor_start INTEGER NOT NULL, seq INTEGER NOT NULL, updated INTEGER NOT NULL,"
    " PRIMARY KEY(cluster, node, boot, sensor_start)) WITHOUT ROWID;"
    "CREATE TABLE place(output TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE aside(output TEXT NOT NULL, n INTEGER NOT NULL, why TEXT NOT NULL,"
    " at INTEGER NOT NULL, PRIMARY KEY(output, n)) WITHOUT ROWID;"
    "PRAGMA application_id=0x6d657773; PRAGMA user_version=1;"
    /* numbers with gaps, as duplicates left them */
    "INSERT INTO alert SELECT 2 * value, printf('%032x', 2 * value),"
    " unixepoch() * 1000, value, 4, 'r', 'prod', 'web-1',"
    " printf('{\"output\":\"%.*c\",\"uuid\":\"%032x\"}', 900, 'x', 2 * value)"
    " FROM (WITH RECURSIVE c(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM c"
    " WHERE value < 1500) SELECT value FROM c);"
    "INSERT INTO stream VALUES('prod', 'web-1', 'b00t', 77, 4711, unixepoch() * 1000);"
    "INSERT INTO place VALUES('kafka', 1000);"
    "INSERT INTO aside VALUES('kafka', 900, 'too large', 1);";

static void
make_old(const char *more)
{
	sqlite3 *db = NULL;

	assert_int_equal(SQLITE_OK, sqlite3_open(kit_path, &db));
	assert_int_equal(SQLITE_OK, sqlite3_exec(db, schema_1, NULL, NULL, NULL));
	assert_int_equal(SQLITE_OK, sqlite3_exec(db, more, NULL, NULL, NULL));
	assert_int_equal(SQLITE_OK, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
}

static uint64_t
number(const char *sql)
{
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;
	uint64_t n;

	assert_int_equal(SQLITE_OK, sqlite3_open(kit_path, &db));
	assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(db, sql, -1, &st, NULL));
	assert_int_equal(SQLITE_ROW, sqlite3_step(st));
	n = (uint64_t) sqlite3_column_int64(st, 0);
	assert_int_equal(SQLITE_OK, sqlite3_finalize(st));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
	return n;
}

static bool
count(void *arg, const struct outbox_row *row)
{
	unsigned *n = arg;

	if (strcmp(row->alert.rule, "r") == 0) {
		assert_int_equal(row->rowid, strtoul(row->alert.id, NULL, 16));
		++*n;
	}
	return true;
}

static unsigned
rows(struct outbox *o)
{
	unsigned n = 0;

	assert_true(outbox_read(o, 0, 2 * ALERTS, count, &n) >= 0);
	return n;
}

/* Everything is kept: alerts with their numbers, progress, cursors, alerts set aside. */
static void
all_of_it_goes_on(struct outbox *o)
{
	uint64_t place = 0;

	assert_int_equal(ALERTS, rows(o));
	assert_int_equal(0, stats(o).damaged);
	assert_int_equal(0, stats(o).lost);
	assert_int_equal(2 * ALERTS, stats(o).last_rowid);
	assert_int_equal(1, stats(o).set_aside);
	assert_int_equal(4711, seq_of(o, &node1));
	assert_int_equal(0, outbox_cursor(o, "kafka", &place, NULL));
	assert_int_equal(1000, place);
}

static void
a_file_of_schema_1_is_migrated(void **state)
{
	struct outbox *o;
	struct stat before, after;

	(void) state;
	make_old("");
	assert_int_equal(0, stat(kit_path, &before));
	o = open_it(0, 1);
	all_of_it_goes_on(o);
	outbox_close(o);
	assert_int_equal(0, stat(kit_path, &after));
	assert_int_equal(before.st_ino, after.st_ino); /* in place */
	assert_int_equal(2, number("PRAGMA user_version"));
	assert_int_equal(0, number("SELECT count(*) FROM alert WHERE sum IS NULL"));
	o = open_it(0, 1);
	all_of_it_goes_on(o);
	outbox_close(o);
}

/* Interrupted: some rows have checksums, the file still says 1. A collector of schema 1 may have
 * used it since; then the next migration starts again. */
static void
half_a_migration_goes_on(void **state)
{
	struct outbox *o;

	(void) state;
	make_old(
	    "ALTER TABLE alert ADD COLUMN sum INTEGER; UPDATE alert SET sum = 1 WHERE n < 99;");
	o = open_it(0, 1);
	all_of_it_goes_on(o);
	outbox_close(o);
}

/* Damaged before its migration: without checksums, rows are recognized by an alert's shape and
 * id. */
static void
a_damaged_file_of_schema_1_is_salvaged(void **state)
{
	struct outbox *o;
	unsigned n;
	int fd;

	(void) state;
	make_old("");
	fd = open(kit_path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(1, pwrite(fd, "\x77", 1, 4096 * 100));
	assert_int_equal(4, pwrite(fd, "\xff\xff\xff\xff", 4, 4096 * 200 + 3));
	assert_int_equal(0, close(fd));
	o = open_it(0, 1);
	n = rows(o);
	assert_true(n >= ALERTS - 8);
	assert_int_equal(ALERTS - n, stats(o).lost);
	assert_int_equal(2 * ALERTS + 1, stats(o).last_rowid);
	assert_int_equal(4711, seq_of(o, &node1));
	outbox_close(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_file_of_schema_1_is_migrated, kit_setup),
		cmocka_unit_test_setup(half_a_migration_goes_on, kit_setup),
		cmocka_unit_test_setup(a_damaged_file_of_schema_1_is_salvaged, kit_setup),
	};

	return cmocka_run_group_tests(tests, kit_begin, kit_end);
}
