/* SPDX-License-Identifier: Apache-2.0 */
/* test_silence.c - silences: what they cover, their file, what is refused. */
#include "collector/output/silence.h"
#include "tests/support/fault.h"
#include "tests/support/put_file.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[96];

static struct silences *
open_it(int want)
{
	struct silences *s = NULL;
	struct diag d = { 0 };

	assert_int_equal(want, silences_open(path, &s, &d));
	assert_non_null(s);
	assert_int_equal(want < 0, d.msg[0] != '\0');
	return s;
}

static int
fresh(void **state)
{
	static int n;

	(void) state;
	(void) snprintf(path, sizeof(path), "%s/%d", tmpdir, n++);
	return 0;
}

static uint64_t
add(struct silences *s, const struct silence_spec *spec)
{
	struct silence_spec with = *spec;
	struct diag d = { 0 };
	uint64_t number = 0;

	with.why = "because";
	with.who = "me";
	with.seconds = 3600;
	assert_int_equal(0, silences_add(s, &with, &number, &d));
	return number;
}

static const struct {
	struct silence_spec spec;
	bool covered;
} cases[] = {
	{ { .rule = "Read /etc" }, true },
	{ { .rule = "Read" }, false },
	{ { .rule = "Read*" }, true },
	{ { .node = "web-1" }, true },
	{ { .node = "web-?" }, true },
	{ { .node = "db-*" }, false },
	{ { .cluster = "prod" }, true },
	{ { .cluster = "test" }, false },
	{ { .rule = "Read /etc", .node = "db-1" }, false },
	{ { .condition = "proc.name = cat and alert.priority = error" }, true },
	{ { .condition = "proc.name = dog" }, false },
	{ { .rule = "Read*", .condition = "proc.name = dog" }, false },
	{ { .rule = "Read*", .node = "*", .cluster = "*", .condition = "proc.pid > 3" }, true },
};

static struct alert
alert(void)
{
	static const char json[] = "{\"output_fields\":{\"proc.name\":\"cat\",\"proc.pid\":7}}";

	return (struct alert){ .rule = "Read /etc",
		.node = "web-1",
		.cluster = "prod",
		.priority = PRIO_ERROR,
		.json = json,
		.json_len = sizeof(json) - 1 };
}

static void
a_silence_covers_what_meets_all_of_it(void **state)
{
	struct alert a = alert();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct silences *s;

		(void) fresh(state);
		s = open_it(0);
		assert_false(silences_cover(s, &a));
		(void) add(s, &cases[i].spec);
		assert_int_equal(cases[i].covered, silences_cover(s, &a));
		assert_int_equal(1, silences_in_force(s));
		silences_close(s);
	}
}

/* The member of silence 'i'. */
static json_t *
member(struct silences *s, size_t i, const char *key)
{
	static json_t *root;
	struct buf b = BUF_INIT;

	json_decref(root);
	silences_json(s, &b);
	root = json_loadb(b.p, b.n, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	buf_fini(&b);
	return json_object_get(json_array_get(root, i), key);
}

static void
silences_and_counts_outlive_restarts(void **state)
{
	const struct silence_spec rule = { .rule = "Read*" }, node = { .node = "w\"eb\n" },
				  condition = { .condition = "proc.name = cat" };
	struct silences *s = open_it(0);
	struct alert a = alert();
	struct stat sb;

	(void) state;
	assert_int_equal(1, add(s, &rule));
	assert_int_equal(2, add(s, &node));
	assert_int_equal(3, add(s, &condition));
	assert_true(silences_cover(s, &a));
	assert_true(silences_cover(s, &a));
	assert_int_equal(0, silences_end(s, 2));
	assert_int_equal(-ENOENT, silences_end(s, 2));
	assert_int_equal(-ENOENT, silences_end(s, 9));
	silences_close(s);
	assert_int_equal(0, stat(path, &sb));
	assert_int_equal(0600, sb.st_mode & 0777);

	s = open_it(0);
	assert_int_equal(2, silences_in_force(s));
	assert_int_equal(2, json_integer_value(member(s, 0, "count")));
	assert_true(json_is_true(member(s, 0, "in_force")));
	assert_false(json_is_true(member(s, 1, "in_force")));
	assert_string_equal("w\"eb\n", json_string_value(member(s, 1, "node")));
	assert_string_equal("because", json_string_value(member(s, 2, "why")));
	assert_string_equal("me", json_string_value(member(s, 2, "who")));
	assert_int_equal(0, silences_end(s, 1));
	assert_true(silences_cover(s, &a)); /* by the condition */
	assert_int_equal(0, silences_end(s, 3));
	assert_false(silences_cover(s, &a));
	assert_int_equal(4, add(s, &rule));
	assert_null(member(s, 9, "count"));
	silences_close(s);
}

static const struct {
	struct silence_spec spec;
	const char *msg;
} bad[] = {
	{ { .why = "w", .seconds = 1 }, "name a rule, a node, a cluster or a condition" },
	{ { .rule = "", .condition = "", .why = "w", .seconds = 1 }, "name a rule" },
	{ { .rule = "r", .seconds = 1 }, "say why" },
	{ { .rule = "r", .why = "", .seconds = 1 }, "say why" },
	{ { .rule = "r", .why = "w" }, "say for how long" },
	{ { .rule = "r", .why = "w", .seconds = SILENCE_SECONDS + 1 }, "say for how long" },
	{ { .condition = "proc.nme = x", .why = "w", .seconds = 1 }, "proc.nme" },
	{ { .condition = "proc.name =", .why = "w", .seconds = 1 }, "" },
};

static void
bad_silences_are_refused(void **state)
{
	static char longest[SILENCE_TEXT_MAX + 2];
	const struct silence_spec too_long = { .rule = longest, .why = "w", .seconds = 1 };
	struct silences *s = open_it(0);
	uint64_t number = 7;

	(void) state;
	memset(longest, 'a', SILENCE_TEXT_MAX + 1);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct diag d = { 0 };

		assert_int_equal(-EINVAL, silences_add(s, &bad[i].spec, &number, &d));
		assert_non_null(strstr(d.msg, bad[i].msg));
	}
	assert_int_equal(-EINVAL, silences_add(s, &too_long, &number, &(struct diag){ 0 }));
	assert_int_equal(7, number);
	assert_int_equal(-1, access(path, F_OK));
	silences_close(s);
}

