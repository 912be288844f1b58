/* SPDX-License-Identifier: Apache-2.0 */
/* test_node_loss.c - what opens and closes a loss window on a node, and how it is reported. */
#include "collector/shard/blind.h"
#include "collector/shard/node_loss.h"
#include "tests/support/test.h"
#include <stdlib.h>

#define S NS_PER_S

/* Stub of the registry; here there is at most one cause. */
uint64_t
stream_set_drops(struct stream *st, Wire__Drop *const *v, size_t n)
{
	st->drops = n > 0 ? v[0]->count : 0;
	return st->drops;
}

/* The sum that the batch's accounts have. */
static struct account_row account;

bool
stream_account(struct stream *st UNUSED, const Wire__Batch *batch, struct account_row *sum)
{
	*sum = account;
	return batch->n_accounts > 0;
}

struct bench {
	struct stream *stream;
	struct shard_counters counters;
	struct node_loss loss;
};

static void
bench_open(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	b->stream = calloc(1, sizeof(*b->stream));
	assert_non_null(b->stream);
	(void) snprintf(b->stream->id.node, sizeof(b->stream->id.node), "n");
}

static void
bench_close(struct bench *b)
{
	free(b->stream);
}

/* Feed a batch captured so many seconds after boot, with the sensor's count of dropped events.
 * True: batches before it are missing. */
static bool
feed(struct bench *b, uint64_t seconds, uint64_t drops)
{
	Wire__Drop drop = WIRE__DROP__INIT, *v = &drop;
	Wire__Batch batch = WIRE__BATCH__INIT;

	batch.boot_ns = seconds * S;
	batch.real_ns = (1000 + seconds) * S;
	drop.cause = DROP_RING_FULL;
	drop.count = drops;
	batch.drops = &v;
	batch.n_drops = drops > 0;
	return node_loss_batch(&b->loss, &batch);
}

static uint32_t
at(const struct bench *b, uint64_t seconds)
{
	return loss_at(&b->loss.windows, seconds * S);
}

/* Lost state: events are marked until a snapshot has restored it, and for 10 s more. */
static const struct {
	uint64_t began, evaluated; /* of the stream when its node is created */
	bool restarted;
	enum loss_cause before;
	uint32_t causes;
} gone_cases[] = {
	{ 0, 0, false, 0, 0 }, /* a new node */
	{ 7, 7, false, 0, 1 << LOSS_collector_restarted },
	{ 0, 7, false, 0, 1 << LOSS_state_forgotten },
	{ 0, 0, true, LOSS_sensor_died, 1 << LOSS_sensor_died },
	{ 0, 0, true, LOSS_sensor_stopped, 1 << LOSS_sensor_stopped },
	{ 7, 7, true, LOSS_sensor_died, 1 << LOSS_sensor_died | 1 << LOSS_collector_restarted },
};

static void
test_state_gone(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(gone_cases); i++) {
		uint32_t causes = gone_cases[i].causes;
		struct bench b;

		bench_open(&b);
		b.stream->began = gone_cases[i].began;
		b.stream->evaluated = gone_cases[i].evaluated;
		b.stream->restarted = gone_cases[i].restarted;
		b.stream->before = gone_cases[i].before;
		b.stream->before_seen = 900 * S;
		node_loss_begin(&b.loss, &b.counters, b.stream, 0, NULL);
		assert_false(b.stream->restarted); /* reported once */
		assert_int_equal(causes, loss_shown_open(&b.stream->loss, UINT64_MAX - 1));
		assert_false(feed(&b, 50, 0));
		assert_int_equal(causes, at(&b, 50));
		assert_int_equal(causes, at(&b, 5000));
		node_loss_whole(&b.loss, 60 * S);
		assert_int_equal(causes, at(&b, 70));
		assert_int_equal(0, at(&b, 71));
		for (unsigned k = 0; k < LOSS_MAX; k++) {
			assert_int_equal(causes >> k & 1, b.counters.losses[k]);
			assert_int_equal(causes >> k & 1, b.stream->loss.opened[k]);
		}
		assert_int_equal(causes, loss_shown_open(&b.stream->loss, clock_real()));
		assert_int_equal(0, loss_shown_open(&b.stream->loss, clock_real() + 11 * S));
		if (gone_cases[i].restarted)
			assert_int_equal(900 * S, b.stream->loss.since[gone_cases[i].before]);
		if ((causes >> LOSS_collector_restarted & 1) != 0) /* the hour before is unknown */
			assert_in_range(b.stream->loss.since[LOSS_collector_restarted],
			    clock_real() - LOSS_PAST_NS - 60 * S, clock_real() - LOSS_PAST_NS);
		bench_close(&b);
	}
}

