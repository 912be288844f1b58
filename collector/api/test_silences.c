/* SPDX-License-Identifier: Apache-2.0 */
/* test_silences.c - /api/v1/silences through the real server. */
#include "collector/api/test_api_kit.h"

#define ADD "/api/v1/silences/add"
#define END "/api/v1/silences/end"

static const struct expected requests[] = {
	{ "GET", "/api/v1/silences", NULL, 200, "[]\n" },
	{ "GET", ADD "?rule=r&seconds=1&why=w", NULL, 405,
	    "{\"error\":\"this path takes only POST\"}\n" },
	{ "POST", ADD "?rule=r&seconds=1", "", 400,
	    "{\"error\":\"say why: the reason is listed with the silence\"}\n" },
	{ "POST", ADD "?rule=r&seconds=1h&why=w", "", 400,
	    "{\"error\":\"'seconds' must be a whole number of seconds\"}\n" },
	{ "POST", ADD "?rule=Read%20*&node=web-1&seconds=3600&why=upgrade", "", 200,
	    "{\"number\":1}\n" },
	{ "POST", END "?number=x", "", 400,
	    "{\"error\":\"'number' must be that of a silence\"}\n" },
	{ "POST", END "?number=7", "", 404,
	    "{\"error\":\"no silence with this number is in force\"}\n" },
};

static void
test_requests(void **state)
{
	struct buf b = BUF_INIT;

	(void) state;
	start(&patient);
	ask_each(requests, ARRAY_SIZE(requests));
	assert_int_equal(400, ask("POST", ADD "?condition=nonsense&seconds=9&why=w", "", &b));
	assert_int_equal(200, ask("GET", "/api/v1/silences", NULL, &b));
	assert_non_null(strstr(b.p, "[{\"number\":1,\"created\":1"));
	assert_non_null(strstr(b.p,
	    ",\"count\":0,\"rule\":\"Read "
	    "*\",\"node\":\"web-1\",\"cluster\":\"\",\"condition\":\"\","
	    "\"why\":\"upgrade\",\"who\":\"user "));
	assert_non_null(strstr(b.p, " (operate)\",\"in_force\":true}]"));
	assert_int_equal(200, ask("POST", END "?number=1", "", &b));
	assert_int_equal(200, ask("GET", "/api/v1/silences", NULL, &b));
	assert_non_null(strstr(b.p, "\"in_force\":false"));
	buf_fini(&b);
}

static int
begin(void **state)
{
	struct diag d = { 0 };
	char path[96];

	assert_int_equal(0, tmpdir_begin(state));
	(void) snprintf(sock, sizeof(sock), "%s/api.sock", tmpdir);
	(void) snprintf(path, sizeof(path), "%s/silences", tmpdir);
	return silences_open(path, &silences, &d);
}

static int
end(void **state)
{
	silences_close(silences);
	return tmpdir_end(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_teardown(test_requests, stop) };

	return cmocka_run_group_tests(tests, begin, end);
}
