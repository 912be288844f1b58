/* SPDX-License-Identifier: Apache-2.0 */
/* pki_file.c - the folder of an authority: one command at a time, files replaced whole. */
#include "collector/ctl/pki_int.h"
#include "common/file.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_LEN 253

bool
pki_name_ok(const char *name)
{
	size_t n =
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return n > 0 && n <= NAME_MAX_LEN && name[n] == '\0' && name[0] != '.' && name[0] != '-';
}

void
pki_path(const char *dir, const char *stem, const char *suffix, char ret[4096])
{
	(void) snprintf(ret, 4096, "%s/%s%s", dir, stem, suffix);
}

/* ---- one command at a time ---- */

/* Commands read the list, change it and write it back: two at once would lose a line, and its
 * certificate could never be revoked. Closing the descriptor, or exit, releases the lock. */
int
pki_lock(const char *dir, struct diag *d)
{
	char path[4096];
	int fd, r;

	pki_path(dir, "lock", "", path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		(void) file_give_away(fd, path);
	else if (errno == EEXIST) /* no link that the folder's owner has put there for root */
		fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		diag_set(d, 0, 0, "there is no folder %s: make one with 'mewsctl pki init %s'", dir,
		    dir);
		return -ENOENT;
	}
	if (fd < 0)
		return fail_errno(d, "cannot open %s: %s", path, strerrordesc_np(errno));
	do {
		r = flock(fd, LOCK_EX);
	} while (r < 0 && errno == EINTR);
	if (r == 0)
		return fd;
	r = fail_errno(d, "cannot lock %s: %s", path, strerrordesc_np(errno));
	(void) close(fd);
	return r;
}

void
pki_unlock(const int *fd)
{
	if (*fd >= 0)
		(void) close(*fd);
}

/* ---- writing: whole or not at all ---- */

int
pki_write_bio(const char *path, BIO *b, bool ok, mode_t mode, struct diag *d)
{
	char *p = NULL;
	long n = b == NULL || !ok ? 0 : BIO_get_mem_data(b, &p);
	int r;

	if (n <= 0) {
		ERR_clear_error();
		diag_set(d, 0, 0, "cannot write %s: out of memory", path);
		r = -ENOMEM;
	} else {
		r = file_replace(path, (struct slice){ p, (size_t) n }, mode, d);
	}
	BIO_free(b);
	return r;
}

/* Write the certificate readable by all and the key readable only by its owner. */
int
pki_write_pair(const char *dir, const char *stem, const struct pki_pair *p, struct diag *d)
{
	BIO *b = BIO_new(BIO_s_mem());
	char path[4096];
	bool ok;
	int r;

	if (p->key != NULL) {
		pki_path(dir, stem, ".key", path);
		ok = b != NULL &&
		     PEM_write_bio_PKCS8PrivateKey(b, p->key, NULL, NULL, 0, NULL, NULL) == 1;
		r = pki_write_bio(path, b, ok, 0600, d);
		if (r < 0)
			return r;
		b = BIO_new(BIO_s_mem());
	}
	pki_path(dir, stem, ".pem", path);
	ok = b != NULL && PEM_write_bio_X509(b, p->cert) == 1;
	return pki_write_bio(path, b, ok, 0644, d);
}

/* ---- reading ---- */

int
pki_read_cert(const char *path, X509 **ret, struct diag *d)
{
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return fail_errno(d, "cannot read %s: %s", path, strerrordesc_np(errno));
	*ret = PEM_read_X509(f, NULL, NULL, NULL);
	(void) fclose(f);
	if (*ret != NULL)
		return 0;
	ERR_clear_error();
	return diag_fail(d, 0, 0, "%s is not a certificate in PEM form", path);
}

int
pki_read(const char *path, X509 **cert, X509_CRL **crl, struct diag *d)
{
	FILE *f = fopen(path, "re");

	*cert = NULL;
	*crl = NULL;
	if (f == NULL)
		return fail_errno(d, "cannot read %s: %s", path, strerrordesc_np(errno));
	*cert = PEM_read_X509(f, NULL, NULL, NULL);
	if (*cert == NULL) {
		rewind(f);
		*crl = PEM_read_X509_CRL(f, NULL, NULL, NULL);
	}
	(void) fclose(f);
	ERR_clear_error();
	if (*cert != NULL || *crl != NULL)
		return 0;
	return diag_fail(
	    d, 0, 0, "%s is neither a certificate nor a revocation list in PEM form", path);
}

int
pki_read_ca(const char *dir, struct pki_pair *ret, struct diag *d)
{
	char path[4096];
	FILE *f;
	int r;

	pki_path(dir, "ca", ".key", path);
	f = fopen(path, "re");
	if (f == NULL && errno == ENOENT) {
		diag_set(d, 0, 0,
		    "there is no authority in %s: make one with 'mewsctl pki init %s'", dir, dir);
		return -ENOENT;
	}
	if (f == NULL)
		return fail_errno(d, "cannot read %s: %s", path, strerrordesc_np(errno));
	ret->key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	(void) fclose(f);
	if (ret->key == NULL) {
		ERR_clear_error();
		return diag_fail(d, 0, 0, "%s is not a private key in PEM form", path);
	}
	pki_path(dir, "ca", ".pem", path);
	r = pki_read_cert(path, &ret->cert, d);
	if (r == 0 && X509_check_private_key(ret->cert, ret->key) != 1) {
		ERR_clear_error();
		r = diag_fail(d, 0, 0, "%s/ca.key does not belong to %s/ca.pem", dir, dir);
	}
	return r;
}
