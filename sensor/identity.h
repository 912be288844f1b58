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

struct identity {
	struct buf ca, cert, key; /* PEM, with NUL */
	struct buf der;           /* the node's certificate */
	unsigned refs;
	char subject[128]; /* the certificate's common name */
};

/*
 * Load. 'cert' may hold the key too, with 'key' NULL. -EINVAL, -ENOENT, -EACCES..., and *d: a file
 * that cannot be read, is not PEM, a certificate that expired or is not valid yet, is not of this
 * authority, a key of another certificate. -ENOMEM.
 */
int identity_load(const char *ca, const char *cert, const char *key, struct identity **ret,
    struct diag *d) MUST_CHECK;
struct identity *identity_ref(struct identity *id); /* returns id; NULL is nothing */
void identity_free(struct identity *id);            /* lets go of one reference */

/* SHA-256 signature with the node's key over 'text', appended to 'out'. -ENOMEM; -EIO: no memory or
 * no randomness inside mbedTLS. */
int identity_sign(const struct identity *id, struct slice text, struct buf *out) MUST_CHECK;

#endif
