/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pki.h - a small certificate authority in a folder, for fleets that have none.
 *
 *	DIR/ca.pem, ca.key       the fleet's authority; the key never leaves this folder
 *	DIR/crl.pem              the signed revocation list
 *	DIR/issued               one line per certificate: serial, kind, name, expiry, revocation
 *	DIR/node-NAME.pem, .key  for a sensor: client only
 *	DIR/collector-NAME.pem   for a collector: server only
 *
 *	DIR/lock                 held while a command reads and changes the above: one at a time
 *
 * Each file is replaced whole, and is durable before the next is touched: the list first, so that
 * every issued certificate can be revoked. EC P-256 and SHA-256 throughout, because mbed TLS 2.28,
 * which carries the connections, supports them. One thread; functions return 0 or -errno with *d
 * set to a sentence.
 */
#ifndef MEWS_COLLECTOR_CTL_PKI_H
#define MEWS_COLLECTOR_CTL_PKI_H

#include "common/diag.h"
#include "common/macros.h"
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#define PKI_NAMES_MAX 4096 /* further names of one certificate */
#define PKI_CA_DAYS   3650
#define PKI_CERT_DAYS 365

enum pki_kind { PKI_NODE, PKI_COLLECTOR };

/* Return "node" or "collector". */
const char *pki_kind_name(enum pki_kind kind);

/* A certificate and its key. */
struct pki_pair {
	X509 *cert;
	EVP_PKEY *key;
};

void pki_pair_fini(struct pki_pair *p);

struct pki_request {
	enum pki_kind kind;
	const char *name;
	const char *const *dns, *const *ip; /* further names */
	size_t ndns, nip;
	int days;
	long seconds;  /* in addition to the days */
	EVP_PKEY *key; /* of its holder, borrowed; NULL: make one */
};

/* Whom an authority may vouch for. */
enum pki_authority { PKI_FLEET, PKI_NODES_ONLY };

/* ---- pki_cert.c: in memory ---- */

int pki_make_ca(const char *fleet, enum pki_authority kind, int days, struct pki_pair *ret,
    struct diag *d) MUST_CHECK;
int pki_make_cert(const struct pki_pair *ca, const struct pki_request *rq, struct pki_pair *ret,
    struct diag *d) MUST_CHECK;

/* A serial in hex, and the time of its revocation as YYYYMMDDHHMMSSZ. */
struct pki_revoked {
	const char *serial, *when;
};
int pki_make_crl(const struct pki_pair *ca, const struct pki_revoked *v, size_t n, X509_CRL **ret,
    struct diag *d) MUST_CHECK;

/* The serial in hex, of at most 40 digits. */
int pki_serial(const X509 *cert, char ret[41]) MUST_CHECK;

/* "2027-11-23 14:05:00 UTC". */
void pki_time(const ASN1_TIME *t, char ret[32]);

/* ---- pki_file.c, pki_store.c: in the folder ---- */

/* Is this a valid name for a certificate and a file: letters, digits, '.', '-', '_'? */
bool pki_name_ok(const char *name);

/* -EEXIST: there is one already; 'force' overwrites it. */
int pki_init(const char *dir, const char *fleet, enum pki_authority kind, int days, bool force,
    struct diag *d) MUST_CHECK;
int pki_issue(const char *dir, const struct pki_request *rq, bool force, struct diag *d) MUST_CHECK;

/* All certificates of that name and kind (-1: any) that are not revoked yet; returns how many. */
int pki_revoke(const char *dir, const char *name, int kind, struct diag *d) MUST_CHECK;

/* Read a certificate or a revocation list; the other is NULL. -EINVAL, -ENOENT and the like. */
int pki_read(const char *path, X509 **cert, X509_CRL **crl, struct diag *d) MUST_CHECK;

/* Read a certificate. -ENOENT and the like. */
int pki_read_cert(const char *path, X509 **ret, struct diag *d) MUST_CHECK;

/* Write the path of a file of the folder to the caller's buffer. */
void pki_path(const char *dir, const char *stem, const char *suffix, char ret[4096]);

#endif
