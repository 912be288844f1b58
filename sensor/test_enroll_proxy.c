/* SPDX-License-Identifier: Apache-2.0 */
/* test_enroll_proxy.c - which proxy, and what its answers mean. */
#include "common/file.h"
#include "sensor/enroll_proxy.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void
set(const char *name, const char *value)
{
	assert_int_equal(0, value == NULL ? unsetenv(name) : setenv(name, value, 1));
}

static const struct {
	const char *proxy, *no_proxy, *host;
	int want;
	const char *at, *port, *msg;
} finds[] = {
	{ NULL, NULL, "e.example", 0, "", "", "" },
	{ "", NULL, "e.example", 0, "", "", "" },
	{ "http://p.example:3128", NULL, "e.example", 1, "p.example", "3128", "" },
	{ "http://p.example:3128/", NULL, "e.example", 1, "p.example", "3128", "" },
	{ "p.example:3128", NULL, "e.example", 1, "p.example", "3128", "" },
	{ "http://[2001:db8::1]:3128", NULL, "e.example", 1, "2001:db8::1", "3128", "" },
	{ "http://p:1", "*", "e.example", 0, "", "", "" },
	{ "http://p:1", "e.example", "e.example", 0, "", "", "" },
	{ "http://p:1", "E.EXAMPLE", "e.example", 0, "", "", "" },
	{ "http://p:1", "a, example", "e.example", 0, "", "", "" },
	{ "http://p:1", ".example,b", "e.example", 0, "", "", "" },
	{ "http://p:1", "xample", "e.example", 1, "p", "1", "" },
	{ "http://p:1", "f.example,,", "e.example", 1, "p", "1", "" },
	{ "http://p:1", ".", "e.example", 1, "p", "1", "" },
	{ "http://user:secret@p:1", NULL, "e.example", -EINVAL, "", "", "others can see" },
	{ "http://p.example", NULL, "e.example", -EINVAL, "", "", "http://HOST:PORT" },
	{ "https://p.example:443", NULL, "e.example", -EINVAL, "", "", "http://HOST:PORT" },
	{ "http://p.example:99999", NULL, "e.example", -EINVAL, "", "", "http://HOST:PORT" },
};

static void
test_find(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(finds); i++) {
		struct enroll_proxy p;
		struct diag d = { 0 };

		set("https_proxy", finds[i].proxy);
		set("no_proxy", finds[i].no_proxy);
		if (enroll_proxy_find(finds[i].host, &p, &d) != finds[i].want ||
		    (finds[i].want == 1 && (strcmp(p.at.host, finds[i].at) != 0 ||
					       strcmp(p.at.port, finds[i].port) != 0)) ||
		    strstr(d.msg, finds[i].msg) == NULL)
			fail_msg("case %zu: '%s'", i, d.msg);
	}
	set("no_proxy", NULL);
}

static void
test_login(void **state)
{
	char path[64];
	struct enroll_proxy p;
	struct diag d = { 0 };

	(void) state;
	(void) snprintf(path, sizeof(path), "%s/login", tmpdir);
	set("https_proxy", "http://p:1");
	set("MEWS_PROXY_PASSWORD_FILE", path);
	assert_int_equal(-ENOENT, enroll_proxy_find("e", &p, &d));
	assert_int_equal(0, file_replace(path, SLICE("node:s3cret\n"), 0644, &d));
	assert_int_equal(-EACCES, enroll_proxy_find("e", &p, &d));
	assert_int_equal(0, file_replace(path, SLICE("node:s3cret\n"), 0600, &d));
	assert_int_equal(1, enroll_proxy_find("e", &p, &d));
	assert_string_equal("bm9kZTpzM2NyZXQ=", p.login);
	assert_int_equal(0, file_replace(path, SLICE("no colon\n"), 0600, &d));
	assert_int_equal(-EINVAL, enroll_proxy_find("e", &p, &d));
	assert_int_equal(0, file_replace(path, SLICE("a:b\nHost: x\n"), 0600, &d));
	assert_int_equal(-EINVAL, enroll_proxy_find("e", &p, &d));
	set("MEWS_PROXY_PASSWORD_FILE", NULL);
}

