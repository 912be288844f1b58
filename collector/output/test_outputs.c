/* SPDX-License-Identifier: Apache-2.0 */
/* test_outputs.c - the thread between outbox and output, with a scripted output. */
#include "collector/output/outputs_int.h"
#include "common/clock.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <unistd.h>

#define ROWS 5000

/* The result of a row's first delivery; the next one succeeds. */
enum act { DELIVER, REFUSE, RETRY_ONCE, BUSY_ONCE, ERROR_ONCE };

struct fake {
	enum act act[ROWS + 1];
	unsigned offered[ROWS + 1];
	struct {
		uint64_t rowid;
		enum act act;
	} held[WINDOW]; /* ends at poll(), newest first */
	size_t n;
	uint64_t order[ROWS * 2]; /* as delivered */
	size_t norder;
	bool trouble; /* since a row was to be sent again, until one is delivered */
	output_done_fn *done;
	void *arg;
};

static int
fake_submit(void *st, const struct outbox_row *row)
{
	struct fake *f = st;
	enum act act = f->act[row->rowid];

	assert_true(row->rowid <= ROWS);
	f->offered[row->rowid]++;
	if (act == BUSY_ONCE || act == ERROR_ONCE) {
		f->act[row->rowid] = DELIVER;
		return act == BUSY_ONCE ? -EAGAIN : -EIO;
	}
	if (f->n == WINDOW)
		return -EAGAIN;
	f->held[f->n].rowid = row->rowid;
	f->held[f->n++].act = act;
	if (act != REFUSE)
		f->act[row->rowid] = DELIVER;
	return 0;
}

static void
fake_poll(void *st, int timeout_ms)
{
	struct fake *f = st;
	uint64_t rowid;

	(void) timeout_ms;
	while (f->n > 0) {
		f->n--;
		rowid = f->held[f->n].rowid;
		if (f->held[f->n].act == REFUSE) {
			f->done(f->arg, rowid, OUTPUT_REFUSED, "no");
		} else if (f->held[f->n].act == RETRY_ONCE) {
			f->trouble = true;
			f->done(f->arg, rowid, OUTPUT_RETRY, "later");
		} else {
			f->trouble = false;
			f->order[f->norder++] = rowid;
			f->done(f->arg, rowid, OUTPUT_DELIVERED, NULL);
		}
	}
}

static long
fake_drain(void *st, int deadline_ms)
{
	fake_poll(st, deadline_ms);
	return 0;
}

static const char *
fake_trouble(void *st)
{
	const struct fake *f = st;

	return f->trouble ? "trouble" : NULL;
}

static const struct output_ops fake_ops = {
	.name = "fake",
	.poll = fake_poll,
	.submit = fake_submit,
	.drain = fake_drain,
	.trouble = fake_trouble,
};

static const struct outbox_output names[] = { { "fake", false } };

struct bench {
	struct outbox *outbox;
	struct outputs set;
	struct output o;
	struct fake fake;
};

static struct outbox *
open_it(void)
{
	static int n;
	char path[64];
	struct outbox_cfg cfg = { .path = path, .outputs = names, .noutputs = 1 };
	struct outbox *o = NULL;
	struct diag d;

	(void) snprintf(path, sizeof(path), "%s/%d.db", tmpdir, n++);
	assert_int_equal(0, outbox_open(&cfg, &o, &d));
	return o;
}

static void
done(struct outbox_txn *t, int r)
{
	assert_int_equal(0, r);
	atomic_store((_Atomic bool *) t->arg, true);
}

static void
put(struct outbox *o, unsigned from, unsigned to)
{
	static const struct stream_id stream = { "c", "n", "b", 1 };
	struct outbox_txn t = { &stream, to, NULL, done, NULL, 0 };
	_Atomic bool is_done = false;
	struct alert **tail = &t.alerts;

	for (unsigned i = from; i <= to; i++) {
		struct alert a = { .priority = PRIO_ERROR, .time = i, .rule = "r", .json = "{}" };

		a.cluster = "c";
		a.node = "n";
		a.json_len = 2;
		(void) snprintf(a.id, sizeof(a.id), "%08x-0000-8000-8000-000000000000", i);
		assert_int_equal(0, alert_new(&a, tail));
		tail = &(*tail)->next;
	}
	t.arg = &is_done;
	assert_int_equal(0, outbox_put(o, &t));
	while (!atomic_load(&is_done))
		(void) usleep(100);
}

