/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/identity.h"
#include "common/file.h"
#include "sensor/mbed.h"
#include <errno.h>
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
	else if (!mbed_pair(&x->pk, &k))
		r = diag_fail(d, 0, 0,
		    "the key %s does not match the certificate: set tls.key to the key it was "
		    "issued with",
		    path);
	mbedtls_pk_free(&k);
	return r;
}

/* ---- verifying ---- */

/* The trusted authorities and their revocation lists. */
struct trusted {
	mbedtls_x509_crt ca;
	mbedtls_x509_crl crl;
};

static void
trusted_fini(struct trusted *t)
{
	mbedtls_x509_crt_free(&t->ca);
	mbedtls_x509_crl_free(&t->crl);
}

/* -ENOENT: no certificate of an authority; -ENODATA: no list. */
static int
trusted_read(const struct identity *id, struct trusted *t)
{
	mbedtls_x509_crt_init(&t->ca);
	mbedtls_x509_crl_init(&t->crl);
	if (!mbed_certs(&t->ca, id->ca.p))
		return -ENOENT;
	if (id->crl.n > 0 && mbedtls_x509_crl_parse(&t->crl, (const unsigned char *) id->crl.p,
				 strlen(id->crl.p) + 1) != 0)
		return -ENODATA;
	return 0;
}

/* Return 0, or the flags of mbed TLS. */
static uint32_t
verify(struct trusted *t, mbedtls_x509_crt *x)
{
	uint32_t flags = 0;

	if (mbedtls_x509_crt_verify(x, &t->ca, &t->crl, NULL, &flags, NULL, NULL) == 0)
		return 0;
	return flags == 0 ? UINT32_MAX : flags;
}

/* Is there a list of this authority? mbed TLS silently ignores lists of unknown issuers. */
static bool
has_list(const struct trusted *t, const mbedtls_x509_crt *ca)
{
	for (const mbedtls_x509_crl *l = &t->crl; l != NULL; l = l->next) {
		if (l->issuer_raw.len == ca->subject_raw.len &&
		    memcmp(l->issuer_raw.p, ca->subject_raw.p, ca->subject_raw.len) == 0)
			return true;
	}
	return false;
}

static int
check_lists(const struct trusted *t, const struct identity_files *f, struct diag *d)
{
	char name[128];

	for (const mbedtls_x509_crt *x = &t->ca; f->crl != NULL && x != NULL; x = x->next) {
		if (has_list(t, x))
			continue;
		mbed_common_name(x, name, sizeof(name));
		return diag_fail(d, 0, 0,
		    "tls.crl %s holds no list of the authority '%s' of tls.ca %s: add its list",
		    f->crl, name, f->ca);
	}
	return 0;
}

/* Check only the file's first certificate: the proof shows that one to the collector. */
static int
check_cert(const struct identity *id, const mbedtls_x509_crt *x, const struct identity_files *f,
    struct diag *d)
{
	mbedtls_x509_crt first = *x;
	struct trusted t;
	uint32_t flags;
	int r = trusted_read(id, &t);

	first.next = NULL;
	if (r == -ENOENT)
		r = diag_fail(d, 0, 0, "%s holds no certificate (ECDSA or RSA) in PEM", f->ca);
	else if (r == -ENODATA)
		r = diag_fail(d, 0, 0, "tls.crl %s holds no revocation list in PEM form", f->crl);
	else
		r = check_lists(&t, f, d);
	if (r == 0) {
		flags = verify(&t, &first);
		if (flags != 0)
			r = diag_fail(d, 0, 0,
			    "the certificate %s does not fit the authority %s: %s", f->cert, f->ca,
			    mbed_why(flags));
	}
	trusted_fini(&t);
	return r;
}

