/* SPDX-License-Identifier: Apache-2.0 */
/* test_outbox_faults.c - failing, full or lying disks; bounds; no memory. */
#include "collector/outbox/outbox.h"
#include "tests/support/fault.h"
#include "tests/support/outbox_kit.h"
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct outbox_output kafka_only[] = { { "kafka", false } };

static int
refused(struct diag *d)
{
	struct outbox_cfg cfg = { .path = kit_path };
	struct outbox *o = NULL;
	int r = outbox_open(&cfg, &o, d);

	assert_null(o);
	return r;
}

/* Temporary errors: nothing is acknowledged during them, everything after. */
static const struct {
	const char *what;
	int rc;
	bool full;
} passing[] = {
	{ "INSERT INTO alert", SQLITE_FULL, true },
	{ "COMMIT", SQLITE_FULL, true },
	{ "COMMIT", SQLITE_IOERR, false },
	{ "BEGIN", SQLITE_BUSY, false },
	{ "INSERT INTO stream", SQLITE_NOMEM, false },
	{ "PRAGMA page_count", SQLITE_IOERR, false },
};

static void
errors_of_the_disk_are_retried(void **state)
{
	struct outbox *o = open_it(0, 0);
	struct outbox_stats st;
	struct ticket k;
	uint64_t seq = 0;

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(passing); i++) {
		struct seen s = { 0 };

		kit_fail(passing[i].what, passing[i].rc, INT32_MAX);
		seq++;
		ticket_put(o, &k, &node1, seq, make((unsigned) seq, "r", "n", PRIO_ERROR, 1));
		do
			outbox_stats(o, &st);
		while (st.error[0] == '\0');
		assert_int_equal(passing[i].full, st.full);
		assert_int_equal(0, atomic_load(&k.state));
		assert_int_equal(0, outbox_read(o, seq - 1, 10, see, &s));
		kit_fail(NULL, 0, 0);
		assert_int_equal(0, ticket_wait(&k));
		assert_int_equal(1, outbox_read(o, seq - 1, 10, see, &s));
		st = stats(o);
		assert_false(st.full);
		assert_string_equal("", st.error);
		assert_int_equal(seq, st.committed);
	}
	outbox_close(o);
}

static void
what_cannot_be_committed_is_given_up_at_the_end(void **state)
{
	struct outbox *o = open_it(0, 0);
	struct ticket k;

	(void) state;
	assert_int_equal(0, put(o, &node1, 1, make(1, "r", "n", PRIO_ERROR, 1)));
	kit_fail("INSERT INTO alert", SQLITE_FULL, INT32_MAX);
	ticket_put(o, &k, &node1, 2, make(2, "r", "n", PRIO_ERROR, 1));
	while (!stats(o).full)
		(void) usleep(200);
	assert_int_equal(0, outbox_set_aside(o, "kafka", 1, "makes progress due meanwhile"));
	while (stats(o).commits < 2)
		(void) usleep(200);
	outbox_close(o);
	assert_int_equal(-ENOSPC, ticket_wait(&k));
	kit_fail(NULL, 0, 0);
	o = open_it(0, 0);
	assert_int_equal(1, seq_of(o, &node1));
	assert_int_equal(1, stats(o).rows);
	outbox_close(o);
}

static void
corruption_ends_commits(void **state)
{
	struct outbox *o = open_it(0, 0);
	struct ticket k;

	(void) state;
	kit_fail("INSERT INTO alert", SQLITE_CORRUPT, 1);
	ticket_put(o, &k, &node1, 1, make(1, "r", "n", PRIO_ERROR, 1));
	while (!stats(o).corrupt)
		(void) usleep(200);
	assert_non_null(strstr(stats(o).error, kit_path));
	assert_int_equal(0, seq_of(o, &node1));
	outbox_close(o);
	assert_int_equal(-EBADMSG, ticket_wait(&k));
}

/* The oldest delivered alerts are pruned down to the bound; undelivered ones stay and stop
 * commits. */
