/* SPDX-License-Identifier: Apache-2.0 */
/* test_output_ops.c - requirements of every output, and of some. */
#include "collector/output/output.h"
#include "common/clock.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* write() follows the script: the most bytes to take, or -errno; 0: the real write(). */
ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);

static const int *script;

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	int step = script != NULL ? *script : 0;

	if (step == 0)
		return __real_write(fd, p, n);
	script++;
	if (step > 0)
		return __real_write(fd, p, MIN(n, (size_t) step));
	errno = -step;
	return -1;
}

static char path[64];

/* An output under test, and how its rows ended. */
struct bench {
	const struct output_ops *ops;
	struct cfg *cfg;
	void *st;
	unsigned ended[1001];
	unsigned delivered, refused, retry;
};

static void
ended(void *arg, uint64_t rowid, enum output_result result, const char *why)
{
	struct bench *b = arg;

	assert_true(rowid <= 1000);
	b->ended[rowid]++;
	b->delivered += result == OUTPUT_DELIVERED;
	b->refused += result == OUTPUT_REFUSED;
	b->retry += result == OUTPUT_RETRY;
	assert_int_equal(result == OUTPUT_DELIVERED, why == NULL);
}

static struct bench *
bench_new(const struct output_ops *ops, const char *yaml)
{
	struct bench *b = calloc(1, sizeof(*b));
	char text[512];
	struct diag d = { 0 };
	size_t n;

	assert_non_null(b);
	b->ops = ops;
	b->st = calloc(1, ops->state_size);
	assert_non_null(b->st);
	n = strcspn(yaml, "@"); /* stands for the path */
	(void) snprintf(text, sizeof(text), "%.*s%s%s", (int) n, yaml, yaml[n] == '@' ? path : "",
	    yaml[n] == '@' ? yaml + n + 1 : "");
	assert_int_equal(0, cfg_parse("mews.yaml", slice_str(text), &b->cfg, &d));
	assert_int_equal(0, cfg_bind(b->cfg, ops->opts, ops->nopts, b->st, &d));
	return b;
}

static struct bench *
bench_open(const struct output_ops *ops, const char *yaml)
{
	struct bench *b = bench_new(ops, yaml);
	struct diag d = { 0 };

	assert_int_equal(0, ops->open(b->st, b->cfg, ended, b, &d));
	assert_int_equal(0, cfg_check_unknown(b->cfg, &d));
	return b;
}

static void
bench_close(struct bench *b)
{
	b->ops->close(b->st);
	cfg_free(b->cfg);
	free(b->st);
	free(b);
}

static int
submit(struct bench *b, unsigned n)
{
	char json[64];
	struct outbox_row row = { .rowid = n };
	struct alert *a = &row.alert;

	(void) snprintf(json, sizeof(json), "{\"output\":\"alert %u\"}", n);
	(void) snprintf(a->id, sizeof(a->id), "%08x-0000-8000-8000-000000000000", n);
	a->rule = "r";
	a->cluster = "c";
	a->node = "n";
	a->json = json;
	a->json_len = strlen(json);
	return b->ops->submit(b->st, &row);
}

static void
submit_all(struct bench *b, unsigned from, unsigned to)
{
	int r;

	for (unsigned n = from; n <= to; n++) {
		while ((r = submit(b, n)) == -EAGAIN)
			b->ops->poll(b->st, 10);
		assert_int_equal(0, r);
	}
}

static const struct subject {
	const struct output_ops *ops;
	const char *yaml;
} subjects[] = {
	{ &output_stdout, "outputs: { stdout: { format: json } }" },
	{ &output_file, "outputs: { file: { path: @ } }" },
	{ &output_file, "outputs: { file: { path: @, sync: batch, format: text } }" },
	{ &output_kafka, "outputs: { kafka: { properties: { test.mock.num.brokers: 1 } } }" },
};

static int real_stdout;

/* Make a fresh path; standard output goes there. */
static int
setup(void **state)
{
	static int n;
	int fd;

	(void) state;
	script = NULL;
	(void) snprintf(path, sizeof(path), "%s/%d.log", tmpdir, n++);
	(void) fflush(stdout);
	fd = open(path, O_RDWR | O_CREAT | O_APPEND, 0600);
	real_stdout = dup(STDOUT_FILENO);
	return fd < 0 || real_stdout < 0 || dup2(fd, STDOUT_FILENO) < 0 || close(fd) < 0;
}

static int
teardown(void **state)
{
	(void) state;
	return dup2(real_stdout, STDOUT_FILENO) < 0 || close(real_stdout) < 0;
}

static void
each_row_ends_once(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
		struct bench *b = bench_open(subjects[i].ops, subjects[i].yaml);

		submit_all(b, 1, 1000);
		assert_int_equal(0, b->ops->drain(b->st, 20000));
		assert_int_equal(1000, b->delivered);
		for (unsigned n = 1; n <= 1000; n++)
			assert_int_equal(1, b->ended[n]);
		assert_true(b->ops->trouble == NULL || b->ops->trouble(b->st) == NULL);
		if (b->ops->reopen != NULL)
			b->ops->reopen(b->st);
		bench_close(b);
	}
}

