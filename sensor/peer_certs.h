/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_certs.h - the collector's certificates, taken from the TLS handshake.
 *
 * A connection outlives the handshake, and a certificate can expire or be revoked meanwhile: they
 * are kept for checking them again.
 */
#ifndef MEWS_SENSOR_PEER_CERTS_H
#define MEWS_SENSOR_PEER_CERTS_H

#include "common/buf.h"
#include <openssl/x509.h>
#include <stdint.h>

#define PEER_CERTS 9 /* eight authorities and the peer's own */

struct peer_certs {
	struct buf der[PEER_CERTS]; /* of the peer, its authority, ...; empty: none came */
	uint64_t until;             /* realtime ns: the first of them expires; 0: none came */
};

/* Fill an empty *p from the chain that was verified, the peer's certificate first. */
void peer_certs_take(struct peer_certs *p, STACK_OF(X509) * chain);

void peer_certs_fini(struct peer_certs *p);

#endif
