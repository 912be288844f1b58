/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/outbox.h"
#include "common/clock.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

/* sqlite3_step() fails as told: 'fail_rc' for the next 'fail_times' statements that begin so. */
int __real_sqlite3_step(sqlite3_stmt *st);
int __wrap_sqlite3_step(sqlite3_stmt *st);

static const char *_Atomic fail_what;
static _Atomic int fail_rc, fail_times;

int
__wrap_sqlite3_step(sqlite3_stmt *st)
{
	const char *what = fail_what;

	if (what != NULL && strncmp(sqlite3_sql(st), what, strlen(what)) == 0 && fail_times > 0) {
		fail_times--;
		return fail_rc;
	}
	return __real_sqlite3_step(st);
}

static char dir[] = "/tmp/mews-outbox-XXXXXX";
static char path[64];

static int
setup(void **state)
{
	static int n;

	(void) state;
	fail_what = NULL;
	(void) snprintf(path, sizeof(path), "%s/%d.db", dir, n++);
	return 0;
}

static const char *const kafka_only[] = { "kafka" };
static const struct stream_id node1 = { "prod", "web-1", "b00t", 77 };
static const struct stream_id node2 = { "prod", "web-2", "b00t", 78 };

static struct outbox *
open_it(uint64_t max_bytes, size_t noutputs)
{
	struct outbox_cfg cfg = { .path = path, .max_bytes = max_bytes };
	struct outbox *o = NULL;
	struct diag d = { 0 };

	cfg.outputs = kafka_only;
	cfg.noutputs = noutputs;
	assert_int_equal(0, outbox_open(&cfg, &o, &d));
	return o;
}

static int
refused(struct diag *d)
{
	struct outbox_cfg cfg = { .path = path };
	struct outbox *o = NULL;
	int r = outbox_open(&cfg, &o, d);

	assert_null(o);
	return r;
}

static struct alert *
make(unsigned id, const char *rule, const char *node, enum priority prio, size_t json_len)
{
	struct alert a = { .priority = prio, .time = 1000ULL * id, .rule = rule };
	struct alert *ret = NULL;
	char *json = malloc(json_len + 1);

	assert_non_null(json);
	memset(json, 'x', json_len);
	json[json_len] = '\0';
	(void) snprintf(a.id, sizeof(a.id), "%032x", id);
	a.cluster = "prod";
	a.node = node;
	a.json = json;
	a.json_len = json_len;
	assert_int_equal(0, alert_new(&a, &ret));
	free(json);
	return ret;
}

/* A transaction that one can wait for. */
struct ticket {
	struct outbox_txn txn;
	_Atomic int state; /* 1: done */
	int r;
};

static void
ticket_done(struct outbox_txn *t, int r)
{
	struct ticket *k = t->arg;

	k->r = r;
	atomic_store(&k->state, 1);
}

static void
ticket_put(struct outbox *o, struct ticket *k, const struct stream_id *s, uint64_t seq,
    struct alert *alerts)
{
	memset(k, 0, sizeof(*k));
	k->txn = (struct outbox_txn){ s, seq, alerts, ticket_done, k, 0 };
	assert_int_equal(0, outbox_put(o, &k->txn));
}

static int
ticket_wait(struct ticket *k)
{
	while (atomic_load(&k->state) == 0)
		(void) usleep(200);
	return k->r;
}

static int
put(struct outbox *o, const struct stream_id *s, uint64_t seq, struct alert *alerts)
{
	struct ticket k;

	ticket_put(o, &k, s, seq, alerts);
	return ticket_wait(&k);
}

static uint64_t
seq_of(struct outbox *o, const struct stream_id *s)
{
	uint64_t seq = 4711;

	assert_int_equal(0, outbox_stream_seq(o, s, &seq));
	return seq;
}

static struct outbox_stats
stats(struct outbox *o)
{
	struct outbox_stats st;

	outbox_stats(o, &st);
	return st;
}

/* What was read, as a text: "1 2 3". */
struct seen {
	char text[4096];
	size_t n;
	unsigned stop_after;
};

