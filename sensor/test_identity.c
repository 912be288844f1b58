/* SPDX-License-Identifier: Apache-2.0 */
/* Test certificates, good and bad, and the errors for them. */
#include "sensor/identity.h"
#include "sensor/message.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *
at(char *buf, const char *name)
{
	(void) snprintf(buf, 256, "%s/%s", tmpdir, name);
	return buf;
}

/* Write 'k' to a file, encrypted if there is a password. */
static EVP_PKEY *
write_key(const char *name, EVP_PKEY *k, const char *password)
{
	char path[256];
	FILE *f = fopen(at(path, name), "we");

	assert_non_null(k);
	assert_non_null(f);
	assert_int_equal(0, fchmod(fileno(f), 0600));
	assert_int_equal(1, PEM_write_PrivateKey(f, k, password == NULL ? NULL : EVP_aes_128_cbc(),
				NULL, 0, NULL, (void *) password));
	(void) fclose(f);
	return k;
}

/* Write a certificate of 'key' for 'cn', valid from 'from' to 'until' seconds from now. */
static X509 *
write_cert(const char *name, const char *cn, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key, long from,
    long until)
{
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);
	char path[256];
	FILE *f = fopen(at(path, name), "we");

	assert_non_null(f);
	assert_int_equal(1, X509_set_version(x, 2));
	assert_int_equal(1, ASN1_INTEGER_set(X509_get_serialNumber(x), 1 + (long) strlen(name)));
	(void) X509_gmtime_adj(X509_getm_notBefore(x), from);
	(void) X509_gmtime_adj(X509_getm_notAfter(x), until);
	assert_int_equal(1, X509_NAME_add_entry_by_txt(
				n, "CN", MBSTRING_ASC, (const unsigned char *) cn, -1, -1, 0));
	assert_int_equal(1, X509_set_issuer_name(x, ca == NULL ? n : X509_get_subject_name(ca)));
	assert_int_equal(1, X509_set_pubkey(x, key));
	if (ca == NULL) {
		X509_EXTENSION *e =
		    X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");

		assert_int_equal(1, X509_add_ext(x, e, -1));
		X509_EXTENSION_free(e);
	}
	assert_true(X509_sign(x, ca_key == NULL ? key : ca_key, EVP_sha256()) > 0);
	assert_int_equal(1, PEM_write_X509(f, x));
	(void) fclose(f);
	return x;
}

/* Write a list of 'ca' signed with 'key', valid for 'until' seconds, that revokes 'revoked' (or
 * nothing). */
static void
write_crl(const char *name, X509 *ca, EVP_PKEY *key, X509 *revoked, long until)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *from = X509_gmtime_adj(NULL, -1000), *to = X509_gmtime_adj(NULL, until);
	char path[256];
	FILE *f = fopen(at(path, name), "we");

	assert_non_null(f);
	assert_int_equal(1, X509_CRL_set_version(crl, 1));
	assert_int_equal(1, X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca)));
	assert_int_equal(1, X509_CRL_set1_lastUpdate(crl, from));
	assert_int_equal(1, X509_CRL_set1_nextUpdate(crl, to));
	if (revoked != NULL) {
		X509_REVOKED *r = X509_REVOKED_new();

		assert_int_equal(
		    1, X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(revoked)));
		assert_int_equal(1, X509_REVOKED_set_revocationDate(r, from));
		assert_int_equal(1, X509_CRL_add0_revoked(crl, r));
	}
	assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
	assert_int_equal(1, PEM_write_X509_CRL(f, crl));
	(void) fclose(f);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	X509_CRL_free(crl);
}

