/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/pki.h"
#include "common/array.h"
#include "common/buf.h"
#include "common/file.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
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

#define fail_errno(d, ...) (diag_set((d), 0, 0, __VA_ARGS__), -errno)

/* ---- one command at a time ---- */

/* Commands read the list, change it and write it back: two at once would lose a line, and its
 * certificate could never be revoked. Closing the descriptor, or exit, releases the lock. */
static int
lock(const char *dir, struct diag *d)
{
	char path[4096];
	int fd, r;

	pki_path(dir, "lock", "", path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
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

static void
close_fdp(const int *fd)
{
	if (*fd >= 0)
		(void) close(*fd);
}

/* ---- writing: whole or not at all ---- */

/* Make the new name durable too, not only the contents. */
static int
sync_folder(const char *path)
{
	char dir[4096];
	char *slash;
	int fd, r;

	(void) snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash != NULL)
		slash[slash == dir] = '\0';
	fd = open(slash == NULL ? "." : dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	r = fsync(fd);
	(void) close(fd);
	return r;
}

static int
file_write(const char *path, const char *p, size_t n, mode_t mode, struct diag *d)
{
	char tmp[4200];
	int fd, saved;

	(void) snprintf(tmp, sizeof(tmp), "%s.new", path);
	(void) unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return fail_errno(d, "cannot write %s: %s", tmp, strerrordesc_np(errno));
	saved = -fd_write_all(fd, (struct slice){ p, n });
	if (saved == 0 && fsync(fd) < 0)
		saved = errno;
	(void) close(fd);
	if (saved == 0 && (rename(tmp, path) < 0 || sync_folder(path) < 0))
		saved = errno;
	if (saved == 0)
		return 0;
	(void) unlink(tmp);
	errno = saved;
	return fail_errno(d, "cannot write %s: %s", path, strerrordesc_np(errno));
}

static int
bio_write(const char *path, BIO *b, bool ok, mode_t mode, struct diag *d)
{
	char *p = NULL;
	long n = b == NULL || !ok ? 0 : BIO_get_mem_data(b, &p);
	int r;

	if (n <= 0) {
		ERR_clear_error();
		diag_set(d, 0, 0, "cannot write %s: out of memory", path);
		r = -ENOMEM;
	} else {
		r = file_write(path, p, (size_t) n, mode, d);
	}
	BIO_free(b);
	return r;
}

/* Write the certificate readable by all and the key readable only by its owner. */
static int
pair_write(const char *dir, const char *stem, const struct pki_pair *p, struct diag *d)
{
	BIO *b = BIO_new(BIO_s_mem());
	char path[4096];
	bool ok;
	int r;

	pki_path(dir, stem, ".key", path);
	ok = b != NULL && PEM_write_bio_PKCS8PrivateKey(b, p->key, NULL, NULL, 0, NULL, NULL) == 1;
	r = bio_write(path, b, ok, 0600, d);
	if (r < 0)
		return r;
	b = BIO_new(BIO_s_mem());
	pki_path(dir, stem, ".pem", path);
	ok = b != NULL && PEM_write_bio_X509(b, p->cert) == 1;
	return bio_write(path, b, ok, 0644, d);
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

static int
ca_read(const char *dir, struct pki_pair *ret, struct diag *d)
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

/* ---- the list of what was issued ---- */

struct entry {
	char serial[64], kind[16], name[256], expires[32], revoked[32];
};

struct issued {
	struct entry *v;
	size_t n, cap;
};

static int
issued_add(struct issued *is, const struct entry *e)
{
	if (ARRAY_RESERVE(is->v, is->n, 1, is->cap) < 0)
		return -ENOMEM;
	is->v[is->n++] = *e;
	return 0;
}

static int
issued_read(const char *dir, struct issued *is, struct diag *d)
{
	char path[4096], line[512];
	unsigned at = 0;
	int r = 0;
	FILE *f;

	pki_path(dir, "issued", "", path);
	f = fopen(path, "re");
	if (f == NULL)
		return errno == ENOENT
			   ? 0
			   : fail_errno(d, "cannot read %s: %s", path, strerrordesc_np(errno));
	while (r == 0 && fgets(line, sizeof(line), f) != NULL) {
		struct entry e;

		at++;
		if (sscanf(line, "%63s %15s %255s %31s %31s", e.serial, e.kind, e.name, e.expires,
			e.revoked) != 5)
			r = diag_fail(d, 0, 0,
			    "%s:%u: not a line of this list: restore it from a copy", path, at);
		else
			r = issued_add(is, &e);
	}
	(void) fclose(f);
	return r;
}

static int
issued_write(const char *dir, const struct issued *is, struct diag *d)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	char path[4096];

	for (size_t i = 0; i < is->n; i++) {
		const struct entry *e = &is->v[i];

		buf_printf(
		    &b, "%s %s %s %s %s\n", e->serial, e->kind, e->name, e->expires, e->revoked);
	}
	if (buf_ok(&b) < 0) {
		diag_set(d, 0, 0, "out of memory");
		return -ENOMEM;
	}
	pki_path(dir, "issued", "", path);
	return file_write(path, b.p == NULL ? "" : b.p, b.n, 0600, d);
}

static int
crl_write(const char *dir, const struct pki_pair *ca, const struct issued *is, struct diag *d)
{
	struct pki_revoked *v = calloc(is->n + 1, sizeof(*v));
	X509_CRL *crl = NULL;
	char path[4096];
	size_t n = 0;
	BIO *b;
	int r;

	if (v == NULL) {
		diag_set(d, 0, 0, "out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < is->n; i++) {
		if (is->v[i].revoked[0] != '-')
			v[n++] = (struct pki_revoked){ is->v[i].serial, is->v[i].revoked };
	}
	r = pki_make_crl(ca, v, n, &crl, d);
	free(v);
	if (r < 0)
		return r;
	b = BIO_new(BIO_s_mem());
	pki_path(dir, "crl", ".pem", path);
	r = bio_write(path, b, b != NULL && PEM_write_bio_X509_CRL(b, crl) == 1, 0644, d);
	X509_CRL_free(crl);
	return r;
}

static void
asn1_stamp(const ASN1_TIME *t, char ret[32])
{
	struct tm tm = { 0 };

	if (ASN1_TIME_to_tm(t, &tm) != 1 || strftime(ret, 32, "%Y%m%d%H%M%SZ", &tm) == 0)
		(void) snprintf(ret, 32, "-");
}

/* ---- commands ---- */

static int
refuse_existing(const char *path, bool force, struct diag *d)
{
	if (force || access(path, F_OK) < 0)
		return 0;
	diag_set(d, 0, 0, "%s already exists: --force replaces it", path);
	return -EEXIST;
}

int
pki_init(const char *dir, const char *fleet, int days, bool force, struct diag *d)
{
	CLEANUP(close_fdp) int locked = -1;
	struct pki_pair ca = { NULL, NULL };
	struct issued none = { .v = NULL };
	char path[4096];
	int r;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return fail_errno(d, "cannot make the folder %s: %s", dir, strerrordesc_np(errno));
	locked = lock(dir, d);
	if (locked < 0)
		return locked;
	pki_path(dir, "ca", ".key", path);
	r = refuse_existing(path, force, d);
	if (r < 0)
		return r;
	r = pki_make_ca(fleet, days, &ca, d);
	if (r < 0)
		return r;
	r = pair_write(dir, "ca", &ca, d);
	if (r == 0)
		r = issued_write(dir, &none, d);
	if (r == 0)
		r = crl_write(dir, &ca, &none, d);
	pki_pair_fini(&ca);
	return r;
}

/* Write the list first: a certificate missing from it could never be revoked. */
static int
record_and_write(const char *dir, const struct pki_request *rq, const char *stem,
    const struct pki_pair *p, struct diag *d)
{
	struct issued is = { .v = NULL };
	struct entry e = { .revoked = "-" };
	int r = pki_serial(p->cert, e.serial);

	if (r == 0)
		r = issued_read(dir, &is, d);
	(void) snprintf(e.kind, sizeof(e.kind), "%s", pki_kind_name(rq->kind));
	(void) snprintf(e.name, sizeof(e.name), "%s", rq->name);
	asn1_stamp(X509_get0_notAfter(p->cert), e.expires);
	if (r == 0 && issued_add(&is, &e) < 0) {
		diag_set(d, 0, 0, "out of memory");
		r = -ENOMEM;
	}
	if (r == 0)
		r = issued_write(dir, &is, d);
	if (r == 0)
		r = pair_write(dir, stem, p, d);
	free(is.v);
	return r;
}

int
pki_issue(const char *dir, const struct pki_request *rq, bool force, struct diag *d)
{
	CLEANUP(close_fdp) int locked = lock(dir, d);
	struct pki_pair ca = { NULL, NULL }, p = { NULL, NULL };
	char stem[300], path[4096];
	int r;

	if (locked < 0)
		return locked;
	(void) snprintf(stem, sizeof(stem), "%s-%s", pki_kind_name(rq->kind), rq->name);
	pki_path(dir, stem, ".key", path);
	r = refuse_existing(path, force, d);
	if (r == 0)
		r = ca_read(dir, &ca, d);
	if (r == 0)
		r = pki_make_cert(&ca, rq, &p, d);
	if (r == 0)
		r = record_and_write(dir, rq, stem, &p, d);
	pki_pair_fini(&ca);
	pki_pair_fini(&p);
	return r;
}

int
pki_revoke(const char *dir, const char *name, int kind, struct diag *d)
{
	CLEANUP(close_fdp) int locked = lock(dir, d);
	struct pki_pair ca = { NULL, NULL };
	struct issued is = { .v = NULL };
	time_t now = time(NULL);
	struct tm tm;
	int r, n = 0;

	if (locked < 0)
		return locked;
	r = ca_read(dir, &ca, d);
	if (r == 0)
		r = issued_read(dir, &is, d);
	for (size_t i = 0; r == 0 && i < is.n; i++) {
		struct entry *e = &is.v[i];

		if (strcmp(e->name, name) != 0 || e->revoked[0] != '-' ||
		    (kind >= 0 && strcmp(e->kind, pki_kind_name((enum pki_kind) kind)) != 0))
			continue;
		(void) strftime(
		    e->revoked, sizeof(e->revoked), "%Y%m%d%H%M%SZ", gmtime_r(&now, &tm));
		n++;
	}
	if (r == 0 && n > 0)
		r = issued_write(dir, &is, d);
	if (r == 0)
		r = crl_write(dir, &ca, &is, d);
	pki_pair_fini(&ca);
	free(is.v);
	return r < 0 ? r : n;
}