static bool
see(void *arg, const struct outbox_row *row)
{
	struct seen *s = arg;

	assert_int_equal(row->alert.json_len, strlen(row->alert.json));
	s->n += (size_t) snprintf(s->text + s->n, sizeof(s->text) - s->n, "%s%lu", s->n ? " " : "",
	    strtoul(row->alert.id, NULL, 16));
	return s->stop_after == 0 || --s->stop_after > 0;
}

static void
commits_and_reads_in_order(void **state)
{
	struct outbox *o = open_it(0, 0);
	struct seen s = { 0 };
	struct alert *a = make(1, "r", "n", PRIO_ERROR, 10);

	(void) state;
	a->next = make(2, "r", "n", PRIO_ERROR, 0);
	assert_int_equal(0, put(o, &node1, 5, a));
	assert_int_equal(0, put(o, &node2, 1, make(3, "r", "n", PRIO_ERROR, 100000)));
	assert_int_equal(3, outbox_read(o, 0, 10, see, &s));
	assert_string_equal("1 2 3", s.text);
	s = (struct seen){ .stop_after = 1 };
	assert_int_equal(1, outbox_read(o, 1, 10, see, &s));
	assert_string_equal("2", s.text);
	s = (struct seen){ 0 };
	assert_int_equal(1, outbox_read(o, 1, 1, see, &s));
	assert_int_equal(5, seq_of(o, &node1));
	assert_int_equal(1, seq_of(o, &node2));
	assert_true(outbox_wait(o, 2, -1));
	assert_false(outbox_wait(o, 3, 0));
	assert_int_equal(3, stats(o).last_rowid);
	outbox_close(o);
}

static void
a_batch_sent_again_is_dropped(void **state)
{
	struct outbox *o = open_it(0, 0);
	struct seen s = { 0 };

	(void) state;
	assert_int_equal(0, put(o, &node1, 1, make(1, "r", "n", PRIO_ERROR, 1)));
	outbox_close(o);
	o = open_it(0, 0);
	assert_int_equal(1, seq_of(o, &node1));
	assert_int_equal(0, put(o, &node1, 1, make(1, "r", "n", PRIO_ERROR, 1)));
	assert_int_equal(0, put(o, &node1, 2, make(2, "r", "n", PRIO_ERROR, 1)));
	assert_int_equal(1, stats(o).duplicates);
	assert_int_equal(2, stats(o).rows);
	assert_int_equal(2, outbox_read(o, 0, 10, see, &s));
	assert_string_equal("1 2", s.text);
	outbox_close(o);
}

/* Progress without alerts is durable at once, and in the file after a while or a close. */
static void
quiet_batches_advance(void **state)
{
	struct outbox *o = open_it(0, 0);

	(void) state;
	assert_int_equal(0, seq_of(o, &node1));
	assert_int_equal(0, put(o, &node1, 9, NULL));
	assert_int_equal(9, seq_of(o, &node1));
	assert_int_equal(0, put(o, &node1, 8, NULL)); /* never backwards */
	assert_int_equal(9, seq_of(o, &node1));
	outbox_close(o);
	o = open_it(0, 0);
	assert_int_equal(9, seq_of(o, &node1));
	assert_int_equal(0, put(o, &node1, 4, NULL)); /* sent again after all */
	assert_int_equal(9, seq_of(o, &node1));
	outbox_close(o);
}

static void
places_and_set_aside_survive(void **state)
{
	struct outbox *o = open_it(0, 1);
	uint64_t at = 4711;

	(void) state;
	assert_int_equal(0, put(o, &node1, 1, make(1, "r", "n", PRIO_ERROR, 1)));
	assert_int_equal(0, outbox_cursor(o, "kafka", &at));
	assert_int_equal(0, at);
	assert_int_equal(-ENOENT, outbox_cursor(o, "slack", &at));
	outbox_delivered(o, "kafka", 1);
	outbox_delivered(o, "kafka", 0); /* never backwards */
	outbox_delivered(o, "slack", 5);
	assert_int_equal(0, outbox_set_aside(o, "kafka", 1, "too large"));
	outbox_close(o);
	o = open_it(0, 1);
	assert_int_equal(0, outbox_cursor(o, "kafka", &at));
	assert_int_equal(1, at);
	assert_int_equal(1, stats(o).set_aside);
	outbox_close(o);
}