static void
history_is_bounded_by_size(void **state)
{
	struct outbox *o = open_it(1 << 20, 1);
	struct outbox_stats st;
	struct ticket k;
	unsigned id = 0;

	(void) state;
	do { /* nothing is delivered: it fills up */
		id++;
		ticket_put(o, &k, &node1, id, make(id, "r", "n", PRIO_ERROR, 10000));
		while (atomic_load(&k.state) == 0 && !stats(o).full)
			(void) usleep(200);
	} while (atomic_load(&k.state) == 1);
	st = stats(o);
	assert_true(id > 50 && id < 150);
	assert_int_equal(0, st.pruned);
	assert_int_equal(id - 1, st.rows);
	assert_non_null(strstr(st.error, "an output does not accept"));
	outbox_delivered(o, "kafka", id / 2); /* room again */
	assert_int_equal(0, ticket_wait(&k));
	for (unsigned i = 0; i < 200; i++) {
		id++;
		assert_int_equal(0, put(o, &node1, id, make(id, "r", "n", PRIO_ERROR, 10000)));
		outbox_delivered(o, "kafka", id);
	}
	st = stats(o);
	assert_true(st.pruned >= 190);
	assert_int_equal(id, st.rows + st.pruned);
	assert_true(st.bytes <= (1 << 20) + KIT_BEYOND);
	outbox_close(o);
	o = open_it(1 << 20, 1);
	assert_int_equal(st.rows, stats(o).rows);
	outbox_close(o);
}

/* Numbers are never reused, even when all rows are pruned. */
static void
history_is_bounded_by_age(void **state)
{
	struct outbox_cfg cfg = {
		.path = kit_path, .max_age_ms = 1, .outputs = kafka_only, .noutputs = 1
	};
	struct outbox *o = NULL;
	struct diag d = { 0 };

	(void) state;
	assert_int_equal(0, outbox_open(&cfg, &o, &d));
	for (unsigned id = 1; id <= 3; id++)
		assert_int_equal(0, put(o, &node1, id, make(id, "r", "n", PRIO_ERROR, 1)));
	assert_int_equal(3, stats(o).rows);
	outbox_delivered(o, "kafka", 2);
	while (stats(o).pruned < 2)
		(void) usleep(1000);
	assert_int_equal(1, stats(o).rows);
	outbox_delivered(o, "kafka", 3);
	while (stats(o).rows > 0)
		(void) usleep(1000);
	outbox_close(o);
	assert_int_equal(0, outbox_open(&cfg, &o, &d));
	assert_int_equal(3, stats(o).last_rowid);
	assert_int_equal(0, put(o, &node1, 4, make(4, "r", "n", PRIO_ERROR, 1)));
	assert_int_equal(4, stats(o).last_rowid);
	outbox_close(o);
}

static void
low_disk_stops_commits(void **state)
{
	struct outbox_cfg cfg = { .path = kit_path, .min_free_bytes = UINT64_MAX };
	struct outbox *o = NULL;
	struct diag d = { 0 };
	struct ticket k;

	(void) state;
	assert_int_equal(0, outbox_open(&cfg, &o, &d));
	ticket_put(o, &k, &node1, 1, make(1, "r", "n", PRIO_ERROR, 1));
	while (!stats(o).full)
		(void) usleep(200);
	assert_non_null(strstr(stats(o).error, "min_free"));
	outbox_close(o);
	assert_int_equal(-ENOSPC, ticket_wait(&k));
}

