/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_access.c - access control: listeners on loopback, with and without TLS, and what
 * api_check() refuses.
 */
#include "collector/api/test_api_kit.h"
#include "collector/ctl/pki.h"
#include "common/file.h"
#include <curl/curl.h>
#include <errno.h>
#include <unistd.h>

#define TOKEN  "0123456789abcdef"
#define OTHER  "another-token-of-some-length"
#define READER "a-token-that-changes-nothing"

/* ---- listeners ---- */

static char pki[64], cert[4096], key[4096], ca[4096];

/* HTTP's status; 0: no answer. 'header': an additional one, or NULL. */
static long
get(CURL *c, const char *url, const char *method, const char *header, struct buf *out)
{
	struct curl_slist *headers = header == NULL ? NULL : curl_slist_append(NULL, header);
	long status;

	(void) curl_easy_setopt(c, CURLOPT_URL, url);
	(void) curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	(void) curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	(void) curl_easy_setopt(c, CURLOPT_CAINFO, ca);
	status = answer(c, out);
	curl_slist_free_all(headers);
	return status;
}

enum door_kind { PLAIN, TLS, OPEN_TLS, OPEN_INSECURE, OPEN_BOTH, KINDS };

static const struct {
	const char *host;
	bool tls, insecure, local;
} kinds[KINDS] = {
	[PLAIN] = { "127.0.0.1", false, false, true },
	[TLS] = { "127.0.0.1", true, false, true },
	[OPEN_TLS] = { "0.0.0.0", true, false, false },
	[OPEN_INSECURE] = { "0.0.0.0", false, true, true },
	[OPEN_BOTH] = { "0.0.0.0", true, true, false },
};

/* Start a listener and write the start of its URL. */
static void
start_door(enum door_kind k, char url[64])
{
	struct api_cfg cfg = patient;
	static char listen[64]; /* borrowed by the API */
	unsigned port = free_port();

	(void) snprintf(listen, sizeof(listen), "%s:%u", kinds[k].host, port);
	(void) snprintf(url, 64, "http%s://127.0.0.1:%u", kinds[k].tls ? "s" : "", port);
	cfg.socket = NULL;
	cfg.listen = listen;
	cfg.insecure = kinds[k].insecure;
	cfg.tls_cert = kinds[k].tls ? cert : NULL;
	cfg.tls_key = kinds[k].tls ? key : NULL;
	put_file(token_file, TOKEN "\n" OTHER "\nread dashboard " READER "\n", 0600);
	start(&cfg);
}

static const struct {
	const char *method, *path;
	enum access need;
	long status; /* if it is answered */
} requests[] = {
	{ "GET", "/healthz", ACCESS_ANY, 200 },
	{ "GET", "/readyz", ACCESS_LOCAL, 503 },
	{ "GET", "/metrics", ACCESS_LOCAL, 200 },
	{ "GET", "/api/v1/status", ACCESS_LOCAL, 200 },
	{ "GET", "/api/v1/rules", ACCESS_READ, 200 },
	{ "GET", "/api/v1/alerts?limit=x", ACCESS_READ, 400 },
	{ "GET", "/api/v1/coverage?rule=x", ACCESS_READ, 400 },
	{ "POST", "/api/v1/nodes/forget?node=gone", ACCESS_OPERATE, 400 },
	{ "GET", "/api/v1/processes?node=gone", ACCESS_READ, 404 },
	{ "PUT", "/api/v1/rules/reload", ACCESS_ANY, 405 },
	{ "GET", "/no-such-thing", ACCESS_ANY, 404 },
};

enum token { NONE, WRONG, READS, RIGHT };

static const struct {
	const char *header;
	enum token is;
} tokens[] = {
	{ NULL, NONE },
	{ "Authorization: Basic " TOKEN, NONE },
	{ "Authorization: Bearer ", NONE },
	{ "Authorization: " TOKEN, NONE },
	{ "Authorization: Bearer 0123456789abcdeF", WRONG },
	{ "Authorization: Bearer " TOKEN " ", RIGHT }, /* HTTP trims a header's end */
	{ "Authorization: Bearer " TOKEN OTHER, WRONG },
	{ "Authorization: Bearer " TOKEN, RIGHT },
	{ "authorization: bearer " OTHER, RIGHT },
	{ "Authorization: Bearer " READER, READS },
};

