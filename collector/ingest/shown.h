/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shown.h - certificates that peers have shown in handshakes a moment ago, as OpenSSL parsed them.
 *
 * A node proves itself with the certificate of its handshake, which is what OpenSSL 3.0 takes
 * longest to parse. Nothing is trusted for being here: whoever takes one verifies it. Any thread.
 */
#ifndef MEWS_COLLECTOR_INGEST_SHOWN_H
#define MEWS_COLLECTOR_INGEST_SHOWN_H

#include "common/macros.h"
#include "common/slice.h"
#include <openssl/x509.h>
#include <pthread.h>

#define SHOWN_MAX 64 /* the oldest goes first: its proof is parsed then */

struct shown {
	pthread_mutex_t lock; /* guards the following */
	X509 *v[SHOWN_MAX];
	unsigned next;
};

void shown_init(struct shown *s);
void shown_fini(struct shown *s);

/* Remember a certificate; it may be used by other threads from now on. */
void shown_put(struct shown *s, X509 *cert);

/* Take the certificate of exactly these bytes, or parse them (trust_cert_read()). NULL: they are no
 * certificate, or there is no memory. The caller's. */
X509 *shown_take(struct shown *s, struct slice der) MUST_CHECK;

#endif
