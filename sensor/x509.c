/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/x509.h"
#include "common/clock.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static BIO *
text(const char *pem)
{
	return BIO_new_mem_buf(pem, -1);
}

/* Has a PEM reader stopped because nothing is left? Clears the error queue. */
static bool
at_end(void)
{
	unsigned long e = ERR_peek_last_error();

	ERR_clear_error();
	return ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

static bool
usual_key(const EVP_PKEY *k)
{
	return k != NULL && (EVP_PKEY_is_a(k, "EC") || EVP_PKEY_is_a(k, "RSA"));
}

STACK_OF(X509) * x509_certs(const char *pem)
{
	STACK_OF(X509) *v = sk_X509_new_null();
	BIO *b = text(pem);
	bool ok = v != NULL && b != NULL;
	X509 *x;

	while (ok && (x = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL) {
		ok = usual_key(X509_get0_pubkey(x)) && sk_X509_push(v, x) > 0;
		if (!ok)
			X509_free(x);
	}
	ok = at_end() && ok && sk_X509_num(v) > 0;
	BIO_free(b);
	if (ok)
		return v;
	sk_X509_pop_free(v, X509_free);
	return NULL;
}

STACK_OF(X509_CRL) * x509_lists(const char *pem)
{
	STACK_OF(X509_CRL) *v = sk_X509_CRL_new_null();
	BIO *b = text(pem);
	bool ok = v != NULL && b != NULL;
	X509_CRL *l;

	while (ok && (l = PEM_read_bio_X509_CRL(b, NULL, NULL, NULL)) != NULL) {
		ok = sk_X509_CRL_push(v, l) > 0;
		if (!ok)
			X509_CRL_free(l);
	}
	ok = at_end() && ok && sk_X509_CRL_num(v) > 0;
	BIO_free(b);
	if (ok)
		return v;
	sk_X509_CRL_pop_free(v, X509_CRL_free);
	return NULL;
}

static int
no_password(char *p, /* NOLINT(readability-non-const-parameter): pem_password_cb */
    int n, int writing, void *arg)
{
	(void) p;
	(void) n;
	(void) writing;
	(void) arg;
	return -1;
}

EVP_PKEY *
x509_key(const char *pem)
{
	BIO *b = text(pem);
	EVP_PKEY *k = b == NULL ? NULL : PEM_read_bio_PrivateKey(b, NULL, no_password, NULL);

	ERR_clear_error();
	BIO_free(b);
	if (usual_key(k))
		return k;
	EVP_PKEY_free(k);
	return NULL;
}

void
x509_common_name(const X509 *x, char *out, size_t n)
{
	X509_NAME *subject = X509_get_subject_name(x);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	const ASN1_STRING *s =
	    at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));

	(void) snprintf(out, n, "%.*s", s == NULL ? 0 : ASN1_STRING_length(s),
	    s == NULL ? "" : (const char *) ASN1_STRING_get0_data(s));
}

static uint64_t
real_ns(const ASN1_TIME *when)
{
	struct tm tm = { 0 };
	time_t t = ASN1_TIME_to_tm(when, &tm) == 1 ? timegm(&tm) : 0;

	return t < 0                                  ? 0
	       : (uint64_t) t > UINT64_MAX / NS_PER_S ? UINT64_MAX
						      : (uint64_t) t * NS_PER_S;
}

uint64_t
x509_since(const X509 *x)
{
	return real_ns(X509_get0_notBefore(x));
}

uint64_t
x509_until(const X509 *x)
{
	return real_ns(X509_get0_notAfter(x));
}

const char *
x509_why(int error)
{
	switch (error) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_INVALID_CA:
		return "it is not signed by that authority";
	case X509_V_ERR_CERT_REVOKED:
		return "it is revoked (tls.crl)";
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
	case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
		return "the revocation list (tls.crl) is not signed by that authority";
	case X509_V_ERR_CRL_HAS_EXPIRED:
		return "the revocation list (tls.crl) is out of date: get a new one from its "
		       "authority";
	case X509_V_ERR_CRL_NOT_YET_VALID:
		return "the revocation list (tls.crl) is not valid yet: check this machine's clock";
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "it, or the authority, has expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "it, or the authority, is not valid yet";
	case X509_V_ERR_INVALID_PURPOSE:
	case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
	case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
		return "it is for another purpose";
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return "its key or its signature is too weak";
	default:
		return "it cannot be verified";
	}
}
