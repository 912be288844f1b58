/* SPDX-License-Identifier: Apache-2.0 */
/* enroll_token.c - the list of tokens. */
#include "collector/ctl/enroll_int.h"
#include "common/array.h"
#include "common/buf.h"
#include "common/file.h"
#include "common/hex.h"
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <unistd.h>

#define KEEP_S (30L * 86400) /* tokens that are over, for 'pki tokens' and for a message */

bool
enroll_nodes_ok(const char *nodes)
{
	size_t n =
	    strspn(nodes, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-*?[]");

	return n > 0 && n <= 253 && nodes[n] == '\0';
}

void
enroll_digest(struct slice s, char ret[65])
{
	unsigned char md[SHA256_DIGEST_LENGTH];

	(void) SHA256((const unsigned char *) s.p, s.n, md);
	hex_encode(ret, md, sizeof(md));
}

int
enroll_tokens_read(const char *dir, struct enroll_token **ret, struct diag *d)
{
	struct enroll_token *v = NULL;
	size_t n = 0, cap = 0;
	char path[4096], line[1024];
	FILE *f;
	int r = pki_open_list(dir, "tokens", path, &f, d);

	if (r < 0)
		return r;
	while (r == 0 && f != NULL && fgets(line, sizeof(line), f) != NULL) {
		struct enroll_token t = { .uses = 0 };

		/* NOLINTNEXTLINE(cert-err34-c): strtol() per column would say no more */
		if (sscanf(line, "%8s %64s %255s %ld %ld %ld %ld %d", t.id, t.hash, t.nodes,
			&t.expires, &t.uses, &t.used, &t.life_s, &t.replace) != 8)
			r = diag_fail(d, 0, 0,
			    "%s:%zu: not a line of this list: restore it from a copy", path, n + 1);
		else if (ARRAY_RESERVE(v, n, 1, cap) < 0)
			r = -ENOMEM;
		else
			v[n++] = t;
	}
	if (f != NULL)
		(void) fclose(f);
	if (r == 0) {
		*ret = v;
		return (int) n;
	}
	if (r == -ENOMEM)
		diag_set(d, 0, 0, "out of memory");
	free(v);
	return r;
}

int
enroll_tokens_write(
    const char *dir, const struct enroll_token *v, int n, time_t now, struct diag *d)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	char path[4096];

	for (int i = 0; i < n; i++) {
		const struct enroll_token *t = &v[i];

		if (t->expires + KEEP_S < now)
			continue;
		buf_printf(&b, "%s %s %s %ld %ld %ld %ld %d\n", t->id, t->hash, t->nodes,
		    t->expires, t->uses, t->used, t->life_s, t->replace);
	}
	if (buf_ok(&b) < 0) {
		diag_set(d, 0, 0, "out of memory");
		return -ENOMEM;
	}
	pki_path(dir, "tokens", "", path);
	return file_replace(path, (struct slice){ b.p == NULL ? "" : b.p, b.n }, 0600, d);
}

/* The digest of the authority that signed the server's certificate: the second one of its file. */
static int
server_authority(const char *dir, char ret[65], struct diag *d)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	unsigned char *der = NULL;
	char path[4096];
	X509 *x = NULL;
	BIO *bio;
	int r, n = -1;

	pki_path(dir, "server", ".pem", path);
	r = file_read(path, "server's certificate", false, &b, d);
	if (r < 0)
		return r;
	bio = BIO_new_mem_buf(b.p, (int) b.n);
	for (int i = 0; bio != NULL && i < 2; i++) {
		X509_free(x);
		x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	}
	BIO_free(bio);
	ERR_clear_error();
	if (x != NULL)
		n = i2d_X509(x, &der);
	X509_free(x);
	if (n <= 0)
		return diag_fail(d, 0, 0,
		    "%s does not hold the server's certificate and its authority's: make it again "
		    "with 'mewsctl pki enroller'",
		    path);
	enroll_digest((struct slice){ (const char *) der, (size_t) n }, ret);
	OPENSSL_free(der);
	return 0;
}

static int
add_token(const char *dir, const struct enroll_token *t, struct diag *d)
{
	CLEANUP(pki_unlock) int locked = pki_lock(dir, d);
	struct enroll_token *v = NULL, *more;
	int n, r;

	if (locked < 0)
		return locked;
	n = enroll_tokens_read(dir, &v, d);
	if (n < 0)
		return n;
	more = reallocarray(v, (size_t) n + 1, sizeof(*v));
	if (more == NULL) {
		free(v);
		diag_set(d, 0, 0, "out of memory");
		return -ENOMEM;
	}
	more[n] = *t;
	r = enroll_tokens_write(dir, more, n + 1, time(NULL), d);
	free(more);
	return r;
}

int
enroll_token_make(const char *dir, struct enroll_token *t, struct enroll_line *ret, struct diag *d)
{
	struct enroll_options o = { .address = NULL };
	struct enroll_line l = { .secret = "" };
	unsigned char secret[ENROLL_DIGITS / 2];
	struct cfg *cfg = NULL;
	int r = enroll_options_read(dir, &o, &cfg, d);

	if (r == 0)
		r = enroll_address_parse(slice_str(o.address), &l.at, d);
	cfg_free(cfg);
	if (r == 0)
		r = server_authority(dir, l.authority, d);
	if (r == 0 && RAND_bytes(secret, sizeof(secret)) != 1) {
		diag_set(d, 0, 0, "OpenSSL has no randomness");
		r = -EIO;
	}
	if (r < 0)
		return r;
	hex_encode(l.secret, secret, sizeof(secret));
	OPENSSL_cleanse(secret, sizeof(secret));
	enroll_digest(slice_str(l.secret), t->hash);
	(void) snprintf(t->id, sizeof(t->id), "%.8s", t->hash);
	r = add_token(dir, t, d);
	if (r == 0)
		*ret = l;
	return r;
}
