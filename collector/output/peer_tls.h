/* SPDX-License-Identifier: Apache-2.0 */
/* peer_tls.h - TLS of a connection, by OpenSSL; for peer.c only. */
#ifndef MEWS_COLLECTOR_OUTPUT_PEER_TLS_H
#define MEWS_COLLECTOR_OUTPUT_PEER_TLS_H

#include "common/diag.h"
#include "common/macros.h"
#include <openssl/ssl.h>
#include <stdint.h>
#include <sys/types.h>

/* Whom to trust, and as whom; PEM files. Texts are borrowed. */
struct peer_tls {
	const char *ca;   /* authorities; NULL: the system's */
	const char *cert; /* our certificate and its chain; NULL: none */
	const char *key;  /* its key, mode 0600 */
	const char *name; /* the name in the server's certificate; NULL: the host */
};

/* Make a client that verifies the server's certificate and name. The files are read each time, so
 * that renewed ones count from the next connection on. -EINVAL and *d. */
int peer_tls_new(const struct peer_tls *t, const char *host, SSL **ret, struct diag *d) MUST_CHECK;

/* Continue the handshake: 0 done, -EAGAIN, or -EPROTO and the reason in 'why'. */
int peer_tls_shake(SSL *ssl, char *why, size_t size) MUST_CHECK;

/* As read() and write() without blocking: bytes; 0 from read: closed; -EAGAIN; other -errno. */
ssize_t peer_tls_read(SSL *ssl, void *ret, size_t n) MUST_CHECK;
ssize_t peer_tls_write(SSL *ssl, const void *data, size_t n) MUST_CHECK;

/* What was wrong when this thread's last call returned -EPROTO. */
const char *peer_tls_reason(void);

/* Bytes that the socket took, with TLS's own. */
uint64_t peer_tls_sent(const SSL *ssl);

/* Say that we close, without waiting. */
void peer_tls_bye(SSL *ssl);

#endif