/* 256 may be in force; an ended one makes room. */
static void
they_are_bounded(void **state)
{
	const struct silence_spec spec = { .rule = "r", .why = "w", .seconds = 900 };
	struct silences *s = open_it(0);
	struct diag d = { 0 };
	uint64_t number;

	(void) state;
	for (unsigned i = 1; i <= SILENCES_MAX; i++)
		assert_int_equal(0, silences_add(s, &spec, &number, &d));
	assert_int_equal(-ENOSPC, silences_add(s, &spec, &number, &d));
	assert_int_equal(0, silences_end(s, 5));
	assert_int_equal(0, silences_add(s, &spec, &number, &d));
	assert_int_equal(SILENCES_MAX, silences_in_force(s));
	silences_close(s);
}

static void
a_damaged_file_is_set_aside(void **state)
{
	static const char wrong_condition[] =
	    "[{\"number\":1,\"created\":1,\"until\":9000000000000000000,\"count\":0,\"rule\":\"\","
	    "\"node\":\"\",\"cluster\":\"\",\"condition\":\"no "
	    "such\",\"why\":\"w\",\"who\":\"m\"}]";
	static const char *const files[] = { "", "{}", "[1]", "[{\"number\":1}]", "nonsense",
		wrong_condition };
	char aside[128];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct silences *s;

		(void) fresh(state);
		put_file(path, files[i], 0600);
		s = open_it(-EBADMSG);
		assert_int_equal(0, silences_in_force(s));
		(void) snprintf(aside, sizeof(aside), "%s.damaged", path);
		assert_int_equal(0, access(aside, F_OK));
		assert_true(add(s, &cases[0].spec) > 0);
		silences_close(s);
		silences_close(open_it(0));
	}
}

/* One that cannot be written is not in force. */
static void
what_is_not_on_the_disk_does_not_hold(void **state)
{
	struct silences *s;
	struct diag d = { 0 };
	uint64_t number;
	const struct silence_spec spec = { .rule = "r", .why = "w", .seconds = 900 };

	(void) state;
	(void) snprintf(path, sizeof(path), "%s/none/x", tmpdir);
	s = open_it(0);
	assert_int_equal(-ENOENT, silences_add(s, &spec, &number, &d));
	assert_int_equal(0, silences_in_force(s));
	silences_close(s);
}

static void
lack_of_memory_is_told(void **state)
{
	const struct silence_spec spec = {
		.rule = "r", .condition = "proc.name = cat", .why = "w", .who = "m", .seconds = 9
	};
	struct silences *s = NULL;
	struct diag d = { 0 };
	uint64_t number;
	int r;

	(void) state;
	for (unsigned n = 0;; n++) {
		fault_arm_nth(n);
		r = silences_open(path, &s, &d);
		if (!fault_disarm())
			break;
		assert_int_equal(-ENOMEM, r);
	}
	for (unsigned n = 0;; n++) {
		fault_arm_nth(n);
		r = silences_add(s, &spec, &number, &d);
		if (!fault_disarm())
			break;
		assert_int_equal(-ENOMEM, r);
		assert_int_equal(0, silences_in_force(s));
	}
	assert_int_equal(0, r);
	silences_close(s);
}

#define T(f) cmocka_unit_test_setup(f, fresh)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_silence_covers_what_meets_all_of_it),
		T(silences_and_counts_outlive_restarts),
		T(bad_silences_are_refused),
		T(they_are_bounded),
		T(a_damaged_file_is_set_aside),
		T(what_is_not_on_the_disk_does_not_hold),
		T(lack_of_memory_is_told),
	};

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
