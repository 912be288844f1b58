/* SPDX-License-Identifier: Apache-2.0 */
/* test_output_ops.c - requirements of every output, and of some. */
#include "collector/output/test_output_kit.h"
#include "common/clock.h"
#include "tests/support/fault.h"
#include "tests/support/httpd.h"
#include "tests/support/sink.h"
#include "tests/support/smtp_sink.h"
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

#define TO(kind) SINK_##kind + 1
#define TO_WEB   -1
#define TO_MAIL  -2

static const struct subject {
	const struct output_ops *ops;
	const char *yaml;
	int sink; /* the kind of its peer, whose address '@' stands for */
} subjects[] = {
	{ &output_stdout, "outputs: { stdout: { format: json } }", 0 },
	{ &output_file, "outputs: { file: { path: @ } }", 0 },
	{ &output_file, "outputs: { file: { path: @, sync: batch, format: text } }", 0 },
	{ &output_kafka, "outputs: { kafka: { properties: { test.mock.num.brokers: 1 } } }", 0 },
	{ &output_kafka,
	    "outputs: { kafka: { format: cloudevents, properties: { test.mock.num.brokers: 1 } } }",
	    0 },
	{ &output_syslog, "outputs: { syslog: { address: '@' } }", TO(UNIX) },
	{ &output_syslog, "outputs: { syslog: { address: '@', format: cef } }", TO(TCP) },
	{ &output_syslog, "outputs: { syslog: { address: '@' } }", TO(UDP) },
	{ &output_syslog, "outputs: { syslog: { address: '@', format: text } }", TO(TCP) },
	{ &output_program,
	    "outputs: { program: { command: [ /bin/sh, -c, 'exec cat >/dev/null' ] } }", 0 },
	{ &output_program,
	    "outputs: { program: { acknowledge: line, command: [ /bin/sh, -c, 'while read -r l; do "
	    "echo ok; done' ] } }",
	    0 },
	{ &output_webhook, "outputs: { webhook: { url: '@', parallel: 16 } }", TO_WEB },
	{ &output_webhook, "outputs: { webhook: { url: '@', parallel: 16, format: ecs } }",
	    TO_WEB },
	{ &output_webhook,
	    "outputs: { webhook: { url: '@', preset: deploy/presets/alertmanager.yaml } }",
	    TO_WEB },
	{ &output_email,
	    "outputs: { email: { server: '@', starttls: no, sender: a@b.example, to: "
	    "c@d.example, interval: 0 } }",
	    TO_MAIL },
};

static struct httpd *web;
static struct smtp_sink *mail;

/* Start the peer of a subject, if it has one of its own, before it is opened. */
static struct sink *
peer_of(const struct subject *s)
{
	struct sink *peer;

	if (s->sink == TO_WEB)
		(void) snprintf(bench_path, sizeof(bench_path), "%s", httpd_url(web));
	if (s->sink == TO_MAIL)
		(void) snprintf(bench_path, sizeof(bench_path), "%s", smtp_sink_url(mail));
	if (s->sink <= 0)
		return NULL;
	peer = sink_start((enum sink_kind)(s->sink - 1));
	(void) snprintf(bench_path, sizeof(bench_path), "%s", sink_address(peer));
	return peer;
}

static void
peer_stop(struct sink *peer)
{
	if (peer != NULL)
		sink_stop(peer);
}

static int real_stdout;

/* Make a fresh path; standard output goes there. */
static int
setup(void **state)
{
	static int n;
	int fd;

	(void) state;
	script = NULL;
	(void) snprintf(bench_path, sizeof(bench_path), "%s/%d.log", tmpdir, n++);
	(void) fflush(stdout);
	fd = open(bench_path, O_RDWR | O_CREAT | O_APPEND, 0600);
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
		struct sink *peer = peer_of(&subjects[i]);
		struct bench *b = bench_open(subjects[i].ops, subjects[i].yaml);

		bench_submit_all(b, 1, 1000);
		assert_int_equal(0, b->ops->drain(b->st, 20000));
		assert_int_equal(1000, b->delivered);
		for (unsigned n = 1; n <= 1000; n++)
			assert_int_equal(1, b->ended[n]);
		assert_true(b->ops->trouble == NULL || b->ops->trouble(b->st) == NULL);
		if (b->ops->reopen != NULL)
			b->ops->reopen(b->st);
		bench_close(b);
		peer_stop(peer);
	}
}

