/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/identity.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PEM_MAX (1u << 20)

static int
read_file(const char *path, const char *what, struct buf *out, struct diag *d)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 1;
	int r = 0;

	while (n > 0 && out->n < PEM_MAX && r == 0) {
		r = buf_reserve(out, 4096);
		n = r < 0 ? 0 : read(fd, out->p + out->n, 4096);
		if (n > 0)
			out->n += (size_t) n;
	}
	if (n < 0) {
		r = -errno;
		diag_set(d, 0, 0, "cannot read the %s %s: %s", what, path, strerrordesc_np(errno));
	}
	if (fd >= 0)
		(void) close(fd);
	if (r == 0)
		buf_char(out, '\0'); /* NNG wants a string */
	return r < 0 ? r : buf_ok(out);
}

static X509 *
parse_cert(const struct buf *pem)
{
	BIO *bio = BIO_new_mem_buf(pem->p, (int) pem->n - 1);
	X509 *x = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	return x;
}

/* Chain and dates; the reason in *why. */
static bool
verify(const struct identity *id, X509 *cert, const char **why)
{
	BIO *bio = BIO_new_mem_buf(id->ca.p, (int) id->ca.n - 1);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509 *ca = NULL;
	bool ok = false;

	*why = "out of memory";
	if (bio == NULL || store == NULL || ctx == NULL)
		goto out;
	while ((ca = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		(void) X509_STORE_add_cert(store, ca);
		X509_free(ca);
	}
	(void) X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	if (X509_STORE_CTX_init(ctx, store, cert, NULL) != 1)
		goto out;
	ok = X509_verify_cert(ctx) == 1;
	*why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
out:
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	BIO_free(bio);
	ERR_clear_error();
	return ok;
}

static int
take_key(struct identity *id, X509 *cert, const char *path, struct diag *d)
{
	BIO *bio = BIO_new_mem_buf(id->key.p, (int) id->key.n - 1);

	id->pkey = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (id->pkey == NULL)
		return diag_fail(d, 0, 0,
		    "%s holds no private key in PEM without a password: set tls.key to the node's "
		    "key",
		    path);
	if (X509_check_private_key(cert, id->pkey) != 1)
		return diag_fail(d, 0, 0,
		    "the key %s does not match the certificate: set tls.key to the key it was "
		    "issued with",
		    path);
	return 0;
}

static int
take_cert(struct identity *id, X509 *cert, const char *ca, const char *path, struct diag *d)
{
	const ASN1_TIME *until = X509_get0_notAfter(cert);
	const char *why;
	unsigned char *der = NULL;
	struct tm tm;
	int n;

	if (X509_cmp_current_time(until) < 0)
		return diag_fail(d, 0, 0,
		    "the certificate %s has expired: issue a new one (mewsctl pki issue)", path);
	if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0)
		return diag_fail(d, 0, 0,
		    "the certificate %s is not valid yet: check this machine's clock", path);
	if (!verify(id, cert, &why))
		return diag_fail(
		    d, 0, 0, "the certificate %s does not fit the authority %s: %s", path, ca, why);
	(void) X509_NAME_get_text_by_NID(
	    X509_get_subject_name(cert), NID_commonName, id->subject, sizeof(id->subject));
	if (ASN1_TIME_to_tm(until, &tm) == 1)
		id->expires = timegm(&tm);
	n = i2d_X509(cert, &der);
	if (n < 0)
		return -ENOMEM;
	buf_add(&id->der, der, (size_t) n);
	OPENSSL_free(der);
	return buf_ok(&id->der);
}

int
identity_load(
    const char *ca, const char *cert, const char *key, struct identity **ret, struct diag *d)
{
	struct identity *id = calloc(1, sizeof(*id));
	X509 *x = NULL;
	int r;

	if (id == NULL)
		return -ENOMEM;
	id->refs = 1;
	r = read_file(ca, "authority's certificate", &id->ca, d);
	if (r == 0)
		r = read_file(cert, "certificate", &id->cert, d);
	if (r == 0)
		r = read_file(key == NULL ? cert : key, "key", &id->key, d);
	if (r == 0) {
		x = parse_cert(&id->cert);
		r = x != NULL ? take_cert(id, x, ca, cert, d)
			      : diag_fail(d, 0, 0, "%s holds no certificate in PEM", cert);
	}
	if (r == 0)
		r = take_key(id, x, key == NULL ? cert : key, d);
	X509_free(x);
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
	if (id->key.p != NULL)
		explicit_bzero(id->key.p, id->key.cap);
	buf_fini(&id->ca);
	buf_fini(&id->cert);
	buf_fini(&id->key);
	buf_fini(&id->der);
	EVP_PKEY_free(id->pkey);
	free(id);
}

int
identity_sign(const struct identity *id, struct slice text, struct buf *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const unsigned char *p = (const unsigned char *) text.p;
	size_t n = 0;
	int r = -ENOMEM;

	if (ctx == NULL)
		return -ENOMEM;
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, id->pkey) != 1 ||
	    EVP_DigestSign(ctx, NULL, &n, p, text.n) != 1 || buf_reserve(out, n) < 0)
		goto out;
	if (EVP_DigestSign(ctx, (unsigned char *) out->p + out->n, &n, p, text.n) != 1)
		goto out;
	out->n += n;
	r = 0;
out:
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return r;
}
