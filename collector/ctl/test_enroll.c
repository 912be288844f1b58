/* SPDX-License-Identifier: Apache-2.0 */
/* test_enroll.c - who gets a certificate, and who renews one; what a request may be. */
#include "collector/ctl/enroll.h"
#include "collector/ctl/enroll_serve.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char fleet[64], desk[64];

static EVP_PKEY *
new_key(void)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");

	assert_non_null(k);
	return k;
}

static struct enroll_line
token(const char *nodes, long expires, long uses, long life_s, bool replace)
{
	struct enroll_token t = {
		.expires = expires, .uses = uses, .life_s = life_s, .replace = replace
	};
	struct enroll_line l;
	struct diag d = { 0 };

	(void) snprintf(t.nodes, sizeof(t.nodes), "%s", nodes);
	if (enroll_token_make(desk, &t, &l, &d) < 0)
		fail_msg("%s", d.msg);
	return l;
}

/* The names of tokens: the index in 'tokens' below. */
enum { WEB, ONCE, OVER, REPLACE, FOREIGN };

static const struct {
	int token;
	const char *node;
	unsigned status;
	const char *why;
} cases[] = {
	{ WEB, "web-1", 200, NULL }, { WEB, "web-1", 409, "has a certificate until" },
	{ WEB, "WEB-1", 403, "is for nodes 'web-*'" },
	{ WEB, "db", 403, "is for nodes 'web-*', not for 'db'" },
	{ WEB, "web-/../x", 400, "is not one" }, { WEB, "", 400, "is not one" },
	{ ONCE, "one", 200, NULL }, { ONCE, "other", 403, "has been used up, 1 of 1 times" },
	{ OVER, "late", 403, "has expired at" }, { FOREIGN, "web-2", 403, "is not known here" },
	{ REPLACE, "web-1", 200, NULL }, { WEB, "web-2", 200, NULL },
	{ WEB, "web-3", 403, "used up, 2 of 2 times" }, /* refusals have not counted */
};

static void
test_tokens(void **state)
{
	const long now = (long) time(NULL);
	const struct enroll_line tokens[] = {
		[WEB] = token("web-*", now + 60, 2, 60, false),
		[ONCE] = token("*", now + 60, 1, 60, false),
		[OVER] = token("late", now + 1, 1, 60, false),
		[REPLACE] = token("web-1", now + 60, 1, 60, true),
		[FOREIGN] = { .secret = "0123456789abcdef" },
	};

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		EVP_PKEY *key = new_key();
		struct enroll_answer a;

		enroll_node(desk, slice_str(tokens[cases[i].token].secret), cases[i].node, key,
		    now + 1, &a);
		if (a.status != cases[i].status ||
		    (cases[i].why != NULL && strstr(a.why, cases[i].why) == NULL))
			fail_msg("%zu: %u %s", i, a.status, a.why);
		assert_true((a.cert != NULL) == (a.status == 200));
		if (a.cert != NULL) {
			assert_int_equal(1, X509_check_host(a.cert, cases[i].node, 0, 0, NULL));
			assert_int_equal(1, EVP_PKEY_eq(X509_get0_pubkey(a.cert), key));
			assert_int_equal(1, X509_check_purpose(a.cert, X509_PURPOSE_SSL_CLIENT, 0));
			assert_int_equal(0, X509_check_purpose(a.cert, X509_PURPOSE_SSL_SERVER, 0));
		}
		X509_free(a.cert);
		EVP_PKEY_free(key);
	}
}

/* The same key asks again: the same certificate, and it does not count; not with another token. */
static void
test_again(void **state)
{
	const long now = (long) time(NULL);
	const struct enroll_line l = token("again", now + 60, 1, 60, false);
	EVP_PKEY *key = new_key();
	struct enroll_answer a, b;

	(void) state;
	enroll_node(desk, slice_str(l.secret), "again", key, now, &a);
	enroll_node(desk, slice_str(l.secret), "again", key, now, &b);
	assert_int_equal(200, a.status);
	assert_int_equal(200, b.status);
	assert_true(b.again && !a.again);
	assert_int_equal(0, X509_cmp(a.cert, b.cert));
	X509_free(a.cert);
	X509_free(b.cert);
	enroll_node(desk, slice_str("00"), "again", key, now, &a);
	assert_int_equal(403, a.status);
	EVP_PKEY_free(key);
}