static void
nothing_ends_while_it_closes(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
		struct sink *peer = peer_of(&subjects[i]);
		struct bench *b = bench_open(subjects[i].ops, subjects[i].yaml);
		unsigned before;

		bench_submit_all(b, 1, 100);
		before = b->delivered;
		b->ops->close(b->st);
		assert_int_equal(before, b->delivered);
		assert_int_equal(0, b->retry + b->refused);
		memset(b->st, 0, b->ops->state_size);
		bench_close(b); /* closing one that was never open works */
		peer_stop(peer);
	}
}

static void
without_memory_a_row_is_taken_or_not(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
		struct sink *peer = peer_of(&subjects[i]);
		struct bench *b = bench_open(subjects[i].ops, subjects[i].yaml);
		unsigned taken = 1, n = 0;
		int r;

		bench_submit_all(b, 1000, 1000); /* connected */
		do {
			fault_arm_nth(n++);
			r = bench_submit(b, n);
			taken += r == 0;
		} while (fault_disarm());
		assert_int_equal(0, r);
		assert_int_equal(0, b->ops->drain(b->st, 20000));
		assert_int_equal(taken, b->delivered);
		bench_close(b);
		peer_stop(peer);
	}
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
	int fd = open(bench_path, O_WRONLY | O_TRUNC);

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
		bench_submit_all(b, 1, 1);
		assert_int_equal(0, b->ops->drain(b->st, 1000));
		assert_string_equal(starts[i].after, content(bench_path));
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
		bench_submit_all(b, 1, 3);
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
		assert_string_equal(LINE(1) LINE(2) LINE(3), content(bench_path));
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
	(void) snprintf(moved, sizeof(moved), "%s.1", bench_path);
	bench_submit_all(b, 1, 1);
	assert_int_equal(0, b->ops->drain(b->st, 1000));
	bench_submit_all(b, 2, 2);
	script = half; /* half of line 2 is written when the file is moved */
	b->ops->poll(b->st, 1);
	assert_int_equal(1, b->delivered);
	script = NULL;
	assert_int_equal(0, rename(bench_path, moved));
	b->ops->reopen(b->st);
	bench_submit_all(b, 3, 3);
	assert_int_equal(0, b->ops->drain(b->st, 1000));
	assert_string_equal(LINE(1) "{\"out", content(moved));
	assert_string_equal(LINE(2) LINE(3), content(bench_path));
	assert_int_equal(0, stat(bench_path, &sb));
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
	(void) snprintf(bench_path, sizeof(bench_path), "%s/sub/a.log", tmpdir);
	b = bench_open(&output_file, "outputs: { file: { path: @ } }");
	assert_int_equal(0, rename(there, away));
	b->ops->reopen(b->st);
	bench_submit_all(b, 1, 1);
	assert_int_equal(1, b->ops->drain(b->st, 30));
	assert_non_null(strstr(b->ops->trouble(b->st), "No such file"));
	assert_int_equal(0, rename(away, there));
	assert_int_equal(0, b->ops->drain(b->st, 1000));
	assert_null(b->ops->trouble(b->st));
	assert_string_equal(LINE(1), content(bench_path));
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
		    a_file_goes_on_after_its_last_line, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_cuts_no_line, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_file_that_was_moved_away_begins_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_missing_folder_is_trouble_until_it_is_back, setup, teardown),
	};

	int r;

	web = httpd_start();
	mail = smtp_sink_start();
	r = cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
	httpd_stop(web);
	smtp_sink_stop(mail);
	return r;
}
