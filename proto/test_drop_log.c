/* SPDX-License-Identifier: Apache-2.0 */
/* test_drop_log.c - when drops are logged, and the text of the line. */
#include "proto/drop_log.h"
#include "proto/event.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"

#define S NS_PER_S

/* In sequence: the counts so far at this second, and the line; NULL: none. */
static const struct {
	uint64_t second;
	struct {
		uint32_t event, cause;
		uint64_t count;
	} v[8];
	const char *line;
} line_cases[] = {
	{ 1, { { EV_OPENAT, DROP_RING_FULL, 99 } }, NULL }, /* fewer than 100 */
	{ 2, { { EV_OPENAT, DROP_RING_FULL, 99 }, { EV_CLOSE, DROP_LATE, 5000 } }, NULL },
	{ 3, { { EV_OPENAT, DROP_RING_FULL, 99 }, { 0, DROP_SPOOL_FULL, 1 } },
	    "100 events were dropped since the sensor's start: 99 openat (no room in the kernel's "
	    "ring), 1 of unknown type (no room in the sensor's spool)" },
	{ 12, { { EV_OPENAT, DROP_RING_FULL, 5000 } }, NULL }, /* too soon */
	{ 13, { { EV_OPENAT, DROP_RING_FULL, 299 }, { 0, DROP_SPOOL_FULL, 1 } },
	    "200 events were dropped in the last 10 s: 200 openat (no room in the kernel's ring)" },
	{ 30, { { EV_OPENAT, DROP_RING_FULL, 299 }, { 0, DROP_SPOOL_FULL, 1 } }, NULL },
	{ 40,
	    { { EV_OPENAT, DROP_RING_FULL, 300 }, { 0, DROP_SPOOL_FULL, 3 },
		{ EV_CLOSE, DROP_TOO_LONG, 3 }, { EV_EXECVE, DROP_FAULT, 104 },
		{ EV_CONNECT, DROP_BAD_RECORD, 5 }, { EV_DUP, DROP_QUARANTINED, 6 },
		{ 100000, 99, 7 }, { 0, DROP_MISSED, 1 } },
	    "129 events were dropped in the last 27 s: 104 execve (memory that could not be read), "
	    "7 of unknown type (cause 99), 6 dup (the collector refused their batch twice), 5 "
	    "connect (a record that could not be read), 3 close (too long for a record), and 3 "
	    "more kinds" },
};

static bool
line(struct drop_log *l, size_t i, struct buf *out)
{
	Wire__Drop v[8], *p[8];
	size_t n = 0;

	while (n < 8 && line_cases[i].v[n].count > 0) {
		v[n] = (Wire__Drop) WIRE__DROP__INIT;
		v[n].event = line_cases[i].v[n].event;
		v[n].cause = line_cases[i].v[n].cause;
		v[n].count = line_cases[i].v[n].count;
		p[n] = &v[n];
		n++;
	}
	buf_clear(out);
	return drop_log_line(l, p, n, line_cases[i].second * S, out);
}

static void
test_lines(void **state)
{
	struct buf out = BUF_INIT;
	struct drop_log l;

	(void) state;
	drop_log_init(&l, 100);
	for (size_t i = 0; i < ARRAY_SIZE(line_cases); i++) {
		bool told = line(&l, i, &out);

		assert_int_equal(line_cases[i].line != NULL, told);
		if (told)
			assert_string_equal(line_cases[i].line, out.p);
	}
	drop_log_fini(&l);
	buf_fini(&out);
}

/* Never if it is off; later if memory was missing. */
static void
test_off(void **state)
{
	struct buf out = BUF_INIT;
	struct drop_log l;

	(void) state;
	drop_log_init(&l, 0);
	assert_false(line(&l, 2, &out));
	drop_log_init(&l, 1);
	fault_arm_nth(0);
	assert_false(line(&l, 2, &out));
	assert_true(fault_disarm());
	assert_true(line(&l, 2, &out));
	assert_string_equal(line_cases[2].line, out.p);
	drop_log_fini(&l);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