static int
setup(void **state)
{
	EVP_PKEY *ca_key, *other_key, *key, *rsa, *ed;
	X509 *ca, *other, *n1, *c1;
	char path[256];
	FILE *f;

	assert_int_equal(0, tmpdir_begin(state));
	ca_key = write_key("ca.key", EVP_EC_gen("P-256"), NULL);
	other_key = write_key("other-ca.key", EVP_EC_gen("P-256"), NULL);
	key = write_key("n1.key", EVP_EC_gen("P-256"), NULL);
	(void) write_key("locked.key", key, "secret");
	rsa = write_key("rsa.key", EVP_RSA_gen(2048), NULL);
	ed = write_key("ed.key", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL);
	EVP_PKEY_free(write_key("n2.key", EVP_EC_gen("P-256"), NULL));
	ca = write_cert("ca.pem", "fleet", ca_key, NULL, NULL, -10, 3600);
	other = write_cert("other-ca.pem", "others", other_key, NULL, NULL, -10, 3600);
	n1 = write_cert("n1.pem", "n1", key, ca, ca_key, -10, 3600);
	c1 = write_cert("collector.pem", "c1", key, ca, ca_key, -10, 1800);
	write_crl("none.crl", ca, ca_key, NULL, 3600);
	write_crl("n1.crl", ca, ca_key, n1, 3600);
	write_crl("c1.crl", ca, ca_key, c1, 3600);
	write_crl("stale.crl", ca, ca_key, NULL, -10);
	write_crl("forged.crl", ca, other_key, NULL, 3600);
	write_crl("other.crl", other, other_key, NULL, 3600);
	X509_free(n1);
	X509_free(c1);
	X509_free(write_cert("rsa.pem", "n1", rsa, ca, ca_key, -10, 3600));
	X509_free(write_cert("ed.pem", "n1", ed, ca, ca_key, -10, 3600));
	X509_free(write_cert("old.pem", "n1", key, ca, ca_key, -100, -10));
	X509_free(write_cert("early.pem", "n1", key, ca, ca_key, 3600, 7200));
	X509_free(write_cert("foreign.pem", "n1", key, other, other_key, -10, 3600));
	(void) write_key("open.key", key, NULL);
	assert_int_equal(0, chmod(at(path, "open.key"), 0644));
	f = fopen(at(path, "garbage"), "we");
	fputs("not a certificate\n", f);
	assert_int_equal(0, fchmod(fileno(f), 0600));
	(void) fclose(f);
	X509_free(ca);
	X509_free(other);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(other_key);
	EVP_PKEY_free(key);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ed);
	return 0;
}

static const struct {
	const char *ca, *cert, *key;
	int r;
	const char *says, *crl;
} cases[] = {
	{ "ca.pem", "n1.pem", "n1.key", 0, "", NULL },
	{ "ca.pem", "rsa.pem", "rsa.key", 0, "", NULL },
	{ "none.pem", "n1.pem", "n1.key", -ENOENT, "none.pem", NULL },
	{ "ca.pem", "none.pem", "n1.key", -ENOENT, "none.pem", NULL },
	{ "ca.pem", "n1.pem", "none.key", -ENOENT, "none.key", NULL },
	{ "ca.pem", "n1.pem", "n2.key", -EINVAL, "does not match", NULL },
	{ "ca.pem", "n1.pem", NULL, -EACCES, "others may read", NULL },
	{ "ca.pem", "n1.pem", "open.key", -EACCES, "open.key: chmod 600 ", NULL },
	{ "ca.pem", "garbage", "n1.key", -EINVAL, "no certificate", NULL },
	{ "ca.pem", "n1.pem", "garbage", -EINVAL, "no private key", NULL },
	{ "ca.pem", "n1.pem", "locked.key", -EINVAL, "without a password", NULL },
	{ "ca.pem", "n1.pem", "rsa.key", -EINVAL, "does not match", NULL },
	{ "ca.pem", "ed.pem", "ed.key", -EINVAL, "no certificate (ECDSA or RSA)", NULL },
	{ "ca.pem", "n1.pem", "ed.key", -EINVAL, "no private key (ECDSA or RSA)", NULL },
	{ "ca.pem", "old.pem", "n1.key", -EINVAL, "expired", NULL },
	{ "ca.pem", "early.pem", "n1.key", -EINVAL, "not valid yet", NULL },
	{ "ca.pem", "foreign.pem", "n1.key", -EINVAL, "does not fit the authority", NULL },
	{ "garbage", "n1.pem", "n1.key", -EINVAL, "no certificate", NULL },
	{ "ca.pem", "n1.pem", "n1.key", 0, "", "none.crl" },
	{ "ca.pem", "n1.pem", "n1.key", -EINVAL, "it is revoked", "n1.crl" },
	{ "ca.pem", "n1.pem", "n1.key", -ENOENT, "missing.crl", "missing.crl" },
	/* an unusable list does not count as none */
	{ "ca.pem", "n1.pem", "n1.key", -EINVAL, "no revocation list", "garbage" },
	{ "ca.pem", "n1.pem", "n1.key", -EINVAL, "out of date", "stale.crl" },
	{ "ca.pem", "n1.pem", "n1.key", -EINVAL, "not signed by that authority", "forged.crl" },
	{ "ca.pem", "n1.pem", "n1.key", -EINVAL, "no list of the authority 'fleet'", "other.crl" },
};

static int
load(const char *ca, const char *cert, const char *key, const char *crl, struct identity **id,
    struct diag *d)
{
	char path[4][256];
	struct identity_files f = {
		.ca = at(path[0], ca),
		.cert = at(path[1], cert),
		.key = key == NULL ? NULL : at(path[2], key),
		.crl = crl == NULL ? NULL : at(path[3], crl),
	};

	return identity_load(&f, id, d);
}

