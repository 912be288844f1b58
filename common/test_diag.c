/* SPDX-License-Identifier: Apache-2.0 */
#include "common/diag.h"
#include "common/log.h"
#include "common/stage.h"
#include "tests/support/test.h"
#include <errno.h>

static const struct {
	unsigned line, col;
	const char *file;
	const char *want;
} cases[] = {
	{ 0, 0, "", "error: wrong 7\n" },
	{ 0, 0, "f.yaml", "f.yaml: error: wrong 7\n" },
	{ 1, 0, "f.yaml", "f.yaml:1: error: wrong 7\n    first\n" },
	{ 2, 4, "f.yaml", "f.yaml:2:4: error: wrong 7\n    \ta b\n    \t  ^\n" },
	{ 3, 1, "f.yaml", "f.yaml:3:1: error: wrong 7\n    last\n    ^\n" },
	{ 3, 5, "f.yaml",
	    "f.yaml:3:5: error: wrong 7\n    last\n        ^\n" }, /* just after the line's end */
	{ 9, 1, "f.yaml", "f.yaml:9:1: error: wrong 7\n" },        /* no such line */
	{ 2, 9999, "f.yaml", "f.yaml:2:9999: error: wrong 7\n    \ta b\n" },
};

static void
printing(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char out[512] = "";
		struct diag d = { 0 };
		FILE *f = fmemopen(out, sizeof(out), "w");

		assert_non_null(f);
		assert_int_equal(
		    -EINVAL, diag_fail(&d, cases[i].line, cases[i].col, "wrong %d", 7));
		if (cases[i].file[0] != '\0')
			diag_place(&d, cases[i].file, SLICE("first\n\ta b\nlast"));
		diag_print(f, &d, "error");
		assert_int_equal(0, fclose(f));
		assert_string_equal(cases[i].want, out);
	}
}

/* diag_set() resets code and origin; diag_add() keeps them. */
static void
codes(void **state)
{
	struct diag d = { .code = DIAG_NONE };

	(void) state;
	assert_int_equal(-EINVAL, diag_fail_as(&d, DIAG_UNKNOWN_FIELD, 1, 2, "no %s", "x"));
	assert_int_equal(DIAG_UNKNOWN_FIELD, d.code);
	d.origin = &d;
	diag_add(&d, " in %d", 7);
	assert_string_equal("no x in 7", d.msg);
	assert_int_equal(DIAG_UNKNOWN_FIELD, d.code);
	diag_set(&d, 1, 1, "other");
	assert_int_equal(DIAG_OTHER, d.code);
	assert_null(d.origin);
}

/* Text of a file cannot move the cursor, and the caret still lines up. */
static void
hostile_text(void **state)
{
	char out[512] = "";
	struct diag d = { 0 };
	FILE *f = fmemopen(out, sizeof(out), "w");

	(void) state;
	assert_non_null(f);
	diag_set(&d, 1, 6, "unknown '%s'", "\033[2J\n\xc2\x9b\xff");
	diag_place(&d, "f\033.yaml", SLICE("\xc3\xa9\t\033\xe2\x80\xae: bad"));
	diag_print(f, &d, "error");
	assert_int_equal(0, fclose(f));
	assert_string_equal(
	    "f\\x1b.yaml:1:6: error: unknown '\\x1b[2J\\x0a\\xc2\\x9b\\xff'\n"
	    "    \xc3\xa9\t\\x1b\\xe2\\x80\\xae: bad\n"
	    "     \t                 ^\n",
	    out);
}

static void
levels(void **state)
{
	(void) state;
	assert_int_equal(LOG_ERROR, log_level_of("error"));
	assert_int_equal(LOG_DEBUG, log_level_of("debug"));
	assert_int_equal(-EINVAL, log_level_of("loud"));
	assert_int_equal(-EINVAL, log_level_of("audit")); /* no level excludes it */
	assert_int_equal(-EINVAL, log_level_of(""));
}

/* One letter for each stage started and stopped; a stage that fails is not stopped. */
struct trace {
	char text[32];
	size_t n;
	int fail_at;
};

static int
start(void *app)
{
	struct trace *t = app;

	t->text[t->n++] = 's';
	return (int) t->n == t->fail_at ? -EPERM : 0;
}

static void
stop_a(void *app)
{
	struct trace *t = app;

	t->text[t->n++] = 'a';
}

static void
stop_b(void *app)
{
	struct trace *t = app;

	t->text[t->n++] = 'b';
}

static int
run(void *app)
{
	struct trace *t = app;

	t->text[t->n++] = 'r';
	return 3;
}

static void
stages(void **state)
{
	static const struct stage v[] = {
		{ "a", start, stop_a },
		{ "b", start, stop_b },
		{ "c", start, NULL },
	};
	static const struct {
		int fail_at;
		const char *want;
		int r;
	} stage_cases[] = { { 0, "sssrba", 3 }, { 1, "s", -EPERM }, { 2, "ssa", -EPERM },
		{ 3, "sssba", -EPERM } };

	(void) state;
	log_init("test", LOG_ERROR);
	assert_true(log_enabled(LOG_AUDIT));
	assert_false(log_enabled(LOG_WARN));
	for (size_t i = 0; i < ARRAY_SIZE(stage_cases); i++) {
		struct trace t = { .fail_at = stage_cases[i].fail_at };

		assert_int_equal(stage_cases[i].r, stages_run(v, ARRAY_SIZE(v), &t, run));
		assert_string_equal(stage_cases[i].want, t.text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(printing),
		cmocka_unit_test(codes),
		cmocka_unit_test(hostile_text),
		cmocka_unit_test(levels),
		cmocka_unit_test(stages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