static void
a_new_output_begins_at_the_end(void **state)
{
	struct outbox *o = open_it(0, 0);
	uint64_t at = 0;

	(void) state;
	assert_int_equal(0, put(o, &node1, 1, make(1, "r", "n", PRIO_ERROR, 1)));
	assert_int_equal(0, put(o, &node1, 2, make(2, "r", "n", PRIO_ERROR, 1)));
	outbox_close(o);
	o = open_it(0, 1);
	assert_int_equal(0, outbox_cursor(o, "kafka", &at));
	assert_int_equal(2, at);
	outbox_close(o);
}

static const struct {
	struct outbox_query q;
	const char *want;
} queries[] = {
	{ { .priority_max = -1 }, "1 2 3 4" },
	{ { .priority_max = -1, .newest_first = true, .limit = 2 }, "4 3" },
	{ { .priority_max = -1, .after = 3 }, "4" },
	{ { .priority_max = -1, .rule = "shell" }, "2 4" },
	{ { .priority_max = -1, .rule = "she" }, "" },
	{ { .priority_max = -1, .node = "b" }, "3 4" },
	{ { .priority_max = -1, .rule = "shell", .node = "b" }, "4" },
	{ { .priority_max = -1, .cluster = "test" }, "" },
	{ { .priority_max = -1, .id = "00000000000000000000000000000003" }, "3" },
	{ { .priority_max = -1, .since = 2000, .until = 4000 }, "2 3" },
	{ { .priority_max = PRIO_CRITICAL }, "2 3" },
	{ { .priority_max = PRIO_EMERGENCY }, "" },
};

static void
queries_choose(void **state)
{
	struct outbox *o = open_it(0, 0);

	(void) state;
	assert_int_equal(0, put(o, &node1, 1, make(1, "read", "a", PRIO_ERROR, 1)));
	assert_int_equal(0, put(o, &node1, 2, make(2, "shell", "a", PRIO_CRITICAL, 1)));
	assert_int_equal(0, put(o, &node1, 3, make(3, "read", "b", PRIO_ALERT, 1)));
	assert_int_equal(0, put(o, &node1, 4, make(4, "shell", "b", PRIO_DEBUG, 1)));
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		struct seen s = { 0 };

		assert_true(outbox_select(o, &queries[i].q, see, &s) >= 0);
		assert_string_equal(queries[i].want, s.text);
	}
	outbox_close(o);
}

/* Errors that pass: nothing is acknowledged meanwhile, everything after. */
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

		fail_rc = passing[i].rc;
		fail_times = INT32_MAX;
		fail_what = passing[i].what;
		seq++;
		ticket_put(o, &k, &node1, seq, make((unsigned) seq, "r", "n", PRIO_ERROR, 1));
		do
			outbox_stats(o, &st);
		while (st.error[0] == '\0');
		assert_int_equal(passing[i].full, st.full);
		assert_int_equal(0, atomic_load(&k.state));
		assert_int_equal(0, outbox_read(o, seq - 1, 10, see, &s));
		fail_what = NULL;
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
	fail_rc = SQLITE_FULL;
	fail_times = INT32_MAX;
	fail_what = "INSERT INTO alert";
	ticket_put(o, &k, &node1, 2, make(2, "r", "n", PRIO_ERROR, 1));
	while (!stats(o).full)
		(void) usleep(200);
	assert_int_equal(0, outbox_set_aside(o, "kafka", 1, "makes progress due meanwhile"));
	while (stats(o).commits < 2)
		(void) usleep(200);
	outbox_close(o);
	assert_int_equal(-ENOSPC, ticket_wait(&k));
	fail_what = NULL;
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
	fail_rc = SQLITE_CORRUPT;
	fail_times = 1;
	fail_what = "INSERT INTO alert";
	ticket_put(o, &k, &node1, 1, make(1, "r", "n", PRIO_ERROR, 1));
	while (!stats(o).corrupt)
		(void) usleep(200);
	assert_non_null(strstr(stats(o).error, path));
	assert_int_equal(0, seq_of(o, &node1));
	outbox_close(o);
	assert_int_equal(-EBADMSG, ticket_wait(&k));
}