static const char *const sentences[] = {
	[NONE] = "a token is needed",
	[WRONG] = "the token is wrong",
	[READS] = "the token's role is 'read'",
};

static void
test_doors(void **state)
{
	struct buf b = BUF_INIT;
	char url[64], whole[128];

	for (enum door_kind k = 0; k < KINDS; k++) {
		CURL *c = curl_easy_init();
		uint64_t none = 0, wrong = 0, reads = 0, changes = 0;

		start_door(k, url);
		for (size_t i = 0; i < ARRAY_SIZE(requests) * ARRAY_SIZE(tokens); i++) {
			size_t q = i / ARRAY_SIZE(tokens), t = i % ARRAY_SIZE(tokens);
			bool open = requests[q].need == ACCESS_ANY ||
				    (requests[q].need == ACCESS_LOCAL && kinds[k].local);
			bool change = requests[q].need == ACCESS_OPERATE;
			bool ok =
			    open || tokens[t].is == RIGHT || (!change && tokens[t].is == READS);
			long refused = tokens[t].is == READS ? 403 : 401;

			reads += !ok && tokens[t].is == READS;
			changes += ok && change;
			none += !open && tokens[t].is == NONE;
			wrong += !open && tokens[t].is == WRONG;
			(void) snprintf(whole, sizeof(whole), "%s%s", url, requests[q].path);
			assert_int_equal(ok ? requests[q].status : refused,
			    get(c, whole, requests[q].method, tokens[t].header, &b));
			if (!ok)
				assert_non_null(strstr(b.p, sentences[tokens[t].is]));
		}
		assert_int_equal(none, counts().no_token);
		assert_int_equal(wrong, counts().wrong_token);
		assert_int_equal(reads, counts().wrong_role);
		assert_int_equal(changes, counts().changes);
		assert_int_equal(kinds[k].tls, counts().certificate_expiry_seconds > 0);
		curl_easy_cleanup(c);
		(void) stop(state);
	}
	buf_fini(&b);
}

/* A TLS listener does not answer plain HTTP at all, not even when it is full. */
static void
test_no_tls(void **state)
{
	struct buf b = BUF_INIT;
	CURL *c = curl_easy_init();
	char url[64], plain[64];

	(void) state;
	start_door(OPEN_TLS, url);
	(void) snprintf(plain, sizeof(plain), "http%s/healthz", url + 5);
	assert_int_equal(0, get(c, plain, "GET", NULL, &b));
	assert_int_equal(0, b.n);
	curl_easy_cleanup(c);
	buf_fini(&b);
}

static void
issue(const char *name)
{
	const char *ip = "127.0.0.1";
	const struct pki_request rq = {
		.kind = PKI_COLLECTOR, .name = name, .ip = &ip, .nip = 1, .days = 1
	};
	struct diag d = { 0 };

	if (pki_issue(pki, &rq, true, &d) < 0)
		fail_msg("%s", d.msg);
}

static void
make_ca(void)
{
	struct diag d = { 0 };

	if (pki_init(pki, "test", PKI_FLEET, 1, true, &d) < 0)
		fail_msg("%s", d.msg);
}