static void
nothing_ends_while_it_closes(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
		struct bench *b = bench_open(subjects[i].ops, subjects[i].yaml);
		unsigned before;

		submit_all(b, 1, 100);
		before = b->delivered;
		b->ops->close(b->st);
		assert_int_equal(before, b->delivered);
		assert_int_equal(0, b->retry + b->refused);
		memset(b->st, 0, b->ops->state_size);
		bench_close(b); /* closing one that was never open works */
	}
}

static void
without_memory_a_row_is_taken_or_not(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
		struct bench *b = bench_open(subjects[i].ops, subjects[i].yaml);
		unsigned taken = 0, n = 0;
		int r;

		do {
			fault_arm_nth(n++);
			r = submit(b, n);
			taken += r == 0;
		} while (fault_disarm());
		assert_int_equal(0, r);
		assert_int_equal(0, b->ops->drain(b->st, 20000));
		assert_int_equal(taken, b->delivered);
		bench_close(b);
	}
}

static const struct {
	const struct output_ops *ops;
	const char *yaml;
	unsigned line;
	const char *msg;
} bad[] = {
	{ &output_stdout, "outputs:\n stdout:\n  format: xml", 3,
	    "'outputs.stdout.format' must be json or text, not 'xml'" },
	{ &output_file, "outputs:\n file:\n  format: json", 0,
	    "'outputs.file.path' must be the path of a file, not ''" },
	{ &output_file, "outputs:\n file:\n  path: @/no/such", 3, "cannot write '" },
	{ &output_file, "outputs:\n file:\n  path: @\n  format: xml", 4,
	    "'outputs.file.format' must be json or text, not 'xml'" },
	{ &output_file, "outputs:\n file:\n  path: @\n  sync: maybe", 4,
	    "'outputs.file.sync' must be none or batch, not 'maybe'" },
	{ &output_kafka, "outputs:\n kafka:\n  topic: t", 0,
	    "outputs.kafka.brokers is missing: set it to HOST:PORT of a Kafka broker" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: [ b:1, 'b:' ]", 3,
	    "outputs.kafka.brokers: 'b:' is not an address of a Kafka broker: write HOST:PORT" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: 'a:1,b:70000'", 3,
	    "outputs.kafka.brokers: 'b:70000' is not an address" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: http://b:1/x", 3,
	    "outputs.kafka.brokers: 'http://b:1/x' is not an address" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: b:1\n  topic: a/b", 4,
	    "outputs.kafka.topic: 'a/b' is not a valid topic name" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: b:1\n  properties:\n   no.such: 1", 5,
	    "outputs.kafka.properties.no.such: No such configuration property: \"no.such\"" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: b:1\n  properties:\n   acks: many", 5,
	    "outputs.kafka.properties.acks: Invalid value for configuration property "
	    "\"request.required.acks\"" },
	{ &output_kafka,
	    "outputs:\n kafka:\n  brokers: b:1\n  properties:\n   ssl.ca.location: /none\n"
	    "   security.protocol: ssl",
	    0, "outputs.kafka: ssl.ca.location failed" },
};

static void
bad_options_have_a_place_and_a_sentence(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct bench *b = bench_new(bad[i].ops, bad[i].yaml);
		struct diag d = { 0 }, checked = { 0 };

		assert_int_equal(-EINVAL, b->ops->check(b->st, b->cfg, &checked));
		bench_close(b);
		b = bench_new(bad[i].ops, bad[i].yaml);
		assert_int_equal(-EINVAL, b->ops->open(b->st, b->cfg, ended, b, &d));
		assert_string_equal(d.msg, checked.msg);
		assert_int_equal(d.line, checked.line);
		if (strncmp(d.msg, bad[i].msg, strlen(bad[i].msg)) != 0)
			assert_string_equal(bad[i].msg, d.msg);
		assert_int_equal(bad[i].line, d.line);
		bench_close(b);
	}
}

static char *content(const char *p);

static const struct {
	const struct output_ops *ops;
	const char *yaml;
} fine[] = {
	{ &output_file, "outputs: { file: { path: @, append: false } }" },
	{ &output_file, "outputs: { file: { path: @.new } }" },
	{ &output_kafka,
	    "outputs: { kafka: { brokers: [ 'a:1, ssl://b:2', '[::1]:3', '::1', c ] } }" },
};

static void
a_check_changes_nothing(void **state)
{
	char fresh[80];

	(void) state;
	assert_int_equal(5, write(STDOUT_FILENO, "kept\n", 5)); /* in 'path' */
	for (size_t i = 0; i < ARRAY_SIZE(fine); i++) {
		struct bench *b = bench_new(fine[i].ops, fine[i].yaml);
		struct diag d = { 0 };

		if (b->ops->check(b->st, b->cfg, &d) != 0)
			fail_msg("%s", d.msg);
		bench_close(b);
	}
	assert_string_equal("kept\n", content(path));
	(void) snprintf(fresh, sizeof(fresh), "%s.new", path);
	assert_int_equal(-1, access(fresh, F_OK));
}