static struct bench *
bench_new(void)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->outbox = open_it();
	b->set.outbox = b->outbox;
	b->set.v[0] = &b->o;
	b->set.n = 1;
	pthread_mutex_init(&b->set.lock, NULL);
	pthread_cond_init(&b->set.wake, NULL);
	pthread_mutex_init(&b->o.lock, NULL);
	b->o.ops = &fake_ops;
	(void) snprintf(b->o.name, sizeof(b->o.name), "%s", fake_ops.name);
	b->o.st = &b->fake;
	b->o.set = &b->set;
	b->fake.done = output_ended;
	b->fake.arg = &b->o;
	return b;
}

/* Run the thread until the output has all rows; 'meanwhile', if any, follows. Then stop it. */
static void
bench_run_with(struct bench *b, unsigned rows, void (*meanwhile)(struct bench *b))
{
	pthread_t thread;
	uint64_t at = 0;

	assert_int_equal(0, pthread_create(&thread, NULL, output_main, &b->o));
	while (at < rows) {
		assert_int_equal(0, outbox_cursor(b->outbox, "fake", &at, NULL));
		(void) usleep(100);
	}
	if (meanwhile != NULL)
		meanwhile(b);
	b->o.stop_at = clock_mono();
	b->o.stopping = true;
	assert_int_equal(0, pthread_join(thread, NULL));
}

static void
bench_run(struct bench *b, unsigned rows)
{
	bench_run_with(b, rows, NULL);
}

static void
bench_free(struct bench *b)
{
	outbox_close(b->outbox);
	free(b);
}

static void
rows_arrive_once_in_whatever_order_they_end(void **state)
{
	struct bench *b = bench_new();

	(void) state;
	put(b->outbox, 1, ROWS);
	bench_run(b, ROWS);
	for (unsigned i = 1; i <= ROWS; i++)
		assert_int_equal(1, b->fake.offered[i]);
	assert_int_equal(ROWS, b->o.stats.delivered);
	assert_int_equal(0, b->o.stats.lag_rows);
	bench_free(b);
}

static const struct {
	enum act act;
	unsigned offered;
	uint64_t delivered, refused, retries, set_aside;
} acts[] = {
	{ DELIVER, 1, 3, 0, 0, 0 },
	{ REFUSE, 1, 2, 1, 0, 1 },
	{ RETRY_ONCE, 2, 3, 0, 1, 0 },
	{ BUSY_ONCE, 2, 3, 0, 0, 0 },
	{ ERROR_ONCE, 2, 3, 0, 1, 0 },
};

static void
a_row_may_end_badly(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
		struct bench *b = bench_new();
		struct outbox_stats st;

		put(b->outbox, 1, 3);
		b->fake.act[2] = acts[i].act;
		bench_run(b, 3);
		outbox_stats(b->outbox, &st);
		assert_int_equal(acts[i].offered, b->fake.offered[2]);
		assert_int_equal(1, b->fake.offered[1]);
		assert_int_equal(1, b->fake.offered[3]); /* delivered: not offered again */
		assert_int_equal(acts[i].delivered, b->o.stats.delivered);
		assert_int_equal(acts[i].refused, b->o.stats.refused);
		assert_int_equal(acts[i].retries, b->o.stats.retries);
		assert_int_equal(acts[i].set_aside, st.set_aside);
		bench_free(b);
	}
}

