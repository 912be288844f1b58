/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_probe.h - why a TLS connection does not come about.
 *
 * NNG says "cryptographic error" whatever the cause. After such a failure, one handshake of our
 * own tells a wrong name from a wrong authority from a certificate that the collector refuses.
 * Blocks, for at most PROBE_S; sends no data.
 */
#ifndef MEWS_SENSOR_TLS_PROBE_H
#define MEWS_SENSOR_TLS_PROBE_H

#include "common/macros.h"
#include <stdbool.h>
#include <stddef.h>

#define PROBE_S 5

struct tls_probe {
	const char *url; /* tls+tcp://HOST:PORT */
	const char *server_name;
	const char *ca, *cert, *key; /* PEM */
	const char *crl;             /* PEM, or NULL */
};

/* True, and 'why' says it in one sentence; false: nothing is found wrong, or nobody answers. */
bool tls_probe(const struct tls_probe *p, char *why, size_t n) MUST_CHECK;

#endif
