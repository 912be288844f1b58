/* SPDX-License-Identifier: Apache-2.0 */
/* test_gap.c - what prevents the statement that nothing happened on a node. */
#include "collector/stream/coverage_kept.h"
#include "collector/stream/gap.h"
#include "tests/support/test.h"

void
peer_schema_free(struct peer_schema *p)
{
	assert_null(p);
}

enum { VERSION = 1000 };
#define T0    (1000000 * NS_PER_S) /* the node is covered from then on */
#define SINCE (T0 + 100 * NS_PER_S)
#define NOW   (T0 + 200 * NS_PER_S)

/* A node about which everything is known from T0 to NOW. */
static struct stream *
covered(void)
{
	struct stream *st = calloc(1, sizeof(*st));

	assert_non_null(st);

	st->connected = true;
	st->heard = clock_mono();
	coverage_confirm(st, VERSION, T0);
	st->coverage.complete = T0;
	st->coverage.whole = NOW;
	return st;
}

static void
silent(struct stream *st)
{
	st->heard -= stream_silent_ns(st) + NS_PER_S;
}

static void
gone(struct stream *st)
{
	st->connected = false;
}

static void
behind(struct stream *st)
{
	st->coverage.whole = NOW - COVERAGE_LATE_NS - 2 * NS_PER_S;
}

static void
nothing_confirmed(struct stream *st)
{
	st->coverage.version[VERSION % COVERAGE_VERSIONS] = 0;
	st->coverage.confirmed[VERSION % COVERAGE_VERSIONS] = 0;
}

static void
new_node(struct stream *st)
{
	st->coverage.confirmed[VERSION % COVERAGE_VERSIONS] = SINCE + 1;
}

/* an older version was in force before */
static void
late_interest(struct stream *st)
{
	new_node(st);
	coverage_confirm(st, VERSION - 1, T0);
}

/* a later version covers it too, and does not hide the earlier confirmation */
static void
later_versions(struct stream *st)
{
	for (uint32_t i = 1; i < COVERAGE_VERSIONS; i++)
		coverage_confirm(st, VERSION + i, NOW - 1);
}

/* ... until too many came: then only the later ones are known */
static void
too_many_versions(struct stream *st)
{
	later_versions(st);
	coverage_confirm(st, VERSION + COVERAGE_VERSIONS, NOW - 1);
}

static void
no_snapshot(struct stream *st)
{
	st->coverage.complete = 0;
}

static void
late_snapshot(struct stream *st)
{
	st->coverage.complete = SINCE + 1;
}

static void
old_loss(struct stream *st)
{
	st->loss.opened[LOSS_events_dropped] = 1;
	st->loss.since[LOSS_events_dropped] = T0;
	st->loss.until[LOSS_events_dropped] = SINCE;
}

static void
recent_loss(struct stream *st)
{
	old_loss(st);
	st->loss.until[LOSS_events_dropped] = SINCE + 1;
}

static void
lasting_loss(struct stream *st)
{
	old_loss(st);
	st->loss.until[LOSS_events_dropped] = LOSS_OPEN;
}

static void
polled_drops(struct stream *st)
{
	st->drops = 3;
	st->coverage.drops = 2;
}

static void
polled_silence(struct stream *st)
{
	st->silences = 1;
}

static void
blind_spot(struct stream *st)
{
	st->blind = 1;
}

static void
clock_behind(struct stream *st)
{
	st->coverage.clock_off = -(int64_t) COVERAGE_CLOCK_NS - 1;
}

static void
clock_ahead(struct stream *st)
{
	st->coverage.clock_off = (int64_t) COVERAGE_CLOCK_NS + 1;
}

static void
clock_near(struct stream *st)
{
	st->coverage.clock_off = -(int64_t) COVERAGE_CLOCK_NS;
}

static void
stepped(struct stream *st)
{
	coverage_clocks(st, 5 * NS_PER_S, T0, T0);
	coverage_clocks(st, 6 * NS_PER_S, T0 - 3600 * NS_PER_S, SINCE + 1);
}

