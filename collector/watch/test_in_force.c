/* SPDX-License-Identifier: Apache-2.0 */
/* test_in_force.c - what a restarted collector knows of the time before: as little as was kept. */
#include "collector/checkpoint/checkpoint.h"
#include "collector/watch/in_force.h"
#include "tests/support/test.h"

#include "common/clock.h"
#include "tests/support/put_file.h"
#include "tests/support/tmpdir.h"
#include <unistd.h>

static const char rules[] =
    "- rule: A\n  desc: d\n  condition: evt.type = unshare\n  output: x\n"
    "  priority: INFO\n";
static char folder[128], outbox[128], note[160];

static void
replace_outbox(void)
{
	char aside[160];

	/* beside each other, so that the new one is another file */
	(void) snprintf(aside, sizeof(aside), "%s.new", outbox);
	put_file(aside, "another", 0600);
	assert_int_equal(0, rename(aside, outbox));
}

static void
remove_note(void)
{
	assert_int_equal(0, unlink(note));
}

static void
damage_note(void)
{
	put_file(note, "MEWSNOTE, but not as it was written", 0600);
}

static const struct {
	const char *what;
	void (*change)(void);        /* between two collectors; NULL: nothing */
	bool killed_in_a_change;     /* the first one */
	bool lost;                   /* alerts from the outbox */
	bool rule, history, version; /* is it known of the time before? */
} cases[] = {
	{ "restarted", NULL, false, false, true, true, true },
	{ "alerts were lost", NULL, false, true, true, false, true },
	{ "another outbox", replace_outbox, false, false, true, false, true },
	{ "the file is gone", remove_note, false, false, false, false, false },
	{ "the file is damaged", damage_note, false, false, false, false, false },
	{ "killed during a reload", NULL, true, false, false, false, false },
};

static struct ruleset *
parse(void)
{
	const struct rule_options o = { .min_priority = PRIO_DEBUG };
	struct ruleset *s = NULL;
	struct rule_log l;

	assert_int_equal(0, ruleset_parse("r.yaml", slice_str(rules), &o, &s, &l));
	rule_log_fini(&l);
	return s;
}

/* One collector, from its start to its end. */
static void
collector(bool lost, uint32_t version, bool killed_in_a_change, struct in_force *ret,
    struct rule_force *force)
{
	struct checkpoint *c = NULL;
	struct diag d = { 0 };
	struct ruleset *s = parse();

	assert_int_equal(0, checkpoint_open(folder, &c, &d));
	in_force_begin(ret, c, outbox, lost);
	in_force_set(ret, s, NULL, version);
	assert_non_null(ruleset_force(s, "A", force));
	if (killed_in_a_change)
		in_force_changing(ret);
	in_force_end(ret);
	ruleset_unref(s);
	checkpoint_close(c);
}

static void
test_restart(void **state)
{
	struct rule_force first, second;
	struct in_force f;

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t between;

		(void) snprintf(folder, sizeof(folder), "%s/states%zu", tmpdir, i);
		(void) snprintf(outbox, sizeof(outbox), "%s/outbox%zu", tmpdir, i);
		(void) snprintf(note, sizeof(note), "%s/collector", folder);
		put_file(outbox, "rows", 0600);
		collector(false, 1000, cases[i].killed_in_a_change, &f, &first);
		between = clock_real();
		assert_true(first.since <= between && f.history <= between);
		if (cases[i].change != NULL)
			cases[i].change();
		collector(cases[i].lost, 2000, false, &f, &second);
		if ((second.since < between) != cases[i].rule ||
		    (f.history < between) != cases[i].history ||
		    (f.versions.v[0] == 1000) != cases[i].version)
			fail_msg("%s: rule %d, history %d, version %u", cases[i].what,
			    second.since < between, f.history < between, f.versions.v[0]);
		assert_int_equal(cases[i].rule ? 1000 : 2000, second.interest);
		collector(false, 3000, false, &f, &first); /* and a third one knows as much */
		assert_int_equal(second.since, first.since);
	}
}

/* More changes than versions are kept: the newest are. */
static void
test_many(void **state)
{
	struct rule_force force;
	struct in_force f;

	(void) state;
	(void) snprintf(folder, sizeof(folder), "%s/many", tmpdir);
	(void) snprintf(outbox, sizeof(outbox), "%s/outbox", tmpdir);
	put_file(outbox, "rows", 0600);
	for (uint32_t i = 1; i <= COVERAGE_VERSIONS + 3; i++)
		collector(false, i, false, &f, &force);
	assert_int_equal(1, force.interest);
	for (uint32_t i = 4; i <= COVERAGE_VERSIONS + 3; i++) {
		bool there = false;

		for (size_t k = 0; k < COVERAGE_VERSIONS; k++)
			there = there || f.versions.v[k] == i;
		assert_true(there);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
