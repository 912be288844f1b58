/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/identity.h"
#include "common/file.h"
#include "common/nng/tls.h"
#include "sensor/x509.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* ---- verifying ---- */

/* A missing list is no error here: there may be none, and a configured one is complete
 * (check_lists()). The peer may show authorities of its own below ours. */
static int
on_verify(int ok, X509_STORE_CTX *c)
{
	if (!ok && X509_STORE_CTX_get_error(c) == X509_V_ERR_UNABLE_TO_GET_CRL) {
		X509_STORE_CTX_set_error(c, X509_V_OK);
		return 1;
	}
	return ok;
}

/* Is the certificate 'x' trusted, with others that lead to an authority (or NULL)? X509_V_OK, or
 * the error. */
static int
verify(SSL_CTX *tls, X509 *x, STACK_OF(X509) * others)
{
	X509_STORE_CTX *c = X509_STORE_CTX_new();
	int r = X509_V_ERR_OUT_OF_MEM;

	if (c != NULL && X509_STORE_CTX_init(c, SSL_CTX_get_cert_store(tls), x, others) == 1) {
		X509_VERIFY_PARAM_set_auth_level(
		    X509_STORE_CTX_get0_param(c), SSL_CTX_get_security_level(tls));
		X509_STORE_CTX_set_verify_cb(c, on_verify);
		r = X509_verify_cert(c) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(c);
	}
	X509_STORE_CTX_free(c);
	ERR_clear_error();
	return r;
}

/* ---- loading ---- */

/* The files, parsed; 'ca' and 'crl' trusted only after the checks. */
struct files {
	struct buf text[4]; /* PEM, with NUL, in this order: */
	STACK_OF(X509) * ca, *cert;
	EVP_PKEY *key;
	STACK_OF(X509_CRL) * crl; /* NULL: none */
};

enum { CA, CERT, KEY, CRL };

static void
files_fini(struct files *p)
{
	if (p->text[KEY].p != NULL)
		OPENSSL_cleanse(p->text[KEY].p, p->text[KEY].cap);
	for (size_t i = 0; i < ARRAY_SIZE(p->text); i++)
		buf_fini(&p->text[i]);
	sk_X509_pop_free(p->ca, X509_free);
	sk_X509_pop_free(p->cert, X509_free);
	EVP_PKEY_free(p->key);
	sk_X509_CRL_pop_free(p->crl, X509_CRL_free);
}

static const char *
key_file(const struct identity_files *f)
{
	return f->key == NULL ? f->cert : f->key;
}

static int
read_files(struct files *p, const struct identity_files *f, struct diag *d)
{
	int r = file_read(f->ca, "authority's certificate (tls.ca)", false, &p->text[CA], d);

	if (r == 0)
		r = file_read(f->cert, "certificate (tls.certificate)", false, &p->text[CERT], d);
	if (r == 0)
		r = file_read(key_file(f), "key (tls.key)", true, &p->text[KEY], d);
	if (r == 0 && f->crl != NULL)
		r = file_read(f->crl, "revocation list (tls.crl)", false, &p->text[CRL], d);
	if (r == 0 && f->crl != NULL && p->text[CRL].n == 0)
		r = diag_fail(d, 0, 0, "tls.crl %s holds no revocation list in PEM form", f->crl);
	return r;
}

static int
parse(struct files *p, const struct identity_files *f, struct diag *d)
{
	p->cert = x509_certs(p->text[CERT].p);
	if (p->cert == NULL)
		return diag_fail(d, 0, 0, "%s holds no certificate (ECDSA or RSA) in PEM", f->cert);
	p->ca = x509_certs(p->text[CA].p);
	if (p->ca == NULL)
		return diag_fail(d, 0, 0, "%s holds no certificate (ECDSA or RSA) in PEM", f->ca);
	if (f->crl != NULL) {
		p->crl = x509_lists(p->text[CRL].p);
		if (p->crl == NULL)
			return diag_fail(
			    d, 0, 0, "tls.crl %s holds no revocation list in PEM form", f->crl);
	}
	p->key = x509_key(p->text[KEY].p);
	if (p->key == NULL)
		return diag_fail(d, 0, 0,
		    "%s holds no private key (ECDSA or RSA) in PEM without a password: set tls.key "
		    "to the node's key",
		    key_file(f));
	return 0;
}