/* The oldest delivered ones go, as far as the bound asks; undelivered ones stay and stop commits.
 */
static void
history_is_bounded_by_size(void **state)
{
	struct outbox *o = open_it(1 << 20, 1);
	struct outbox_stats st;
	struct ticket k;
	unsigned id = 0;

	(void) state;
	do { /* nothing is delivered: full in the end */
		id++;
		ticket_put(o, &k, &node1, id, make(id, "r", "n", PRIO_ERROR, 10000));
		while (atomic_load(&k.state) == 0 && !stats(o).full)
			(void) usleep(200);
	} while (atomic_load(&k.state) == 1);
	st = stats(o);
	assert_true(id > 50 && id < 150);
	assert_int_equal(0, st.pruned);
	assert_int_equal(id - 1, st.rows);
	assert_non_null(strstr(st.error, "an output does not take"));
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
	assert_true(st.bytes <= (1 << 20) + 65536);
	outbox_close(o);
	o = open_it(1 << 20, 1);
	assert_int_equal(st.rows, stats(o).rows);
	outbox_close(o);
}

/* Numbers are never used again, even if all rows went. */
static void
history_is_bounded_by_age(void **state)
{
	struct outbox_cfg cfg = {
		.path = path, .max_age_ms = 1, .outputs = kafka_only, .noutputs = 1
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
	struct outbox_cfg cfg = { .path = path, .min_free_bytes = UINT64_MAX };
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

static void
bad_files_get_a_sentence(void **state)
{
	char junk[4096], sql[] = "PRAGMA user_version=2";
	struct outbox *o = open_it(0, 0), *other = NULL;
	struct outbox_cfg cfg = { .path = path };
	struct diag d = { 0 };
	struct stat sb;
	sqlite3 *db = NULL;

	(void) state;
	assert_int_equal(0, stat(path, &sb));
	assert_int_equal(0600, sb.st_mode & 0777);
	assert_int_equal(-EBUSY, outbox_open(&cfg, &other, &d));
	assert_non_null(strstr(d.msg, "another collector has"));
	for (unsigned id = 1; id <= 50; id++)
		assert_int_equal(0, put(o, &node1, id, make(id, "r", "n", PRIO_ERROR, 3000)));
	outbox_close(o);

	assert_int_equal(SQLITE_OK, sqlite3_open(path, &db));
	assert_int_equal(SQLITE_OK, sqlite3_exec(db, sql, NULL, NULL, NULL));
	assert_int_equal(-EBADMSG, refused(&d));
	assert_non_null(strstr(d.msg, "schema 2"));
	sql[sizeof(sql) - 2] = '1';
	assert_int_equal(SQLITE_OK, sqlite3_exec(db, sql, NULL, NULL, NULL));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));

	memset(junk, 0xa5, sizeof(junk));
	assert_int_equal(0, stat(path, &sb));
	for (off_t at = 4096; at + 4096 <= sb.st_size; at += 4096)
		write_file(path, junk, sizeof(junk), at);
	assert_int_equal(-EBADMSG, refused(&d));
	assert_non_null(strstr(d.msg, path));
	assert_non_null(strstr(d.msg, "aside"));

	(void) setup(NULL);
	write_file(
	    path, "this is not a database, it is a letter to the editor, long enough ", 64, 0);
	assert_int_equal(-EBADMSG, refused(&d));

	(void) setup(NULL);
	assert_int_equal(SQLITE_OK, sqlite3_open(path, &db));
	assert_int_equal(SQLITE_OK, sqlite3_exec(db, "CREATE TABLE t(x)", NULL, NULL, NULL));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
	assert_int_equal(-EBADMSG, refused(&d));
	assert_non_null(strstr(d.msg, "not an outbox"));

	(void) snprintf(path, sizeof(path), "%s/no/such/folder.db", dir);
	assert_int_equal(-ENOENT, refused(&d));
	assert_non_null(strstr(d.msg, "folder"));
}

