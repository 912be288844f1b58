/* SPDX-License-Identifier: Apache-2.0 */
/* test_output_file.c - files that are rotated, every line in one of them; templates of lines. */
#include "collector/output/output.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

struct bench {
	struct cfg *cfg;
	void *st;
	unsigned ended;
};

static void
ended(void *arg, uint64_t rowid, enum output_result result, const char *why)
{
	struct bench *b = arg;

	(void) why;
	assert_int_equal(OUTPUT_DELIVERED, result);
	assert_int_equal(++b->ended, rowid);
}

static void
begin(struct bench *b, const char *options)
{
	char yaml[256];
	struct diag d = { 0 };

	*b = (struct bench){ .st = calloc(1, output_file.state_size) };
	assert_non_null(b->st);
	(void) snprintf(
	    yaml, sizeof(yaml), "outputs: { file: { path: %s/f, %s } }", tmpdir, options);
	assert_int_equal(0, cfg_parse("mews.yaml", slice_str(yaml), &b->cfg, &d));
	if (cfg_bind(b->cfg, output_file.opts, output_file.nopts, b->st, &d) < 0 ||
	    output_file.open(b->st, b->cfg, ended, b, &d) < 0)
		fail_msg("%s", d.msg);
}

static void
end(struct bench *b)
{
	output_file.close(b->st);
	cfg_free(b->cfg);
	free(b->st);
}

/* Write alerts of 100 bytes a line, with the next numbers. */
static void
put(struct bench *b, unsigned n)
{
	char json[128];

	for (unsigned i = 0; i < n; i++) {
		struct outbox_row row = { .rowid = b->ended + 1 };

		(void) snprintf(json, sizeof(json), "{\"n\":\"%091u\"}", b->ended + 1);
		row.alert = (struct alert){ .id = "i",
			.rule = "r",
			.cluster = "c",
			.node = "n",
			.json = json,
			.json_len = strlen(json) };
		assert_int_equal(0, output_file.submit(b->st, &row));
		output_file.poll(b->st, 10);
	}
}

/* The numbers in file f, f.1, ...: "7-9", or "none". */
static const char *
numbers(unsigned file)
{
	static char ret[32];
	char path[96], line[256];
	unsigned first = 0, last = 0, v;
	FILE *f;

	(void) snprintf(path, sizeof(path), file == 0 ? "%s/f" : "%s/f.%u", tmpdir, file);
	f = fopen(path, "re");
	if (f == NULL)
		return "none";
	while (fgets(line, sizeof(line), f) != NULL) {
		v = (unsigned) strtoul(line + strlen("{\"n\":\""), NULL, 10);
		assert_true(first == 0 || v == last + 1);
		first = first == 0 ? v : first;
		last = v;
	}
	(void) fclose(f);
	(void) snprintf(ret, sizeof(ret), "%u-%u", first, last);
	return ret;
}

static int
clean(void **state)
{
	char path[96];

	(void) state;
	for (unsigned i = 0; i < 20; i++) {
		(void) snprintf(path, sizeof(path), i == 0 ? "%s/f" : "%s/f.%u", tmpdir, i);
		if (unlink(path) < 0 && errno != ENOENT)
			return -1;
	}
	return 0;
}

static void
a_large_file_is_rotated(void **state)
{
	struct bench b;

	(void) state;
	begin(&b, "rotate_size: 300, keep: 2");
	put(&b, 2);
	assert_string_equal("1-2", numbers(0));
	assert_string_equal("none", numbers(1));
	put(&b, 2);
	assert_string_equal("1-3", numbers(1)); /* a line has 100 bytes */
	assert_string_equal("4-4", numbers(0));
	put(&b, 6);
	assert_string_equal("10-10", numbers(0));
	assert_string_equal("7-9", numbers(1));
	assert_string_equal("4-6", numbers(2));
	assert_string_equal("none", numbers(3)); /* as many as are kept */
	assert_null(output_file.trouble(b.st));
	end(&b);
}

static void
an_old_file_is_rotated(void **state)
{
	struct bench b;

	(void) state;
	begin(&b, "rotate_age: 200ms, sync: batch");
	output_file.poll(b.st, 0);
	(void) usleep(400000);
	output_file.poll(b.st, 0);
	assert_string_equal("none", numbers(1)); /* an empty one stays */
	put(&b, 1);
	assert_string_equal("1-1", numbers(1));
	put(&b, 1);
	assert_string_equal("2-2", numbers(0));
	end(&b);
}

/* A rotation that fails loses nothing: the file grows, and it is said. */
static void
what_cannot_be_renamed_grows(void **state)
{
	struct bench b;
	char path[96];

	(void) state;
	(void) snprintf(path, sizeof(path), "%s/f.1", tmpdir);
	assert_int_equal(0, mkdir(path, 0700));
	begin(&b, "rotate_size: 100, keep: 1");
	put(&b, 5);
	assert_string_equal("1-5", numbers(0));
	assert_non_null(strstr(output_file.trouble(b.st), "it grows until that is possible"));
	assert_int_equal(0, rmdir(path));
	end(&b);
}

/* A template is the line, in which no text of an event makes another line. */
static void
a_template_is_the_line(void **state)
{
	struct outbox_row row = { .rowid = 1,
		.alert = { .id = "i",
		    .rule = "R",
		    .cluster = "c",
		    .node = "n",
		    .priority = PRIO_ERROR,
		    .json = "{\"output_fields\":{\"proc.name\":\"a\\nb\"}}" } };
	struct buf b2 = BUF_INIT;
	char path[96], text[64] = "";
	struct bench b;
	FILE *f;

	(void) state;
	row.alert.json_len = strlen(row.alert.json);
	begin(&b, "template: '%alert.priority %alert.rule: %proc.name'");
	assert_int_equal(0, output_file.render(b.st, &row.alert, &b2));
	assert_string_equal("Error R: a\\x0ab\n", b2.p);
	buf_fini(&b2);
	assert_int_equal(0, output_file.submit(b.st, &row));
	row.rowid = 2;
	row.alert.json_len = 3; /* not JSON: in the format, so that it is not lost */
	assert_int_equal(0, output_file.submit(b.st, &row));
	output_file.poll(b.st, 10);
	assert_int_equal(2, b.ended);
	end(&b);
	(void) snprintf(path, sizeof(path), "%s/f", tmpdir);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	(void) fclose(f);
	assert_string_equal("Error R: a\\x0ab\n{\"o\n", text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_large_file_is_rotated, clean),
		cmocka_unit_test_setup(an_old_file_is_rotated, clean),
		cmocka_unit_test_setup(a_template_is_the_line, clean),
		cmocka_unit_test_setup(what_cannot_be_renamed_grows, clean),
	};

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