static unsigned
renew(X509 *old, const char *why)
{
	EVP_PKEY *key = new_key();
	struct enroll_answer a;
	char node[256];

	enroll_renew(desk, old, key, node, &a);
	if (a.status != 200 && (why == NULL || strstr(a.why, why) == NULL))
		fail_msg("%u %s", a.status, a.why);
	X509_free(a.cert);
	EVP_PKEY_free(key);
	return a.status;
}

static X509 *
enrolled(const char *node, long life_s)
{
	const long now = (long) time(NULL);
	const struct enroll_line l = token(node, now + 60, 1, life_s, true);
	EVP_PKEY *key = new_key();
	struct enroll_answer a;

	enroll_node(desk, slice_str(l.secret), node, key, now, &a);
	assert_int_equal(200, a.status);
	EVP_PKEY_free(key);
	return a.cert;
}

static void
test_renewal(void **state)
{
	X509 *fresh = enrolled("r-1", 3600), *due = enrolled("r-2", 2), *over = enrolled("r-3", -1),
	     *other = NULL;
	char path[128];
	struct diag d = { 0 };

	(void) state;
	assert_int_equal(403, renew(NULL, "by showing it"));
	assert_int_equal(429, renew(fresh, "in its second half"));
	assert_int_equal(403, renew(over, "has expired: enrol it again"));
	/* Of the fleet's authority, which the enroller cannot speak for. */
	assert_int_equal(
	    0, pki_issue(fleet, &(struct pki_request){ .kind = PKI_NODE, .name = "r-1", .days = 1 },
		   true, &d));
	(void) snprintf(path, sizeof(path), "%s/node-r-1.pem", fleet);
	assert_int_equal(0, pki_read_cert(path, &other, &d));
	assert_int_equal(403, renew(other, "not issued here"));
	while (X509_cmp_time(X509_get0_notAfter(due), &(time_t){ time(NULL) + 1 }) > 0)
		(void) usleep(10000);
	assert_int_equal(200, renew(due, NULL));
	assert_int_equal(1, pki_revoke(desk, "r-1", -1, &d));
	assert_int_equal(403, renew(fresh, "is revoked"));
	X509_free(fresh);
	X509_free(due);
	X509_free(over);
	X509_free(other);
}

/* A damaged list stops the desk, and is not overwritten. */
static void
test_damaged(void **state)
{
	const long now = (long) time(NULL);
	const struct enroll_line l = token("x", now + 60, 1, 60, false);
	EVP_PKEY *key = new_key();
	struct enroll_answer a;
	struct stat before, after;
	char path[128];
	FILE *f;

	(void) state;
	(void) snprintf(path, sizeof(path), "%s/tokens", desk);
	f = fopen(path, "ae");
	assert_non_null(f);
	fputs("what\n", f);
	(void) fclose(f);
	assert_int_equal(0, stat(path, &before));
	enroll_node(desk, slice_str(l.secret), "x", key, now, &a);
	assert_int_equal(500, a.status);
	assert_non_null(strstr(a.why, "restore it from a copy"));
	assert_int_equal(0, stat(path, &after));
	assert_int_equal(before.st_size, after.st_size);
	EVP_PKEY_free(key);
}

#define NO_REQUEST "-----BEGIN CERTIFICATE REQUEST-----\\n\\n-----END CERTIFICATE REQUEST-----\\n"

static const char *const asks[] = { "", "{", "[]", "{}", "{\"csr\":1}", "{\"csr\":\"x\"}",
	("{\"csr\":\"" NO_REQUEST "\"}"), "{\"token\":\"a\",\"node\":\"b\"}" };

static void
test_asks(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		struct enroll_ask a;
		struct diag d = { 0 };

		assert_int_equal(-EINVAL, enroll_ask_parse(slice_str(asks[i]), &a, &d));
		assert_non_null(strstr(d.msg, "no signing request"));
		enroll_ask_fini(&a);
	}
}

static int
begin(void **state)
{
	char address[] = "enroll.example", collector[] = "tls+tcp://c:7443";
	const struct enroll_options o = { .address = address, .collector = collector };
	struct diag d = { 0 };

	if (tmpdir_begin(state) < 0)
		return -1;
	(void) snprintf(fleet, sizeof(fleet), "%s/fleet", tmpdir);
	(void) snprintf(desk, sizeof(desk), "%s/desk", tmpdir);
	if (enroll_init(desk, fleet, false, &o, &d) != -ENOENT ||
	    strstr(d.msg, "there is no authority") == NULL)
		return -1;
	return pki_init(fleet, "test", PKI_FLEET, 1, false, &d) == 0 &&
		       enroll_init(desk, fleet, false, &o, &d) == 0
		   ? 0
		   : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_asks),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, begin, tmpdir_end);
}
