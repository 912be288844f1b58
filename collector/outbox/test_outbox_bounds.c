/* SPDX-License-Identifier: Apache-2.0 */
/* test_outbox_bounds.c - all files together stay small, for any writer and any reader. */
#include "collector/outbox/outbox.h"
#include "tests/support/outbox_kit.h"
#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_BYTES (8ULL << 20)
#define LOG_MOST  (30ULL << 20)

/* A thread measures the sizes of all files continuously. */
static _Atomic bool looking;
static _Atomic uint64_t largest, largest_log;

static uint64_t
size_of(const char *suffix)
{
	char path[128];
	struct stat sb;

	(void) snprintf(path, sizeof(path), "%s%s", kit_path, suffix);
	return stat(path, &sb) == 0 ? (uint64_t) sb.st_size : 0;
}

static void *
look(void *arg)
{
	(void) arg;
	while (looking) {
		uint64_t log = size_of("-wal"),
			 all = log + size_of("") + size_of("-shm") + size_of("-high");

		largest = MAX(largest, all);
		largest_log = MAX(largest_log, log);
		(void) usleep(200);
	}
	return NULL;
}

static pthread_t
look_begin(void)
{
	pthread_t t;

	largest = largest_log = 0;
	looking = true;
	assert_int_equal(0, pthread_create(&t, NULL, look, NULL));
	return t;
}

static void
look_end(pthread_t t)
{
	looking = false;
	assert_int_equal(0, pthread_join(t, NULL));
}

/* Like make(), with an id anywhere in the index. */
static struct alert *
make_mixed(unsigned id, size_t len)
{
	struct alert *a = make(id, "r", "n", PRIO_ERROR, len);
	uint64_t mixed = (id + 1) * 0x9e3779b97f4a7c15ULL;

	(void) snprintf(a->id, sizeof(a->id), "%016lx%016lx", mixed, ~mixed);
	return a;
}

/* Put batches of alerts, each when the previous one is done. */
static void
put_batches(struct outbox *o, unsigned batches, unsigned per, size_t len)
{
	static unsigned id;
	static uint64_t seq;

	for (unsigned i = 0; i < batches; i++) {
		struct alert *list = NULL, **tail = &list;

		for (unsigned k = 0; k < per; k++) {
			*tail = make_mixed(id++, len);
			tail = &(*tail)->next;
		}
		assert_int_equal(0, put(o, &node1, ++seq, list));
	}
}

static const struct {
	const char *what;
	unsigned batches, per;
	size_t len;
} loads[] = {
	{ "many small ones", 100, 400, 300 },
	{ "one by one", 1000, 1, 1000 },
	{ "large ones", 40, 20, 100000 },
	{ "one batch that is larger than the bound", 1, 20000, 1000 },
	{ "pages of their own", 20, 1000, 4200 },
};

/* The file, the log and its index never exceed their bound, and the reported size is the real
 * one. */
static void
files_stay_within_their_bound(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		struct outbox *o;
		pthread_t t;

		(void) kit_setup(NULL);
		o = open_it(MAX_BYTES, 0);
		t = look_begin();
		put_batches(o, loads[i].batches, loads[i].per, loads[i].len);
		look_end(t);
		if (largest > MAX_BYTES + KIT_BEYOND)
			fail_msg("%s: %lu bytes", loads[i].what, (unsigned long) largest);
		assert_int_equal(stats(o).bytes,
		    size_of("") + size_of("-wal") + size_of("-shm") + size_of("-high"));
		outbox_close(o);
	}
}

/* The log restarts again and again: 60 MB of alerts leave at most half of that. */
static void
the_log_begins_anew(void **state)
{
	struct outbox *o = open_it(0, 0);
	pthread_t t = look_begin();

	(void) state;
	put_batches(o, 150, 400, 1000);
	look_end(t);
	assert_true(largest > 60 << 20);
	assert_true(largest_log < LOG_MOST);
	assert_int_equal(0, stats(o).errors);
	outbox_close(o);
}

/* A slow caller holds no snapshot: the log restarts meanwhile. */
struct slow {
	struct outbox *o;
	unsigned rows;
};

static bool
slow_row(void *arg, const struct outbox_row *row)
{
	struct slow *s = arg;

	assert_int_equal(++s->rows, row->rowid);
	if (s->rows == 100)
		put_batches(s->o, 150, 400, 1000);
	return s->rows < 1000;
}

