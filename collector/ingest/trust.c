/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest/trust.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/nng/tls.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>

struct trust {
	_Atomic int refs;
	SSL_CTX *tls;
	X509_STORE *store; /* of 'tls' */
	uint64_t until;    /* realtime ns: first expiry in our certificate's chain */
};

struct trust *
trust_ref(struct trust *t)
{
	atomic_fetch_add(&t->refs, 1);
	return t;
}

void
trust_unref(struct trust *t)
{
	if (t == NULL || atomic_fetch_sub(&t->refs, 1) > 1)
		return;
	SSL_CTX_free(t->tls);
	free(t);
}

uint64_t
trust_until(const struct trust *t)
{
	return t->until;
}

SSL_CTX *
trust_tls(const struct trust *t)
{
	return t->tls;
}

/* ---- loading ---- */

struct texts {
	struct buf ca, cert, key, crl; /* PEM */
};

static void
texts_fini(struct texts *p)
{
	buf_fini(&p->ca);
	buf_fini(&p->cert);
	if (p->key.p != NULL)
		OPENSSL_cleanse(p->key.p, p->key.n);
	buf_fini(&p->key);
	buf_fini(&p->crl);
}

static int
read_pem(const char *path, const char *what, bool secret, struct buf *b, struct diag *d)
{
	int r = file_read(path, what, secret, b, d);

	if (r == -ENOENT)
		diag_set(d, 0, 0,
		    "cannot read the %s %s: %s ('mewsctl pki --help' shows how to make one)", what,
		    path, strerrordesc_np(-r));
	return r;
}

static BIO *
mem(const struct buf *b)
{
	return BIO_new_mem_buf(b->p, (int) b->n);
}

/* Trust every certificate of the file; there is at least one, and each may sign. */
static int
load_ca(struct trust *t, const struct texts *p, const char *path, struct diag *d)
{
	BIO *b = mem(&p->ca);
	unsigned n = 0;
	X509 *x;
	int r = 0;

	while (r == 0 && b != NULL && (x = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL) {
		n++;
		if (X509_check_ca(x) == 0)
			r = diag_fail(
			    d, 0, 0, "tls.ca %s holds a certificate that is no authority's", path);
		else if (X509_STORE_add_cert(t->store, x) != 1)
			r = -ENOMEM;
		X509_free(x);
	}
	ERR_clear_error();
	BIO_free(b);
	if (r == 0 && n == 0)
		r = diag_fail(d, 0, 0, "tls.ca %s holds no certificate in PEM form", path);
	return r;
}

/* Refuse a list that is out of date at the start: it would reject every sensor. */
static int
check_crl(const struct trust *t, X509_CRL *crl, const char *path, struct diag *d)
{
	X509_STORE_CTX *c = X509_STORE_CTX_new();
	X509_OBJECT *issuer = NULL;
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
	int r = 0;

	if (c == NULL || X509_STORE_CTX_init(c, t->store, NULL, NULL) != 1)
		r = -ENOMEM;
	else
		issuer =
		    X509_STORE_CTX_get_obj_by_subject(c, X509_LU_X509, X509_CRL_get_issuer(crl));
	if (r == 0 && (issuer == NULL || X509_CRL_verify(crl,
					     X509_get0_pubkey(X509_OBJECT_get0_X509(issuer))) != 1))
		r = diag_fail(d, 0, 0, "tls.crl %s is not signed by the authority of tls.ca", path);
	else if (r == 0 && next != NULL && X509_cmp_current_time(next) < 0)
		r = diag_fail(
		    d, 0, 0, "tls.crl %s is out of date: get a new one from its authority", path);
	X509_OBJECT_free(issuer);
	X509_STORE_CTX_free(c);
	ERR_clear_error();
	return r;
}

/* In a handshake a missing list is no error: for the certificate's authority the proof reports it,
 * in words. */
static int
on_handshake(int ok, X509_STORE_CTX *c)
{
	if (!ok && X509_STORE_CTX_get_error(c) == X509_V_ERR_UNABLE_TO_GET_CRL) {
		X509_STORE_CTX_set_error(c, X509_V_OK);
		return 1;
	}
	return ok;
}

static int
load_crl(struct trust *t, const struct texts *p, const char *path, struct diag *d)
{
	BIO *b = mem(&p->crl);
	X509_CRL *crl;
	unsigned n = 0;
	int r = 0;

	while (r == 0 && b != NULL && (crl = PEM_read_bio_X509_CRL(b, NULL, NULL, NULL)) != NULL) {
		n++;
		r = check_crl(t, crl, path, d);
		if (r == 0 && X509_STORE_add_crl(t->store, crl) != 1)
			r = -ENOMEM;
		X509_CRL_free(crl);
	}
	ERR_clear_error();
	BIO_free(b);
	if (r == 0 && n == 0)
		r = diag_fail(d, 0, 0, "tls.crl %s holds no revocation list in PEM form", path);
	if (r == 0 && (X509_STORE_set_flags(t->store, X509_V_FLAG_CRL_CHECK) != 1 ||
			  X509_VERIFY_PARAM_set_flags(
			      SSL_CTX_get0_param(t->tls), X509_V_FLAG_CRL_CHECK_ALL) != 1))
		r = -ENOMEM;
	SSL_CTX_set_verify(t->tls, SSL_CTX_get_verify_mode(t->tls), on_handshake);
	return r;
}

/* ---- verifying ---- */

/* Returns X509_V_OK and *term, or the error; -1: no memory. */
static int
verify(
    const struct trust *t, X509 *cert, STACK_OF(X509) * chain, int purpose, struct trust_term *term)
{
	X509_STORE_CTX *c = X509_STORE_CTX_new();
	int r = -1;

	if (c != NULL && X509_STORE_CTX_init(c, t->store, cert, chain) == 1 &&
	    X509_STORE_CTX_set_purpose(c, purpose) == 1)
		r = X509_verify_cert(c) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(c);
	if (r == X509_V_OK)
		*term = trust_cert_term(c);
	X509_STORE_CTX_free(c);
	ERR_clear_error();
	return r;
}

static const char *
verify_text(int r)
{
	switch (r) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "the certificate has expired: issue a new one";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "the certificate is not valid yet: check the clocks";
	case X509_V_ERR_CERT_REVOKED:
		return "the certificate is revoked";
	case X509_V_ERR_CRL_HAS_EXPIRED:
		return "the collector's revocation list is out of date";
	case X509_V_ERR_UNABLE_TO_GET_CRL:
		return "the collector has no revocation list of the certificate's authority";
	case X509_V_ERR_INVALID_PURPOSE:
		return "the certificate is for another purpose: sensors and collectors have "
		       "certificates "
		       "of their own kind";
	case -1:
		return "the collector is out of memory";
	default:
		return "the certificate is not of this fleet's authority";
	}
}

