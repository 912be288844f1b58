/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/macros.h"
#include "sensor/pace.h"
#include "tests/support/test.h"

#define MS NS_PER_MS

static struct pace
usual(void)
{
	return (struct pace){
		.news = { .interval_ns = 10 * MS },
		.rest = { .interval_ns = 50 * MS },
		.bytes = 64 << 10,
	};
}

static const struct {
	const char *what;
	uint64_t left; /* time of the last of many batches, ms */
	struct pace_gathered g;
	bool open;
	uint64_t due; /* ms; PACE_NEVER */
} cases[] = {
	{ "nothing gathered", 0, { 0, 0, false }, true, PACE_NEVER },
	{ "the first batch leaves at once", 0, { 1, 60, false }, true, 0 },
	{ "news, when enough is paid", 1000, { 1, 60, true }, true, 1010 },
	{ "no news, when enough is paid", 1000, { 1, 0, false }, true, 1050 },
	{ "no news, half of the bytes: half of the time", 1000, { 900, 32 << 10, false }, true,
	    1025 },
	{ "news does not depend on the bytes", 1000, { 900, 32 << 10, true }, true, 1010 },
	{ "64 KiB leave at once", 1000, { 900, 64 << 10, false }, true, 0 },
	{ "one byte less waits", 1000, { 900, (64 << 10) - 1, true }, true, 1010 },
	{ "held: denser", 1000, { 900, 5000, true }, false, 1250 },
	{ "held: size still closes", 1000, { 900, 64 << 10, false }, false, 0 },
	{ "held: nothing gathered", 1000, { 0, 0, false }, false, PACE_NEVER },
};

static void
test_due(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pace p = usual();
		uint64_t want = cases[i].due == PACE_NEVER ? PACE_NEVER : cases[i].due * MS;

		for (int k = 0; cases[i].left != 0 && k <= PACE_BURST; k++)
			pace_left(&p, cases[i].left * MS);
		if (pace_due(&p, &cases[i].g, cases[i].open) != want)
			fail_msg("%s", cases[i].what);
	}
}

/* An event each millisecond for a second, with our own clock: a short burst, then a batch every 10
 * ms with news, every 50 ms without, and no event waits longer. */
static void
test_stream(void **state)
{
	static const struct {
		bool news;
		unsigned every;
	} streams[] = { { true, 10 }, { false, 50 } };

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
		struct pace p = usual();
		struct pace_gathered g = { .news = streams[i].news };
		unsigned every = streams[i].every, batches = 0;
		size_t most = 0;

		for (uint64_t now = 5000 * MS; now < 6000 * MS; now += MS) {
			g.events++;
			if (pace_due(&p, &g, true) > now)
				continue;
			assert_true(batches < 2 * PACE_BURST || now - p.left_ns == every * MS);
			assert_true(batches >= PACE_BURST || g.events == 1);
			most = MAX(most, g.events);
			pace_left(&p, now);
			g.events = 0;
			batches++;
		}
		assert_in_range(batches, 1000 / every, 1000 / every + PACE_BURST);
		assert_int_equal(most, every);
	}
}

/* Beside a stream without news, which has used up its account, news leaves at once. */
static void
test_beside(void **state)
{
	struct pace p = usual();
	struct pace_gathered g = { 1, 60, false };
	unsigned news = 0;

	(void) state;
	for (uint64_t now = 5000 * MS; now < 15000 * MS; now += MS) {
		g.news = now % (30 * MS) == 7 * MS;
		news += g.news;
		if (g.news)
			assert_true(pace_due(&p, &g, true) <= now);
		if (pace_due(&p, &g, true) <= now)
			pace_left(&p, now);
	}
	assert_in_range(news, 330, 340);
}

/* Batches closed for their size pay ahead no further than the burst. */
static void
test_size(void **state)
{
	struct pace p = usual();

	(void) state;
	for (uint64_t now = 5000 * MS; now < 6000 * MS; now += MS)
		pace_left(&p, now);
	assert_int_equal(pace_rest(&p.news), 6009 * MS);
	assert_int_equal(pace_rest(&p.rest), 6049 * MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_beside),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