/* More rows than a window fail at once: each still arrives once. */
static void
a_storm_loses_nothing(void **state)
{
	struct bench *b = bench_new();
	unsigned char *seen = calloc(1, ROWS + 1);
	uint64_t refused = 0;

	(void) state;
	assert_non_null(seen);
	put(b->outbox, 1, ROWS);
	for (unsigned i = 1; i <= ROWS; i++) {
		if (i % 7 == 0)
			b->fake.act[i] = REFUSE;
		else if (i > 100 && i < 3000)
			b->fake.act[i] = RETRY_ONCE;
		else if (i % 1000 == 1)
			b->fake.act[i] = i % 2000 == 1 ? BUSY_ONCE : ERROR_ONCE;
		refused += b->fake.act[i] == REFUSE;
	}
	bench_run(b, ROWS);
	for (size_t i = 0; i < b->fake.norder; i++)
		assert_int_equal(1, ++seen[b->fake.order[i]]);
	assert_int_equal(ROWS - refused, b->fake.norder);
	assert_int_equal(refused, b->o.stats.refused);
	free(seen);
	bench_free(b);
}

/* Rows that the route does not take end without the output, and the cursor moves over them. */
static void
the_route_is_asked_first(void **state)
{
	struct bench *b = bench_new();
	struct diag d = { 0 };

	(void) state;
	put(b->outbox, 1, ROWS);
	assert_int_equal(0, route_new("warning", NULL, &b->o.route, &d));
	bench_run(b, ROWS);
	assert_int_equal(ROWS, b->o.stats.delivered);
	assert_int_equal(0, b->o.stats.filtered);
	route_free(b->o.route);
	bench_free(b);

	b = bench_new();
	put(b->outbox, 1, ROWS);
	assert_int_equal(0, route_new("critical", NULL, &b->o.route, &d)); /* they are errors */
	bench_run(b, ROWS);
	assert_int_equal(0, b->o.stats.delivered);
	assert_int_equal(ROWS, b->o.stats.filtered);
	assert_int_equal(0, b->o.stats.lag_rows);
	for (unsigned i = 1; i <= ROWS; i++)
		assert_int_equal(0, b->fake.offered[i]);
	route_free(b->o.route);
	bench_free(b);
}

/* ---- alerts outside of the order ---- */

static const struct {
	enum act act;
	enum output_test_end end;
	const char *said;
} tests_of_outputs[] = {
	{ DELIVER, OUTPUT_TEST_DELIVERED, "" },
	{ REFUSE, OUTPUT_TEST_REFUSED, "no" },
	{ RETRY_ONCE, OUTPUT_TEST_FAILED, "later" },
	{ BUSY_ONCE, OUTPUT_TEST_DELIVERED, "" },
	{ ERROR_ONCE, OUTPUT_TEST_FAILED, "Input/output error" },
};

static _Atomic bool tested;

static void
on_tested(struct output_test *t)
{
	(void) t;
	atomic_store(&tested, true);
}

static void
test_once(struct bench *b, struct output_test *t)
{
	static const struct alert a = {
		.rule = "test", .cluster = "c", .node = "n", .json = "{}", .json_len = 2
	};

	*t = (struct output_test){ .alert = &a, .done = on_tested };
	atomic_store(&tested, false);
	assert_int_equal(-ENOENT, outputs_test(&b->set, "kafka", t));
	assert_int_equal(0, outputs_test(&b->set, "fake", t));
	while (!atomic_load(&tested))
		(void) usleep(100);
}

static void
test_each_way(struct bench *b)
{
	struct output_test t;

	for (size_t i = 0; i < ARRAY_SIZE(tests_of_outputs); i++) {
		b->fake.act[0] = tests_of_outputs[i].act;
		test_once(b, &t);
		assert_int_equal(tests_of_outputs[i].end, t.end);
		assert_string_equal(tests_of_outputs[i].said, t.said);
	}
}