static void
test_load(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct identity *id = NULL;
		struct diag d = { 0 };
		int r = load(cases[i].ca, cases[i].cert, cases[i].key, cases[i].crl, &id, &d);

		if (r != cases[i].r || strstr(d.msg, cases[i].says) == NULL)
			fail_msg("%s %s: %d '%s'", cases[i].ca, cases[i].cert, r, d.msg);
		if (r == 0)
			assert_string_equal("n1", id->subject);
		identity_free(id);
	}
}

/* Verify a proof like a collector: the certificate's key verifies the signature over the text. */
static void
check_proof(const char *cert_name, const char *key_name)
{
	uint8_t nonce[WIRE_NONCE_SIZE] = { 1, 2, 3 };
	Wire__Challenge c = WIRE__CHALLENGE__INIT;
	struct identity *id = NULL;
	struct buf out = BUF_INIT, text = BUF_INIT;
	struct diag d = { 0 };
	const unsigned char *der;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	Wire__Request *rq;
	X509 *x;

	c.nonce.data = nonce;
	c.nonce.len = sizeof(nonce);
	c.collector = (char[]){ "coll" };
	assert_int_equal(0, load("ca.pem", cert_name, key_name, NULL, &id, &d));
	assert_int_equal(0, message_proof(id, &c, "n1", "lab", &out));
	rq = wire__request__unpack(NULL, out.n, (uint8_t *) out.p);
	assert_int_equal(WIRE__REQUEST__BODY_PROOF, rq->body_case);
	der = rq->proof->certificate.data;
	x = d2i_X509(NULL, &der, (long) rq->proof->certificate.len);
	assert_non_null(x);
	assert_int_equal(0, wire_proof_text((struct slice){ (char *) nonce, sizeof(nonce) },
				SLICE("n1"), SLICE("lab"), SLICE("coll"), &text));
	assert_int_equal(
	    1, EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, X509_get0_pubkey(x)));
	assert_int_equal(1, EVP_DigestVerify(ctx, rq->proof->signature.data,
				rq->proof->signature.len, (unsigned char *) text.p, text.n));
	EVP_MD_CTX_free(ctx);
	X509_free(x);
	wire__request__free_unpacked(rq, NULL);
	identity_free(id);
	buf_fini(&out);
	buf_fini(&text);
}

static void
test_proof(void **state)
{
	(void) state;
	check_proof("n1.pem", "n1.key");
	check_proof("rsa.pem", "rsa.key");
}

/* Add a file's certificate to a chain. */
static void
push(STACK_OF(X509) * chain, const char *name)
{
	char path[256];
	FILE *f = fopen(at(path, name), "re");
	X509 *x;

	assert_non_null(f);
	x = PEM_read_X509(f, NULL, NULL, NULL);
	(void) fclose(f);
	assert_non_null(x);
	assert_true(sk_X509_push(chain, x) > 0);
}

/* The collector's certificate after the handshake. */
static const struct {
	const char *crl, *cert, *says; /* NULL: trusted */
} peers[] = {
	{ NULL, "collector.pem", NULL },
	{ "none.crl", "collector.pem", NULL },
	{ "c1.crl", "collector.pem", "it is revoked" },
	{ NULL, "old.pem", "has expired" },
	{ NULL, "foreign.pem", "not signed by that authority" },
};

static void
test_peer(void **state)
{
	uint64_t now = (uint64_t) time(NULL);

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		struct identity *id = NULL;
		STACK_OF(X509) *chain = sk_X509_new_null();
		struct peer_certs p = { 0 };
		struct diag d = { 0 };
		const char *why = NULL;
		int r;

		assert_int_equal(0, load("ca.pem", "n1.pem", "n1.key", peers[i].crl, &id, &d));
		peer_certs_take(&p, chain);
		assert_int_equal(0, p.until);
		assert_int_equal(-EACCES, identity_check_peer(id, &p, &why)); /* none shown */
		push(chain, peers[i].cert);
		push(chain, "ca.pem");
		peer_certs_take(&p, chain);
		r = identity_check_peer(id, &p, &why);
		assert_int_equal(peers[i].says == NULL ? 0 : -EACCES, r);
		if (r < 0 && strstr(why, peers[i].says) == NULL)
			fail_msg("%s: %s", peers[i].cert, why);
		if (i == 0) /* the earliest expiry in the chain, and the node's own */
			assert_in_range(p.until / 1000000000, now + 1700, now + 1800);
		assert_in_range(id->until / 1000000000, now + 3500, now + 3600);
		peer_certs_fini(&p);
		sk_X509_pop_free(chain, X509_free);
		identity_free(id);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_proof),
		cmocka_unit_test(test_peer),
	};

	return cmocka_run_group_tests(tests, setup, tmpdir_end);
}
