/* SPDX-License-Identifier: Apache-2.0 */
/* tls_client.h - NNG's TLS configuration for one connection to the collector. */
#ifndef MEWS_SENSOR_TLS_CLIENT_H
#define MEWS_SENSOR_TLS_CLIENT_H

#include "common/macros.h"
#include "sensor/identity.h"
#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>

/*
 * Present the certificate of 'id', trust its authority except for revoked certificates, require a
 * certificate for 'server_name', and store it in 'peer', which must outlive the connection. Returns
 * NNG's error number; on 0 the caller frees *ret.
 */
int tls_client(const struct identity *id, const char *server_name, struct peer_certs *peer,
    nng_tls_config **ret) MUST_CHECK;

#endif
