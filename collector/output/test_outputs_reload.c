/* SPDX-License-Identifier: Apache-2.0 */
/* test_outputs_reload.c - other outputs while alerts flow: files, which show who had what. */
#include "collector/output/outputs_int.h"
#include "tests/support/outbox_kit.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <unistd.h>

struct bench {
	struct outbox *outbox;
	struct outputs *set;
	struct cfg *cfg;
	unsigned id;
};

/* A configuration; every '@' is the folder of the test. */
static struct cfg *
parse(const char *yaml)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	struct cfg *cfg = NULL;
	struct diag d = { 0 };

	for (; *yaml != '\0'; yaml++) {
		if (*yaml == '@')
			buf_str(&b, tmpdir);
		else
			buf_char(&b, *yaml);
	}
	assert_int_equal(0, cfg_parse("mews.yaml", buf_get(&b), &cfg, &d));
	return cfg;
}

static void
begin(struct bench *b, const char *yaml)
{
	struct outbox_output v[OUTBOX_OUTPUTS];
	struct outbox_cfg cfg = { .path = kit_path, .cluster = "c", .node = "n", .outputs = v };
	struct diag d = { 0 };
	int n;

	*b = (struct bench){ .cfg = parse(yaml) };
	n = outputs_enabled(b->cfg, v, OUTBOX_OUTPUTS, &d);
	assert_true(n >= 0);
	cfg.noutputs = (size_t) n;
	assert_int_equal(0, outbox_open(&cfg, &b->outbox, &d));
	assert_int_equal(0, outputs_start(b->cfg, b->outbox, NULL, &b->set, &d));
}

static void
end(struct bench *b)
{
	outputs_stop(b->set, 1000);
	outbox_close(b->outbox);
	cfg_free(b->cfg);
}

/* Raise an alert, and wait until all outputs had it. */
static void
raise(struct bench *b)
{
	struct output_stats st[OUTBOX_OUTPUTS];
	uint64_t left = 1;

	b->id++;
	assert_int_equal(0, put(b->outbox, &node1, b->id, make(b->id, "r", "n", PRIO_ERROR, 1)));
	for (int i = 0; i < 3000 && left > 0; i++) {
		size_t n = outputs_stats(b->set, st, ARRAY_SIZE(st));
		uint64_t at = 0;

		left = 0;
		for (size_t k = 0; k < n; k++) {
			assert_int_equal(0, outbox_cursor(b->outbox, st[k].name, &at, NULL));
			left += b->id - at;
		}
		(void) usleep(10000);
	}
	assert_int_equal(0, left);
}

static unsigned
lines(const char *name)
{
	char path[128];
	unsigned n = 0;
	FILE *f;
	int c;

	(void) snprintf(path, sizeof(path), "%s/%s", tmpdir, name);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	(void) fclose(f);
	return n;
}

static struct outputs_changes
reload(struct bench *b, const char *yaml)
{
	struct outputs_changes ret = { 0 };
	struct diag d = { 0 };

	if (outputs_reload(b->set, parse(yaml), &ret, &d) != 0)
		fail_msg("%s", d.msg);
	return ret;
}

#define A      "outputs:\n file:\n - { enabled: true, name: a, path: @/a, append: false }\n"
#define B      " - { enabled: true, name: b, path: @/b }\n"
#define B_LONG " - { enabled: true, name: b, path: @/b2, format: text }\n"
#define C      " - { enabled: true, name: c, path: @/c, from: beginning }\n"
#define OUT    " stdout: { enabled: false }\n"
#define FIRST  " first_match: [file.a, file.b]\n"
#define A_NOT                                                                      \
	"outputs:\n file:\n - { enabled: true, name: a, path: @/a, append: false," \
	" minimum_priority: critical }\n"

static const struct {
	const char *yaml;
	struct outputs_changes changes;
	unsigned a, b, b2, c; /* lines after one more alert */
} steps[] = {
	{ A B OUT, { 0, 0, 0 }, 2, 2, 0, 0 },
	{ A B_LONG, { 0, 1, 0 }, 3, 2, 1, 0 }, /* 'a' would be empty if it had been opened again */
	{ A B_LONG C, { 1, 0, 0 }, 4, 2, 2, 4 }, { A C, { 0, 0, 1 }, 5, 2, 2, 5 },
	{ A B, { 1, 0, 1 }, 6, 3, 2, 5 },   /* 'b' is new: not what was raised while it was off */
	{ A B C, { 1, 0, 0 }, 7, 4, 2, 7 }, /* 'c' gets what it has not had */
	{ A B C FIRST, { 0, 1, 0 }, 8, 4, 2, 8 },     /* 'b' gets what 'a' leaves */
	{ A_NOT B C FIRST, { 0, 2, 0 }, 0, 5, 2, 9 }, /* which is more now */
};