/* New connections get the new tokens and certificate; an old connection continues. */
static void
test_renewal(void **state)
{
	struct buf b = BUF_INIT;
	struct diag d = { 0 };
	CURL *old = curl_easy_init();
	char url[64];

	(void) state;
	start_door(OPEN_TLS, url);
	(void) snprintf(url + strlen(url), sizeof(url) - strlen(url), "/metrics");
	assert_int_equal(200, get(old, url, "GET", "Authorization: Bearer " TOKEN, &b));
	for (int i = 0; i < 3; i++) {
		CURL *fresh = curl_easy_init();

		make_ca(); /* now the old certificate is of another authority */
		issue("c");
		assert_int_equal(0, get(fresh, url, "GET", "Authorization: Bearer " OTHER, &b));
		put_file(token_file, OTHER "\n", 0600);
		assert_int_equal(0, api_reload_tokens(running, &d));
		assert_int_equal(0, api_reload_tls(running, &d));
		while (get(fresh, url, "GET", "Authorization: Bearer " OTHER, &b) == 0)
			(void) usleep(1000);
		assert_int_equal(200, get(fresh, url, "GET", "Authorization: Bearer " OTHER, &b));
		assert_int_equal(401, get(old, url, "GET", "Authorization: Bearer " TOKEN, &b));
		curl_easy_cleanup(fresh);
	}
	put_file(token_file, "short\n", 0600); /* the old ones stay in use */
	assert_int_equal(-EINVAL, api_reload_tokens(running, &d));
	assert_int_equal(200, get(old, url, "GET", "Authorization: Bearer " OTHER, &b));
	put_file(token_file, TOKEN "\n", 0600);
	put_file(cert, "no certificate", 0644);
	assert_int_equal(-EINVAL, api_reload_tls(running, &d));
	assert_int_equal(0, api_reload_tokens(running, &d));
	assert_int_equal(200, get(old, url, "GET", "Authorization: Bearer " TOKEN, &b));
	issue("c");
	curl_easy_cleanup(old);
	buf_fini(&b);
}

/* A wrong token file does not keep the certificate from being renewed. */
static void
test_renewal_of_one(void **state)
{
	struct buf b = BUF_INIT;
	struct diag d = { 0 };
	CURL *c = curl_easy_init();
	char url[64];

	(void) state;
	start_door(OPEN_TLS, url);
	(void) snprintf(url + strlen(url), sizeof(url) - strlen(url), "/metrics");
	make_ca();
	issue("c");
	put_file(token_file, "short\n", 0600);
	assert_int_equal(-EINVAL, api_reload_tokens(running, &d));
	assert_int_equal(0, api_reload_tls(running, &d));
	while (get(c, url, "GET", "Authorization: Bearer " OTHER, &b) == 0)
		(void) usleep(1000);
	assert_int_equal(200, get(c, url, "GET", "Authorization: Bearer " OTHER, &b));
	curl_easy_cleanup(c);
	buf_fini(&b);
}

/* ---- what is refused ---- */

static char strange_key[4096], long_chain[4096];

static const struct {
	const char *listen;
	const char *cert, *key;
	bool insecure;
	const char *option, *msg; /* NULL: fine */
} checks[] = {
	{ "127.0.0.1:8765", NULL, NULL, false, NULL, NULL },
	{ "127.255.0.9:8765", "", "", false, NULL, NULL },
	{ "localhost:8765", NULL, NULL, false, NULL, NULL },
	{ "[::1]:8765", NULL, NULL, false, NULL, NULL },
	{ "[::ffff:127.0.0.1]:8765", NULL, NULL, false, NULL, NULL },
	{ "0.0.0.0:8765", cert, key, false, NULL, NULL },
	{ "0.0.0.0:8765", NULL, NULL, true, NULL, NULL },
	{ "", cert, NULL, false, NULL, NULL }, /* not on TCP */
	{ "0.0.0.0:8765", NULL, NULL, false, "http.listen",
	    "other machines can reach 0.0.0.0:8765: set http.tls.certificate and http.tls.key, "
	    "listen on 127.0.0.1 instead, or set 'insecure: true'" },
	{ ":8765", NULL, NULL, false, "http.listen", "other machines" },
	{ "[::]:8765", NULL, NULL, false, "http.listen", "other machines" },
	{ "192.0.2.1:8765", "", "", false, "http.listen", "other machines" },
	{ "[::ffff:192.0.2.1]:8765", NULL, NULL, false, "http.listen", "other machines" },
	{ "128.0.0.1:8765", NULL, NULL, false, "http.listen", "other machines" },
	{ "127.0.0.1", NULL, NULL, false, "http.listen", "has no port" },
	{ "127.0.0.1:1", cert, NULL, false, "http.tls.certificate", "together or not at all" },
	{ "127.0.0.1:1", NULL, key, true, "http.tls.certificate", "together or not at all" },
	{ "127.0.0.1:1", "/no/such.pem", key, false, "http.tls.certificate",
	    "cannot read the http.tls.certificate file /no/such.pem" },
	{ "127.0.0.1:1", cert, "/no/such.key", false, "http.tls.certificate",
	    "cannot read the http.tls.key file /no/such.key" },
	{ "127.0.0.1:1", key, key, false, "http.tls.certificate", "is not a PEM certificate" },
	{ "127.0.0.1:1", cert, cert, false, "http.tls.certificate", "others may read" },
	{ "127.0.0.1:1", cert, token_file, false, "http.tls.certificate", "is not a PEM key" },
	{ "127.0.0.1:1", cert, strange_key, false, "http.tls.certificate", "does not belong" },
	{ "127.0.0.1:1", long_chain, key, false, "http.tls.certificate",
	    "chain.pem has 17 certificates; at most 16 are read" },
};

