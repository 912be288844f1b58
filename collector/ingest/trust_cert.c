/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest/trust_cert.h"
#include "common/clock.h"
#include "common/macros.h"
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

/* Realtime ns; 'otherwise': it is no such time. */
static uint64_t
time_ns(const ASN1_TIME *at, uint64_t otherwise)
{
	struct tm tm = { 0 };
	time_t t = -1;

	if (ASN1_TIME_to_tm(at, &tm) == 1)
		t = timegm(&tm);
	return t >= 0 && (uint64_t) t < UINT64_MAX / NS_PER_S ? (uint64_t) t * NS_PER_S : otherwise;
}

struct trust_term
trust_cert_term(const X509_STORE_CTX *c)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(c);
	struct trust_term term = { .until = UINT64_MAX };

	for (int i = 0; i < sk_X509_num(chain); i++) {
		const X509 *x = sk_X509_value(chain, i);

		if (i == 0)
			term.since = time_ns(X509_get0_notBefore(x), 0);
		term.until = MIN(term.until, time_ns(X509_get0_notAfter(x), UINT64_MAX));
	}
	return term;
}

static bool
is_name(const ASN1_STRING *s, const char *node)
{
	return s != NULL && (size_t) ASN1_STRING_length(s) == strlen(node) &&
	       memcmp(ASN1_STRING_get0_data(s), node, strlen(node)) == 0;
}

/* Compare exactly, without wildcards or DNS's case rules: it is a node's name. */
bool
trust_cert_has_name(X509 *cert, const char *node)
{
	GENERAL_NAMES *v = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	X509_NAME *subject = X509_get_subject_name(cert);
	bool found = false;
	int at = -1;

	for (int i = 0; !found && i < sk_GENERAL_NAME_num(v); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(v, i);

		found = g->type == GEN_DNS && is_name(g->d.dNSName, node);
	}
	while (!found && (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
		found = is_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), node);
	GENERAL_NAMES_free(v);
	return found;
}

X509 *
trust_cert_read(struct slice der)
{
	const unsigned char *p = (const unsigned char *) der.p;
	X509 *x = der.n == 0 || der.n > 65536 ? NULL : d2i_X509(NULL, &p, (long) der.n);

	ERR_clear_error();
	if (x != NULL && p != (const unsigned char *) der.p + der.n) {
		X509_free(x);
		return NULL;
	}
	return x;
}

bool
trust_cert_signed(X509 *cert, struct slice text, struct slice signature)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md != NULL && key != NULL &&
		  (EVP_PKEY_is_a(key, "EC") || EVP_PKEY_is_a(key, "RSA")) &&
		  EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
		  EVP_DigestVerify(md, (const unsigned char *) signature.p, signature.n,
		      (const unsigned char *) text.p, text.n) == 1;

	EVP_MD_CTX_free(md);
	ERR_clear_error();
	return ok;
}