static void
stepped_before(struct stream *st)
{
	coverage_clocks(st, 5 * NS_PER_S, T0, T0);
	coverage_clocks(st, 6 * NS_PER_S, T0 + 3600 * NS_PER_S, SINCE);
}

/* time passes, and NTP slews */
static void
not_stepped(struct stream *st)
{
	coverage_clocks(st, 5 * NS_PER_S, T0, T0);
	coverage_clocks(st, 65 * NS_PER_S, T0 + 60 * NS_PER_S + NS_PER_S / 2, SINCE + 1);
}

static const struct {
	void (*change)(struct stream *st); /* NULL: none */
	int gap;                           /* the only one; -1: none */
	uint64_t until;                    /* of the gap */
} cases[] = {
	{ NULL, -1, 0 },
	{ silent, GAP_not_seen, UINT64_MAX },
	{ gone, GAP_not_seen, UINT64_MAX },
	{ behind, GAP_behind, UINT64_MAX },
	{ nothing_confirmed, GAP_new, UINT64_MAX },
	{ new_node, GAP_new, SINCE + 1 },
	{ late_interest, GAP_interest, SINCE + 1 },
	{ later_versions, -1, 0 },
	{ too_many_versions, GAP_new, NOW - 1 },
	{ no_snapshot, GAP_snapshot, UINT64_MAX },
	{ late_snapshot, GAP_snapshot, SINCE + 1 },
	{ old_loss, -1, 0 },
	{ recent_loss, GAP_loss, SINCE + 1 },
	{ lasting_loss, GAP_loss, LOSS_OPEN },
	{ polled_drops, GAP_loss, UINT64_MAX },
	{ polled_silence, GAP_loss, UINT64_MAX },
	{ blind_spot, GAP_blind_spot, UINT64_MAX },
	{ clock_behind, GAP_clock_off, UINT64_MAX },
	{ clock_ahead, GAP_clock_off, UINT64_MAX },
	{ clock_near, -1, 0 },
	{ stepped, GAP_clock_step, SINCE + 1 },
	{ stepped_before, -1, 0 },
	{ not_stepped, -1, 0 },
};

/* Case 'i': the one gap is 'gap', -1: there is none. Returns its end, else UINT64_MAX. */
static uint64_t
one_gap(const struct stream *st, size_t i, int gap, uint64_t *until)
{
	struct coverage_gap gaps[GAP_MAX];
	unsigned n = coverage_gaps(st, SINCE, NOW, VERSION, gaps, until);

	if (n != (gap >= 0))
		fail_msg(
		    "case %zu: %u gaps, the first %s", i, n, n > 0 ? gap_name(gaps[0].gap) : "-");
	if (n > 0 && (int) gaps[0].gap != gap)
		fail_msg("case %zu: %s until %lu", i, gap_name(gaps[0].gap),
		    (unsigned long) gaps[0].until);
	return n > 0 ? gaps[0].until : UINT64_MAX;
}

static void
test_gaps(void **state)
{
	uint64_t until;

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct stream *st = covered();
		uint64_t ends;

		if (cases[i].change != NULL)
			cases[i].change(st);
		ends = one_gap(st, i, cases[i].gap, &until);
		if (cases[i].gap >= 0)
			assert_int_equal(cases[i].until, ends);
		else
			assert_int_equal(NOW - COVERAGE_SLACK_NS, until);
		free(st);
	}
}

/* What the time before a restart of the collector needs goes on after it. */
static const struct {
	void (*change)(struct stream *st);
	int gap; /* after the restart; -1: none */
	uint64_t until;
} resume_cases[] = {
	{ NULL, -1, 0 },
	{ new_node, GAP_new, SINCE + 1 },
	{ late_interest, GAP_interest, SINCE + 1 },
	{ later_versions, -1, 0 },
	{ too_many_versions, GAP_new, NOW - 1 },
	{ no_snapshot, GAP_snapshot, UINT64_MAX },
	{ late_snapshot, GAP_snapshot, SINCE + 1 },
	{ old_loss, -1, 0 },
	{ recent_loss, GAP_loss, SINCE + 1 },
	{ lasting_loss, GAP_loss, LOSS_OPEN },
	{ stepped, GAP_clock_step, SINCE + 1 },
	{ stepped_before, -1, 0 },
	{ coverage_foreign, GAP_new, UINT64_MAX },
};

