/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity.h - who a node is: its certificate, its key, and the authority it trusts.
 *
 * Read from PEM files and checked once, so that what is wrong is said in one sentence before the
 * first connection. Immutable after loading, and counted: a connection holds the one it was made
 * with, a new certificate is a new identity. The count belongs to the loop thread.
 */
#ifndef MEWS_SENSOR_IDENTITY_H
#define MEWS_SENSOR_IDENTITY_H

#include "common/buf.h"
#include "common/diag.h"
#include "common/macros.h"
#include "common/slice.h"
#include "sensor/peer_certs.h"

struct identity_files {
	const char *ca, *cert; /* PEM */
	const char *key;       /* PEM; NULL: in 'cert' */
	const char *crl; /* PEM: a list of revoked certificates of each authority; NULL: none */
};

struct identity {
	struct buf ca, cert, key, crl; /* PEM, with NUL; crl.n is 0 without a list */
	struct buf der;                /* the node's certificate */
	uint64_t until;                /* realtime ns: when it expires */
	unsigned refs;
	char subject[128]; /* the certificate's common name */
};

/*
 * Load. -EINVAL, -ENOENT, -EACCES..., and *d: a file that cannot be read, is not PEM, a key that
 * others may read, a certificate that expired or is not valid yet, is not of this authority or
 * revoked, a key of another certificate; a list of revoked ones that is out of date, not signed by
 * the authority, or missing for one of them: a list that cannot be used is not ignored. -ENOMEM.
 */
int identity_load(const struct identity_files *f, struct identity **ret, struct diag *d) MUST_CHECK;
struct identity *identity_ref(struct identity *id); /* returns id; NULL is nothing */
void identity_free(struct identity *id);            /* lets go of one reference */

/* The PEM texts as NNG wants them; NULL without a list. */
const char *identity_crl(const struct identity *id);

/* SHA-256 signature with the node's key over 'text', appended to 'out'. -ENOMEM; -EIO: no memory or
 * no randomness inside mbedTLS. */
int identity_sign(const struct identity *id, struct slice text, struct buf *out) MUST_CHECK;

/* Would the peer still be trusted, as of now? -EACCES, and *why (static) says why not. Costs a
 * verification of signatures. */
int identity_check_peer(
    const struct identity *id, const struct peer_certs *p, const char **why) MUST_CHECK;

/* When the first of the peer's certificates expires: realtime ns; 0: it has shown none. */
uint64_t peer_certs_until(const struct peer_certs *p);

#endif
