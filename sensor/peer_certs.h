/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_certs.h - the collector's certificates, as they came in a TLS handshake.
 *
 * NNG verifies them and does not show them; but a connection outlives the handshake, and meanwhile
 * a certificate can expire or be revoked. NNG is linked as an archive, and the linker hands us the
 * one call of its TLS that sets what to trust (--wrap, sensor/CMakeLists.txt): it also asks to be
 * shown the certificates.
 */
#ifndef MEWS_SENSOR_PEER_CERTS_H
#define MEWS_SENSOR_PEER_CERTS_H

#include "common/buf.h"
#include "common/slice.h"

#define PEER_CERTS 9 /* mbed TLS's bound: eight and the peer's own */

/* Written by one handshake, on NNG's thread, and only read after it. */
struct peer_certs {
	struct buf der[PEER_CERTS]; /* of the peer, its authority, ...; empty: did not come */
};

void peer_certs_fini(struct peer_certs *p);

/* Certificates of the TLS configurations that this thread makes until the next call are noted in
 * 'p', which must outlive their handshakes; NULL: nowhere. */
void peer_certs_watch(struct peer_certs *p);

#endif
