/* SPDX-License-Identifier: Apache-2.0 */
/* test_loss_past.c - what alerts say of the hour before them. */
#include "collector/alert/loss_past.h"
#include "common/macros.h"
#include "tests/support/test.h"
#include <jansson.h>

#define S      NS_PER_S
#define HOUR_S 3600

enum what { OPEN, EXTEND, WHOLE, EXPIRE };

/* One after the other; 'json' is that of the first two losses, by cause, events and seconds. */
static const struct {
	enum what what;
	enum loss_cause cause;
	uint64_t since, until, events; /* s; until 0: none yet. WHOLE, EXPIRE: 'since' is now */
	const char *json;
} steps[] = {
	{ EXPIRE, 0, 9, 0, 0, "" },
	{ OPEN, LOSS_events_dropped, 10, 12, 17, "events_dropped 17 10-12" },
	{ EXTEND, LOSS_events_dropped, 13, 15, 3, "events_dropped 20 10-15" },
	{ EXTEND, LOSS_events_dropped, 12, 14, 0, "events_dropped 20 10-15" },
	{ WHOLE, 0, 16, 0, 0, "events_dropped 20 10-15" },
	{ OPEN, LOSS_sensor_died, 20, 0, 0, "events_dropped 20 10-15, sensor_died ? 20-" },
	{ EXPIRE, 0, HOUR_S + 15, 0, 0, "events_dropped 20 10-15, sensor_died ? 20-" },
	{ EXPIRE, 0, HOUR_S + 16, 0, 0, "sensor_died ? 20-" },
	{ EXPIRE, 0, HOUR_S * 9, 0, 0, "sensor_died ? 20-" }, /* it lasts */
	{ WHOLE, 0, HOUR_S * 9, 0, 0, "sensor_died ? 20-32400" },
	{ OPEN, LOSS_state_evicted, 32400, 32400, 0,
	    "sensor_died ? 20-32400, state_evicted 0 32400-32400" },
	{ EXTEND, LOSS_sensor_died, 32401, 32401, 0,
	    "sensor_died ? 20-32401, state_evicted 0 32400-32400" },
	{ EXPIRE, 0, HOUR_S * 10 + 1, 0, 0, "sensor_died ? 20-32401" },
	{ EXTEND, LOSS_batch_undecodable, 36000, 36000, 5,
	    "sensor_died ? 20-32401, batch_undecodable 5 36000-36000" },
	{ EXPIRE, 0, HOUR_S * 20, 0, 0, "" },
	{ OPEN, LOSS_events_dropped, 72010, 72012, 1, "events_dropped 1 72010-72012" },
	{ EXTEND, LOSS_events_dropped, 72005, 72009, 2, "events_dropped 3 72005-72012" },
	/* a pause of more than a second: another loss, after it or before it */
	{ EXTEND, LOSS_events_dropped, 72014, 72015, 4,
	    "events_dropped 3 72005-72012, events_dropped 4 72014-72015" },
	{ EXPIRE, 0, HOUR_S * 30, 0, 0, "" },
	{ OPEN, LOSS_events_dropped, 108010, 108012, 1, "events_dropped 1 108010-108012" },
	{ EXTEND, LOSS_events_dropped, 108001, 108002, 2,
	    "events_dropped 1 108010-108012, events_dropped 2 108001-108002" },
};

static uint64_t
seconds(const json_t *span, const char *key)
{
	const char *s = json_string_value(json_object_get(span, key));
	struct tm tm = { .tm_sec = 0 };

	assert_non_null(s);
	assert_non_null(strptime(s, "%Y-%m-%dT%H:%M:%S.000Z", &tm));
	return (uint64_t) timegm(&tm);
}

/* The JSON in short. */
static const char *
brief(const struct loss_past *p, char out[static 400])
{
	struct buf b CLEANUP(buf_fini) = BUF_INIT;
	json_t *list, *span;
	size_t i, n = 0;

	out[0] = '\0';
	loss_past_json(p, &b);
	if (b.n == 0)
		return out;
	list = json_loadb(b.p, b.n, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(list);
	json_array_foreach(list, i, span)
	{
		const json_t *events = json_object_get(span, "events");

		n += (size_t) snprintf(out + n, 400 - n, "%s%s ", i > 0 ? ", " : "",
		    json_string_value(json_object_get(span, "cause")));
		n += json_is_null(events) ? (size_t) snprintf(out + n, 400 - n, "? ")
					  : (size_t) snprintf(out + n, 400 - n, "%lld ",
						(long long) json_integer_value(events));
		n += (size_t) snprintf(
		    out + n, 400 - n, "%lu-", (unsigned long) seconds(span, "since"));
		if (!json_is_null(json_object_get(span, "until")))
			n += (size_t) snprintf(
			    out + n, 400 - n, "%lu", (unsigned long) seconds(span, "until"));
	}
	json_decref(list);
	return out;
}

static void
test_steps(void **state)
{
	struct loss_past p = { .n = 0 };
	char out[400];

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		uint64_t since = steps[i].since * S,
			 until = steps[i].until == 0 ? LOSS_OPEN : steps[i].until * S;

		switch (steps[i].what) {
		case OPEN:
			loss_past_open(&p, steps[i].cause, since, until, steps[i].events);
			break;
		case EXTEND:
			loss_past_extend(&p, steps[i].cause, since, until, steps[i].events);
			break;
		case WHOLE:
			loss_past_whole(&p, since);
			break;
		case EXPIRE:
			loss_past_expire(&p, since);
			break;
		}
		assert_string_equal(steps[i].json, brief(&p, out));
	}
}

/* Many losses: those of a cause become one, exactly, and none of another cause is forgotten. */
static void
test_many(void **state)
{
	struct loss_past p = { .n = 0 };
	uint64_t events = 0, losses = 0;

	(void) state;
	for (unsigned i = 0; i < LOSS_MAX; i++)
		loss_past_open(&p, (enum loss_cause) i, i * S, (i + 1) * S, 1);
	for (unsigned i = 0; i < 1000; i++)
		loss_past_open(&p, LOSS_events_dropped, (100 + i) * S, (101 + i) * S, 3);
	assert_int_equal(LOSS_PAST_MAX, p.n);
	for (unsigned i = 0; i < LOSS_MAX; i++)
		assert_int_equal(i, p.v[i].cause);
	for (size_t i = 0; i < p.n; i++) {
		if (p.v[i].cause != LOSS_events_dropped)
			continue;
		events += p.v[i].events;
		losses += p.v[i].losses;
	}
	assert_int_equal(3001, events);
	assert_int_equal(1001, losses);
	assert_int_equal(0, p.v[0].since);
	assert_int_equal(1099 * S, p.v[p.n - 1].since);
	assert_int_equal(1098 * S, p.v[p.n - 2].since);
	assert_true(loss_past_valid(&p));
	p.v[3].cause = LOSS_MAX;
	assert_false(loss_past_valid(&p));
	p.n = LOSS_PAST_MAX + 1;
	p.v[3].cause = 0;
	assert_false(loss_past_valid(&p));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
