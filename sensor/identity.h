/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity.h - a node's identity: its certificate, its key, and the authority it trusts.
 *
 * Loaded from PEM files and checked once, so that errors are reported before the first connection.
 * Immutable after loading and reference-counted: a connection keeps the identity it was made with;
 * a new certificate is a new identity. The count belongs to the loop thread.
 */
#ifndef MEWS_SENSOR_IDENTITY_H
#define MEWS_SENSOR_IDENTITY_H

#include "common/buf.h"
#include "common/diag.h"
#include "common/macros.h"
#include "common/slice.h"
#include "sensor/peer_certs.h"
#include <openssl/ssl.h>

struct identity_files {
	const char *ca, *cert; /* PEM */
	const char *key;       /* PEM; NULL: in 'cert' */
	const char *crl;       /* PEM: a revocation list for each authority; NULL: none */
};

struct identity {
	SSL_CTX *tls;          /* certificates, key, authorities and lists */
	struct buf der;        /* the node's certificate */
	uint64_t since, until; /* realtime ns: its validity */
	unsigned refs;
	char subject[128]; /* the certificate's common name */
};

/*
 * Load. -EINVAL, -ENOENT, -EACCES..., and *d: a file that cannot be read or is not PEM; a key that
 * others may read or that belongs to another certificate; a certificate that has expired, is not
 * valid yet, is revoked, or comes from another authority; a revocation list that is out of date,
 * not signed by its authority, or missing for an authority: an unusable list is an error, never
 * ignored. -ENOMEM.
 */
int identity_load(const struct identity_files *f, struct identity **ret, struct diag *d) MUST_CHECK;
struct identity *identity_ref(struct identity *id); /* returns id; NULL is allowed */
void identity_free(struct identity *id);            /* drops one reference; NULL is allowed */

/* Sign 'text' (SHA-256) with the node's key; append the signature to 'out'. -ENOMEM; -EIO: OpenSSL
 * has no memory or randomness. */
int identity_sign(const struct identity *id, struct slice text, struct buf *out) MUST_CHECK;

/* Is the peer still trusted now? -EACCES, and *why (static) gives the reason. Verifies signatures,
 * so it is not cheap. */
int identity_check_peer(
    const struct identity *id, const struct peer_certs *p, const char **why) MUST_CHECK;

#endif
