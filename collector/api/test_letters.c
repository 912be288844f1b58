/* SPDX-License-Identifier: Apache-2.0 */
/* test_letters.c - /api/v1/outputs through the real server: the list, tests, dead letters. */
#include "collector/api/test_api_kit.h"
#include "tests/support/outbox_kit.h"
#include <unistd.h>

static const struct expected requests[] = {
	{ "POST", "/api/v1/outputs/test", "", 404,
	    "{\"error\":\"no such output is enabled: 'output' must be one that 'mewsctl outputs "
	    "list' shows\"}\n" },
	{ "POST", "/api/v1/outputs/test?output=kafka", "", 404,
	    "{\"error\":\"no such output is enabled: 'output' must be one that 'mewsctl outputs "
	    "list' shows\"}\n" },
	{ "GET", "/api/v1/outputs/test?output=hook", NULL, 405,
	    "{\"error\":\"this path takes only POST\"}\n" },
	{ "POST", "/api/v1/outputs/retry?output=hook", "", 200, "{}\n" },
	{ "POST", "/api/v1/outputs/retry?output=hook&number=9", "", 409,
	    "{\"error\":\"this output sends its dead letters again already\"}\n" },
	{ "POST", "/api/v1/outputs/retry?output=hook&number=-1", "", 400,
	    "{\"error\":\"'number' must be that of a dead letter\"}\n" },
	{ "GET", "/api/v1/outputs/dead-letters?limit=3", NULL, 400,
	    "{\"error\":\"'output' must name an output, 'after' and 'limit' (1 to 1000) be whole "
	    "numbers\"}\n" },
	{ "GET", "/api/v1/outputs/dead-letters?output=hook&limit=1001", NULL, 400,
	    "{\"error\":\"'output' must name an output, 'after' and 'limit' (1 to 1000) be whole "
	    "numbers\"}\n" },
	{ "GET", "/api/v1/outputs", NULL, 200,
	    "[{\"name\":\"hook\",\"kind\":\"webhook\",\"state\":\"failing\",\"delivered\":7,"
	    "\"refused\":2,\"retries\":0,\"skipped\":0,\"filtered\":0,\"silenced\":0,\"waiting\":0,"
	    "\"oldest_ms\":0,\"last_error_at\":5,\"error\":\"gone\",\"last_error\":\"gone\","
	    "\"dead_letters\":2,\"retrying\":false}]\n" },
	{ "GET", "/api/v1/outputs/dead-letters?output=other", NULL, 200, "[]\n" },
	{ "GET", "/api/v1/outputs/dead-letters?output=hook&after=2", NULL, 200, "[]\n" },
};

static void
test_requests(void **state)
{
	(void) state;
	start(&patient);
	ask_each(requests, ARRAY_SIZE(requests));
}

/* With the reason and the alert; page by page. */
static void
test_letters(void **state)
{
	struct buf b = BUF_INIT;

	(void) state;
	start(&patient);
	assert_int_equal(
	    200, ask("GET", "/api/v1/outputs/dead-letters?output=hook&limit=1", NULL, &b));
	assert_non_null(strstr(b.p, "[{\"number\":1,\"since\":"));
	assert_non_null(strstr(b.p, ",\"why\":\"too \\\"large\\\"\",\"uuid\":\""));
	assert_non_null(
	    strstr(b.p, "\"rule\":\"r1\",\"cluster\":\"prod\",\"node\":\"n\",\"time\":"));
	assert_null(strstr(b.p, "r2"));
	assert_int_equal(
	    200, ask("GET", "/api/v1/outputs/dead-letters?output=hook&after=1", NULL, &b));
	assert_non_null(strstr(b.p, "\"number\":2"));
	assert_non_null(strstr(b.p, "r2"));
	buf_fini(&b);
}

struct asker {
	struct buf body;
	long status;
};

static void *
ask_test(void *arg)
{
	struct asker *a = arg;

	a->status = ask("POST", "/api/v1/outputs/test?output=hook", "", &a->body);
	return NULL;
}

/* Ask in a thread; returns the test that the output gets. */
static struct output_test *
begin_test(struct asker *a, pthread_t *t)
{
	struct output_test *test;

	assert_int_equal(0, pthread_create(t, NULL, ask_test, a));
	while ((test = atomic_load(&tested)) == NULL)
		(void) usleep(1000);
	return test;
}

static void
end_test(struct output_test *test)
{
	atomic_store(&tested, NULL);
	test->end = OUTPUT_TEST_REFUSED;
	(void) snprintf(test->said, sizeof(test->said), "HTTP status 400: \"no\"");
	test->done(test);
}

static void
test_output(void **state)
{
	struct asker asker = { .body = BUF_INIT };
	struct buf other = BUF_INIT;
	struct output_test *test;
	pthread_t t;

	(void) state;
	start(&patient);
	test = begin_test(&asker, &t);
	assert_non_null(strstr(test->alert->json, "this is a test of the output hook"));
	assert_int_equal(409, ask("POST", "/api/v1/outputs/test?output=hook", "", &other));
	end_test(test);
	(void) pthread_join(t, NULL);
	assert_int_equal(200, asker.status);
	assert_non_null(strstr(
	    asker.body.p, "\"result\":\"refused\",\"said\":\"HTTP status 400: \\\"no\\\"\"}"));
	buf_fini(&asker.body);
	buf_fini(&other);
}

/* The server stops before the output answers. */
static void
test_output_late(void **state)
{
	struct asker asker = { .body = BUF_INIT };
	struct output_test *test;
	pthread_t t;

	(void) state;
	start(&patient);
	test = begin_test(&asker, &t);
	api_stop(running);
	running = NULL;
	end_test(test);
	(void) pthread_join(t, NULL);
	buf_fini(&asker.body);
}

static int
begin(void **state)
{
	uint64_t n = 0;

	assert_int_equal(0, kit_begin(state));
	assert_int_equal(0, kit_setup(state));
	(void) snprintf(sock, sizeof(sock), "%s/api.sock", tmpdir);
	outbox = open_it(0, 0);
	assert_int_equal(0, put(outbox, &node1, 1, make(1, "r1", "n", PRIO_ERROR, 10)));
	assert_int_equal(0, put(outbox, &node1, 2, make(2, "r2", "n", PRIO_ERROR, 10)));
	assert_int_equal(0, outbox_set_aside(outbox, "hook", 1, "too \"large\""));
	assert_int_equal(0, outbox_set_aside(outbox, "hook", 2, "no"));
	while (n < 2) {
		assert_int_equal(0, outbox_letters_count(outbox, "hook", &n));
		(void) usleep(1000);
	}
	return 0;
}

static int
end(void **state)
{
	outbox_close(outbox);
	return kit_end(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_requests, stop),
		cmocka_unit_test_teardown(test_letters, stop),
		cmocka_unit_test_teardown(test_output, stop),
		cmocka_unit_test_teardown(test_output_late, stop),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
