/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/identity.h"
#include "common/file.h"
#include "sensor/mbed.h"
#include <errno.h>
#include <mbedtls/sha256.h>
#include <stdlib.h>
#include <string.h>

static int
check_key(const struct identity *id, const mbedtls_x509_crt *x, const char *path, struct diag *d)
{
	mbedtls_pk_context k;
	int r = 0;

	mbedtls_pk_init(&k);
	if (!mbed_key(&k, id->key.p))
		r = diag_fail(d, 0, 0,
		    "%s holds no private key (ECDSA or RSA) in PEM without a password: set tls.key "
		    "to the node's key",
		    path);
	else if (mbedtls_pk_check_pair(&x->pk, &k) != 0)
		r = diag_fail(d, 0, 0,
		    "the key %s does not match the certificate: set tls.key to the key it was "
		    "issued with",
		    path);
	mbedtls_pk_free(&k);
	return r;
}

/* The file's first certificate alone: it is the one that the proof shows to the collector. */
static int
verify(const struct identity *id, const mbedtls_x509_crt *x, const char *ca, const char *path,
    struct diag *d)
{
	mbedtls_x509_crt first = *x, trusted;
	uint32_t flags = 0;
	int r = 0;

	first.next = NULL;
	mbedtls_x509_crt_init(&trusted);
	if (!mbed_certs(&trusted, id->ca.p))
		r = diag_fail(d, 0, 0, "%s holds no certificate (ECDSA or RSA) in PEM", ca);
	else if (mbedtls_x509_crt_verify(&first, &trusted, NULL, NULL, &flags, NULL, NULL) != 0)
		r = diag_fail(d, 0, 0, "the certificate %s does not fit the authority %s: %s", path,
		    ca, mbed_why(flags));
	mbedtls_x509_crt_free(&trusted);
	return r;
}

static int
take_cert(
    struct identity *id, mbedtls_x509_crt *x, const char *ca, const char *path, struct diag *d)
{
	int r;

	if (!mbed_certs(x, id->cert.p))
		return diag_fail(d, 0, 0, "%s holds no certificate (ECDSA or RSA) in PEM", path);
	if (mbedtls_x509_time_is_past(&x->valid_to))
		return diag_fail(d, 0, 0,
		    "the certificate %s has expired: issue a new one (mewsctl pki issue)", path);
	if (mbedtls_x509_time_is_future(&x->valid_from))
		return diag_fail(d, 0, 0,
		    "the certificate %s is not valid yet: check this machine's clock", path);
	r = verify(id, x, ca, path, d);
	if (r < 0)
		return r;
	mbed_common_name(x, id->subject, sizeof(id->subject));
	buf_add(&id->der, x->raw.p, x->raw.len);
	return buf_ok(&id->der);
}

int
identity_load(
    const char *ca, const char *cert, const char *key, struct identity **ret, struct diag *d)
{
	struct identity *id = calloc(1, sizeof(*id));
	mbedtls_x509_crt x;
	int r;

	if (id == NULL)
		return -ENOMEM;
	id->refs = 1;
	mbedtls_x509_crt_init(&x);
	r = file_read(ca, "authority's certificate (tls.ca)", false, &id->ca, d);
	if (r == 0)
		r = file_read(cert, "certificate (tls.certificate)", false, &id->cert, d);
	if (r == 0)
		r = file_read(key == NULL ? cert : key, "key (tls.key)", true, &id->key, d);
	if (r == 0)
		r = take_cert(id, &x, ca, cert, d);
	if (r == 0)
		r = check_key(id, &x, key == NULL ? cert : key, d);
	mbedtls_x509_crt_free(&x);
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
	free(id);
}

int
identity_sign(const struct identity *id, struct slice text, struct buf *out)
{
	unsigned char hash[32];
	mbedtls_pk_context k;
	size_t n = 0;
	int r = buf_reserve(out, MBEDTLS_PK_SIGNATURE_MAX_SIZE);

	if (r < 0)
		return r;
	mbedtls_pk_init(&k); /* once per connection: cheaper than a key that is kept */
	if (!mbed_key(&k, id->key.p) ||
	    mbedtls_sha256_ret((const unsigned char *) text.p, text.n, hash, 0) != 0 ||
	    mbedtls_pk_sign(&k, MBEDTLS_MD_SHA256, hash, sizeof(hash),
		(unsigned char *) out->p + out->n, &n, mbed_random, NULL) != 0)
		r = -EIO;
	else
		out->n += n;
	mbedtls_pk_free(&k);
	return r;
}
