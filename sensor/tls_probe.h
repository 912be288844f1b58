/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_probe.h - find out why a TLS connection fails.
 *
 * NNG reports "cryptographic error" for any cause. After such a failure, a handshake of our own
 * distinguishes a wrong name, a wrong authority and a certificate that the collector refuses.
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

/* True, and 'why' holds one sentence; false: nothing wrong found, or no answer. */
bool tls_probe(const struct tls_probe *p, char *why, size_t n) MUST_CHECK;

#endif