static int
check_own_cert(struct trust *t, const struct trust_files *f, X509 *cert, STACK_OF(X509) * chain,
    struct diag *d)
{
	struct trust_term term = { 0 };
	int v = verify(t, cert, chain, X509_PURPOSE_SSL_SERVER, &term);

	t->until = term.until;
	if (v == X509_V_OK || v == X509_V_ERR_UNABLE_TO_GET_CRL)
		return 0;
	if (v == X509_V_ERR_INVALID_PURPOSE)
		return diag_fail(d, 0, 0,
		    "%s may not be a server: issue one with 'mewsctl pki issue DIR "
		    "--collector NAME'",
		    f->cert);
	if (v == -1)
		return -ENOMEM;
	return diag_fail(d, 0, 0, "tls.certificate %s, checked against tls.ca %s: %s", f->cert,
	    f->ca, verify_text(v));
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

static int
use_own_key(
    struct trust *t, const struct texts *p, const struct trust_files *f, X509 *cert, struct diag *d)
{
	BIO *b = mem(&p->key);
	EVP_PKEY *key = b == NULL ? NULL : PEM_read_bio_PrivateKey(b, NULL, no_password, NULL);
	int r = 0;

	if (key == NULL)
		r = diag_fail(d, 0, 0,
		    "tls.key %s is not a private key in PEM form without a password", f->key);
	else if (X509_check_private_key(cert, key) != 1)
		r = diag_fail(
		    d, 0, 0, "tls.key %s does not belong to tls.certificate %s", f->key, f->cert);
	else if (SSL_CTX_use_certificate(t->tls, cert) != 1 ||
		 SSL_CTX_use_PrivateKey(t->tls, key) != 1)
		r = diag_fail(d, 0, 0,
		    "tls.certificate %s cannot be used for TLS (%s): use EC P-256 or RSA keys and "
		    "SHA-256, as 'mewsctl pki' does",
		    f->cert, ERR_reason_error_string(ERR_peek_last_error()));
	EVP_PKEY_free(key);
	BIO_free(b);
	ERR_clear_error();
	return r;
}

/* The file's first certificate is ours; those after it lead to the authority. */
static int
use_own(struct trust *t, const struct texts *p, const struct trust_files *f, struct diag *d)
{
	BIO *b = mem(&p->cert);
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *cert = b == NULL ? NULL : PEM_read_bio_X509(b, NULL, NULL, NULL), *x;
	int r = 0;

	if (cert == NULL)
		r = diag_fail(
		    d, 0, 0, "tls.certificate %s is not a certificate in PEM form", f->cert);
	while (r == 0 && (x = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL) {
		if (chain == NULL || sk_X509_push(chain, x) <= 0) {
			X509_free(x);
			r = -ENOMEM;
		}
	}
	ERR_clear_error();
	if (r == 0)
		r = check_own_cert(t, f, cert, chain, d);
	if (r == 0)
		r = use_own_key(t, p, f, cert, d);
	if (r == 0 && SSL_CTX_set1_chain(t->tls, chain) != 1)
		r = -ENOMEM;
	sk_X509_pop_free(chain, X509_free);
	X509_free(cert);
	BIO_free(b);
	return r;
}

static int
read_texts(struct texts *p, const struct trust_files *f, struct diag *d)
{
	int r = read_pem(f->ca, "authority's certificate (tls.ca)", false, &p->ca, d);

	if (r == 0)
		r = read_pem(f->cert, "certificate (tls.certificate)", false, &p->cert, d);
	if (r == 0)
		r = read_pem(f->key, "key (tls.key)", true, &p->key, d);
	if (r == 0 && f->crl != NULL)
		r = read_pem(f->crl, "revocation list (tls.crl)", false, &p->crl, d);
	return r;
}

static int
load(struct trust *t, const struct trust_files *f, struct diag *d)
{
	struct texts p = { 0 };
	int r;

	t->tls = tls_ctx_new(NNG_TLS_MODE_SERVER);
	if (t->tls == NULL)
		return -ENOMEM;
	t->store = SSL_CTX_get_cert_store(t->tls);
	r = read_texts(&p, f, d);
	if (r == 0)
		r = load_ca(t, &p, f->ca, d);
	if (r == 0 && f->crl != NULL)
		r = load_crl(t, &p, f->crl, d);
	if (r == 0)
		r = use_own(t, &p, f, d);
	texts_fini(&p);
	return r;
}

int
trust_load(const struct trust_files *files, struct trust **ret, struct diag *d)
{
	struct trust *t;
	int r;

	if (files->ca == NULL || files->cert == NULL || files->key == NULL)
		return diag_fail(d, 0, 0,
		    "%s is not set: TLS needs tls.ca, tls.certificate and tls.key ('mewsctl pki "
		    "--help' "
		    "shows how to make them)",
		    files->ca == NULL     ? "tls.ca"
		    : files->cert == NULL ? "tls.certificate"
					  : "tls.key");
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return -ENOMEM;
	atomic_store(&t->refs, 1);
	r = load(t, files, d);
	if (r < 0) {
		if (r == -ENOMEM)
			diag_set(d, 0, 0, "no memory to read the certificates");
		trust_unref(t);
		return r;
	}
	*ret = t;
	return 0;
}

static int
check(
    const struct trust *t, X509 *cert, const char *node, struct trust_term *term, const char **why)
{
	int v = verify(t, cert, NULL, X509_PURPOSE_SSL_CLIENT, term);

	if (v != X509_V_OK) {
		*why = verify_text(v);
		return -EACCES;
	}
	if (trust_cert_has_name(cert, node))
		return 0;
	*why =
	    "the certificate is of another node: issue one in this node's name, or set the name "
	    "that the certificate has";
	return -EACCES;
}

int
trust_check_cert(const struct trust *t, struct slice der, const char *node, struct trust_term *term,
    const char **why)
{
	X509 *cert = trust_cert_read(der);
	int r = -EACCES;

	*why = "the proof holds no certificate";
	if (cert != NULL)
		r = check(t, cert, node, term, why);
	X509_free(cert);
	return r;
}

int
trust_check_proof(const struct trust *t, X509 *cert, const char *node, struct slice text,
    struct slice signature, struct trust_term *term, const char **why)
{
	int r = -EACCES;

	*why = "the proof holds no certificate";
	if (cert != NULL)
		r = check(t, cert, node, term, why);
	if (r == 0 && !trust_cert_signed(cert, text, signature)) {
		*why = "the proof is not signed with the certificate's key for this connection";
		r = -EACCES;
	}
	return r;
}