/* A node with new state continues from the drops that its stream has reported. */
static void
test_forgotten(void **state)
{
	struct bench b;

	(void) state;
	bench_open(&b);
	node_loss_begin(&b.loss, &b.counters, b.stream, 0, NULL);
	(void) feed(&b, 10, 3);
	b.stream->evaluated = 1;
	node_loss_begin(&b.loss, &b.counters, b.stream, 0, NULL);
	(void) feed(&b, 20, 3);
	assert_int_equal(1, b.counters.losses[LOSS_events_dropped]);
	assert_int_equal(1 << LOSS_state_forgotten, at(&b, 20));
	bench_close(&b);
}

static void
test_batches(void **state)
{
	Wire__Batch broken = WIRE__BATCH__INIT;
	struct bench b;

	(void) state;
	bench_open(&b);
	node_loss_begin(&b.loss, &b.counters, b.stream, 0, NULL);
	assert_false(feed(&b, 10, 0));
	assert_false(feed(&b, 11, 3)); /* reports drops */
	assert_int_equal(1 << LOSS_events_dropped, at(&b, 21));
	assert_int_equal(0, at(&b, 22));
	assert_int_equal(1010 * S, b.stream->loss.since[LOSS_events_dropped]);
	assert_false(feed(&b, 12, 3)); /* no further ones */
	assert_int_equal(0, at(&b, 22));
	assert_false(feed(&b, 13, 4)); /* the window continues: not a second one */
	assert_int_equal(1 << LOSS_events_dropped, at(&b, 23));
	assert_int_equal(1, b.counters.losses[LOSS_events_dropped]);
	b.stream->gaps++;
	assert_true(feed(&b, 30, 4));
	assert_int_equal(1 << LOSS_batches_missing, at(&b, 40));
	broken.boot_ns = 50 * S;
	b.stream->malformed++;
	node_loss_undecodable(&b.loss, &broken);
	assert_true(feed(&b, 51, 4));
	assert_false(feed(&b, 52, 5));
	assert_int_equal(1 << LOSS_batch_undecodable | 1 << LOSS_events_dropped, at(&b, 60));
	assert_int_equal(2, b.counters.losses[LOSS_events_dropped]);
	bench_close(&b);
}

/* What is lost, and from when to when; real time is 1,000 s ahead of boot time. */
static void
check_past(const struct bench *b, size_t i, enum loss_cause cause, uint64_t since, uint64_t until,
    uint64_t events)
{
	const struct loss_span *s = &b->loss.past.v[i];

	assert_true(i < b->loss.past.n);
	assert_int_equal(cause, s->cause);
	assert_int_equal(since * S, s->since);
	assert_int_equal(until * S, s->until);
	assert_int_equal(events, s->events);
}

static void
test_past(void **state)
{
	struct stream second = { .restarted = true, .before = LOSS_sensor_died };
	struct loss_past past;
	struct bench b;

	(void) state;
	bench_open(&b);
	b.stream->id.sensor_start = 1003 * S;
	node_loss_begin(&b.loss, &b.counters, b.stream, 0, NULL);
	(void) feed(&b, 10, 3);
	check_past(&b, 0, LOSS_events_dropped, 1003, 1010, 3);
	(void) feed(&b, 11, 3);
	(void) feed(&b, 15, 5);
	check_past(&b, 0, LOSS_events_dropped, 1003, 1015, 5);
	(void) feed(&b, 40, 5);
	(void) feed(&b, 42, 12); /* another one */
	check_past(&b, 1, LOSS_events_dropped, 1040, 1042, 7);
	b.stream->gaps++;
	(void) feed(&b, 50, 12);
	check_past(&b, 2, LOSS_batches_missing, 1042, 1050, 0);
	(void) feed(&b, 3615, 12);
	check_past(&b, 0, LOSS_events_dropped, 1003, 1015, 5);
	(void) feed(&b, 3616, 12); /* more than an hour later */
	check_past(&b, 0, LOSS_events_dropped, 1040, 1042, 7);
	assert_int_equal(2, b.loss.past.n);

	/* The sensor dies; the next one's node begins with what its predecessor's has lost. */
	past = b.loss.past;
	second.before_seen = 4620 * S;
	node_loss_begin(&b.loss, &b.counters, &second, 0, &past);
	assert_int_equal(3, b.loss.past.n);
	check_past(&b, 1, LOSS_batches_missing, 1042, 1050, 0);
	assert_int_equal(LOSS_OPEN, b.loss.past.v[2].until);
	(void) feed(&b, 3700, 0);
	node_loss_whole(&b.loss, 3700 * S);
	check_past(&b, b.loss.past.n - 1, LOSS_sensor_died, 4620, 4700, 0);
	bench_close(&b);
}

