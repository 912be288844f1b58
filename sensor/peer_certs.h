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

#define PEER_CERTS 9 /* eight authorities and the peer's own */

struct peer_certs {
	struct buf der[PEER_CERTS]; /* of the peer, its authority, ...; empty: none came */
};

void peer_certs_fini(struct peer_certs *p);

#endif