static char *
content(const char *p)
{
	static char text[65536];
	int fd = open(p, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	assert_int_equal(0, close(fd));
	return text;
}

static void
write_text(const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_int_equal((ssize_t) strlen(text), write(fd, text, strlen(text)));
	assert_int_equal(0, close(fd));
}

#define LINE(n) "{\"output\":\"alert " #n "\"}\n"

static const struct {
	const char *before, *yaml, *after;
} starts[] = {
	{ "", "outputs: { file: { path: @ } }", LINE(1) },
	{ "old\n", "outputs: { file: { path: @ } }", "old\n" LINE(1) },
	{ "old\nhal", "outputs: { file: { path: @ } }", "old\nhal\n" LINE(1) },
	{ "old\n", "outputs: { file: { path: @, append: false } }", LINE(1) },
};

static void
a_file_goes_on_after_its_last_line(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		struct bench *b;

		write_text(starts[i].before);
		b = bench_open(&output_file, starts[i].yaml);
		submit_all(b, 1, 1);
		assert_int_equal(0, b->ops->drain(b->st, 1000));
		assert_string_equal(starts[i].after, content(path));
		bench_close(b);
	}
}

/* After short writes and a full disk in the middle of a line, the line continues where it
 * stopped. */
static void
a_full_disk_cuts_no_line(void **state)
{
	static const int steps[] = { 5, 1, -ENOSPC, -ENOSPC, 3, -EINTR, 30, -EIO, 2, 0 };
	const char *yaml[] = { "outputs: { file: { path: @ } }",
		"outputs: { stdout: { format: json } }" };
	const struct output_ops *ops[] = { &output_file, &output_stdout };

	(void) state;
	for (size_t i = 0; i < 2; i++) {
		struct bench *b = bench_open(ops[i], yaml[i]);
		bool seen = false;

		write_text("");
		submit_all(b, 1, 3);
		script = steps;
		while (b->delivered < 3) {
			b->ops->poll(b->st, 1);
			if (b->ops->trouble(b->st) != NULL) {
				seen = true;
				assert_non_null(strstr(b->ops->trouble(b->st), "cannot write"));
			}
		}
		assert_true(seen);
		assert_null(b->ops->trouble(b->st));
		assert_string_equal(LINE(1) LINE(2) LINE(3), content(path));
		bench_close(b);
		script = NULL;
	}
}

static void
a_file_that_was_moved_away_begins_anew(void **state)
{
	static const int half[] = { 5, -ENOSPC, 0 };
	struct bench *b = bench_open(&output_file, "outputs: { file: { path: @ } }");
	char moved[128];
	struct stat sb;

	(void) state;
	(void) snprintf(moved, sizeof(moved), "%s.1", path);
	submit_all(b, 1, 1);
	assert_int_equal(0, b->ops->drain(b->st, 1000));
	submit_all(b, 2, 2);
	script = half; /* half of line 2 is written when the file is moved */
	b->ops->poll(b->st, 1);
	assert_int_equal(1, b->delivered);
	script = NULL;
	assert_int_equal(0, rename(path, moved));
	b->ops->reopen(b->st);
	submit_all(b, 3, 3);
	assert_int_equal(0, b->ops->drain(b->st, 1000));
	assert_string_equal(LINE(1) "{\"out", content(moved));
	assert_string_equal(LINE(2) LINE(3), content(path));
	assert_int_equal(0, stat(path, &sb));
	assert_int_equal(0600, sb.st_mode & 0777);
	bench_close(b);
}

static void
a_missing_folder_is_trouble_until_it_is_back(void **state)
{
	struct bench *b;
	char there[64], away[80];

	(void) state;
	(void) snprintf(there, sizeof(there), "%s/sub", tmpdir);
	(void) snprintf(away, sizeof(away), "%s/sub.away", tmpdir);
	assert_int_equal(0, mkdir(there, 0700));
	(void) snprintf(path, sizeof(path), "%s/sub/a.log", tmpdir);
	b = bench_open(&output_file, "outputs: { file: { path: @ } }");
	assert_int_equal(0, rename(there, away));
	b->ops->reopen(b->st);
	submit_all(b, 1, 1);
	assert_int_equal(1, b->ops->drain(b->st, 30));
	assert_non_null(strstr(b->ops->trouble(b->st), "No such file"));
	assert_int_equal(0, rename(away, there));
	assert_int_equal(0, b->ops->drain(b->st, 1000));
	assert_null(b->ops->trouble(b->st));
	assert_string_equal(LINE(1), content(path));
	bench_close(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_row_ends_once, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_ends_while_it_closes, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    without_memory_a_row_is_taken_or_not, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    bad_options_have_a_place_and_a_sentence, setup, teardown),
		cmocka_unit_test_setup_teardown(a_check_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_file_goes_on_after_its_last_line, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_cuts_no_line, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_file_that_was_moved_away_begins_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_missing_folder_is_trouble_until_it_is_back, setup, teardown),
	};

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
