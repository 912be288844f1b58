/* SPDX-License-Identifier: Apache-2.0 */
/* test_outbox_places.c - where an output continues when the outbox is opened. */
#include "tests/support/outbox_kit.h"
#include <errno.h>

/* How the outbox is opened: the output is disabled, enabled, or enabled with 'beginning'. */
enum how { OFF, ON, BEGINNING };

/* The expected state at opening, and the events until closing. Turns not listed open it with the
 * output disabled. */
struct turn {
	enum how how;
	unsigned at, skipped; /* expected, if it is enabled */
	unsigned put;         /* so many alerts are raised ... */
	unsigned delivered;   /* ... and the output's cursor advances to this one; 0: stays */
};

static const struct {
	const char *what;
	struct turn turns[6];
} cases[] = {
	{ "new to an empty file", { { ON, 0, 0, 3, 3 }, { ON, 3, 0, 0, 0 } } },
	{ "goes on where it was", { { ON, 0, 0, 5, 2 }, { ON, 2, 0, 1, 0 }, { ON, 2, 0, 0, 0 } } },
	{ "new to a history", { { OFF, 0, 0, 4, 0 }, { ON, 4, 4, 2, 0 }, { ON, 4, 0, 0, 0 } } },
	{ "new, from the beginning",
	    { { OFF, 0, 0, 4, 0 }, { BEGINNING, 0, 0, 1, 3 }, { ON, 3, 0, 0, 0 } } },
	{ "was off",
	    { { ON, 0, 0, 3, 2 }, { OFF, 0, 0, 4, 0 }, { ON, 7, 5, 1, 8 }, { ON, 8, 0, 0, 0 } } },
	{ "was off, twice", { { ON, 0, 0, 2, 2 }, { OFF, 0, 0, 1, 0 }, { OFF, 0, 0, 1, 0 },
				{ ON, 4, 2, 1, 5 }, { OFF, 0, 0, 1, 0 }, { ON, 6, 1, 0, 0 } } },
	{ "was off, from the beginning",
	    { { ON, 0, 0, 3, 2 }, { OFF, 0, 0, 4, 0 }, { BEGINNING, 2, 0, 0, 7 },
		{ BEGINNING, 7, 0, 0, 0 } } },
	{ "was off while nothing came",
	    { { ON, 0, 0, 3, 3 }, { OFF, 0, 0, 0, 0 }, { ON, 3, 0, 0, 0 } } },
	{ "beginning means nothing to one that was on",
	    { { ON, 0, 0, 3, 2 }, { BEGINNING, 2, 0, 0, 0 } } },
};

static struct outbox *
open_as(enum how how)
{
	const struct outbox_output kafka = { "kafka", how == BEGINNING }, other = { "file", false };
	const struct outbox_output both[] = { other, kafka };
	const struct outbox_cfg cfg = { .path = kit_path,
		.cluster = "prod",
		.node = "collector",
		.outputs = both,
		.noutputs = how == OFF ? 1 : 2 };
	struct outbox *o = NULL;
	struct diag d = { 0 };

	assert_int_equal(0, outbox_open(&cfg, &o, &d));
	return o;
}

/* Put the turn's alerts, and deliver. 'id': the last one so far. */
static void
play(struct outbox *o, const struct turn *t, unsigned *id)
{
	for (unsigned n = 0; n < t->put; n++) {
		++*id;
		assert_int_equal(0, put(o, &node1, *id, make(*id, "r", "n", PRIO_ERROR, 1)));
	}
	if (t->delivered > 0)
		outbox_delivered(o, "kafka", t->delivered);
	outbox_delivered(o, "file", *id);
}

static void
test_turns(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned id = 0;

		assert_int_equal(0, kit_setup(state));
		for (size_t k = 0; k < ARRAY_SIZE(cases[i].turns); k++) {
			const struct turn *t = &cases[i].turns[k];
			struct outbox *o = open_as(t->how);
			uint64_t at = 0, skipped = 0;
			int r = outbox_cursor(o, "kafka", &at, &skipped);

			if (r != (t->how == OFF ? -ENOENT : 0) || at != t->at ||
			    skipped != t->skipped)
				fail_msg("%s, turn %zu: %d, at %lu, %lu skipped", cases[i].what, k,
				    r, (unsigned long) at, (unsigned long) skipped);
			play(o, t, &id);
			outbox_close(o);
		}
	}
}

