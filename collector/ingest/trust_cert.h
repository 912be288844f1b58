/* SPDX-License-Identifier: Apache-2.0 */
/* trust_cert.h - a certificate by itself: its names, its term, what its key has signed; for
 * trust.c. */
#ifndef MEWS_COLLECTOR_INGEST_TRUST_CERT_H
#define MEWS_COLLECTOR_INGEST_TRUST_CERT_H

#include "common/slice.h"
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

/* A certificate's term, realtime ns: the beginning of its own validity, which is about when it was
 * issued; the end of its own and of those above it. */
struct trust_term {
	uint64_t since, until;
};

/* The term of the chain that was verified. */
struct trust_term trust_cert_term(const X509_STORE_CTX *c);

/* Read DER, all of it. NULL: it is no certificate, or there is no memory. The caller's. */
X509 *trust_cert_read(struct slice der);

/* Is 'node' exactly its common name, or one of its DNS names? */
bool trust_cert_has_name(X509 *cert, const char *node);

/* Has its key signed the text, with SHA-256? */
bool trust_cert_signed(X509 *cert, struct slice text, struct slice signature);

#endif
