/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/api/certificate.h"
#include "common/file.h"
#include <errno.h>
#include <gnutls/x509.h>
#include <stdlib.h>

enum { CHAIN_MAX = 16 };

static gnutls_datum_t
datum_of(const struct buf *b)
{
	return (gnutls_datum_t){ (unsigned char *) b->p, (unsigned) b->n };
}

static int
take_chain(struct api_tls *t, const char *path, gnutls_x509_crt_t *list, unsigned n, struct diag *d)
{
	int rv;

	if (n > CHAIN_MAX)
		return diag_fail(d, 0, 0,
		    "http.tls.certificate: %s has %u certificates; at most %d are read", path, n,
		    CHAIN_MAX);
	t->until = (uint64_t) gnutls_x509_crt_get_expiration_time(list[0]);
	t->chain = calloc(n, sizeof(*t->chain));
	if (t->chain == NULL)
		return -ENOMEM;
	for (; t->n < n; t->n++) {
		rv = gnutls_pcert_import_x509(&t->chain[t->n], list[t->n], 0);
		if (rv < 0)
			return diag_fail(d, 0, 0, "http.tls.certificate: %s cannot be used: %s",
			    path, gnutls_strerror(rv));
	}
	return 0;
}

static int
load_chain(struct api_tls *t, const char *path, struct diag *d)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	gnutls_x509_crt_t *list = NULL;
	unsigned n = 0;
	gnutls_datum_t pem;
	int r = file_read(path, "http.tls.certificate file", false, &b, d), rv;

	if (r < 0)
		return r;
	pem = datum_of(&b);
	rv = gnutls_x509_crt_list_import2(
	    &list, &n, &pem, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
	if (rv < 0)
		return diag_fail(d, 0, 0,
		    "http.tls.certificate: %s is not a PEM certificate with its chain in order: %s",
		    path, gnutls_strerror(rv));
	r = take_chain(t, path, list, n, d);
	for (unsigned i = 0; i < n; i++)
		gnutls_x509_crt_deinit(list[i]);
	gnutls_free(list);
	return r;
}

static int
load_key(struct api_tls *t, const char *path, struct diag *d)
{
	struct buf b = BUF_INIT;
	gnutls_datum_t pem;
	int r = file_read(path, "http.tls.key file", true, &b, d), rv;

	if (r < 0)
		goto out;
	pem = datum_of(&b);
	rv = gnutls_privkey_init(&t->key);
	if (rv >= 0)
		rv = gnutls_privkey_import_x509_raw(t->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (rv < 0)
		r = diag_fail(d, 0, 0, "http.tls.key: %s is not a PEM key without a password: %s",
		    path, gnutls_strerror(rv));
out:
	if (b.p != NULL)
		explicit_bzero(b.p, b.n);
	buf_fini(&b);
	return r;
}

static bool
belong_together(const struct api_tls *t)
{
	unsigned char of_cert[64], of_key[64];
	size_t n = sizeof(of_cert), m = sizeof(of_key);
	gnutls_pubkey_t public = NULL;
	bool same = gnutls_pubkey_init(&public) >= 0 &&
		    gnutls_pubkey_import_privkey(public, t->key, 0, 0) >= 0 &&
		    gnutls_pubkey_get_key_id(public, 0, of_key, &m) >= 0 &&
		    gnutls_pubkey_get_key_id(t->chain[0].pubkey, 0, of_cert, &n) >= 0 && n == m &&
		    memcmp(of_cert, of_key, n) == 0;

	if (public != NULL)
		gnutls_pubkey_deinit(public);
	return same;
}

int
api_tls_load(const char *cert, const char *key, struct api_tls **ret, struct diag *d)
{
	struct api_tls *t = calloc(1, sizeof(*t));
	int r = t == NULL ? -ENOMEM : load_chain(t, cert, d);

	if (r == 0)
		r = load_key(t, key, d);
	if (r == 0 && !belong_together(t))
		r = diag_fail(d, 0, 0,
		    "http.tls.key: the key %s does not belong to the certificate %s", key, cert);
	if (r < 0) {
		api_tls_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

void
api_tls_free(struct api_tls *t)
{
	if (t == NULL)
		return;
	for (unsigned i = 0; i < t->n; i++)
		gnutls_pcert_deinit(&t->chain[i]);
	free(t->chain);
	if (t->key != NULL)
		gnutls_privkey_deinit(t->key);
	free(t);
}
