/* SPDX-License-Identifier: Apache-2.0 */
/* enroll.c - who gets a certificate. */
#include "collector/ctl/enroll_int.h"
#include <fnmatch.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#define refuse(ret, code, ...) \
	((ret)->status = (code), (void) snprintf((ret)->why, sizeof((ret)->why), __VA_ARGS__))

/* Something of this machine has failed: its log has the reason, the node only learns that. */
static void
failed(struct enroll_answer *ret, const struct diag *d)
{
	refuse(ret, 500, "%s", d->msg);
}

static const char *
utc(time_t t, char ret[32])
{
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(ret, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		(void) snprintf(ret, 32, "(no time)");
	return ret;
}

/* Find the token, in time that does not depend on how much of the secret is right. */
static struct enroll_token *
find_token(struct enroll_token *v, int n, struct slice secret)
{
	char hash[65];

	enroll_digest(secret, hash);
	for (int i = 0; i < n; i++) {
		if (CRYPTO_memcmp(v[i].hash, hash, sizeof(hash)) == 0)
			return &v[i];
	}
	return NULL;
}

/* The expiry of a node's certificate that is valid at 'now'; NULL: it has none. */
static const char *
valid_until(const struct issued *is, const char *node, time_t now)
{
	const char *until = NULL;
	char at[32];

	issued_stamp(now, at);
	for (size_t i = 0; i < is->n; i++) {
		const struct issued_entry *e = &is->v[i];

		if (strcmp(e->name, node) == 0 && strcmp(e->kind, "node") == 0 &&
		    e->revoked[0] == '-' && strcmp(e->expires, at) > 0)
			until = e->expires;
	}
	return until;
}

static bool
is_revoked(const struct issued *is, const X509 *cert)
{
	char serial[41];

	if (pki_serial(cert, serial) < 0)
		return true;
	for (size_t i = 0; i < is->n; i++) {
		if (strcmp(is->v[i].serial, serial) == 0)
			return is->v[i].revoked[0] != '-';
	}
	return true; /* of another list */
}

/* The node's latest certificate, if it is for this key and valid: it is asking once more. */
static X509 *
same_again(const char *dir, const struct issued *is, const char *node, EVP_PKEY *key)
{
	char stem[300], path[4096];
	struct diag d = { 0 };
	X509 *x = NULL;

	(void) snprintf(stem, sizeof(stem), "node-%s", node);
	pki_path(dir, stem, ".pem", path);
	if (pki_read_cert(path, &x, &d) < 0)
		return NULL;
	if (EVP_PKEY_eq(X509_get0_pubkey(x), key) == 1 && !is_revoked(is, x) &&
	    X509_cmp_current_time(X509_get0_notAfter(x)) > 0)
		return x;
	X509_free(x);
	ERR_clear_error();
	return NULL;
}

struct desk {
	const char *dir;
	struct pki_pair ca;
	struct issued is;
	struct enroll_token *tokens;
	int ntokens;
};

static int
desk_open(struct desk *k, const char *dir, struct diag *d)
{
	int r;

	*k = (struct desk){ .dir = dir };
	r = pki_read_ca(dir, &k->ca, d);
	if (r == 0)
		r = issued_read(dir, &k->is, d);
	if (r == 0)
		r = k->ntokens = enroll_tokens_read(dir, &k->tokens, d);
	return r < 0 ? r : 0;
}

static void
desk_close(struct desk *k)
{
	pki_pair_fini(&k->ca);
	free(k->is.v);
	free(k->tokens);
}

/* Make the certificate. The list first: one that is missing there could never be revoked. */
static int
issue(struct desk *k, const char *node, EVP_PKEY *key, long life_s, X509 **ret, struct diag *d)
{
	const struct pki_request rq = {
		.kind = PKI_NODE, .name = node, .seconds = life_s, .key = key
	};
	struct pki_pair p = { NULL, NULL };
	char stem[300];
	int r = pki_make_cert(&k->ca, &rq, &p, d);

	(void) snprintf(stem, sizeof(stem), "node-%s", node);
	if (r == 0)
		r = issued_record(&k->is, PKI_NODE, node, p.cert, d);
	if (r == 0)
		r = issued_write(k->dir, &k->is, d);
	if (r == 0)
		r = pki_write_pair(k->dir, stem, &p, d);
	if (r == 0) {
		*ret = p.cert;
		p.cert = NULL;
	}
	pki_pair_fini(&p);
	return r;
}

/* Is there a reason against the token for this node? */
static bool
refuse_token(const struct enroll_token *t, const char *node, time_t now, struct enroll_answer *ret)
{
	char when[32];

	if (t == NULL)
		refuse(ret, 403,
		    "this token is not known here: it is of another fleet, or was removed long "
		    "after its end; make one with 'mewsctl pki token'");
	else if (t->expires <= now)
		refuse(ret, 403,
		    "the token %s has expired at %s: make a new one with 'mewsctl pki token'",
		    t->id, utc(t->expires, when));
	else if (fnmatch(t->nodes, node, 0) != 0)
		refuse(ret, 403,
		    "the token %s is for nodes '%s', not for '%s': make one for this node, or set "
		    "its name",
		    t->id, t->nodes, node);
	else
		return false;
	return true;
}

/* Give a new certificate for a token that allows it. */
static int
spend(struct desk *k, struct enroll_token *t, const char *node, EVP_PKEY *key, time_t now,
    struct enroll_answer *ret, struct diag *d)
{
	const char *until = valid_until(&k->is, node, now);
	int r = 0;

	if (t->used >= t->uses) {
		refuse(ret, 403,
		    "the token %s has been used up, %ld of %ld times: make a new one with 'mewsctl "
		    "pki token'",
		    t->id, t->used, t->uses);
		return 0;
	}
	if (until != NULL && !t->replace) {
		refuse(ret, 409,
		    "node '%s' has a certificate until %.4s-%.2s-%.2s already: if that is lost, "
		    "make "
		    "a token with --replace, which revokes it",
		    node, until, until + 4, until + 6);
		return 0;
	}
	t->used++;
	r = enroll_tokens_write(k->dir, k->tokens, k->ntokens, now, d);
	if (r == 0 && until != NULL && issued_revoke(&k->is, node, PKI_NODE) > 0) {
		r = issued_write(k->dir, &k->is, d);
		if (r == 0)
			r = pki_write_crl(k->dir, &k->ca, &k->is, d);
	}
	if (r == 0)
		r = issue(k, node, key, t->life_s, &ret->cert, d);
	if (r == 0)
		ret->status = 200;
	return r;
}

static void
at_desk(struct desk *k, struct slice secret, const char *node, EVP_PKEY *key, time_t now,
    struct enroll_answer *ret)
{
	struct enroll_token *t = find_token(k->tokens, k->ntokens, secret);
	struct diag d = { 0 };

	if (t != NULL)
		memcpy(ret->token, t->id, sizeof(ret->token));
	if (refuse_token(t, node, now, ret))
		return;
	ret->cert = same_again(k->dir, &k->is, node, key);
	if (ret->cert != NULL) {
		ret->status = 200;
		ret->again = true;
	} else if (spend(k, t, node, key, now, ret, &d) < 0) {
		failed(ret, &d);
	}
}

void
enroll_node(const char *dir, struct slice secret, const char *node, EVP_PKEY *key, time_t now,
    struct enroll_answer *ret)
{
	struct diag d = { 0 };
	CLEANUP(pki_unlock) int locked = pki_lock(dir, &d);
	struct desk k = { .dir = dir };

	*ret = (struct enroll_answer){ .cert = NULL };
	if (!pki_name_ok(node))
		refuse(ret, 400, "the node's name is not one: use letters, digits, '.', '-', '_'");
	else if (locked < 0 || desk_open(&k, dir, &d) < 0)
		failed(ret, &d);
	else
		at_desk(&k, secret, node, key, now, ret);
	desk_close(&k);
}

/* ---- renewal ---- */

static int
verify(const struct pki_pair *ca, X509 *cert)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *c = X509_STORE_CTX_new();
	int r = X509_V_ERR_OUT_OF_MEM;

	if (store != NULL && c != NULL && X509_STORE_add_cert(store, ca->cert) == 1 &&
	    X509_STORE_CTX_init(c, store, cert, NULL) == 1 &&
	    X509_STORE_CTX_set_purpose(c, X509_PURPOSE_SSL_CLIENT) == 1)
		r = X509_verify_cert(c) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(c);
	X509_STORE_CTX_free(c);
	X509_STORE_free(store);
	ERR_clear_error();
	return r;
}