static void
write_file(const char *p, const void *data, size_t n, off_t at)
{
	int fd = open(p, O_RDWR | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal((ssize_t) n, pwrite(fd, data, n, at));
	assert_int_equal(0, close(fd));
}

/* Files of other programs and of newer collectors are left alone. */
static void
bad_files_get_a_sentence(void **state)
{
	struct outbox *o = open_it(0, 0), *other = NULL;
	struct outbox_cfg cfg = { .path = kit_path };
	struct diag d = { 0 };
	struct stat sb;
	sqlite3 *db = NULL;

	(void) state;
	assert_int_equal(0, stat(kit_path, &sb));
	assert_int_equal(0600, sb.st_mode & 0777);
	assert_int_equal(-EBUSY, outbox_open(&cfg, &other, &d));
	assert_non_null(strstr(d.msg, "another collector has"));
	outbox_close(o);

	(void) kit_setup(NULL);
	write_file(
	    kit_path, "this is not a database, it is a letter to the editor, long enough ", 64, 0);
	assert_int_equal(-EBADMSG, refused(&d));
	assert_non_null(strstr(d.msg, kit_path));
	assert_non_null(strstr(d.msg, "not an outbox"));

	(void) kit_setup(NULL);
	assert_int_equal(SQLITE_OK, sqlite3_open(kit_path, &db));
	assert_int_equal(SQLITE_OK, sqlite3_exec(db, "CREATE TABLE t(x)", NULL, NULL, NULL));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
	assert_int_equal(-EBADMSG, refused(&d));
	assert_non_null(strstr(d.msg, "not an outbox"));

	(void) kit_setup(NULL);
	assert_int_equal(SQLITE_OK, sqlite3_open(kit_path, &db));
	assert_int_equal(SQLITE_OK,
	    sqlite3_exec(db,
		"CREATE TABLE alert(x); PRAGMA application_id=0x6d657773; PRAGMA user_version=9",
		NULL, NULL, NULL));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
	assert_int_equal(-EBADMSG, refused(&d));
	assert_non_null(strstr(d.msg, "schema 9"));

	(void) snprintf(kit_path, sizeof(kit_path), "/tmp/no/such/folder.db");
	assert_int_equal(-ENOENT, refused(&d));
	assert_non_null(strstr(d.msg, "folder"));
}

static void
a_full_queue_refuses(void **state)
{
	struct outbox *o = open_it(0, 0);
	struct ticket *k = calloc(10000, sizeof(*k));
	int n = 0, r = 0;

	(void) state;
	assert_non_null(k);
	kit_fail("BEGIN", SQLITE_FULL, INT32_MAX);
	while (n < 10000 && r == 0) {
		ticket_init(&k[n], &node1, n + 1, make((unsigned) n, "r", "n", PRIO_ERROR, 1));
		r = outbox_put(o, &k[n].txn);
		n += r == 0;
	}
	assert_int_equal(-EAGAIN, r);
	alert_free(k[n].txn.alerts);
	assert_int_equal(n, stats(o).queued);
	kit_fail(NULL, 0, 0);
	for (int i = 0; i < n; i++)
		assert_int_equal(0, ticket_wait(&k[i]));
	assert_int_equal(n, stats(o).rows);
	assert_true(stats(o).commits < 100); /* in groups */
	outbox_close(o);
	free(k);
}

static void
opening_without_memory(void **state)
{
	struct outbox_cfg cfg = { .path = kit_path };
	struct outbox *o = NULL;
	struct diag d;
	int r;

	(void) state;
	for (unsigned n = 0;; n++) {
		fault_arm_nth(n);
		r = outbox_open(&cfg, &o, &d);
		if (!fault_disarm())
			break;
		assert_int_equal(-ENOMEM, r);
		assert_null(o);
		assert_non_null(strstr(d.msg, "memory"));
	}
	assert_int_equal(0, r);
	outbox_close(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(errors_of_the_disk_are_retried, kit_setup),
		cmocka_unit_test_setup(what_cannot_be_committed_is_given_up_at_the_end, kit_setup),
		cmocka_unit_test_setup(corruption_ends_commits, kit_setup),
		cmocka_unit_test_setup(history_is_bounded_by_size, kit_setup),
		cmocka_unit_test_setup(history_is_bounded_by_age, kit_setup),
		cmocka_unit_test_setup(low_disk_stops_commits, kit_setup),
		cmocka_unit_test_setup(bad_files_get_a_sentence, kit_setup),
		cmocka_unit_test_setup(a_full_queue_refuses, kit_setup),
		cmocka_unit_test_setup(opening_without_memory, kit_setup),
	};

	return cmocka_run_group_tests(tests, kit_begin, kit_end);
}