static void
others_are_not_disturbed(void **state)
{
	struct bench b;

	(void) state;
	begin(&b, A B);
	raise(&b);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct outputs_changes got = reload(&b, steps[i].yaml);

		assert_memory_equal(&steps[i].changes, &got, sizeof(got));
		raise(&b);
		assert_int_equal(steps[i].a, lines("a"));
		assert_int_equal(steps[i].b, lines("b"));
		assert_int_equal(steps[i].b2, lines("b2"));
		assert_int_equal(steps[i].c, lines("c"));
		assert_true(b.set->ncfgs <= 3);
	}
	end(&b);
}

static const struct {
	const char *yaml, *msg;
} wrong[] = {
	{ A " - { enabled: true, name: b, path: @/none/b }\n", "cannot write '" },
	{ A " - { enabled: true, name: b, path: @/b, format: xml }\n",
	    "'outputs.file.format' must be json" },
	{ A " - { enabled: true, name: a, path: @/b }\n", "'outputs.file.name': another one" },
	{ A C " - { enabled: true, name: d, path: '' }\n", "'outputs.file.path' must be" },
};

static void
a_wrong_one_changes_nothing(void **state)
{
	struct bench b;

	(void) state;
	begin(&b, A B);
	raise(&b);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct outputs_changes changes;
		struct cfg *cfg = parse(wrong[i].yaml);
		struct diag d = { 0 };
		uint64_t at;

		assert_true(outputs_reload(b.set, cfg, &changes, &d) < 0);
		if (strstr(d.msg, wrong[i].msg) == NULL)
			assert_string_equal(wrong[i].msg, d.msg);
		cfg_free(cfg);
		raise(&b);
		assert_int_equal(i + 2, lines("a"));
		assert_int_equal(i + 2, lines("b"));
		assert_int_equal(-ENOENT, outbox_cursor(b.outbox, "file.c", &at, NULL));
	}
	end(&b);
}

/* A file that an output reads belongs to its configuration; one that it writes does not. */
static void
a_changed_file_is_a_change(void **state)
{
	static const char yaml[] =
	    "outputs:\n file: { enabled: true, path: @/f }\n kafka:\n"
	    "  enabled: true\n  properties:\n   test.mock.num.brokers: 1\n"
	    "   ssl.ca.location: @/ca\n";
	char path[128];
	struct bench b;
	FILE *f;

	(void) state;
	(void) snprintf(path, sizeof(path), "%s/ca", tmpdir);
	f = fopen(path, "we");
	assert_non_null(f);
	begin(&b, yaml);
	assert_int_equal(0, reload(&b, yaml).changed);
	assert_true(fputs("x\n", f) >= 0);
	(void) fclose(f);
	assert_int_equal(1, reload(&b, yaml).changed);
	assert_int_equal(0, reload(&b, yaml).changed);
	end(&b);
}

/* Counters go on, and tests and statistics may be asked for meanwhile. */
static void
counters_go_on(void **state)
{
	struct output_stats st[OUTBOX_OUTPUTS];
	struct bench b;

	(void) state;
	begin(&b, A B);
	raise(&b);
	raise(&b);
	(void) reload(&b, A B_LONG);
	raise(&b);
	for (int i = 0; i < 500; i++) { /* published by the thread */
		assert_int_equal(2, outputs_stats(b.set, st, ARRAY_SIZE(st)));
		if (st[1].delivered == 3)
			break;
		(void) usleep(10000);
	}
	assert_string_equal("file.b", st[1].name);
	assert_int_equal(3, st[1].delivered);
	end(&b);
}

static int
setup(void **state)
{
	static const char *const files[] = { "a", "b", "b2", "c", "f", "ca" };
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		(void) snprintf(path, sizeof(path), "%s/%s", tmpdir, files[i]);
		(void) unlink(path);
	}
	return kit_setup(state);
}

static int
group_begin(void **state)
{
	return kit_begin(state) == 0 ? tmpdir_begin(state) : -1;
}

static int
group_end(void **state)
{
	return tmpdir_end(state) == 0 ? kit_end(state) : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(others_are_not_disturbed, setup),
		cmocka_unit_test_setup(a_wrong_one_changes_nothing, setup),
		cmocka_unit_test_setup(a_changed_file_is_a_change, setup),
		cmocka_unit_test_setup(counters_go_on, setup),
	};

	return cmocka_run_group_tests(tests, group_begin, group_end);
}
