/* SPDX-License-Identifier: Apache-2.0 */
/* test_log.c - a log line stays one line, and peers cannot write too many. */
#include "common/clock.h"
#include "common/diag.h"
#include "common/log_peer.h"
#include "tests/support/test.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static uint64_t now = 1000 * NS_PER_S;
static int saved = -1;
static char log_text[1 << 20];

int __wrap_clock_gettime(clockid_t id, struct timespec *ts);

int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	(void) id;
	ts->tv_sec = (time_t) (now / NS_PER_S);
	ts->tv_nsec = (long) (now % NS_PER_S);
	return 0;
}

static FILE *
begin(void)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	(void) fflush(stderr);
	saved = dup(STDERR_FILENO);
	assert_true(saved >= 0);
	assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
	return f;
}

/* Read the lines logged since begin() into log_text; return their number. */
static unsigned
end(FILE *f)
{
	unsigned lines = 0;
	size_t n;

	(void) fflush(stderr);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void) close(saved);
	rewind(f);
	n = fread(log_text, 1, sizeof(log_text) - 1, f);
	log_text[n] = '\0';
	(void) fclose(f);
	for (size_t i = 0; i < n; i++)
		lines += log_text[i] == '\n';
	return lines;
}

static void
test_escaped(void **state)
{
	FILE *f = begin();
	unsigned n;

	(void) state;
	/* NOLINTNEXTLINE(misc-misleading-bidirectional) */
	log_warn("no%s", "\n12:00:00 all is well\033[1A\xe2\x80\xae");
	n = end(f);
	assert_int_equal(1, n);
	assert_non_null(strstr(log_text, "no\\x0a12:00:00 all is well\\x1b[1A\\xe2\\x80\\xae\n"));
	assert_null(strchr(log_text, '\033'));
}

static void
at_a_time(void)
{
	now = 1795881865 * NS_PER_S + 353780313; /* 2026-11-28T16:04:25 UTC */
	assert_int_equal(0, setenv("TZ", "CET-1", 1));
	tzset();
}

/* The format of lines, as text and as JSON. */
static void
test_shapes(void **state)
{
	static const char message[] = "a \"quoted\" \\ \n word";
	FILE *f;

	(void) state;
	at_a_time();
	f = begin();
	log_init("mews-test", LOG_INFO);
	log_warn("%s", message);
	(void) end(f);
	assert_string_equal(
	    "2026-11-28T17:04:25.353+01:00 mews-test warn: a \"quoted\" \\ \\x0a word\n", log_text);

	assert_int_equal(-EINVAL, log_format("xml"));
	assert_int_equal(0, log_format("json"));
	f = begin();
	log_error("%s", message);
	(void) end(f);
	assert_string_equal(
	    "{\"time\":\"2026-11-28T17:04:25.353+01:00\",\"level\":\"error\","
	    "\"program\":\"mews-test\","
	    "\"message\":\"a \\\"quoted\\\" \\\\ \\\\x0a word\"}\n",
	    log_text);
	assert_int_equal(0, log_format("text"));
}

/* The journal is recognised by its device and inode, not by the variable alone. */
static void
test_journal(void **state)
{
	char stream[64];
	struct stat st;
	FILE *f;

	(void) state;
	at_a_time();
	assert_int_equal(0, setenv("JOURNAL_STREAM", "1:2", 1));
	f = begin();
	log_init("mews-test", LOG_INFO);
	log_info("elsewhere");
	assert_int_equal(0, fstat(STDERR_FILENO, &st));
	(void) snprintf(stream, sizeof(stream), "%lu:%lu", (unsigned long) st.st_dev,
	    (unsigned long) st.st_ino);
	assert_int_equal(0, setenv("JOURNAL_STREAM", stream, 1));
	log_init("mews-test", LOG_INFO);
	log_error("broken");
	log_warn("odd");
	log_info("fine");
	(void) end(f);
	assert_string_equal(
	    "2026-11-28T17:04:25.353+01:00 mews-test info: elsewhere\n"
	    "<3>broken\n<4>odd\n<6>fine\n",
	    log_text);

	/* a configuration error is one line in the journal, with the priority of an error */
	f = begin();
	assert_int_equal(0, fstat(STDERR_FILENO, &st));
	(void) snprintf(stream, sizeof(stream), "%lu:%lu", (unsigned long) st.st_dev,
	    (unsigned long) st.st_ino);
	assert_int_equal(0, setenv("JOURNAL_STREAM", stream, 1));
	log_init("mews-test", LOG_INFO);
	log_diag(&(struct diag){
	    .file = "c.yaml", .line = 3, .col = 5, .msg = "unknown key 'x'", .text = "a: x" });
	log_diag(&(struct diag){ .msg = "no file" });
	(void) end(f);
	assert_string_equal("<3>c.yaml:3:5: unknown key 'x'\n<3>no file\n", log_text);
	assert_int_equal(0, unsetenv("JOURNAL_STREAM"));
	log_init("mews-test", LOG_INFO);
}

/* A peer's flood is limited, all its lines are accounted for, and other peers still get through. */
static void
test_flood(void **state)
{
	unsigned long long told;
	unsigned n, passed;
	const char *at;
	FILE *f;

	(void) state;
	f = begin();
	for (unsigned i = 0; i < 100000; i++) {
		log_peer(LOG_WARN, "bad", "malformed %u", i);
		now += 50000; /* 5 s in all */
	}
	log_peer(LOG_WARN, "good", "a word of the good one");
	passed = end(f);
	assert_true(passed <= LOG_PEER_BURST + 5 * LOG_PEER_PER_S + 1);
	assert_non_null(strstr(log_text, "a word of the good one"));
	assert_int_equal(100000 - (passed - 1), log_peer_held());

	f = begin();
	log_peer_tick(); /* too early */
	now += 10 * NS_PER_S;
	log_peer_tick();
	log_peer_tick();
	n = end(f);
	assert_int_equal(1, n);
	at = strstr(log_text, "warn: ");
	assert_non_null(at);
	told = strtoull(at + strlen("warn: "), NULL, 10);
	assert_int_equal(100000 - (passed - 1), told);
	assert_non_null(strstr(log_text, " more lines about bad were held back"));
}

/* Many peers together are limited too. */
static void
test_crowd(void **state)
{
	unsigned n;
	FILE *f;

	(void) state;
	now += 3600 * NS_PER_S;
	f = begin();
	for (unsigned i = 0; i < 10000; i++) {
		char name[32];

		(void) snprintf(name, sizeof(name), "n%u", i);
		log_peer(LOG_INFO, name, "connected");
	}
	n = end(f);
	assert_int_equal(LOG_ALL_BURST, n);
	f = begin();
	log_peer_flush();
	assert_true(end(f) > 0);
}

/* Lines below the log level do not use up the limit. */
static void
test_level(void **state)
{
	unsigned n;
	FILE *f;

	(void) state;
	now += 3600 * NS_PER_S;
	f = begin();
	for (unsigned i = 0; i < 1000; i++)
		log_peer(LOG_DEBUG, "one", "a detail");
	log_peer(LOG_WARN, "one", "%s", "news");
	n = end(f);
	assert_int_equal(1, n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escaped),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