/* The sensor says when it dropped events: 'holes' are of a batch, seconds after boot, for the spool
 * and for a ring; 'since', 'until' of the loss. */
static const struct {
	const char *what;
	uint64_t batch, drops;
	struct {
		uint64_t first, last;
	} ring, spool;
	uint64_t since, until, losses;
} dropped[] = {
	{ "a ring", 100, 5, { 95, 97 }, { 0, 0 }, 1095, 1097, 1 },
	{ "not known when", 101, 6, { 95, 97 }, { 0, 0 }, 1100, 1101, 2 },
	{ "the spool: older, and counted later", 105, 9, { 95, 97 }, { 30, 40 }, 1030, 1040, 3 },
	{ "it goes on", 106, 10, { 95, 97 }, { 30, 42 }, 1030, 1042, 3 },
	{ "both", 200, 20, { 197, 199 }, { 180, 190 }, 1180, 1199, 4 },
	{ "a time that has not come", 220, 21, { 300, 310 }, { 180, 190 }, 1200, 1220, 5 },
	{ "backwards", 240, 22, { 239, 238 }, { 180, 190 }, 1220, 1240, 6 },
};

static void
test_holes(void **state)
{
	struct bench b;

	(void) state;
	bench_open(&b);
	node_loss_begin(&b.loss, &b.counters, b.stream, 0, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(dropped); i++) {
		Wire__Hole ring = WIRE__HOLE__INIT, spool = WIRE__HOLE__INIT;
		Wire__Hole *holes[] = { &ring, &spool };
		Wire__Drop drop = WIRE__DROP__INIT, *drops = &drop;
		Wire__Batch batch = WIRE__BATCH__INIT;

		ring.cause = DROP_RING_FULL;
		ring.first_ns = dropped[i].ring.first * S;
		ring.last_ns = dropped[i].ring.last * S;
		spool.cause = DROP_SPOOL_FULL;
		spool.first_ns = dropped[i].spool.first * S;
		spool.last_ns = dropped[i].spool.last * S;
		batch.holes = holes;
		batch.n_holes = ARRAY_SIZE(holes);
		drop.count = dropped[i].drops;
		batch.drops = &drops;
		batch.n_drops = 1;
		batch.boot_ns = dropped[i].batch * S;
		batch.real_ns = (1000 + dropped[i].batch) * S;
		(void) node_loss_batch(&b.loss, &batch);
		assert_int_equal(dropped[i].losses, b.loss.past.n);
		check_past(&b, b.loss.past.n - 1, LOSS_events_dropped, dropped[i].since,
		    dropped[i].until, b.loss.past.v[b.loss.past.n - 1].events);
		assert_int_equal(
		    1, loss_at(&b.loss.windows, batch.boot_ns + 9 * S) >> LOSS_events_dropped);
	}
	bench_close(&b);
}

/* Accounts, one after the other: what is missing, and nobody counted, opens a window. */
static const struct {
	const char *what;
	uint64_t undelivered, unaccounted, counted; /* so far; 'counted' by the sensor */
	bool gap;                                   /* batches are missing */
	uint64_t lost;                              /* all that no one accounts for */
} accounts[] = {
	{ "nothing is missing", 0, 0, 0, false, 0 },
	{ "missing in the kernel", 0, 3, 0, false, 3 },
	{ "still", 0, 3, 0, false, 3 },
	{ "and more", 0, 5, 0, false, 5 },
	{ "a gap", 70, 5, 0, true, 5 },
	{ "still", 70, 5, 0, false, 5 },
	{ "batches came, and events in them did not", 72, 5, 0, false, 7 },
	{ "the sensor lost events and counted them", 82, 5, 10, false, 7 },
	{ "it counted more than are missing", 82, 5, 20, false, 7 },
	{ "and too few", 92, 5, 21, false, 16 },
	{ "fewer: some were late", 90, 5, 21, false, 16 },
};