static void
test_resume(void **state)
{
	struct coverage_gap gaps[GAP_MAX];
	uint64_t until;

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(resume_cases); i++) {
		struct stream *before = covered(), *st = calloc(1, sizeof(*st));
		struct coverage_kept kept;
		uint64_t ends;
		unsigned n;

		assert_non_null(st);
		if (resume_cases[i].change != NULL)
			resume_cases[i].change(before);
		coverage_keep(before, &kept);
		st->connected = true;
		st->heard = clock_mono();
		st->coverage.whole = NOW;
		coverage_resume_versions(st, &kept);
		/* ingest has answered, the shard has not loaded the state yet */
		n = coverage_gaps(st, SINCE, NOW, VERSION, gaps, &until);
		assert_true(n > 0 && gaps[n - 1].gap == GAP_snapshot);
		coverage_resume(st, &kept);
		coverage_confirm(st, VERSION + 5000, NOW); /* of this collector */
		ends = one_gap(st, i, resume_cases[i].gap, &until);
		/* a version that nobody confirmed then is in force from now on */
		if (resume_cases[i].gap >= 0 && resume_cases[i].until < NOW - 1)
			assert_int_equal(resume_cases[i].until, ends);
		for (size_t k = 0; k < LOSS_MAX; k++) /* none is alerted again */
			assert_int_equal(st->loss.opened[k], st->loss.told[k]);
		free(before);
		free(st);
	}
}

/* A moment is covered once all batches up to then are durable. */
static void
test_mark(void **state)
{
	struct stream *st = covered();

	(void) state;
	st->coverage.whole = 0;
	coverage_mark(st, 7, T0);
	assert_int_equal(0, st->coverage.whole);
	st->durable = 6;
	coverage_mark(st, 8, T0 + 1); /* 7 is not durable yet */
	assert_int_equal(0, st->coverage.whole);
	st->durable = 7;
	coverage_mark(st, 9, T0 + 2);
	assert_int_equal(T0, st->coverage.whole);
	st->durable = 9;
	coverage_mark(st, 9, T0 - 5); /* a clock that goes back takes nothing back */
	assert_int_equal(T0 + 2, st->coverage.whole);
	coverage_mark(st, 9, T0 + 3);
	assert_int_equal(T0 + 2, st->coverage.whole);
	free(st);
}

static void
test_names(void **state)
{
	(void) state;
	assert_string_equal("loss", gap_name(GAP_loss));
	assert_string_equal("the node's clock was stepped", gap_text(GAP_clock_step));
}

/* A loss in the time asked about stays known when the sensor is restarted. */
static void
test_follow(void **state)
{
	struct stream_id id = { .node = "n", .boot_id = "b", .sensor_start = 1 };
	struct stream *first = NULL, *second = NULL;
	struct streams *s = NULL;

	(void) state;
	assert_int_equal(0, streams_new(&s));
	assert_int_equal(0, stream_get(s, &id, 0, false, NULL, &first));
	first->loss.opened[LOSS_batches_missing] = 1;
	first->loss.until[LOSS_batches_missing] = T0;
	first->loss.opened[LOSS_sensor_died] = 1;
	first->loss.until[LOSS_sensor_died] = LOSS_OPEN;
	id.sensor_start = 2;
	assert_int_equal(0, stream_get(s, &id, 0, false, NULL, &second));
	assert_int_equal(T0, second->loss.until[LOSS_batches_missing]);
	assert_in_range(
	    second->loss.until[LOSS_sensor_died], clock_real() - 60 * NS_PER_S, clock_real());
	stream_unref(first);
	stream_unref(second);
	streams_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_mark),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_follow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
