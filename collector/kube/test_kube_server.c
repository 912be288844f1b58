/* SPDX-License-Identifier: Apache-2.0 */
/* test_kube_server.c - kubeconfigs and service accounts: read, or refused with a sentence. */
#include "collector/kube/kube_server.h"
#include "tests/support/put_file.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <stdlib.h>

#define CONFIG(cluster, user)                                                                   \
	"apiVersion: v1\nkind: Config\npreferences: {}\ncurrent-context: one\ncontexts:\n"      \
	"- name: two\n  context: {cluster: b, user: u, namespace: default}\n"                   \
	"- name: one\n  context: {cluster: a, user: u}\n"                                       \
	"clusters:\n- name: b\n  cluster: {server: \"https://b:6443\"}\n- name: a\n  cluster: " \
	"{" cluster "}\nusers:\n- name: u\n  user: {" user "}\n"
#define SERVER "server: \"https://a:6443/\""

static const struct {
	const char *text, *context;
	bool insecure;
	const char *url, *token, *ca, *cert; /* url NULL: refused, with: */
	const char *why;
} cases[] = {
	{ CONFIG(SERVER, "token: abc"), NULL, false, "https://a:6443", "abc", "", "", NULL },
	{ CONFIG(SERVER, "token: abc"), "two", false, "https://b:6443", "abc", "", "", NULL },
	{ CONFIG(SERVER ", certificate-authority: ca.pem", "tokenFile: token"), NULL, false,
	    "https://a:6443", "filed", "authority\n", "", NULL },
	{ CONFIG(SERVER ", certificate-authority-data: YXV0aA==",
	      "client-certificate-data: Y2VydA==, client-key-data: a2V5"),
	    NULL, false, "https://a:6443", "", "auth", "cert", NULL },
	{ CONFIG(SERVER, ""), NULL, false, "https://a:6443", "", "", "", NULL },
	{ CONFIG("server: \"http://a:80\"", ""), NULL, true, "http://a:80", "", "", "", NULL },
	{ CONFIG("server: \"http://a:80\"", ""), NULL, false, NULL, "", "", "", "without TLS" },
	{ CONFIG("server: \"a:80\"", ""), NULL, true, NULL, "", "", "", "https://HOST:PORT" },
	{ CONFIG("", ""), NULL, true, NULL, "", "", "", "https://HOST:PORT" },
	{ CONFIG(SERVER, ""), "three", false, NULL, "", "", "", "'contexts' has no 'three'" },
	{ CONFIG(SERVER ", insecure-skip-tls-verify: true", ""), NULL, true, NULL, "", "", "",
	    "'insecure-skip-tls-verify' is not supported" },
	{ CONFIG(SERVER ", proxy-url: \"http://p\"", ""), NULL, false, NULL, "", "", "",
	    "'proxy-url' is not supported" },
	{ CONFIG(SERVER ", tls-server-name: x", ""), NULL, false, NULL, "", "", "",
	    "'tls-server-name' is not supported" },
	{ CONFIG(SERVER, "exec: {command: x}"), NULL, false, NULL, "", "", "",
	    "'exec' is not supported" },
	{ CONFIG(SERVER, "username: x, password: y"), NULL, false, NULL, "", "", "",
	    "'username' is not supported" },
	{ CONFIG(SERVER, "client-certificate-data: Y2VydA=="), NULL, false, NULL, "", "", "",
	    "belong together" },
	{ CONFIG(SERVER ", certificate-authority-data: \"?\"", ""), NULL, false, NULL, "", "", "",
	    "is not base64" },
	{ CONFIG(SERVER, "token: \"a b\""), NULL, false, NULL, "", "", "", "no token has" },
	{ CONFIG(SERVER, "tokenFile: missing"), NULL, false, NULL, "", "", "", "missing" },
	{ "current-context: one\n", NULL, false, NULL, "", "", "", "'contexts' has no 'one'" },
	{ "kind: Config\n", NULL, false, NULL, "", "", "", "no current-context" },
	{ "contexts:\n- name: x\n  context: {user: u}\ncurrent-context: x\n", NULL, false, NULL, "",
	    "", "", "names no cluster" },
	{ "}", NULL, false, NULL, "", "", "", "" },
};

static const char *
in_tmpdir(const char *name)
{
	static char path[128];

	(void) snprintf(path, sizeof(path), "%s/%s", tmpdir, name);
	return path;
}

static void
same(const char *want, const struct buf *b)
{
	assert_int_equal(strlen(want), b->n);
	assert_memory_equal(want, b->n == 0 ? "" : b->p, b->n);
}

static void
t_kubeconfig(void **state)
{
	(void) state;
	put_file(in_tmpdir("ca.pem"), "authority\n", 0644);
	put_file(in_tmpdir("token"), "filed\n", 0600);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kube_server s = { .url = "" };
		struct diag d = { 0 };
		int r;

		put_file(in_tmpdir("config"), cases[i].text, 0600);
		r = kube_server_read(
		    in_tmpdir("config"), cases[i].context, NULL, cases[i].insecure, &s, &d);
		if (cases[i].url == NULL) {
			assert_true(r < 0);
			if (strstr(d.msg, cases[i].why) == NULL)
				fail_msg("case %zu: %s", i, d.msg);
			assert_string_not_equal("", d.file);
			continue;
		}
		if (r < 0)
			fail_msg("case %zu: %s", i, d.msg);
		assert_string_equal(cases[i].url, s.url);
		same(cases[i].token, &s.token);
		same(cases[i].ca, &s.ca);
		same(cases[i].cert, &s.cert);
		kube_server_fini(&s);
	}
}

static void
t_account(void **state)
{
	struct kube_server s = { .url = "" };
	struct diag d = { 0 };

	(void) state;
	put_file(in_tmpdir("ca.crt"), "authority", 0644);
	put_file(in_tmpdir("token"), "first\n", 0644);
	/* NOLINTBEGIN(concurrency-mt-unsafe): one thread */
	(void) unsetenv("KUBERNETES_SERVICE_HOST");
	assert_true(kube_server_read(NULL, NULL, tmpdir, false, &s, &d) < 0);
	assert_non_null(strstr(d.msg, "this is no pod"));
	(void) setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
	(void) setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	assert_int_equal(0, kube_server_read("", NULL, tmpdir, false, &s, &d));
	assert_string_equal("https://10.0.0.1:443", s.url);
	same("authority", &s.ca);
	same("first", &s.token);
	kube_server_fini(&s);
	put_file(in_tmpdir("token"), "second", 0644);
	(void) setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
	/* NOLINTEND(concurrency-mt-unsafe) */
	assert_int_equal(0, kube_server_read(NULL, NULL, tmpdir, false, &s, &d));
	assert_string_equal("https://[fd00::1]:443", s.url);
	same("second", &s.token);
	kube_server_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(t_kubeconfig),
		cmocka_unit_test(t_account) };

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
