/* SPDX-License-Identifier: Apache-2.0 */
/* test_output_program.c - programs that read, answer, fail, hang. */
#include "collector/output/program_answer.h"
#include "collector/output/test_output_kit.h"
#include "common/clock.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static struct bench *
open_sh(const char *options, const char *script)
{
	char yaml[500];

	(void) snprintf(yaml, sizeof(yaml),
	    "outputs: { program: { %s command: [ /bin/sh, -c, \"%s\" ] } }", options, script);
	return bench_open(&output_program, yaml);
}

/* Poll until so many rows have ended, or there is trouble. */
static const char *
poll_until(struct bench *b, unsigned ended)
{
	uint64_t until = clock_mono() + 20 * NS_PER_S;
	const char *trouble;

	while (clock_mono() < until) {
		b->ops->poll(b->st, 10);
		trouble = b->ops->trouble(b->st);
		if (trouble != NULL || b->delivered + b->refused + b->retry >= ended)
			return trouble;
	}
	fail_msg("nothing happens: %u delivered", b->delivered);
	return NULL;
}

/* What one alert causes. */
static const struct {
	const char *options, *script;
	unsigned delivered, refused, retry;
	const char *trouble; /* the part after the program's name; NULL: none */
} cases[] = {
	{ "", "cat >/dev/null", 1, 0, 0, NULL },
	{ "", "read -r l; sleep 60", 1, 0, 0, NULL },
	{ "", "exit 3", 0, 0, 1, "ended with status 3; it is started again" },
	{ "", "echo one >&2; printf 'no disk' >&2; exit 1", 0, 0, 1,
	    "ended with status 1; it is started again; its last words: no disk" },
	{ "", "kill -9 $$", 0, 0, 1, "was killed by signal 9; it is started again" },
	{ "timeout: 200ms,", "sleep 60", 0, 0, 1, "does not read; it is started again" },
	{ "acknowledge: line,", "read -r l; echo ok; sleep 60", 1, 0, 0, NULL },
	{ "acknowledge: line,", "read -r l; echo retry busy; sleep 60", 0, 0, 1, NULL },
	{ "acknowledge: line,", "read -r l; echo refuse never; sleep 60", 0, 1, 0, NULL },
	{ "acknowledge: line,", "read -r l; echo fine; sleep 60", 0, 0, 1,
	    "answers neither 'ok' nor 'retry WHY' nor 'refuse WHY'; it is started again" },
	{ "acknowledge: line,", "read -r l; echo ok; echo ok; sleep 60", 1, 0, 0,
	    "answers an alert that it did not get; it is started again" },
	{ "acknowledge: line,", "read -r l; exit 0", 0, 0, 1, "ended with status 0" },
	{ "acknowledge: line, timeout: 200ms,", "read -r l; sleep 60", 0, 0, 1,
	    "does not answer; it is started again" },
};

static void
a_program_may_do_what_it_likes(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bench *b = open_sh(cases[i].options, cases[i].script);
		const char *trouble = NULL, *name = "program: '/bin/sh' ";

		assert_int_equal(0, bench_submit(b, 1));
		while (cases[i].trouble == NULL ? b->delivered + b->refused + b->retry == 0
						: trouble == NULL)
			trouble = poll_until(b, cases[i].trouble == NULL ? 1 : 1000);
		if (b->delivered != cases[i].delivered || b->refused != cases[i].refused ||
		    b->retry != cases[i].retry)
			fail_msg(
			    "%s: %u %u %u", cases[i].script, b->delivered, b->refused, b->retry);
		if (cases[i].trouble != NULL) {
			assert_memory_equal(name, trouble, strlen(name));
			if (strncmp(trouble + strlen(name), cases[i].trouble,
				strlen(cases[i].trouble)) != 0)
				assert_string_equal(cases[i].trouble, trouble + strlen(name));
		}
		bench_close(b);
	}
}