/* A test says how it ended, is sent once, and counts as nothing; alerts go on. */
static void
a_test_says_how_it_ended(void **state)
{
	struct bench *b = bench_new();
	struct outbox_stats st;

	(void) state;
	put(b->outbox, 1, 3);
	bench_run_with(b, 3, test_each_way);
	outbox_stats(b->outbox, &st);
	assert_int_equal(3, b->o.stats.delivered);
	assert_int_equal(0, b->o.stats.refused);
	assert_int_equal(0, st.set_aside);
	assert_int_equal(ARRAY_SIZE(tests_of_outputs) + 1, b->fake.offered[0]); /* busy: twice */
	bench_free(b);
}

/* Do the statistics show no error any more? */
static bool
error_goes(struct bench *b)
{
	struct output_stats st;
	uint64_t until = clock_mono() + 20 * NS_PER_S;

	do
		(void) outputs_stats(&b->set, &st, 1);
	while (st.error[0] != '\0' && clock_mono() < until);
	return st.error[0] == '\0';
}

/* What a test finds is its answer: nothing waits, so the output is not failing. */
static void
fail_tests(struct bench *b)
{
	struct output_test t;

	b->fake.act[0] = RETRY_ONCE;
	test_once(b, &t);
	assert_int_equal(OUTPUT_TEST_FAILED, t.end);
	assert_true(error_goes(b));
}

static void
a_failed_test_leaves_no_trouble(void **state)
{
	struct bench *b = bench_new();

	(void) state;
	put(b->outbox, 1, 3);
	bench_run_with(b, 3, fail_tests);
	assert_int_equal(0, b->o.backoff_ms);
	bench_free(b);
}

static uint64_t
letters(struct bench *b)
{
	uint64_t n = 0;

	assert_int_equal(0, outbox_letters_count(b->outbox, "fake", &n));
	return n;
}

static void
wait_for_letters(struct bench *b, uint64_t n)
{
	while (letters(b) != n)
		(void) usleep(1000);
}

/* Send one, then all: 20 is refused again, 30 is to be sent later. */
static void
send_letters(struct bench *b)
{
	wait_for_letters(b, 5);
	for (unsigned i = 10; i <= 50; i += 10)
		b->fake.act[i] = i == 20 ? REFUSE : i == 30 ? RETRY_ONCE : DELIVER;
	assert_int_equal(-ENOENT, outputs_retry(&b->set, "kafka", 0));
	assert_int_equal(0, outputs_retry(&b->set, "fake", 40));
	wait_for_letters(b, 4);
	while (outputs_retry(&b->set, "fake", 0) == -EBUSY)
		(void) usleep(1000);
	wait_for_letters(b, 1);
}

static bool
is_20(void *arg, const struct outbox_letter *l)
{
	assert_int_equal(20, l->rowid);
	assert_string_equal("no", l->why);
	assert_string_equal("r", l->alert->rule);
	++*(int *) arg;
	return true;
}

static void
dead_letters_are_sent_again(void **state)
{
	static const uint64_t order[] = { 40, 10, 30, 50 };
	struct bench *b = bench_new();
	int seen = 0;

	(void) state;
	put(b->outbox, 1, 60);
	for (unsigned i = 10; i <= 50; i += 10)
		b->fake.act[i] = REFUSE;
	bench_run_with(b, 60, send_letters);
	assert_int_equal(1, outbox_letters(b->outbox, "fake", 0, 10, is_20, &seen));
	assert_int_equal(1, seen);
	assert_int_equal(0, outbox_letters(b->outbox, "fake", 20, 10, is_20, &seen));
	assert_int_equal(59, b->fake.norder);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		assert_int_equal(order[i], b->fake.order[55 + i]);
	assert_int_equal(2, b->fake.offered[10]);
	assert_int_equal(3, b->fake.offered[30]);
	assert_int_equal(59, b->o.stats.delivered);
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_arrive_once_in_whatever_order_they_end),
		cmocka_unit_test(a_row_may_end_badly),
		cmocka_unit_test(a_storm_loses_nothing),
		cmocka_unit_test(the_route_is_asked_first),
		cmocka_unit_test(a_test_says_how_it_ended),
		cmocka_unit_test(a_failed_test_leaves_no_trouble),
		cmocka_unit_test(dead_letters_are_sent_again),
	};

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