static void
test_account(void **state)
{
	Wire__Account row = WIRE__ACCOUNT__INIT, *rows = &row;
	struct bench b;
	uint64_t lost = 0;

	(void) state;
	bench_open(&b);
	node_loss_begin(&b.loss, &b.counters, b.stream, 0, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(accounts); i++) {
		Wire__Drop drop = WIRE__DROP__INIT, missed = WIRE__DROP__INIT,
			   unread = WIRE__DROP__INIT;
		Wire__Drop *drops[] = { &drop, &missed, &unread };
		Wire__Batch batch = WIRE__BATCH__INIT;

		drop.cause = DROP_SPOOL_FULL;
		drop.count = accounts[i].counted;
		missed.cause = DROP_MISSED; /* they were never generated */
		missed.count = i * 100;
		unread.cause = DROP_UNREAD; /* nor were these, by this sensor */
		unread.count = i * 100;
		batch.drops = drops;
		batch.n_drops = ARRAY_SIZE(drops);
		batch.boot_ns = (i + 1) * S;
		batch.real_ns = (i + 1001) * S;
		b.stream->gaps += accounts[i].gap;
		(void) node_loss_batch(&b.loss, &batch);
		node_loss_account(&b.loss, &batch); /* it has none */
		account.undelivered = accounts[i].undelivered;
		account.unaccounted = accounts[i].unaccounted;
		batch.accounts = &rows;
		batch.n_accounts = 1;
		node_loss_account(&b.loss, &batch);
		lost = 0;
		for (size_t k = 0; k < b.loss.past.n; k++) {
			if (b.loss.past.v[k].cause == LOSS_unaccounted)
				lost += b.loss.past.v[k].events;
		}
		assert_int_equal(accounts[i].lost, lost);
	}
	assert_int_equal(1, b.counters.losses[LOSS_unaccounted]);
	bench_close(&b);
}

/* Each check of the sensor's that finds silent hooks opens a window. */
static void
test_silent(void **state)
{
	struct bench b;

	(void) state;
	bench_open(&b);
	node_loss_begin(&b.loss, &b.counters, b.stream, 0, NULL);
	(void) feed(&b, 10, 0);
	assert_int_equal(0, at(&b, 10));
	b.stream->silences = 2;
	(void) feed(&b, 20, 0);
	assert_int_equal(1 << LOSS_hook_silent, at(&b, 21));
	assert_int_equal(0, at(&b, 31));
	(void) feed(&b, 40, 0);
	assert_int_equal(0, at(&b, 41));
	b.stream->silences = 3;
	(void) feed(&b, 50, 0);
	assert_int_equal(2, b.counters.losses[LOSS_hook_silent]);
	bench_close(&b);
}

/* Every cause has a name, and an alert unless another one reports it. */
static const struct {
	enum loss_cause cause;
	int priority;
} priority_cases[] = {
	{ LOSS_events_dropped, PRIO_ERROR },
	{ LOSS_hook_silent, PRIO_ERROR },
	{ LOSS_sensor_died, PRIO_ERROR },
	{ LOSS_sensor_stopped, PRIO_NOTICE },
	{ LOSS_collector_restarted, LOSS_QUIET },
	{ LOSS_state_forgotten, LOSS_QUIET },
};

/* Alerts: one for each cause in BLIND_EVERY_NS, with the number of windows. */
static void
test_owed(void **state)
{
	enum loss_cause cause = LOSS_MAX;
	uint64_t times = 0;
	struct bench b;

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(priority_cases); i++)
		assert_int_equal(
		    priority_cases[i].priority, loss_priority(priority_cases[i].cause));
	bench_open(&b);
	b.stream->evaluated = b.stream->began = 7;
	node_loss_begin(&b.loss, &b.counters, b.stream, 0, NULL);
	assert_false(node_loss_owed(&b.loss, &cause, &times)); /* collector_restarted is quiet */
	(void) feed(&b, 10, 1);
	assert_true(node_loss_owed(&b.loss, &cause, &times));
	assert_int_equal(LOSS_events_dropped, cause);
	assert_int_equal(1, times);
	assert_true(node_loss_owed(&b.loss, &cause, &times)); /* until it is reported */
	node_loss_told(&b.loss, cause);
	assert_false(node_loss_owed(&b.loss, &cause, &times));
	(void) feed(&b, 40, 2);
	(void) feed(&b, 80, 3);
	assert_false(node_loss_owed(&b.loss, &cause, &times)); /* too soon */
	b.stream->loss.told_at[cause] -= BLIND_EVERY_NS;
	(void) feed(&b, 120, 4);
	assert_true(node_loss_owed(&b.loss, &cause, &times));
	assert_int_equal(3, times);
	bench_close(&b);
}

/* Evictions from a full state make rules blind. */
static void
test_evicted(void **state)
{
	struct bench b;

	(void) state;
	bench_open(&b);
	node_loss_begin(&b.loss, &b.counters, b.stream, 0, NULL);
	(void) feed(&b, 10, 0);
	node_loss_evicted(&b.loss, 0);
	assert_int_equal(0, at(&b, 10));
	node_loss_evicted(&b.loss, 5);
	(void) feed(&b, 15, 0);
	node_loss_evicted(&b.loss, 5);
	assert_int_equal(1 << LOSS_state_evicted, at(&b, 20));
	assert_int_equal(0, at(&b, 21));
	assert_int_equal(1, b.counters.losses[LOSS_state_evicted]);
	bench_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state_gone),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_evicted),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_past),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_account),
		cmocka_unit_test(test_owed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