/* It ends after each line: what it has not read comes again, in order, and nothing is lost. */
static void
a_program_that_ends_is_started_again(void **state)
{
	char text[4096] = "", script[200], want[4096] = "";
	struct bench *b;
	uint64_t until = clock_mono() + 20 * NS_PER_S;
	unsigned next = 1;
	int fd;

	(void) state;
	(void) snprintf(bench_path, sizeof(bench_path), "%s/lines", tmpdir);
	(void) snprintf(
	    script, sizeof(script), "read -r l && echo $l >>%s && echo ok; exit 1", bench_path);
	b = open_sh("acknowledge: line,", script);
	while (next <= 4 && clock_mono() < until) {
		unsigned before = b->delivered;

		while (bench_submit(b, next) == -EAGAIN)
			b->ops->poll(b->st, 10);
		while (b->delivered == before && b->retry == 0)
			b->ops->poll(b->st, 10);
		b->retry = 0;
		next += b->delivered - before;
	}
	assert_int_equal(4, b->delivered);
	bench_close(b);
	fd = open(bench_path, O_RDONLY);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	assert_int_equal(0, close(fd));
	for (unsigned n = 1; n <= 4; n++)
		(void) snprintf(want + strlen(want), sizeof(want) - strlen(want),
		    "{\"output\":\"alert %u\"}\n", n);
	assert_string_equal(want, text);
}

/* It sees no variable, no descriptor and no blocked signal of ours. */
static void
a_program_gets_nothing_of_ours(void **state)
{
	char text[4096] = "", script[300];
	struct bench *b;
	sigset_t all, old;
	int fd;

	(void) state;
	(void) snprintf(bench_path, sizeof(bench_path), "%s/seen", tmpdir);
	fd = open("/dev/null", O_RDONLY); /* not close-on-exec */
	assert_int_equal(0, setenv("MEWS_SECRET", "s3cret", 1));
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	(void) snprintf(script, sizeof(script),
	    "{ env; ls /proc/$$/fd; grep SigBlk /proc/self/status; } >%s; cat >/dev/null",
	    bench_path);
	b = open_sh("", script);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	bench_submit_all(b, 1, 1);
	assert_int_equal(0, b->ops->drain(b->st, 10000));
	bench_close(b);
	assert_int_equal(0, close(fd));
	fd = open(bench_path, O_RDONLY);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	assert_int_equal(0, close(fd));
	assert_null(strstr(text, "MEWS_SECRET"));
	assert_non_null(strstr(text, "PATH=/usr/local/sbin"));
	assert_non_null(strstr(text, "SigBlk:\t0000000000000000"));
	assert_non_null(strstr(text, "\n0\n1\n10\n2\n")); /* 10: the shell's copy of its output */
	for (unsigned n = 3; n < 64; n++) {
		char line[8];

		if (n == 10)
			continue;
		(void) snprintf(line, sizeof(line), "\n%u\n", n);
		assert_null(strstr(text, line));
	}
}

static const struct {
	const char *text;
	int r;
	enum output_result result;
	const char *why;
	size_t left;
} answers[] = {
	{ "", 0, 0, "", 0 },
	{ "ok", 0, 0, "", 2 },
	{ "ok\n", 1, OUTPUT_DELIVERED, "", 0 },
	{ "ok\r\nok\n", 1, OUTPUT_DELIVERED, "", 3 },
	{ "ok 12\n", 1, OUTPUT_DELIVERED, "", 0 },
	{ "retry\n", 1, OUTPUT_RETRY, "the program gives no reason", 0 },
	{ "retry \n", 1, OUTPUT_RETRY, "the program gives no reason", 0 },
	{ "retry the \033[1mdisk\n", 1, OUTPUT_RETRY, "the  [1mdisk", 0 },
	{ "refuse no such user\n", 1, OUTPUT_REFUSED, "no such user", 0 },
	{ "okay\n", -EBADMSG, 0, "", 0 },
	{ "OK\n", -EBADMSG, 0, "", 0 },
	{ "\n", -EBADMSG, 0, "", 0 },
};

static void
an_answer_is_a_line(void **state)
{
	struct answers in = { 0 };
	struct answer a;

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		in.n = strlen(answers[i].text);
		memcpy(in.text, answers[i].text, in.n);
		assert_int_equal(answers[i].r, answer_next(&in, &a));
		assert_int_equal(answers[i].left, in.n);
		if (answers[i].r > 0) {
			assert_int_equal(answers[i].result, a.result);
			assert_string_equal(answers[i].why, a.why);
		}
	}
	memset(in.text, 'x', sizeof(in.text));
	in.n = sizeof(in.text);
	assert_int_equal(-EBADMSG, answer_next(&in, &a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_may_do_what_it_likes),
		cmocka_unit_test(a_program_that_ends_is_started_again),
		cmocka_unit_test(a_program_gets_nothing_of_ours),
		cmocka_unit_test(an_answer_is_a_line),
	};

	(void) signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
