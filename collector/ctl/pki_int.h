/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pki_int.h - the folder of an authority, for those that change it: pki_store.c and enroll.c.
 *
 * All but pki_lock() are called with the lock held.
 */
#ifndef MEWS_COLLECTOR_CTL_PKI_INT_H
#define MEWS_COLLECTOR_CTL_PKI_INT_H

#include "collector/ctl/pki.h"
#include <openssl/bio.h>
#include <sys/types.h>

#define fail_errno(d, ...) (diag_set((d), 0, 0, __VA_ARGS__), -errno)

/* ---- pki_file.c ---- */

/* Wait until no other command works in the folder. A descriptor for pki_unlock(); -ENOENT and the
 * like. */
int pki_lock(const char *dir, struct diag *d) MUST_CHECK;
void pki_unlock(const int *fd); /* negative: nothing */

/* Replace a file with what is in 'b', and free that; !ok: it was not filled for lack of memory. */
int pki_write_bio(const char *path, BIO *b, bool ok, mode_t mode, struct diag *d) MUST_CHECK;

/* STEM.pem, and STEM.key unless p->key is NULL. */
int pki_write_pair(
    const char *dir, const char *stem, const struct pki_pair *p, struct diag *d) MUST_CHECK;

/* The authority of the folder. On failure too, the caller calls pki_pair_fini(). */
int pki_read_ca(const char *dir, struct pki_pair *ret, struct diag *d) MUST_CHECK;

/* ---- pki_store.c: the list of what was issued ---- */

struct issued_entry {
	char serial[64], kind[16], name[256];
	char expires[32], revoked[32]; /* YYYYMMDDHHMMSSZ; revoked "-": it is not */
};

struct issued {
	struct issued_entry *v; /* free() */
	size_t n, cap;
};

/* Open a list of an authority's folder, and fill in its path. *ret NULL: it has none yet. -errno
 * and *d. */
int pki_open_list(
    const char *dir, const char *name, char path[4096], FILE **ret, struct diag *d) MUST_CHECK;
int issued_read(const char *dir, struct issued *is, struct diag *d) MUST_CHECK;
int issued_write(const char *dir, const struct issued *is, struct diag *d) MUST_CHECK;

/* Add a certificate to the list in memory. */
int issued_record(struct issued *is, enum pki_kind kind, const char *name, const X509 *cert,
    struct diag *d) MUST_CHECK;

/* Mark all of that name and kind (-1: any) as revoked, in memory. Returns how many. */
int issued_revoke(struct issued *is, const char *name, int kind);

/* Write the revocation list; and trust.pem and trust-crl.pem, if the folder is an enroller's. */
int pki_write_crl(
    const char *dir, const struct pki_pair *ca, const struct issued *is, struct diag *d) MUST_CHECK;

/* A time as the list has it. */
void issued_stamp(time_t t, char ret[32]);

#endif
