/* SPDX-License-Identifier: Apache-2.0 */
/* test_fold.c - which alerts are repeats, when they are due, and that none is lost or counted
 * twice. */
#include "collector/output/fold.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>
#include <stdlib.h>

#define WINDOW 1000

static const char *const by[] = { "container.id", "proc.pid" };

static struct fold *
make(void)
{
	struct fold *f = NULL;

	assert_int_equal(0, fold_new(WINDOW, by, 2, &f));
	return f;
}

static int
take(struct fold *f, uint64_t rowid, const char *rule, const char *node, const char *fields,
    uint64_t now)
{
	struct outbox_row row = { .rowid = rowid,
		.alert = { .rule = rule, .node = node, .cluster = "c" } };
	char json[256];

	(void) snprintf(json, sizeof(json), "{\"output_fields\":{%s}}", fields);
	row.alert.json = json;
	row.alert.json_len = strlen(json);
	row.alert.time = rowid * 10;
	(void) snprintf(row.alert.id, sizeof(row.alert.id), "id%lu", (unsigned long) rowid);
	return fold_take(f, &row, now);
}

/* Two alerts of the rule "a: b", or of another one, that differ in one field: are they a deed? */
static const struct {
	const char *by[3];
	size_t nby;
	const char *rule, *field;
	bool same;
} named[] = {
	{ { "" }, 0, "a: b", "container.id", false },
	{ { "" }, 0, "a: b", "proc.pname", false },
	{ { "" }, 0, "a: b", "fd.name", true },
	{ { "fd.name" }, 1, "a: b", "fd.name", false },
	{ { "fd.name" }, 1, "a: b", "proc.pname", true },
	{ { "a: b: fd.name", "proc.name" }, 2, "a: b", "fd.name", false },
	{ { "a: b: fd.name", "proc.name" }, 2, "a: b", "proc.name", true }, /* instead */
	{ { "a: b: fd.name", "proc.name" }, 2, "a", "fd.name", true },
	{ { "a: b: fd.name", "proc.name" }, 2, "a", "proc.name", false },
	{ { "a: b:fd.name", "a: b: proc.name" }, 2, "a: b", "proc.name", false },
	{ { "a: b:fd.name", "a: b: proc.name" }, 2, "a: b", "fd.name", false },
	{ { "a: b: fd.name" }, 1, "other", "proc.pname", false }, /* the usual ones */
	{ { "a: b: fd.name" }, 1, "other", "fd.name", true },
};

static void
a_rule_has_fields_of_its_own(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
		struct fold *f = NULL;
		char fields[64];

		assert_int_equal(0, fold_new(WINDOW, named[i].by, named[i].nby, &f));
		assert_int_equal(0, take(f, 1, named[i].rule, "n", "", 0));
		(void) snprintf(fields, sizeof(fields), "\"%s\":1", named[i].field);
		if (take(f, 2, named[i].rule, "n", fields, 1) != named[i].same)
			fail_msg("%zu: %s, %s", i, named[i].rule, named[i].field);
		fold_free(f);
	}
}

/* A script: what fold_take() answers to each alert. */
static const struct {
	const char *rule, *node, *fields;
	uint64_t now;
	int want;
} steps[] = {
	{ "r", "n", "", 0, 0 }, { "r", "n", "", 1, 1 },
	{ "r", "n", "\"proc.name\":\"other\"", 2, 1 }, /* does not tell deeds apart */
	{ "r2", "n", "", 3, 0 }, { "r", "n2", "", 4, 0 }, { "r", "n", "\"proc.pid\":7", 5, 0 },
	{ "r", "n", "\"proc.pid\":7", 6, 1 },
	{ "r", "n", "\"proc.pid\":\"7\"", 7, 0 }, /* a text is no number */
	{ "r", "n", "\"container.id\":\"a\",\"proc.pid\":7", 8, 0 },
	{ "r\",\"n", "", "", 9, 0 }, /* no text reaches into another part */
	{ "r2", "n", "", 1003, 0 },  /* its window is over, and nothing was repeated */
	{ "r2", "n", "", 1004, 1 }, { "r", "n", "", 1000, -EAGAIN }, /* what is held is due first */
};

static void
repeats_are_held(void **state)
{
	struct fold *f = make();
	struct fold_note *note = calloc(1, sizeof(*note));

	(void) state;
	assert_non_null(note);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		assert_int_equal(steps[i].want,
		    take(f, i + 1, steps[i].rule, steps[i].node, steps[i].fields, steps[i].now));
	assert_int_equal(4, fold_held(f));
	assert_false(fold_due(f, 999, false, note));
	assert_true(fold_due(f, 1000, false, note));
	assert_int_equal(2, note->nrows);
	assert_int_equal(2, note->rows[0]);
	assert_int_equal(3, note->rows[1]);
	assert_int_equal(2, note->repeats.count);
	assert_int_equal(20, note->repeats.first);
	assert_int_equal(30, note->repeats.last);
	assert_string_equal("id2", note->repeats.ids[0]);
	assert_string_equal("id3", note->repeats.ids[1]);
	assert_string_equal("id3", note->alert->id);
	fold_sent(f, 1000);
	assert_int_equal(2, fold_held(f));
	assert_int_equal(1, take(f, 20, "r", "n", "", 1500)); /* the next window */
	assert_false(fold_due(f, 1001, false, NULL));
	assert_true(fold_due(f, 1001, true, NULL));
	assert_true(fold_due(f, 1006, false, NULL));
	fold_free(f);
	free(note);
}

