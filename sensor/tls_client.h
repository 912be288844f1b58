/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_client.h - the TLS of one connection to the collector.
 *
 * NNG's thread runs the handshake and writes its findings; they are read when NNG has reported the
 * connection's success or failure.
 */
#ifndef MEWS_SENSOR_TLS_CLIENT_H
#define MEWS_SENSOR_TLS_CLIENT_H

#include "common/macros.h"
#include "sensor/identity.h"
#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>
#include <stdatomic.h>

struct tls_client {
	const char *url;         /* borrowed, for 'why' */
	const char *server_name; /* that the collector's certificate must have; borrowed */
	struct peer_certs peer;  /* after success */
	_Atomic bool failed;     /* TLS has failed, and 'why' is one sentence */
	char why[512];
};

/*
 * Present the certificate of 'id', trust its authority except for revoked certificates, require a
 * certificate for t->server_name. Use *ret for one connection, which 't' must outlive. Returns
 * NNG's error number; on 0 the caller frees *ret.
 */
int tls_client_config(
    const struct identity *id, struct tls_client *t, nng_tls_config **ret) MUST_CHECK;

void tls_client_fini(struct tls_client *t);

#endif
