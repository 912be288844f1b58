/* SPDX-License-Identifier: Apache-2.0 */
/* tls_client.h - what NNG's TLS is told for one connection to the collector. */
#ifndef MEWS_SENSOR_TLS_CLIENT_H
#define MEWS_SENSOR_TLS_CLIENT_H

#include "common/macros.h"
#include "sensor/identity.h"
#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>

/*
 * Show the certificate of 'id', trust its authority but for what its list revokes, want a
 * certificate for 'server_name', and note it in 'peer', which outlives the connection. NNG's
 * number; on 0 *ret is the caller's to free.
 */
int tls_client(const struct identity *id, const char *server_name, struct peer_certs *peer,
    nng_tls_config **ret) MUST_CHECK;

#endif