static int
check_time(const X509 *x, const char *path, struct diag *d)
{
	if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0)
		return diag_fail(d, 0, 0,
		    "the certificate %s has expired: issue a new one (mewsctl pki issue), or enrol "
		    "this node again",
		    path);
	if (X509_cmp_current_time(X509_get0_notBefore(x)) > 0)
		return diag_fail(d, 0, 0,
		    "the certificate %s is not valid yet: check this machine's clock", path);
	return 0;
}

static bool
has_list(const struct files *p, const X509 *ca)
{
	for (int i = 0; i < sk_X509_CRL_num(p->crl); i++) {
		if (X509_NAME_cmp(X509_CRL_get_issuer(sk_X509_CRL_value(p->crl, i)),
			X509_get_subject_name(ca)) == 0)
			return true;
	}
	return false;
}

static int
check_lists(const struct files *p, const struct identity_files *f, struct diag *d)
{
	char name[128];

	for (int i = 0; f->crl != NULL && i < sk_X509_num(p->ca); i++) {
		const X509 *x = sk_X509_value(p->ca, i);

		if (has_list(p, x))
			continue;
		x509_common_name(x, name, sizeof(name));
		return diag_fail(d, 0, 0,
		    "tls.crl %s holds no list of the authority '%s' of tls.ca %s: add its list",
		    f->crl, name, f->ca);
	}
	return 0;
}

/* Trust the authorities, each by itself, and their lists. */
static int
trust(SSL_CTX *tls, const struct files *p)
{
	X509_STORE *s = SSL_CTX_get_cert_store(tls);
	unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;

	if (p->crl != NULL)
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	for (int i = 0; i < sk_X509_num(p->ca); i++) {
		if (X509_STORE_add_cert(s, sk_X509_value(p->ca, i)) != 1)
			return -ENOMEM;
	}
	for (int i = 0; i < sk_X509_CRL_num(p->crl); i++) {
		if (X509_STORE_add_crl(s, sk_X509_CRL_value(p->crl, i)) != 1)
			return -ENOMEM;
	}
	SSL_CTX_set_verify(tls, SSL_CTX_get_verify_mode(tls), on_verify);
	return X509_STORE_set_flags(s, flags) == 1 ? 0 : -ENOMEM;
}

/* Present the certificate, and those between it and the authority. */
static int
present(SSL_CTX *tls, const struct files *p, const struct identity_files *f, struct diag *d)
{
	if (X509_check_private_key(sk_X509_value(p->cert, 0), p->key) != 1)
		return diag_fail(d, 0, 0,
		    "the key %s does not match the certificate: set tls.key to the key it was "
		    "issued with",
		    key_file(f));
	if (SSL_CTX_use_certificate(tls, sk_X509_value(p->cert, 0)) != 1 ||
	    SSL_CTX_use_PrivateKey(tls, p->key) != 1)
		return diag_fail(d, 0, 0, "the certificate %s cannot be used for TLS: %s", f->cert,
		    ERR_reason_error_string(ERR_peek_last_error()));
	for (int i = 1; i < sk_X509_num(p->cert); i++) {
		if (SSL_CTX_add1_chain_cert(tls, sk_X509_value(p->cert, i)) != 1)
			return -ENOMEM;
	}
	return 0;
}

static int
fill(struct identity *id, const struct files *p, const struct identity_files *f, struct diag *d)
{
	X509 *x = sk_X509_value(p->cert, 0);
	unsigned char *der = NULL;
	int r = check_time(x, f->cert, d), v, n;

	if (r == 0)
		r = check_lists(p, f, d);
	if (r == 0)
		r = trust(id->tls, p);
	if (r < 0)
		return r;
	v = verify(id->tls, x, NULL); /* alone, as the proof shows it to the collector */
	if (v != X509_V_OK)
		return diag_fail(d, 0, 0, "the certificate %s does not fit the authority %s: %s",
		    f->cert, f->ca, x509_why(v));
	r = present(id->tls, p, f, d);
	if (r < 0)
		return r;
	id->since = x509_since(x);
	id->until = x509_until(x);
	x509_common_name(x, id->subject, sizeof(id->subject));
	n = i2d_X509(x, &der);
	if (n > 0)
		buf_add(&id->der, der, (size_t) n);
	OPENSSL_free(der);
	return n > 0 ? buf_ok(&id->der) : -ENOMEM;
}