/* The same while the file stays open: the output goes and comes. */
static void
test_turns_while_open(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct outbox *o;
		unsigned id = 0;
		bool on = false;

		assert_int_equal(0, kit_setup(state));
		o = open_as(OFF);
		for (size_t k = 0; k < ARRAY_SIZE(cases[i].turns); k++) {
			const struct turn *t = &cases[i].turns[k];
			const struct outbox_output kafka = { "kafka", t->how == BEGINNING };
			uint64_t at = 0, skipped = 0;
			bool begins = t->how != OFF && !on;
			int r = 0;

			if (begins)
				r = outbox_output_on(o, &kafka);
			else if (t->how == OFF && on)
				outbox_output_off(o, "kafka");
			on = t->how != OFF;
			assert_int_equal(0, r);
			r = outbox_cursor(o, "kafka", &at, &skipped);
			if (r != (on ? 0 : -ENOENT) || at != t->at ||
			    (begins && skipped != t->skipped))
				fail_msg("%s, turn %zu: %d, at %lu, %lu skipped", cases[i].what, k,
				    r, (unsigned long) at, (unsigned long) skipped);
			play(o, t, &id);
		}
		outbox_close(o);
	}
}

/* What went or came while the file was open is so in the file. */
static void
test_the_file_knows(void **state)
{
	const struct outbox_output kafka = { "kafka", false };
	uint64_t at = 0, skipped = 0;
	struct outbox *o = open_as(ON);

	(void) state;
	assert_int_equal(0, put(o, &node1, 1, make(1, "r", "n", PRIO_ERROR, 1)));
	outbox_delivered(o, "kafka", 1);
	outbox_output_off(o, "kafka");
	for (unsigned n = 2; n <= 4; n++)
		assert_int_equal(0, put(o, &node1, n, make(n, "r", "n", PRIO_ERROR, 1)));
	outbox_close(o);
	o = open_as(BEGINNING); /* it was off, at 1 */
	assert_int_equal(0, outbox_cursor(o, "kafka", &at, &skipped));
	assert_int_equal(1, at);
	outbox_close(o);
	o = open_as(OFF);
	assert_int_equal(0, outbox_output_on(o, &kafka));
	assert_int_equal(0, put(o, &node1, 5, make(5, "r", "n", PRIO_ERROR, 1)));
	outbox_close(o);
	o = open_as(ON); /* it was on, at 4 */
	assert_int_equal(0, outbox_cursor(o, "kafka", &at, &skipped));
	assert_int_equal(4, at);
	assert_int_equal(0, skipped);
	outbox_close(o);
}

/* Each name has its place for the life of the process: that has a bound. */
static void
test_names_are_bounded(void **state)
{
	struct outbox *o = open_as(OFF);
	char name[32];
	int r = 0, n = 0;

	(void) state;
	for (; r == 0 && n < 1000; n++) {
		const struct outbox_output other = { name, false };

		(void) snprintf(name, sizeof(name), "file.%d", n);
		r = outbox_output_on(o, &other);
		if (r == 0)
			outbox_output_off(o, name);
	}
	assert_int_equal(-ENOSPC, r);
	assert_true(n > 32);
	outbox_close(o);
}

/* mewsctl opens the file read-only: that disables no output. */
static void
test_read_only(void **state)
{
	struct outbox_cfg cfg = { .path = kit_path, .read_only = true };
	struct outbox *o = open_as(ON);
	struct diag d = { 0 };
	uint64_t at = 0, skipped = 1;

	(void) state;
	assert_int_equal(0, put(o, &node1, 1, make(1, "r", "n", PRIO_ERROR, 1)));
	outbox_close(o);
	o = NULL;
	assert_int_equal(0, outbox_open(&cfg, &o, &d));
	outbox_close(o);
	o = open_as(ON);
	assert_int_equal(0, outbox_cursor(o, "kafka", &at, &skipped));
	assert_int_equal(0, at);
	assert_int_equal(0, skipped);
	outbox_close(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_turns_while_open),
		cmocka_unit_test_setup(test_the_file_knows, kit_setup),
		cmocka_unit_test_setup(test_names_are_bounded, kit_setup),
		cmocka_unit_test_setup(test_read_only, kit_setup),
	};

	return cmocka_run_group_tests(tests, kit_begin, kit_end);
}