/* A CA certificate is its own issuer, so repeating it makes a chain, here of 17. */
static void
put_long_chain(void)
{
	CLEANUP(buf_fini) struct buf one = BUF_INIT, all = BUF_INIT;
	struct diag d = { 0 };

	assert_int_equal(0, file_read(ca, "authority", false, &one, &d));
	for (int i = 0; i < 17; i++)
		buf_add(&all, one.p, one.n);
	assert_int_equal(0, buf_ok(&all));
	put_file(long_chain, all.p, 0644);
}

static void
test_checks(void **state)
{
	(void) state;
	put_file(token_file, TOKEN "\n", 0600);
	put_long_chain();
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		struct api_cfg cfg = patient;
		struct diag d = { 0 };
		const char *option = NULL;
		int r;

		cfg.listen = checks[i].listen;
		cfg.tls_cert = checks[i].cert;
		cfg.tls_key = checks[i].key;
		cfg.insecure = checks[i].insecure;
		r = api_check(&cfg, &option, &d);
		if (checks[i].msg == NULL) {
			assert_int_equal(0, r);
			continue;
		}
		assert_true(r < 0);
		assert_string_equal(checks[i].option, option);
		if (strstr(d.msg, checks[i].msg) == NULL)
			fail_msg("'%s' does not say '%s'", d.msg, checks[i].msg);
	}
	put_file(token_file, "short\n", 0600);
	{
		struct diag d = { 0 };
		const char *option = NULL;

		assert_int_equal(-EINVAL, api_check(&patient, &option, &d));
		assert_string_equal("http.token_file", option);
	}
}

static int
begin(void **state)
{
	if (tmpdir_begin(state) < 0)
		return -1;
	(void) snprintf(sock, sizeof(sock), "%s/api.sock", tmpdir);
	(void) snprintf(token_file, sizeof(token_file), "%s/api.token", tmpdir);
	(void) snprintf(pki, sizeof(pki), "%s/pki", tmpdir);
	(void) snprintf(long_chain, sizeof(long_chain), "%s/chain.pem", tmpdir);
	pki_path(pki, "ca", ".pem", ca);
	pki_path(pki, "collector-c", ".pem", cert);
	pki_path(pki, "collector-c", ".key", key);
	pki_path(pki, "collector-other", ".key", strange_key);
	make_ca();
	issue("c");
	issue("other");
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_doors, stop),
		cmocka_unit_test_teardown(test_no_tls, stop),
		cmocka_unit_test_teardown(test_renewal, stop),
		cmocka_unit_test_teardown(test_renewal_of_one, stop),
		cmocka_unit_test(test_checks),
	};

	return cmocka_run_group_tests(tests, begin, tmpdir_end);
}
