/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/pki_int.h"
#include "common/array.h"
#include "common/buf.h"
#include "common/file.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- the list of what was issued ---- */

static int
issued_add(struct issued *is, const struct issued_entry *e)
{
	if (ARRAY_RESERVE(is->v, is->n, 1, is->cap) < 0)
		return -ENOMEM;
	is->v[is->n++] = *e;
	return 0;
}

int
pki_open_list(const char *dir, const char *name, char path[4096], FILE **ret, struct diag *d)
{
	pki_path(dir, name, "", path);
	*ret = fopen(path, "re");
	if (*ret != NULL || (errno == ENOENT && access(dir, F_OK) == 0))
		return 0;
	return fail_errno(d, "cannot read %s: %s", path, strerrordesc_np(errno));
}

int
issued_read(const char *dir, struct issued *is, struct diag *d)
{
	char path[4096], line[512];
	unsigned at = 0;
	FILE *f;
	int r = pki_open_list(dir, "issued", path, &f, d);

	if (r < 0 || f == NULL)
		return r;
	while (r == 0 && fgets(line, sizeof(line), f) != NULL) {
		struct issued_entry e;

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

int
issued_write(const char *dir, const struct issued *is, struct diag *d)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	char path[4096];

	for (size_t i = 0; i < is->n; i++) {
		const struct issued_entry *e = &is->v[i];

		buf_printf(
		    &b, "%s %s %s %s %s\n", e->serial, e->kind, e->name, e->expires, e->revoked);
	}
	if (buf_ok(&b) < 0) {
		diag_set(d, 0, 0, "out of memory");
		return -ENOMEM;
	}
	pki_path(dir, "issued", "", path);
	return file_replace(path, (struct slice){ b.p == NULL ? "" : b.p, b.n }, 0600, d);
}

/* What nodes and collectors of an enroller's fleet trust: its fleet's authorities, and itself. */
static int
trust_write(const char *dir, struct diag *d)
{
	static const char *const parts[][3] = { { "fleet", "ca", "trust" },
		{ "fleet-crl", "crl", "trust-crl" } };
	char path[4096];
	int r = 0;

	pki_path(dir, "fleet", ".pem", path);
	if (access(path, F_OK) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++) {
		CLEANUP(buf_fini) struct buf b = BUF_INIT;

		for (size_t k = 0; r == 0 && k < 2; k++) {
			pki_path(dir, parts[i][k], ".pem", path);
			r = file_read(path, "file", false, &b, d);
		}
		pki_path(dir, parts[i][2], ".pem", path);
		if (r == 0)
			r = file_replace(path, (struct slice){ b.p, b.n }, 0644, d);
	}
	return r;
}

int
pki_write_crl(const char *dir, const struct pki_pair *ca, const struct issued *is, struct diag *d)
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
	r = pki_write_bio(path, b, b != NULL && PEM_write_bio_X509_CRL(b, crl) == 1, 0644, d);
	X509_CRL_free(crl);
	return r < 0 ? r : trust_write(dir, d);
}

void
issued_stamp(time_t t, char ret[32])
{
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(ret, 32, "%Y%m%d%H%M%SZ", &tm) == 0)
		(void) snprintf(ret, 32, "-");
}

int
issued_record(
    struct issued *is, enum pki_kind kind, const char *name, const X509 *cert, struct diag *d)
{
	struct issued_entry e = { .expires = "-", .revoked = "-" };
	struct tm tm = { 0 };
	int r = pki_serial(cert, e.serial);

	(void) snprintf(e.kind, sizeof(e.kind), "%s", pki_kind_name(kind));
	(void) snprintf(e.name, sizeof(e.name), "%s", name);
	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) == 1)
		issued_stamp(timegm(&tm), e.expires);
	if (r == 0)
		r = issued_add(is, &e);
	if (r < 0)
		diag_set(d, 0, 0, "out of memory");
	return r;
}

int
issued_revoke(struct issued *is, const char *name, int kind)
{
	int n = 0;

	for (size_t i = 0; i < is->n; i++) {
		struct issued_entry *e = &is->v[i];

		if (strcmp(e->name, name) != 0 || e->revoked[0] != '-' ||
		    (kind >= 0 && strcmp(e->kind, pki_kind_name((enum pki_kind) kind)) != 0))
			continue;
		issued_stamp(time(NULL), e->revoked);
		n++;
	}
	return n;
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
pki_init(const char *dir, const char *fleet, enum pki_authority kind, int days, bool force,
    struct diag *d)
{
	CLEANUP(pki_unlock) int locked = -1;
	struct pki_pair ca = { NULL, NULL };
	struct issued none = { .v = NULL };
	char path[4096];
	int r;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return fail_errno(d, "cannot make the folder %s: %s", dir, strerrordesc_np(errno));
	locked = pki_lock(dir, d);
	if (locked < 0)
		return locked;
	pki_path(dir, "ca", ".key", path);
	r = refuse_existing(path, force, d);
	if (r < 0)
		return r;
	r = pki_make_ca(fleet, kind, days, &ca, d);
	if (r < 0)
		return r;
	r = pki_write_pair(dir, "ca", &ca, d);
	if (r == 0)
		r = issued_write(dir, &none, d);
	if (r == 0)
		r = pki_write_crl(dir, &ca, &none, d);
	pki_pair_fini(&ca);
	return r;
}

/* Write the list first: a certificate missing from it could never be revoked. */
static int
record_and_write(const char *dir, const struct pki_request *rq, const char *stem,
    const struct pki_pair *p, struct diag *d)
{
	struct issued is = { .v = NULL };
	int r = issued_read(dir, &is, d);

	if (r == 0)
		r = issued_record(&is, rq->kind, rq->name, p->cert, d);
	if (r == 0)
		r = issued_write(dir, &is, d);
	if (r == 0)
		r = pki_write_pair(dir, stem, p, d);
	free(is.v);
	return r;
}

int
pki_issue(const char *dir, const struct pki_request *rq, bool force, struct diag *d)
{
	CLEANUP(pki_unlock) int locked = pki_lock(dir, d);
	struct pki_pair ca = { NULL, NULL }, p = { NULL, NULL };
	char stem[300], path[4096];
	int r;

	if (locked < 0)
		return locked;
	(void) snprintf(stem, sizeof(stem), "%s-%s", pki_kind_name(rq->kind), rq->name);
	pki_path(dir, stem, ".key", path);
	r = refuse_existing(path, force, d);
	if (r == 0)
		r = pki_read_ca(dir, &ca, d);
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
	CLEANUP(pki_unlock) int locked = pki_lock(dir, d);
	struct pki_pair ca = { NULL, NULL };
	struct issued is = { .v = NULL };
	int r, n = 0;

	if (locked < 0)
		return locked;
	r = pki_read_ca(dir, &ca, d);
	if (r == 0)
		r = issued_read(dir, &is, d);
	if (r == 0)
		n = issued_revoke(&is, name, kind);
	if (r == 0 && n > 0)
		r = issued_write(dir, &is, d);
	if (r == 0)
		r = pki_write_crl(dir, &ca, &is, d);
	pki_pair_fini(&ca);
	free(is.v);
	return r < 0 ? r : n;
}
