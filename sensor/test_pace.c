/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/macros.h"
#include "sensor/pace.h"
#include "tests/support/test.h"

#define MS NS_PER_MS

static const struct {
	const char *what;
	uint64_t left; /* time of the last batch, ms */
	size_t events, bytes;
	bool open;
	uint64_t due; /* ms; PACE_NEVER */
} cases[] = {
	{ "nothing gathered", 0, 0, 0, true, PACE_NEVER },
	{ "the first batch leaves at once", 0, 1, 60, true, 0 },
	{ "10 ms after the one before, when enough are paid for", 1000, 1, 60, true, 1010 },
	{ "64 KiB leave at once", 1000, 900, 64 << 10, true, 0 },
	{ "one byte less waits", 1000, 900, (64 << 10) - 1, true, 1010 },
	{ "held: denser", 1000, 900, 5000, false, 1250 },
	{ "held: size still closes", 1000, 900, 64 << 10, false, 0 },
	{ "held: nothing gathered", 1000, 0, 0, false, PACE_NEVER },
};

static void
test_due(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pace p = { 10 * MS, 64 << 10, 0, 0 };
		uint64_t want = cases[i].due == PACE_NEVER ? PACE_NEVER : cases[i].due * MS;

		for (int k = 0; cases[i].left != 0 && k <= PACE_BURST; k++)
			pace_left(&p, cases[i].left * MS);
		if (pace_due(&p, cases[i].events, cases[i].bytes, cases[i].open) != want)
			fail_msg("%s", cases[i].what);
	}
}

/* One event each millisecond for a second, with our own clock: a short burst, then a batch every 10
 * ms, and no event waits longer. */
static void
test_stream(void **state)
{
	struct pace p = { 10 * MS, 64 << 10, 0, 0 };
	size_t events = 0, batches = 0, most = 0;

	(void) state;
	for (uint64_t now = 5000 * MS; now < 6000 * MS; now += MS) {
		events++;
		if (pace_due(&p, events, events * 60, true) > now)
			continue;
		assert_true(batches < 2 * PACE_BURST || now - p.left_ns == 10 * MS);
		assert_true(batches >= PACE_BURST || events == 1);
		most = MAX(most, events);
		pace_left(&p, now);
		events = 0;
		batches++;
	}
	assert_in_range(batches, 100, 100 + PACE_BURST);
	assert_int_equal(most, 10);
}

/* Batches closed for their size pay ahead no further than the burst. */
static void
test_size(void **state)
{
	struct pace p = { 10 * MS, 64 << 10, 0, 0 };

	(void) state;
	for (uint64_t now = 5000 * MS; now < 6000 * MS; now += MS)
		pace_left(&p, now);
	assert_int_equal(pace_rest(&p), 6009 * MS);
	assert_int_equal(pace_due(&p, 1, 60, true), 6009 * MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
