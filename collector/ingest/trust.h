/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust.h - certificates: which peers the fleet's authority vouches for, and this collector's own.
 *
 * TLS admits every certificate of the authority; a node then proves in the protocol that it holds
 * the key of a certificate in its name. A struct trust never changes after trust_load(); any thread
 * may use it.
 */
#ifndef MEWS_COLLECTOR_INGEST_TRUST_H
#define MEWS_COLLECTOR_INGEST_TRUST_H

#include "collector/ingest/trust_cert.h"
#include "common/buf.h"
#include "common/diag.h"
#include "common/macros.h"
#include "common/slice.h"
#include <openssl/ssl.h>

struct trust;

struct trust_files {
	const char *ca, *cert, *key; /* PEM */
	const char *crl;             /* PEM, or NULL */
};

/*
 * Read and check: each file exists, is readable and PEM; the key is not readable by others and
 * belongs to the certificate; the certificate is of this authority, in time, and may be a server;
 * the revocation list is the authority's. -EINVAL, -ENOENT, -EACCES, -ENOMEM..., and *d: one
 * sentence with the remedy.
 */
int trust_load(const struct trust_files *files, struct trust **ret, struct diag *d) MUST_CHECK;
struct trust *trust_ref(struct trust *t); /* returns t */
void trust_unref(struct trust *t);        /* NULL is nothing */

/* For TLS connections; borrowed. */
SSL_CTX *trust_tls(const struct trust *t);

/* When this collector's certificate, or one above it, expires: realtime ns. */
uint64_t trust_until(const struct trust *t);

/*
 * May the holder of this certificate (DER) speak for 'node'? It chains to the authority, is in
 * time, not revoked, may be a client, and has the node's exact name as common name or DNS name.
 * -EACCES and *why (static): no. *term is set if yes.
 */
int trust_check_cert(const struct trust *t, struct slice der, const char *node,
    struct trust_term *term, const char **why) MUST_CHECK;

/* The same, and the signature over 'text' is of the certificate's key. 'cert' is borrowed; NULL:
 * there is none. */
int trust_check_proof(const struct trust *t, X509 *cert, const char *node, struct slice text,
    struct slice signature, struct trust_term *term, const char **why) MUST_CHECK;

#endif