static int
take_cert(struct identity *id, mbedtls_x509_crt *x, const struct identity_files *f, struct diag *d)
{
	int r;

	if (!mbed_certs(x, id->cert.p))
		return diag_fail(d, 0, 0, "%s holds no certificate (ECDSA or RSA) in PEM", f->cert);
	if (mbedtls_x509_time_is_past(&x->valid_to))
		return diag_fail(d, 0, 0,
		    "the certificate %s has expired: issue a new one (mewsctl pki issue)", f->cert);
	if (mbedtls_x509_time_is_future(&x->valid_from))
		return diag_fail(d, 0, 0,
		    "the certificate %s is not valid yet: check this machine's clock", f->cert);
	r = check_cert(id, x, f, d);
	if (r < 0)
		return r;
	id->until = mbed_until(x);
	mbed_common_name(x, id->subject, sizeof(id->subject));
	buf_add(&id->der, x->raw.p, x->raw.len);
	return buf_ok(&id->der);
}

/* ---- loading ---- */

static int
read_files(struct identity *id, const struct identity_files *f, struct diag *d)
{
	const char *key = f->key == NULL ? f->cert : f->key;
	int r = file_read(f->ca, "authority's certificate (tls.ca)", false, &id->ca, d);

	if (r == 0)
		r = file_read(f->cert, "certificate (tls.certificate)", false, &id->cert, d);
	if (r == 0)
		r = file_read(key, "key (tls.key)", true, &id->key, d);
	if (r == 0 && f->crl != NULL)
		r = file_read(f->crl, "revocation list (tls.crl)", false, &id->crl, d);
	if (r == 0 && f->crl != NULL && id->crl.n == 0)
		r = diag_fail(d, 0, 0, "tls.crl %s holds no revocation list in PEM form", f->crl);
	return r;
}

int
identity_load(const struct identity_files *f, struct identity **ret, struct diag *d)
{
	struct identity *id = calloc(1, sizeof(*id));
	mbedtls_x509_crt x;
	int r;

	if (id == NULL)
		return -ENOMEM;
	id->refs = 1;
	mbedtls_x509_crt_init(&x);
	r = read_files(id, f, d);
	if (r == 0)
		r = take_cert(id, &x, f, d);
	if (r == 0)
		r = check_key(id, &x, f->key == NULL ? f->cert : f->key, d);
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
	buf_fini(&id->crl);
	buf_fini(&id->der);
	free(id);
}

int
identity_sign(const struct identity *id, struct slice text, struct buf *out)
{
	mbedtls_pk_context k;
	size_t n = 0;
	int r = buf_reserve(out, MBEDTLS_PK_SIGNATURE_MAX_SIZE);

	if (r < 0)
		return r;
	mbedtls_pk_init(&k); /* parse it per connection: cheaper than keeping a parsed key */
	if (!mbed_key(&k, id->key.p) || !mbed_sign(&k, text, (unsigned char *) out->p + out->n, &n))
		r = -EIO;
	else
		out->n += n;
	mbedtls_pk_free(&k);
	return r;
}

const char *
identity_crl(const struct identity *id)
{
	return id->crl.n == 0 ? NULL : id->crl.p;
}

/* ---- the collector ---- */

/* Parse the peer's certificates into a chain, its own first. False: none came that can be read. */
static bool
peer_chain(const struct peer_certs *p, mbedtls_x509_crt *x)
{
	mbedtls_x509_crt_init(x);
	for (size_t i = 0; i < PEER_CERTS && p->der[i].n > 0; i++) {
		if (mbedtls_x509_crt_parse_der(
			x, (const unsigned char *) p->der[i].p, p->der[i].n) != 0)
			return false;
	}
	return p->der[0].n > 0;
}

int
identity_check_peer(const struct identity *id, const struct peer_certs *p, const char **why)
{
	struct trusted t;
	mbedtls_x509_crt x;
	uint32_t flags = UINT32_MAX;
	bool shown = peer_chain(p, &x);

	if (trusted_read(id, &t) == 0 && shown)
		flags = verify(&t, &x);
	mbedtls_x509_crt_free(&x);
	trusted_fini(&t);
	if (flags == 0)
		return 0;
	*why = mbed_why(flags);
	return -EACCES;
}

uint64_t
peer_certs_until(const struct peer_certs *p)
{
	uint64_t until = UINT64_MAX;
	mbedtls_x509_crt x;
	bool any = peer_chain(p, &x);

	for (const mbedtls_x509_crt *c = &x; any && c != NULL; c = c->next)
		until = MIN(until, mbed_until(c));
	mbedtls_x509_crt_free(&x);
	return any ? until : 0;
}
