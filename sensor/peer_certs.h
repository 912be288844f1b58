/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_certs.h - the collector's certificates, taken from the TLS handshake.
 *
 * NNG verifies them but does not expose them. A connection outlives the handshake, and a
 * certificate can expire or be revoked meanwhile. NNG is linked as an archive, so the linker can
 * wrap the one mbed TLS call that sets the trusted authorities (--wrap, sensor/CMakeLists.txt); our
 * wrapper also registers a callback that stores the certificates.
 */
#ifndef MEWS_SENSOR_PEER_CERTS_H
#define MEWS_SENSOR_PEER_CERTS_H

#include "common/buf.h"
#include "common/slice.h"

#define PEER_CERTS 9 /* mbed TLS's limit: eight and the peer's own */

/* Written by one handshake on NNG's thread; only read after it. */
struct peer_certs {
	struct buf der[PEER_CERTS]; /* of the peer, its authority, ...; empty: none came */
};

void peer_certs_fini(struct peer_certs *p);

/* Store in 'p' the certificates of TLS configurations that this thread makes until the next call.
 * 'p' must outlive their handshakes. NULL: stop. */
void peer_certs_watch(struct peer_certs *p);

#endif