#define SUMMARY                                                                                  \
	"\"mews.suppressed.count\":%d,\"mews.suppressed.first_time\":%d,\"mews.suppressed.last_" \
	"time\":%d"

/* The summary of a storm stands for its matches. */
static void
a_summary_counts_as_its_matches(void **state)
{
	struct fold *f = make();
	struct fold_note *note = calloc(1, sizeof(*note));
	char fields[160];

	(void) state;
	assert_non_null(note);
	(void) snprintf(fields, sizeof(fields), SUMMARY, 400, 5, 70);
	assert_int_equal(0, take(f, 1, "r", "n", "", 0));
	assert_int_equal(1, take(f, 2, "r", "n", "", 0));
	assert_int_equal(1, take(f, 3, "r", "n", fields, 0));
	assert_true(fold_due(f, 0, true, note));
	assert_int_equal(2, note->nrows);
	assert_int_equal(2, note->repeats.alerts);
	assert_int_equal(401, note->repeats.count);
	assert_int_equal(5, note->repeats.first);
	assert_int_equal(70, note->repeats.last);
	fold_sent(f, 0);
	(void) snprintf(fields, sizeof(fields), SUMMARY, -1, 0, -5); /* no such number */
	assert_int_equal(1, take(f, 9, "r", "n", fields, 0));
	assert_true(fold_due(f, 0, true, note));
	assert_int_equal(1, note->repeats.count);
	assert_int_equal(90, note->repeats.first);
	assert_int_equal(90, note->repeats.last);
	fold_free(f);
	free(note);
}

/* Bounds: what is full is due at once, and no row is lost. */
static void
what_is_full_is_due(void **state)
{
	struct fold *f = make();
	struct fold_note *note = calloc(1, sizeof(*note));
	char rule[16];
	uint64_t row = 1;

	(void) state;
	assert_non_null(note);
	assert_int_equal(0, take(f, row++, "r", "n", "", 0));
	for (unsigned i = 0; i < FOLD_ROWS; i++)
		assert_int_equal(1, take(f, row++, "r", "n", "", 1));
	assert_int_equal(-EAGAIN, take(f, row, "r", "n", "", 1));
	assert_true(fold_due(f, 1, false, note));
	assert_int_equal(FOLD_ROWS, note->repeats.count);
	fold_sent(f, 1);
	assert_int_equal(1, take(f, row++, "r", "n", "", 1));
	for (unsigned i = 0; i < FOLD_HELD - 1; i++) {
		(void) snprintf(rule, sizeof(rule), "r%u", i % 10);
		if (i < 10)
			assert_int_equal(0, take(f, row++, rule, "n", "", 1));
		assert_int_equal(1, take(f, row++, rule, "n", "", 1));
	}
	assert_int_equal(FOLD_HELD, fold_held(f));
	assert_int_equal(-EAGAIN, take(f, row, "r", "n", "", 1));
	assert_true(fold_due(f, 1, false, note));
	fold_free(f);

	f = make(); /* deeds without repeats make room for others; those with some are due */
	for (unsigned i = 0; i < FOLD_DEEDS + 9; i++) {
		(void) snprintf(rule, sizeof(rule), "r%u", i);
		assert_int_equal(0, take(f, row++, rule, "n", "", 1));
	}
	fold_free(f);
	f = make();
	for (unsigned i = 0; i < FOLD_DEEDS; i++) {
		(void) snprintf(rule, sizeof(rule), "r%u", i);
		assert_int_equal(0, take(f, row++, rule, "n", "", 1));
		assert_int_equal(1, take(f, row++, rule, "n", "", 1));
	}
	assert_int_equal(-EAGAIN, take(f, row, "another", "n", "", 1));
	assert_true(fold_due(f, 1, false, note));
	fold_free(f);
	free(note);
}

static void
count_row(void *arg, uint64_t rowid)
{
	*(uint64_t *) arg += rowid;
}

static void
clearing_gives_the_rows_back(void **state)
{
	struct fold *f = make();
	uint64_t sum = 0;

	(void) state;
	assert_int_equal(0, take(f, 1, "r", "n", "", 0));
	assert_int_equal(1, take(f, 2, "r", "n", "", 0));
	assert_int_equal(1, take(f, 3, "r", "n", "", 0));
	fold_clear(f, count_row, &sum);
	assert_int_equal(5, sum);
	assert_int_equal(0, fold_held(f));
	assert_int_equal(0, take(f, 2, "r", "n", "", 0)); /* begins again */
	fold_free(f);
}

static void
lack_of_memory_changes_nothing(void **state)
{
	struct fold *f = make();
	int r;

	(void) state;
	for (unsigned n = 0;; n++) {
		fault_arm_nth(n);
		r = take(f, 1, "r", "n", "", 0);
		if (!fault_disarm())
			break;
		assert_int_equal(-ENOMEM, r);
	}
	assert_int_equal(0, r);
	for (unsigned n = 0;; n++) {
		fault_arm_nth(n);
		r = take(f, 2, "r", "n", "", 0);
		if (!fault_disarm())
			break;
		assert_int_equal(-ENOMEM, r);
		assert_int_equal(0, fold_held(f));
	}
	assert_int_equal(1, r);
	fold_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repeats_are_held),
		cmocka_unit_test(a_rule_has_fields_of_its_own),
		cmocka_unit_test(what_is_full_is_due),
		cmocka_unit_test(a_summary_counts_as_its_matches),
		cmocka_unit_test(clearing_gives_the_rows_back),
		cmocka_unit_test(lack_of_memory_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