static const struct {
	const char *answer, *login;
	int want;
	const char *msg;
} answers[] = {
	{ "HTTP/1.1 200 Connection established\r\n\r\n", "", 0, "" },
	{ "HTTP/1.0 200 OK\r\nVia: x\r\n\r\n", "", 0, "" },
	{ "HTTP/1.1 407 Who\r\n\r\n", "", -EACCES, "wants a user and a password" },
	{ "HTTP/1.1 407 Who\r\n\r\n", "eDp5", -EACCES, "does not accept the user" },
	{ "HTTP/1.1 403 No\r\n\r\n", "", -EACCES, "it answers 403" },
	{ "HTTP/1.1 502 Down\r\n\r\n", "", -EAGAIN, "it answers 502" },
	{ "HTTP/1.1 200 cut", "", -EAGAIN, "does not answer" },
	{ "", "", -EAGAIN, "does not answer" },
	{ "SSH-2.0-x\r\n\r\n", "", -EAGAIN, "is not an HTTP proxy" },
	{ "HTTP/1.1\r\n\r\n", "", -EAGAIN, "is not an HTTP proxy" },
};

static void
test_answers(void **state)
{
	const struct enroll_address to = { .host = "e.example", .port = "7444" };

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct enroll_proxy p = { .at = { .host = "p", .port = "1" } };
		struct diag d = { 0 };
		char asked[512] = "";
		int v[2];

		(void) snprintf(p.login, sizeof(p.login), "%s", answers[i].login);
		assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM, 0, v));
		assert_int_equal(0, fd_write_all(v[1], slice_str(answers[i].answer)));
		assert_int_equal(0, shutdown(v[1], SHUT_WR));
		if (enroll_proxy_connect(v[0], &p, &to, &d) != answers[i].want ||
		    strstr(d.msg, answers[i].msg) == NULL)
			fail_msg("case %zu: '%s'", i, d.msg);
		assert_true(read(v[1], asked, sizeof(asked) - 1) > 0);
		assert_int_equal(0, strncmp(asked, "CONNECT e.example:7444 HTTP/1.1\r\n", 33));
		assert_int_equal(p.login[0] != '\0',
		    strstr(asked, "Proxy-Authorization: Basic eDp5\r\n") != NULL);
		(void) close(v[0]);
		(void) close(v[1]);
	}
}

/* What comes after the answer belongs to the server; an endless one ends. */
static void
test_rest(void **state)
{
	const struct enroll_address to = { .host = "2001:db8::1", .port = "7444" };
	const struct enroll_proxy p = { .at = { .host = "p", .port = "1" } };
	struct slice answer = SLICE("HTTP/1.1 200 OK\r\n\r\nrest");
	struct diag d = { 0 };
	static char endless[16384];
	char rest[8] = "", asked[64] = "";
	int v[2];

	(void) state;
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM, 0, v));
	assert_int_equal(0, fd_write_all(v[1], answer));
	assert_int_equal(0, enroll_proxy_connect(v[0], &p, &to, &d));
	assert_int_equal(4, read(v[0], rest, sizeof(rest)));
	assert_string_equal("rest", rest);
	assert_true(read(v[1], asked, sizeof(asked) - 1) > 0);
	assert_int_equal(0, strncmp(asked, "CONNECT [2001:db8::1]:7444 ", 27));
	memset(endless, 'x', sizeof(endless));
	assert_int_equal(0, fd_write_all(v[1], (struct slice){ endless, sizeof(endless) }));
	assert_int_equal(-EAGAIN, enroll_proxy_connect(v[0], &p, &to, &d));
	assert_non_null(strstr(d.msg, "is not an HTTP proxy"));
	(void) close(v[0]);
	(void) close(v[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_rest),
	};

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