/* The certificate's life, in seconds: the next one's too. */
static long
life_of(const X509 *cert)
{
	int days = 0, s = 0;

	(void) ASN1_TIME_diff(&days, &s, X509_get0_notBefore(cert), X509_get0_notAfter(cert));
	return days * 86400L + s - ENROLL_SKEW_S;
}

static long
rest_of(const X509 *cert)
{
	int days = 0, s = 0;

	(void) ASN1_TIME_diff(&days, &s, NULL, X509_get0_notAfter(cert));
	return days * 86400L + s;
}

static void
renew(struct desk *k, X509 *old, EVP_PKEY *key, const char *node, struct enroll_answer *ret)
{
	int v = verify(&k->ca, old);
	struct diag d = { 0 };

	if (v == X509_V_ERR_CERT_HAS_EXPIRED || v == X509_V_ERR_CERT_NOT_YET_VALID) {
		refuse(ret, 403,
		    "the certificate of node '%s' %s: enrol it again, with a new token", node,
		    v == X509_V_ERR_CERT_HAS_EXPIRED ? "has expired" : "is not valid yet");
	} else if (v != X509_V_OK) {
		refuse(ret, 403,
		    "the certificate shown was not issued here: only enrolled nodes renew theirs");
	} else if (is_revoked(&k->is, old)) {
		refuse(ret, 403, "the certificate of node '%s' is revoked", node);
	} else if ((ret->cert = same_again(k->dir, &k->is, node, key)) != NULL) {
		ret->status = 200;
		ret->again = true;
	} else if (rest_of(old) > life_of(old) / 2) {
		refuse(
		    ret, 429, "the certificate of node '%s' is renewed in its second half", node);
	} else if (issue(k, node, key, life_of(old), &ret->cert, &d) == 0) {
		ret->status = 200;
	} else {
		failed(ret, &d);
	}
}

