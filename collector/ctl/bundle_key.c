/* SPDX-License-Identifier: Apache-2.0 */
/* bundle_key.c - who signed a bundle: keys, the signature, the files' digests. */
#include "collector/ctl/bundle.h"
#include "common/file.h"
#include "common/hex.h"
#include <dirent.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/stat.h>

int
bundle_key_id(EVP_PKEY *key, char ret[BUNDLE_KEY_ID])
{
	unsigned char *der = NULL, digest[BUNDLE_SHA256];
	int n, done;

	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519)
		return -EINVAL;
	n = i2d_PUBKEY(key, &der);
	done = n > 0 && EVP_Digest(der, (size_t) n, digest, NULL, EVP_sha256(), NULL) == 1;
	OPENSSL_free(der);
	if (!done)
		return -ENOMEM;
	hex_encode(ret, digest, sizeof(digest));
	return 0;
}

/* A key of a PEM text. NULL: it is none. */
static EVP_PKEY *
read_pem(struct slice pem, EVP_PKEY *(*read)(BIO *, EVP_PKEY **, pem_password_cb *, void *) )
{
	static char none[] = ""; /* of a key with a password: it is not asked for */
	BIO *b = BIO_new_mem_buf(pem.p == NULL ? "" : pem.p, (int) pem.n);
	EVP_PKEY *k = b == NULL ? NULL : read(b, NULL, NULL, none);

	BIO_free(b);
	return k;
}

int
bundle_key_private(const char *path, EVP_PKEY **ret, struct diag *d)
{
	struct buf pem = BUF_INIT;
	EVP_PKEY *k = NULL;
	int r = file_read(path, "key", true, &pem, d);

	if (r == 0) {
		k = read_pem(buf_get(&pem), PEM_read_bio_PrivateKey);
		if (k == NULL || EVP_PKEY_get_base_id(k) != EVP_PKEY_ED25519)
			r = diag_fail(d, 0, 0,
			    "%s is not an Ed25519 private key in PEM without a password: make one "
			    "with "
			    "'openssl genpkey -algorithm ed25519 -out %s'",
			    path, path);
	}
	if (pem.p != NULL)
		OPENSSL_cleanse(pem.p, pem.cap);
	buf_fini(&pem);
	if (r < 0)
		EVP_PKEY_free(k);
	else
		*ret = k;
	return r;
}

/* ---- the trusted keys ---- */

void
bundle_keys_fini(struct bundle_keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		EVP_PKEY_free(k->v[i].key);
	k->n = 0;
}

/* Whoever can write there decides what is trusted. */
static int
check_mode(const char *path, struct diag *d)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		int r = -errno;

		diag_set(d, 0, 0, "cannot read %s: %s", path, strerrordesc_np(-r));
		return r;
	}
	if (!file_others_write(&st))
		return 0;
	diag_set(d, 0, 0,
	    "others may change %s, and so whom it trusts: chown root %s; chmod go-w %s", path, path,
	    path);
	return -EACCES;
}

static int
add_key(const char *path, struct bundle_keys *k, struct diag *d)
{
	CLEANUP(buf_fini) struct buf pem = BUF_INIT;
	struct bundle_key *to = &k->v[k->n];
	int r = check_mode(path, d);

	if (r == 0 && k->n == BUNDLE_KEYS_MAX)
		r = diag_fail(d, 0, 0, "there are more than %d keys", BUNDLE_KEYS_MAX);
	if (r == 0)
		r = file_read(path, "key", false, &pem, d);
	if (r < 0)
		return r;
	to->key = read_pem(buf_get(&pem), PEM_read_bio_PUBKEY);
	r = to->key == NULL ? -EINVAL : bundle_key_id(to->key, to->id);
	if (r < 0) {
		EVP_PKEY_free(to->key);
		return r == -ENOMEM ? r
				    : diag_fail(d, 0, 0,
					  "%s is not an Ed25519 public key in PEM ('openssl pkey "
					  "-in KEY -pubout')",
					  path);
	}
	k->n++;
	return 0;
}