static void
others_may_look_into_it(void **state)
{
	struct outbox_cfg cfg = { .path = path, .read_only = true };
	struct outbox *o = open_it(0, 0), *ro = NULL;
	struct seen s = { 0 };
	struct diag d = { 0 };

	(void) state;
	assert_int_equal(0, put(o, &node1, 1, make(1, "r", "n", PRIO_ERROR, 1)));
	assert_int_equal(0, outbox_open(&cfg, &ro, &d));
	assert_int_equal(1, outbox_read(ro, 0, 10, see, &s));
	assert_int_equal(1, stats(ro).rows);
	outbox_close(ro);
	outbox_close(o);
}

/* Several threads, one order per stream; the queue is bounded, and says so. */
static struct outbox *shared;

static void *
put_many(void *arg)
{
	const struct stream_id *s = arg;
	static _Atomic unsigned ids = 1000;
	struct ticket k;

	for (uint64_t seq = 1; seq <= 100; seq++) {
		struct alert *a = NULL;

		if (seq % 3 == 0)
			a = make(ids++, "r", s->node, PRIO_ERROR, 100);
		ticket_put(shared, &k, s, seq, a);
		if (ticket_wait(&k) != 0 || seq_of(shared, s) < seq)
			return arg;
	}
	return NULL;
}

static void
threads_put_side_by_side(void **state)
{
	static struct stream_id streams[4];
	pthread_t threads[4];
	void *failed;

	(void) state;
	shared = open_it(0, 0);
	for (size_t i = 0; i < 4; i++) {
		streams[i] = node1;
		streams[i].sensor_start = i;
		assert_int_equal(0, pthread_create(&threads[i], NULL, put_many, &streams[i]));
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(0, pthread_join(threads[i], &failed));
		assert_null(failed);
	}
	assert_int_equal(4 * 33, stats(shared).rows);
	assert_int_equal(0, stats(shared).queued);
	outbox_close(shared);
}

static void
a_full_queue_refuses(void **state)
{
	struct outbox *o = open_it(0, 0);
	struct ticket *k = calloc(10000, sizeof(*k));
	int n = 0, r = 0;

	(void) state;
	assert_non_null(k);
	fail_rc = SQLITE_FULL;
	fail_times = INT32_MAX;
	fail_what = "BEGIN";
	while (n < 10000 && r == 0) {
		k[n].txn = (struct outbox_txn){ &node1, n + 1, NULL, ticket_done, &k[n], 0 };
		k[n].txn.alerts = make((unsigned) n, "r", "n", PRIO_ERROR, 1);
		r = outbox_put(o, &k[n].txn);
		n += r == 0;
	}
	assert_int_equal(-EAGAIN, r);
	alert_free(k[n].txn.alerts);
	assert_int_equal(n, stats(o).queued);
	fail_what = NULL;
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
	struct outbox_cfg cfg = { .path = path };
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
		cmocka_unit_test_setup(commits_and_reads_in_order, setup),
		cmocka_unit_test_setup(a_batch_sent_again_is_dropped, setup),
		cmocka_unit_test_setup(quiet_batches_advance, setup),
		cmocka_unit_test_setup(places_and_set_aside_survive, setup),
		cmocka_unit_test_setup(a_new_output_begins_at_the_end, setup),
		cmocka_unit_test_setup(queries_choose, setup),
		cmocka_unit_test_setup(errors_of_the_disk_are_retried, setup),
		cmocka_unit_test_setup(what_cannot_be_committed_is_given_up_at_the_end, setup),
		cmocka_unit_test_setup(corruption_ends_commits, setup),
		cmocka_unit_test_setup(history_is_bounded_by_size, setup),
		cmocka_unit_test_setup(history_is_bounded_by_age, setup),
		cmocka_unit_test_setup(low_disk_stops_commits, setup),
		cmocka_unit_test_setup(bad_files_get_a_sentence, setup),
		cmocka_unit_test_setup(others_may_look_into_it, setup),
		cmocka_unit_test_setup(threads_put_side_by_side, setup),
		cmocka_unit_test_setup(a_full_queue_refuses, setup),
		cmocka_unit_test_setup(opening_without_memory, setup),
	};
	char cmd[128];
	int r;

	if (mkdtemp(dir) == NULL)
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	(void) snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd) != 0 || r != 0;
}
