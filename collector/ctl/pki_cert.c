/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/pki.h"
#include "common/hex.h"
#include "proto/enroll_line.h"
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define DAY_S           86400
#define COMMON_NAME_MAX 64 /* X.509's limit; a longer name is only in the alternative names */

const char *
pki_kind_name(enum pki_kind kind)
{
	return kind == PKI_NODE ? "node" : "collector";
}

void
pki_pair_fini(struct pki_pair *p)
{
	X509_free(p->cert);
	EVP_PKEY_free(p->key);
	*p = (struct pki_pair){ NULL, NULL };
}

/* Report OpenSSL's own message; it fails only for lack of memory or randomness. */
static int
openssl_fail(struct diag *d, const char *what)
{
	char why[256];

	ERR_error_string_n(ERR_get_error(), why, sizeof(why));
	ERR_clear_error();
	diag_set(d, 0, 0, "cannot make %s: %s", what, why);
	return -EIO;
}

static bool
add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;
	bool ok;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e != NULL && X509_add_ext(cert, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

static bool
add_name(X509_NAME *n, const char *field, const char *value)
{
	return X509_NAME_add_entry_by_txt(
		   n, field, MBSTRING_UTF8, (const unsigned char *) value, -1, -1, 0) == 1;
}

/* Start a certificate with what each needs: a random serial, a subject, validity and a key: that of
 * somebody else, or a new one. */
static bool
cert_begin(struct pki_pair *p, int days, long seconds, EVP_PKEY *key)
{
	BIGNUM *serial = BN_new();
	bool ok;

	p->cert = X509_new();
	if (key == NULL)
		key = p->key = EVP_EC_gen("P-256");
	ok = serial != NULL && p->cert != NULL && key != NULL &&
	     BN_rand(serial, 126, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
	     BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(p->cert)) != NULL &&
	     X509_set_version(p->cert, 2) == 1 && X509_set_pubkey(p->cert, key) == 1 &&
	     X509_gmtime_adj(X509_getm_notBefore(p->cert), -ENROLL_SKEW_S) != NULL &&
	     X509_time_adj_ex(X509_getm_notAfter(p->cert), days, seconds, NULL) != NULL;
	BN_free(serial);
	return ok;
}

/* Authorities that are trusted at the same time differ in their names, by which lists are matched.
 */
static bool
add_authority(X509_NAME *n, const char *fleet, enum pki_authority kind)
{
	unsigned char some[4];
	char number[9];

	if (RAND_bytes(some, sizeof(some)) != 1)
		return false;
	hex_encode(number, some, sizeof(some));
	return add_name(n, "O", fleet) &&
	       add_name(n, "CN",
		   kind == PKI_NODES_ONLY ? "Mews enrolment authority" : "Mews fleet authority") &&
	       add_name(n, "serialNumber", number);
}

int
pki_make_ca(
    const char *fleet, enum pki_authority kind, int days, struct pki_pair *ret, struct diag *d)
{
	struct pki_pair p = { NULL, NULL };
	X509_NAME *n;

	if (!cert_begin(&p, days, 0, NULL))
		goto fail;
	n = X509_get_subject_name(p.cert);
	if (!add_authority(n, fleet, kind) || X509_set_issuer_name(p.cert, n) != 1 ||
	    !add_ext(p.cert, p.cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
	    (kind == PKI_NODES_ONLY && !add_ext(p.cert, p.cert, NID_ext_key_usage, "clientAuth")) ||
	    !add_ext(p.cert, p.cert, NID_key_usage, "critical,keyCertSign,cRLSign") ||
	    !add_ext(p.cert, p.cert, NID_subject_key_identifier, "hash") ||
	    X509_sign(p.cert, p.key, EVP_sha256()) == 0)
		goto fail;
	*ret = p;
	return 0;
fail:
	pki_pair_fini(&p);
	return openssl_fail(d, "the authority");
}

static bool
add_alt(GENERAL_NAMES *v, int type, const void *bytes, int n)
{
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_STRING *s = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();

	if (g == NULL || s == NULL || ASN1_STRING_set(s, bytes, n) != 1) {
		GENERAL_NAME_free(g);
		ASN1_STRING_free(s);
		return false;
	}
	GENERAL_NAME_set0_value(g, type, s);
	if (sk_GENERAL_NAME_push(v, g) > 0)
		return true;
	GENERAL_NAME_free(g);
	return false;
}

/* Add an address as an address and as a name: mbed TLS 2.28 compares only names. */
static bool
add_address(GENERAL_NAMES *v, const char *ip)
{
	unsigned char a[16];
	int n = inet_pton(AF_INET, ip, a) == 1 ? 4 : inet_pton(AF_INET6, ip, a) == 1 ? 16 : 0;

	return n > 0 && add_alt(v, GEN_IPADD, a, n) && add_alt(v, GEN_DNS, ip, (int) strlen(ip));
}

static bool
add_alt_names(X509 *cert, const struct pki_request *rq)
{
	GENERAL_NAMES *v = GENERAL_NAMES_new();
	bool ok = v != NULL && add_alt(v, GEN_DNS, rq->name, (int) strlen(rq->name));

	for (size_t i = 0; ok && i < rq->ndns; i++)
		ok = add_alt(v, GEN_DNS, rq->dns[i], (int) strlen(rq->dns[i]));
	for (size_t i = 0; ok && i < rq->nip; i++)
		ok = add_address(v, rq->ip[i]);
	ok = ok && X509_add1_ext_i2d(cert, NID_subject_alt_name, v, 0, X509V3_ADD_DEFAULT) == 1;
	GENERAL_NAMES_free(v);
	return ok;
}

/* Add the fleet's name from the authority's certificate, so that people recognize it. */
static bool
add_subject(X509 *cert, X509 *ca, const char *name)
{
	X509_NAME *n = X509_get_subject_name(cert);
	char fleet[128] = "";

	if (X509_NAME_get_text_by_NID(
		X509_get_subject_name(ca), NID_organizationName, fleet, sizeof(fleet)) > 0 &&
	    !add_name(n, "O", fleet))
		return false;
	return strlen(name) > COMMON_NAME_MAX || add_name(n, "CN", name);
}

int
pki_make_cert(
    const struct pki_pair *ca, const struct pki_request *rq, struct pki_pair *ret, struct diag *d)
{
	const char *usage = rq->kind == PKI_NODE ? "clientAuth" : "serverAuth";
	struct pki_pair p = { NULL, NULL };

	if (!cert_begin(&p, rq->days, rq->seconds, rq->key) ||
	    !add_subject(p.cert, ca->cert, rq->name) ||
	    X509_set_issuer_name(p.cert, X509_get_subject_name(ca->cert)) != 1 ||
	    !add_ext(p.cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE") ||
	    !add_ext(p.cert, ca->cert, NID_key_usage, "critical,digitalSignature") ||
	    !add_ext(p.cert, ca->cert, NID_ext_key_usage, usage) ||
	    !add_ext(p.cert, ca->cert, NID_subject_key_identifier, "hash") ||
	    !add_ext(p.cert, ca->cert, NID_authority_key_identifier, "keyid:always") ||
	    !add_alt_names(p.cert, rq) || X509_sign(p.cert, ca->key, EVP_sha256()) == 0) {
		pki_pair_fini(&p);
		return openssl_fail(d, "the certificate");
	}
	*ret = p;
	return 0;
}

static bool
add_revoked(X509_CRL *crl, const struct pki_revoked *rev)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_TIME *when = ASN1_TIME_new();
	ASN1_INTEGER *serial = NULL;
	BIGNUM *bn = NULL;
	bool ok = r != NULL && when != NULL && BN_hex2bn(&bn, rev->serial) > 0 &&
		  (serial = BN_to_ASN1_INTEGER(bn, NULL)) != NULL &&
		  ASN1_TIME_set_string_X509(when, rev->when) == 1 &&
		  X509_REVOKED_set_serialNumber(r, serial) == 1 &&
		  X509_REVOKED_set_revocationDate(r, when) == 1 &&
		  X509_CRL_add0_revoked(crl, r) == 1;

	if (!ok)
		X509_REVOKED_free(r);
	ASN1_TIME_free(when);
	ASN1_INTEGER_free(serial);
	BN_free(bn);
	return ok;
}

static bool
crl_fill(X509_CRL *crl, const struct pki_pair *ca, const struct pki_revoked *v, size_t n)
{
	ASN1_TIME *now = X509_gmtime_adj(NULL, -ENROLL_SKEW_S);
	bool ok = now != NULL && X509_CRL_set_version(crl, 1) == 1 &&
		  X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->cert)) == 1 &&
		  X509_CRL_set1_lastUpdate(crl, now) == 1 &&
		  X509_CRL_set1_nextUpdate(crl, X509_get0_notAfter(ca->cert)) == 1;

	for (size_t i = 0; ok && i < n; i++)
		ok = add_revoked(crl, &v[i]);
	ASN1_TIME_free(now);
	return ok && X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, ca->key, EVP_sha256()) > 0;
}

int
pki_make_crl(const struct pki_pair *ca, const struct pki_revoked *v, size_t n, X509_CRL **ret,
    struct diag *d)
{
	X509_CRL *crl = X509_CRL_new();

	if (crl == NULL || !crl_fill(crl, ca, v, n)) {
		X509_CRL_free(crl);
		return openssl_fail(d, "the revocation list");
	}
	*ret = crl;
	return 0;
}

int
pki_serial(const X509 *cert, char ret[41])
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	char *hex = bn == NULL ? NULL : BN_bn2hex(bn);
	int r = hex == NULL ? -ENOMEM : 0;

	if (hex != NULL)
		(void) snprintf(ret, 41, "%s", hex);
	OPENSSL_free(hex);
	BN_free(bn);
	return r;
}

void
pki_time(const ASN1_TIME *t, char ret[32])
{
	struct tm tm = { 0 };

	if (ASN1_TIME_to_tm(t, &tm) != 1 || strftime(ret, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		(void) snprintf(ret, 32, "(no time)");
}
