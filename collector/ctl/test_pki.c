/* SPDX-License-Identifier: Apache-2.0 */
/* test_pki.c - the authority: roles of certificates, refusals, the revocation list. */
#include "collector/ctl/ctl.h"
#include "collector/ctl/pki.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *
file(const char *name)
{
	static char path[128];

	(void) snprintf(path, sizeof(path), "%s/%s", tmpdir, name);
	return path;
}

static X509 *
cert(const char *name)
{
	struct diag d = { 0 };
	X509 *x = NULL;

	assert_int_equal(0, pki_read_cert(file(name), &x, &d));
	return x;
}

/* A command line; "DIR" stands for the folder. */
static int
run(const char *line)
{
	char copy[512], *argv[16], *save = NULL;
	int argc = 0;

	(void) snprintf(copy, sizeof(copy), "pki %s", line);
	for (char *t = strtok_r(copy, " ", &save); t != NULL && argc < 15;
	     t = strtok_r(NULL, " ", &save))
		argv[argc++] = strcmp(t, "DIR") == 0 ? tmpdir : t;
	argv[argc] = NULL;
	return ctl_pki(argc, argv);
}

static const struct {
	const char *line;
	int status;
} cases[] = {
	{ "", CTL_USAGE },
	{ "--help", CTL_OK },
	{ "init --help", CTL_OK },
	{ "bake DIR", CTL_USAGE },
	{ "issue DIR --node a", CTL_FAIL }, /* no authority yet */
	{ "init", CTL_USAGE },
	{ "init DIR DIR DIR", CTL_USAGE },
	{ "init DIR --days 0", CTL_USAGE },
	{ "init DIR --days 1x", CTL_USAGE },
	{ "init DIR --what", CTL_USAGE },
	{ "init DIR --name example.org", CTL_OK },
	{ "init DIR", CTL_FAIL }, /* not over an authority */
	{ "issue DIR", CTL_USAGE },
	{ "issue DIR --node a --collector b", CTL_USAGE },
	{ "issue DIR --node", CTL_USAGE },
	{ "issue DIR --node ../a", CTL_USAGE },
	{ "issue DIR --node -a", CTL_USAGE },
	{ "issue DIR --collector c --ip 300.1.1.1", CTL_USAGE },
	{ "issue DIR --collector c --dns a/b", CTL_USAGE },
	{ "issue DIR --collector c --dns c.example.org --ip 192.0.2.1 --ip 2001:db8::1", CTL_OK },
	{ "issue DIR --node a --dns a2", CTL_OK },
	{ "issue DIR --node a", CTL_FAIL }, /* not over a key */
	{ "issue DIR --node a --force --days 3", CTL_OK },
	{ "issue DIR --node a --force --for 3", CTL_USAGE },
	{ "issue DIR --node a --force --for 0s", CTL_USAGE },
	{ "issue DIR --node a --force --for 3w", CTL_USAGE },
	{ "issue DIR --node c", CTL_OK }, /* a node and a collector may share a name */
	{ "show DIR", CTL_FAIL },
	{ "show /nowhere.pem", CTL_FAIL },
	{ "revoke DIR", CTL_USAGE },
	{ "revoke DIR nobody", CTL_FAIL },
	{ "revoke DIR c --node", CTL_OK },
	{ "revoke DIR c --node", CTL_FAIL }, /* revoked already */
	{ "revoke DIR a", CTL_OK },
};

static void
test_commands(void **state)
{
	(void) state;
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		if (run(cases[k].line) != cases[k].status)
			fail_msg("pki %s", cases[k].line);
	}
}