static int
is_pem(const struct dirent *e)
{
	return e->d_name[0] != '.' && slice_ends(slice_str(e->d_name), SLICE(".pem"));
}

int
bundle_keys_read(const char *dir, struct bundle_keys *ret, struct diag *d)
{
	struct dirent **v = NULL;
	char path[4096];
	int n, r = check_mode(dir, d);

	if (r == -ENOENT)
		diag_set(d, 0, 0,
		    "there is no %s: make it, and put the public keys (*.pem) of those there whose "
		    "bundles you trust",
		    dir);
	if (r < 0)
		return r;
	n = scandir(dir, &v, is_pem, alphasort);
	if (n < 0) {
		r = -errno;
		diag_set(
		    d, 0, 0, "cannot read the folder of keys %s: %s", dir, strerrordesc_np(-r));
		return r;
	}
	for (int i = 0; i < n; i++) {
		(void) snprintf(path, sizeof(path), "%s/%s", dir, v[i]->d_name);
		if (r == 0)
			r = add_key(path, ret, d);
		free(v[i]);
	}
	free(v);
	if (r == 0 && n == 0)
		r = diag_fail(d, 0, 0,
		    "%s has no key (*.pem): put the public keys of those there whose bundles you "
		    "trust",
		    dir);
	return r;
}

/* ---- checks ---- */

int
bundle_file_same(const struct bundle_file *f, struct slice text, bool *ret)
{
	unsigned char digest[BUNDLE_SHA256];

	if (EVP_Digest(text.p == NULL ? "" : text.p, text.n, digest, NULL, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	*ret = text.n == f->size && memcmp(digest, f->sha256, sizeof(digest)) == 0;
	return 0;
}

static int
check_signature(const struct bundle *b, EVP_PKEY *key, struct diag *d)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	int r = c == NULL || EVP_DigestVerifyInit(c, NULL, NULL, NULL, key) != 1 ? -ENOMEM : 0;

	if (r == 0 && EVP_DigestVerify(c, b->signature, sizeof(b->signature),
			  (const unsigned char *) b->vouched.p, b->vouched.n) != 1)
		r = diag_fail(d, 0, 0,
		    "was changed after it was signed, or its signature is not of the key that it "
		    "names: "
		    "fetch it again");
	EVP_MD_CTX_free(c);
	return r;
}

static int
check_time(const struct bundle *b, uint64_t now, struct diag *d)
{
	time_t t = (time_t) b->expires;
	struct tm tm;
	char text[32] = "";

	if (b->expires == 0 || now < b->expires)
		return 0;
	if (gmtime_r(&t, &tm) != NULL)
		(void) strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
	return diag_fail(
	    d, 0, 0, "expired on %s: get a newer one, or set this machine's clock", text);
}

int
bundle_check(const struct bundle *b, const struct bundle_keys *keys, uint64_t now, struct diag *d)
{
	int r = -ENOENT;

	for (size_t i = 0; i < keys->n && r == -ENOENT; i++) {
		if (strcmp(keys->v[i].id, b->key) == 0)
			r = check_signature(b, keys->v[i].key, d);
	}
	if (r == -ENOENT)
		return diag_fail(d, 0, 0,
		    "is signed with a key that is not trusted here, of the id %.16s...: if you "
		    "trust it, "
		    "put the public key into the folder of keys",
		    b->key);
	for (size_t i = 0; r == 0 && i < b->nfiles; i++) {
		bool same = false;

		r = bundle_file_same(&b->file[i], b->file[i].text, &same);
		if (r == 0 && !same)
			r = diag_fail(d, 0, 0, "has a changed %s: fetch it again", b->file[i].name);
	}
	return r < 0 ? r : check_time(b, now, d);
}
