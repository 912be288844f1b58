/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/alert/loss.h"
#include "common/macros.h"
#include "tests/support/test.h"
#include <jansson.h>

static const struct {
	enum loss_cause cause;
	uint64_t now, until; /* s; until 0: the state is whole at 'now' */
	bool opens;
	uint32_t at[5]; /* bits of causes after it, of events at 0, 10, 20, 30, 40 s */
} steps[] = {
	{ LOSS_events_dropped, 5, 15, true, { 1, 1, 0, 0, 0 } },
	{ LOSS_events_dropped, 6, 16, false, { 1, 1, 0, 0, 0 } }, /* extended, not a second one */
	{ LOSS_events_dropped, 6, 1, false, { 1, 1, 0, 0, 0 } },  /* never shorter */
	{ LOSS_batches_missing, 12, 22, true, { 3, 3, 2, 0, 0 } },
	{ LOSS_events_dropped, 17, 27, true, { 3, 3, 3, 0, 0 } },
	{ LOSS_collector_restarted, 18, 0, true, { 11, 11, 11, 8, 8 } },
	{ LOSS_MAX, 20, 0, false, { 11, 11, 11, 8, 0 } }, /* complete; its tail is 10 s */
	{ LOSS_MAX, 40, 0, false,
	    { 11, 11, 11, 8, 0 } }, /* again: windows with an end do not move */
};

static void
test_windows(void **state)
{
	struct loss l = { .latest = 0 };

	(void) state;
	assert_int_equal(0, loss_at(&l, 0));
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		uint64_t now = steps[i].now * NS_PER_S,
			 until = steps[i].until == 0 ? LOSS_OPEN : steps[i].until * NS_PER_S;

		if (steps[i].cause == LOSS_MAX)
			loss_whole(&l, now);
		else
			assert_int_equal(steps[i].opens, loss_open(&l, steps[i].cause, now, until));
		for (unsigned k = 0; k < ARRAY_SIZE(steps[i].at); k++)
			assert_int_equal(steps[i].at[k], loss_at(&l, k * 10 * NS_PER_S));
	}
}

static void
test_names(void **state)
{
	char out[LOSS_NAMES];

	(void) state;
	assert_string_equal("", loss_names(0, out));
	assert_string_equal("sensor_died", loss_names(1 << LOSS_sensor_died, out));
	assert_string_equal("events_dropped,sensor_died",
	    loss_names(1 << LOSS_sensor_died | 1 << LOSS_events_dropped, out));
	loss_names((1u << LOSS_MAX) - 1, out);
	assert_non_null(strstr(out, ",state_evicted"));
}

static void
test_json(void **state)
{
	struct buf out CLEANUP(buf_fini) = BUF_INIT;
	struct loss_shown s = { .opened = { 0 } };
	json_t *j;

	(void) state;
	loss_json(&s, 100, &out);
	buf_char(&out, '\0');
	assert_string_equal("{\"open\":[],\"since\":0,\"windows\":{}}", out.p);
	s.opened[LOSS_events_dropped] = 7;
	s.since[LOSS_events_dropped] = 40;
	s.until[LOSS_events_dropped] = 99; /* over */
	s.opened[LOSS_sensor_died] = s.opened[LOSS_collector_restarted] = 1;
	s.since[LOSS_sensor_died] = 60;
	s.since[LOSS_collector_restarted] = 50;
	s.until[LOSS_sensor_died] = LOSS_OPEN;
	s.until[LOSS_collector_restarted] = 101;
	buf_clear(&out);
	loss_json(&s, 100, &out);
	buf_char(&out, '\0');
	assert_string_equal(
	    "{\"open\":[\"collector_restarted\",\"sensor_died\"],\"since\":50,"
	    "\"windows\":{\"events_dropped\":7,\"collector_restarted\":1,"
	    "\"sensor_died\":1}}",
	    out.p);
	j = json_loads(out.p, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	json_decref(j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