/* Runs after the commands above. */
static void
test_what_was_made(void **state)
{
	static const struct {
		const char *name;
		int mode;
	} modes[] = { { "ca.key", 0600 }, { "node-a.key", 0600 }, { "ca.pem", 0644 },
		{ "issued", 0600 } };
	X509 *ca = cert("ca.pem"), *a = cert("node-a.pem"), *c = cert("collector-c.pem");
	struct stat st;

	(void) state;
	for (size_t k = 0; k < ARRAY_SIZE(modes); k++) {
		assert_int_equal(0, stat(file(modes[k].name), &st));
		assert_int_equal(modes[k].mode, st.st_mode & 0777);
	}
	assert_int_equal(1, X509_check_ca(ca));
	assert_int_equal(0, X509_check_ca(a));
	assert_int_equal(X509_V_OK, X509_check_issued(ca, a));
	assert_int_equal(1, X509_check_purpose(a, X509_PURPOSE_SSL_CLIENT, 0));
	assert_int_equal(0, X509_check_purpose(a, X509_PURPOSE_SSL_SERVER, 0));
	assert_int_equal(0, X509_check_purpose(c, X509_PURPOSE_SSL_CLIENT, 0));
	assert_int_equal(1, X509_check_purpose(c, X509_PURPOSE_SSL_SERVER, 0));
	assert_int_equal(1, X509_check_host(c, "c.example.org", 0, 0, NULL));
	assert_int_equal(1, X509_check_host(c, "192.0.2.1", 0, 0, NULL)); /* for mbed TLS */
	assert_int_equal(1, X509_check_ip_asc(c, "2001:db8::1", 0));
	assert_int_equal(0, X509_check_host(c, "d", 0, 0, NULL));
	X509_free(ca);
	X509_free(a);
	X509_free(c);
}

/* Both certificates of a (one was replaced) and node c's are revoked; collector c's is not. */
static void
test_revoked(void **state)
{
	FILE *f = fopen(file("crl.pem"), "re");
	X509 *a = cert("node-a.pem"), *n = cert("node-c.pem"), *c = cert("collector-c.pem"),
	     *ca = cert("ca.pem");
	X509_REVOKED *rev = NULL;
	X509_CRL *crl;

	(void) state;
	assert_non_null(f);
	crl = PEM_read_X509_CRL(f, NULL, NULL, NULL);
	(void) fclose(f);
	assert_non_null(crl);
	assert_int_equal(1, X509_CRL_verify(crl, X509_get0_pubkey(ca)));
	assert_int_equal(3, sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)));
	assert_int_equal(1, X509_CRL_get0_by_cert(crl, &rev, a));
	assert_int_equal(1, X509_CRL_get0_by_cert(crl, &rev, n));
	assert_int_equal(0, X509_CRL_get0_by_cert(crl, &rev, c));
	X509_CRL_free(crl);
	X509_free(a);
	X509_free(n);
	X509_free(c);
	X509_free(ca);
}

enum { PARALLEL = 40 };

/* Many processes at once: each certificate is on the list and can be revoked. */
static void
test_parallel(void **state)
{
	char name[16], line[64];
	pid_t pid[PARALLEL];
	int status;

	(void) state;
	for (int i = 0; i < PARALLEL; i++) {
		(void) snprintf(line, sizeof(line), "issue DIR --node p%d", i);
		pid[i] = fork();
		assert_true(pid[i] >= 0);
		if (pid[i] == 0)
			_exit(freopen("/dev/null", "we", stdout) == NULL ? 99 : run(line));
	}
	for (int i = 0; i < PARALLEL; i++) {
		assert_int_equal(pid[i], waitpid(pid[i], &status, 0));
		assert_int_equal(0, status);
	}
	for (int i = 0; i < PARALLEL; i++) {
		struct diag d = { 0 };
		int n;

		(void) snprintf(name, sizeof(name), "p%d", i);
		n = pki_revoke(tmpdir, name, PKI_NODE, &d);
		if (n != 1)
			fail_msg("%s: %d revoked", name, n);
	}
}

/* A damaged list of issued certificates is not overwritten. */
static void
test_damaged(void **state)
{
	FILE *f = fopen(file("issued"), "ae");

	(void) state;
	assert_non_null(f);
	fputs("what\n", f);
	(void) fclose(f);
	assert_int_equal(CTL_FAIL, run("issue DIR --node later"));
	assert_int_equal(CTL_FAIL, run("revoke DIR c"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_what_was_made),
		cmocka_unit_test(test_revoked),
		cmocka_unit_test(test_parallel),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