static void
a_slow_caller_keeps_nobody(void **state)
{
	struct outbox_query q = { .priority_max = -1 };

	(void) state;
	for (int select = 0; select < 2; select++) {
		struct slow s = { 0 };
		pthread_t t;

		(void) kit_setup(NULL);
		s.o = open_it(0, 0);
		put_batches(s.o, 10, 100, 1000);
		t = look_begin();
		if (select)
			assert_int_equal(1000, outbox_select(s.o, &q, slow_row, &s));
		else
			assert_int_equal(1000, outbox_read(s.o, 0, 5000, slow_row, &s));
		look_end(t);
		assert_true(largest_log < LOG_MOST);
		assert_string_equal("", stats(s.o).error);
		outbox_close(s.o);
	}
}

/* A reader in another program that never ends stops commits before the log is too long; this is
 * reported, and commits continue when it has ended. */
static void
a_foreign_reader_stops_commits(void **state)
{
	struct outbox *o = open_it(MAX_BYTES, 0);
	sqlite3 *db = NULL;
	unsigned id = 1;
	struct ticket k;

	(void) state;
	put_batches(o, 1, 1, 1);
	assert_int_equal(SQLITE_OK, sqlite3_open(kit_path, &db));
	assert_int_equal(
	    SQLITE_OK, sqlite3_exec(db, "BEGIN; SELECT count(*) FROM alert", NULL, NULL, NULL));
	do {
		id++;
		ticket_put(o, &k, &node2, id, make_mixed(1000000 + id, 1000000));
		while (atomic_load(&k.state) == 0 && stats(o).error[0] == '\0')
			(void) usleep(200);
	} while (atomic_load(&k.state) == 1);
	assert_non_null(strstr(stats(o).error, "another program"));
	assert_true(stats(o).bytes <= MAX_BYTES + KIT_BEYOND);
	assert_int_equal(SQLITE_OK, sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL));
	assert_int_equal(0, ticket_wait(&k));
	assert_string_equal("", stats(o).error);
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
	outbox_close(o);
}

static int
streams_in_file(void)
{
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;
	int n;

	assert_int_equal(SQLITE_OK, sqlite3_open(kit_path, &db));
	assert_int_equal(
	    SQLITE_OK, sqlite3_prepare_v2(db, "SELECT count(*) FROM stream", -1, &st, NULL));
	assert_int_equal(SQLITE_ROW, sqlite3_step(st));
	n = sqlite3_column_int(st, 0);
	assert_int_equal(SQLITE_OK, sqlite3_finalize(st));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
	return n;
}

/* Progress without alerts causes no write: neither when it arrives nor when outputs' cursors are
 * written. It is written with alerts of its stream, and at the end. */
static void
quiet_batches_write_nothing(void **state)
{
	struct outbox *o = open_it(0, 1);

	(void) state;
	while (stats(o).commits == 0) /* cursors, at the start */
		(void) usleep(200);
	for (unsigned i = 1; i <= 2000; i++)
		assert_int_equal(0, put(o, &node1, i, NULL));
	assert_int_equal(1, stats(o).commits);
	assert_int_equal(0, put(o, &node2, 1, make(1, "r", "n", PRIO_ERROR, 1)));
	outbox_delivered(o, "kafka", 1);
	while (stats(o).commits < 3)
		(void) usleep(200);
	assert_int_equal(1, streams_in_file());
	assert_int_equal(2000, seq_of(o, &node1));
	assert_int_equal(0, put(o, &node1, 2001, make(2, "r", "n", PRIO_ERROR, 1)));
	assert_int_equal(2, streams_in_file());
	assert_int_equal(0, put(o, &node1, 2002, NULL));
	outbox_close(o);
	o = open_it(0, 1);
	assert_int_equal(2002, seq_of(o, &node1));
	outbox_close(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(files_stay_within_their_bound, kit_setup),
		cmocka_unit_test_setup(the_log_begins_anew, kit_setup),
		cmocka_unit_test_setup(a_slow_caller_keeps_nobody, kit_setup),
		cmocka_unit_test_setup(a_foreign_reader_stops_commits, kit_setup),
		cmocka_unit_test_setup(quiet_batches_write_nothing, kit_setup),
	};

	return cmocka_run_group_tests(tests, kit_begin, kit_end);
}