/* The first DNS name: the subject has no room for a long one. */
static bool
name_of(const X509 *cert, char ret[256])
{
	GENERAL_NAMES *v = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	const GENERAL_NAME *g = sk_GENERAL_NAME_num(v) > 0 ? sk_GENERAL_NAME_value(v, 0) : NULL;

	ret[0] = '\0';
	if (g != NULL && g->type == GEN_DNS)
		(void) snprintf(ret, 256, "%.*s", ASN1_STRING_length(g->d.dNSName),
		    (const char *) ASN1_STRING_get0_data(g->d.dNSName));
	GENERAL_NAMES_free(v);
	ERR_clear_error();
	return pki_name_ok(ret);
}

void
enroll_renew(const char *dir, X509 *old, EVP_PKEY *key, char node[256], struct enroll_answer *ret)
{
	struct diag d = { 0 };
	CLEANUP(pki_unlock) int locked = -1;
	struct desk k = { .dir = dir };

	*ret = (struct enroll_answer){ .cert = NULL };
	node[0] = '\0';
	if (old == NULL || !name_of(old, node)) {
		refuse(ret, 403,
		    "a node renews its certificate by showing it, which this one did not");
		return;
	}
	locked = pki_lock(dir, &d);
	if (locked < 0 || desk_open(&k, dir, &d) < 0)
		failed(ret, &d);
	else
		renew(&k, old, key, node, ret);
	desk_close(&k);
}
