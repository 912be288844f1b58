/* SPDX-License-Identifier: Apache-2.0 */
/* test_outbox_clock.c - how long alerts have waited is right whatever happens to the clock. */
#include "collector/outbox/outbox_int.h"
#include "tests/support/outbox_kit.h"

static _Atomic uint64_t boot, boot_s, real_s; /* what the outbox sees */

struct clock_stamp __wrap_clock_stamp(void);

struct clock_stamp
__wrap_clock_stamp(void)
{
	return (struct clock_stamp){ boot, boot_s * NS_PER_S, real_s * NS_PER_S };
}

struct at {
	uint64_t boot, boot_s, real_s;
};

static void
set(struct at at)
{
	boot = at.boot;
	boot_s = at.boot_s;
	real_s = at.real_s;
}

static const struct {
	const char *what;
	struct at first, second; /* an alert is committed */
	struct at asked;
	enum {
		GOES_ON,
		RESTARTS,
		RESTARTS_TWICE,
		OLDER
	} how;           /* before it is asked; ... between, too */
	int64_t want[2]; /* since when they wait */
} cases[] = {
	{ "no step", { 7, 1000, 100000 }, { 7, 1010, 100010 }, { 7, 1100, 100100 }, GOES_ON,
	    { 1000, 1010 } },
	{ "ahead between", { 7, 1000, 100000 }, { 7, 1010, 103610 }, { 7, 1100, 103700 }, GOES_ON,
	    { 1000, 1010 } },
	{ "back between", { 7, 1000, 100000 }, { 7, 1010, 96410 }, { 7, 1100, 96500 }, GOES_ON,
	    { 1000, 1010 } },
	{ "ahead later", { 7, 1000, 100000 }, { 7, 1010, 100010 }, { 7, 1100, 103700 }, GOES_ON,
	    { 1000, 1010 } },
	{ "ahead between, a restart later", { 7, 1000, 100000 }, { 7, 1010, 103610 },
	    { 7, 1100, 103700 }, RESTARTS, { 1000, 1010 } },
	{ "ahead while it is down", { 7, 1000, 100000 }, { 7, 1010, 103610 }, { 7, 1100, 103700 },
	    RESTARTS_TWICE, { 1000, 1010 } },
	{ "a reboot later", { 7, 1000, 100000 }, { 7, 1010, 100010 }, { 8, 50, 100200 }, RESTARTS,
	    { -150, -140 } },
	{ "a reboot between", { 7, 1000, 100000 }, { 8, 20, 100200 }, { 8, 50, 100230 },
	    RESTARTS_TWICE, { -180, 20 } },
	{ "a reboot without a clock", { 7, 1000, 100000 }, { 8, 20, 20 }, { 8, 50, 50 },
	    RESTARTS_TWICE, { 0, 20 } },
	{ "of an older collector", { 7, 1000, 100000 }, { 7, 1010, 100010 }, { 7, 1100, 100100 },
	    OLDER, { 1000, 1010 } },
};

static struct outbox *
restart(struct outbox *o, bool forget)
{
	sqlite3 *db = NULL;

	outbox_close(o);
	if (forget) {
		assert_int_equal(SQLITE_OK, sqlite3_open(kit_path, &db));
		assert_int_equal(
		    SQLITE_OK, sqlite3_exec(db, "DELETE FROM clock", NULL, NULL, NULL));
		assert_int_equal(SQLITE_OK, sqlite3_close(db));
	}
	return open_it(0, 1);
}

struct asked {
	struct outbox *o;
	int64_t since[200];
	size_t n;
};

static bool
ask(void *arg, const struct outbox_row *row)
{
	struct asked *a = arg;
	int64_t ns = outbox_since(a->o, row);

	assert_int_equal(0, ns % (int64_t) NS_PER_S);
	a->since[a->n++] = ns / (int64_t) NS_PER_S;
	return true;
}

static void
since_then(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct asked a = { 0 };
		struct outbox *o;

		(void) kit_setup(state);
		set(cases[i].first);
		o = open_it(0, 1);
		assert_int_equal(0, put(o, &node1, 1, make(1, "r", "web-1", PRIO_ERROR, 60)));
		if (cases[i].how == RESTARTS_TWICE)
			o = restart(o, false);
		set(cases[i].second);
		assert_int_equal(0, put(o, &node1, 2, make(2, "r", "web-1", PRIO_ERROR, 60)));
		set(cases[i].asked);
		if (cases[i].how != GOES_ON)
			o = restart(o, cases[i].how == OLDER);
		a.o = o;
		assert_int_equal(2, outbox_read(o, 0, 10, ask, &a));
		if (a.since[0] != cases[i].want[0] || a.since[1] != cases[i].want[1])
			fail_msg("%s: since %ld and %ld", cases[i].what, (long) a.since[0],
			    (long) a.since[1]);
		outbox_close(o);
	}
}

/* So many steps: the newest are remembered, in bounded room. */
static void
many_steps(void **state)
{
	enum { STEPS = 100 };
	struct asked a = { 0 };
	struct outbox *o;
	uint64_t rows = 0;

	(void) kit_setup(state);
	set((struct at){ 7, 1000, 100000 });
	o = open_it(0, 1);
	for (unsigned i = 1; i <= STEPS; i++) {
		set((struct at){ 7, 1000 + i, 100000 + 3600 * i });
		assert_int_equal(0, put(o, &node1, i, make(i, "r", "web-1", PRIO_ERROR, 60)));
	}
	for (unsigned turn = 0; turn < 2; turn++) {
		a = (struct asked){ .o = o };
		assert_int_equal(STEPS, outbox_read(o, 0, 200, ask, &a));
		for (unsigned i = STEPS - OUTBOX_CLOCKS + 1; i <= STEPS; i++)
			assert_int_equal(1000 + i, a.since[i - 1]);
		a.o = o = restart(o, false);
		assert_int_equal(0, outbox_ask(o->db, "SELECT count(*) FROM clock", &rows));
		assert_int_equal(OUTBOX_CLOCKS, rows);
	}
	outbox_close(o);
}

/* A transaction that failed has noted nothing. */
static void
after_a_failure(void **state)
{
	struct asked a = { 0 };
	struct outbox *o;

	(void) kit_setup(state);
	set((struct at){ 7, 1000, 100000 });
	o = open_it(0, 1);
	kit_fail("COMMIT", SQLITE_IOERR, 2);
	assert_int_equal(0, put(o, &node1, 1, make(1, "r", "web-1", PRIO_ERROR, 60)));
	set((struct at){ 7, 1100, 103700 });
	o = restart(o, false);
	a.o = o;
	assert_int_equal(1, outbox_read(o, 0, 10, ask, &a));
	assert_int_equal(1000, a.since[0]);
	outbox_close(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(since_then),
		cmocka_unit_test(many_steps),
		cmocka_unit_test(after_a_failure),
	};

	return cmocka_run_group_tests(tests, kit_begin, kit_end);
}
