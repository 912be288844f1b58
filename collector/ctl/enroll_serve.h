/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enroll_serve.h - the enroller as a server: HTTPS, for nodes.
 *
 *	POST /v1/enroll  {"token": DIGITS, "node": NAME, "csr": PEM}
 *	POST /v1/renew   {"csr": PEM}, over TLS with the node's certificate
 *	GET  /v1/trust
 *
 * The answers of 200 are {"certificate": PEM, "ca": PEM, "crl": PEM, "collector": URL}, the last
 * without a certificate; any other is {"error": SENTENCE}. libmicrohttpd's one thread answers one
 * request after the other: each is a few milliseconds, and a file is never written by two.
 */
#ifndef MEWS_COLLECTOR_CTL_ENROLL_SERVE_H
#define MEWS_COLLECTOR_CTL_ENROLL_SERVE_H

#include "common/diag.h"
#include "common/macros.h"
#include "common/slice.h"
#include <openssl/evp.h>

/* A request's body, checked: its texts are the caller's to free with enroll_ask_fini(). */
struct enroll_ask {
	char *token, *node; /* NULL: none */
	EVP_PKEY *key;      /* of the CSR, which is signed with it */
};

/* -EINVAL, and *d: not what a node sends. On failure too, the caller calls enroll_ask_fini(). */
int enroll_ask_parse(struct slice body, struct enroll_ask *ret, struct diag *d) MUST_CHECK;
void enroll_ask_fini(struct enroll_ask *a);

/* Serve until SIGTERM or SIGINT. 0, or -errno and *d: it could not start. */
int enroll_serve(const char *dir, struct diag *d) MUST_CHECK;

#endif