int
identity_load(const struct identity_files *f, struct identity **ret, struct diag *d)
{
	struct identity *id = calloc(1, sizeof(*id));
	struct files p = { 0 };
	int r;

	if (id == NULL)
		return -ENOMEM;
	id->refs = 1;
	id->tls = tls_ctx_new(NNG_TLS_MODE_CLIENT);
	r = id->tls == NULL ? -ENOMEM : read_files(&p, f, d);
	if (r == 0)
		r = parse(&p, f, d);
	if (r == 0)
		r = fill(id, &p, f, d);
	files_fini(&p);
	ERR_clear_error();
	if (r < 0) {
		identity_free(id);
		return r;
	}
	*ret = id;
	return 0;
}

struct identity *
identity_ref(struct identity *id)
{
	if (id != NULL)
		id->refs++;
	return id;
}

void
identity_free(struct identity *id)
{
	if (id == NULL || --id->refs > 0)
		return;
	SSL_CTX_free(id->tls);
	buf_fini(&id->der);
	free(id);
}

int
identity_sign(const struct identity *id, struct slice text, struct buf *out)
{
	EVP_PKEY *key = SSL_CTX_get0_privatekey(id->tls);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	size_t n = (size_t) EVP_PKEY_get_size(key);
	int r = md == NULL ? -ENOMEM : buf_reserve(out, n);

	if (r == 0 && (EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) != 1 ||
			  EVP_DigestSign(md, (unsigned char *) out->p + out->n, &n,
			      (const unsigned char *) text.p, text.n) != 1))
		r = -EIO;
	if (r == 0)
		out->n += n;
	EVP_MD_CTX_free(md);
	ERR_clear_error();
	return r;
}

/* ---- the collector ---- */

/* Parse the peer's certificates, its own first. NULL: none came that can be read. */
static STACK_OF(X509) * peer_chain(const struct peer_certs *p)
{
	STACK_OF(X509) *v = sk_X509_new_null();

	for (size_t i = 0; v != NULL && i < PEER_CERTS && p->der[i].n > 0; i++) {
		const unsigned char *at = (const unsigned char *) p->der[i].p;
		X509 *x = d2i_X509(NULL, &at, (long) p->der[i].n);

		if (x == NULL || sk_X509_push(v, x) <= 0) {
			X509_free(x);
			break;
		}
	}
	ERR_clear_error();
	if (v != NULL && sk_X509_num(v) > 0)
		return v;
	sk_X509_free(v);
	return NULL;
}

int
identity_check_peer(const struct identity *id, const struct peer_certs *p, const char **why)
{
	STACK_OF(X509) *v = peer_chain(p);
	int r = v == NULL ? X509_V_ERR_UNSPECIFIED : verify(id->tls, sk_X509_value(v, 0), v);

	sk_X509_pop_free(v, X509_free);
	if (r == X509_V_OK)
		return 0;
	*why = x509_why(r);
	return -EACCES;
}

void
peer_certs_take(struct peer_certs *p, STACK_OF(X509) * chain)
{
	int n = MIN(sk_X509_num(chain), PEER_CERTS);

	p->until = n > 0 ? UINT64_MAX : 0;
	for (int i = 0; i < n; i++) {
		unsigned char *der = NULL;
		int size = i2d_X509(sk_X509_value(chain, i), &der);

		if (size > 0)
			buf_add(&p->der[i], der, (size_t) size);
		OPENSSL_free(der);
		p->until = MIN(p->until, x509_until(sk_X509_value(chain, i)));
	}
}

void
peer_certs_fini(struct peer_certs *p)
{
	for (size_t i = 0; i < PEER_CERTS; i++)
		buf_fini(&p->der[i]);
}
