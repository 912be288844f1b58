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
	{ "nothing gathered", 0, { 0, 0, 0 }, true, PACE_NEVER },
	{ "the first batch leaves at once", 0, { 1, 60, 0 }, true, 0 },
	{ "news, when enough is paid", 1000, { 1, 60, 1 }, true, 1010 },
	{ "no news, when enough is paid", 1000, { 1, 0, 0 }, true, 1050 },
	{ "no news, a quarter of the bytes: half of the time", 1000, { 900, 16 << 10, 0 }, true,
	    1025 },
	{ "no news, half of the bytes: at once", 1000, { 900, 32 << 10, 0 }, true, 1000 },
	{ "news does not depend on the bytes", 1000, { 900, 32 << 10, 900 }, true, 1010 },
	{ "64 KiB leave at once", 1000, { 900, 64 << 10, 0 }, true, 0 },
	{ "one byte less waits", 1000, { 900, (64 << 10) - 1, 1 }, true, 1010 },
	{ "held: denser", 1000, { 900, 5000, 1 }, false, 1250 },
	{ "held: size still closes", 1000, { 900, 64 << 10, 0 }, false, 0 },
	{ "held: nothing gathered", 1000, { 0, 0, 0 }, false, PACE_NEVER },
};

static void
test_due(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pace p = usual();
		uint64_t want = cases[i].due == PACE_NEVER ? PACE_NEVER : cases[i].due * MS;

		for (int k = 0; cases[i].left != 0 && k <= PACE_BURST; k++)
			pace_left(&p, cases[i].left * MS, 0);
		if (pace_due(&p, &cases[i].g, cases[i].open) != want)
			fail_msg("%s", cases[i].what);
	}
}

/* An event each millisecond, with our own clock: a short burst, then a batch every 10 ms if one of
 * its events is news, about every 30 ms if it is full of news, every 50 ms if it has none. */
static void
test_stream(void **state)
{
	static const struct {
		size_t first, more; /* news in the first event of a batch, and in each other */
		uint64_t every;
	} streams[] = { { 1, 0, 10 }, { PACE_MANY, PACE_MANY, 30 }, { 1, 4, 30 }, { 0, 0, 50 } };

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
		struct pace p = usual();
		struct pace_gathered g = { .news = 0 };
		uint64_t every = streams[i].every, batches = 0, late = 0;

		for (uint64_t now = 5000 * MS; now < 15000 * MS; now += MS) {
			g.news += g.events == 0 ? streams[i].first : streams[i].more;
			g.events++;
			if (pace_due(&p, &g, true) > now)
				continue;
			assert_true(g.events <= every + 1);
			assert_true(batches >= PACE_BURST / 3 || g.events == 1);
			pace_left(&p, now, g.news);
			g = (struct pace_gathered){ .news = 0 };
			batches++;
			late += now >= 7000 * MS; /* the burst is over */
		}
		assert_in_range(late, 8000 / (every + 1), 8000 / (every - 1));
	}
}

/* Beside a stream without news, which has used up its account, news leaves at once. */
static void
test_beside(void **state)
{
	struct pace p = usual();
	struct pace_gathered g = { 1, 60, 0 };
	size_t news = 0;

	(void) state;
	for (uint64_t now = 5000 * MS; now < 15000 * MS; now += MS) {
		g.news = now % (30 * MS) == 7 * MS;
		news += g.news;
		if (g.news > 0)
			assert_true(pace_due(&p, &g, true) <= now);
		if (pace_due(&p, &g, true) <= now)
			pace_left(&p, now, g.news);
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
		pace_left(&p, now, 0);
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
