/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.h - TLS for NNG's connections, by OpenSSL.
 *
 * NNG takes TLS libraries through a public interface (nng/supplemental/tls/engine.h). The one of
 * its package, mbed TLS, neither exposes the peer's certificate nor the reason of a failed
 * handshake, resumes no sessions, and would be a second cryptographic library in our programs. It
 * is not linked: NNG registers the engine of tls.c in its place.
 *
 * An engine's context is OpenSSL's own SSL_CTX, made once and shared by connections. NNG's calls
 * that change a configuration (nng_tls_config_own_cert() and so on) are not supported.
 *
 * A program that links this keeps OpenSSL usable until it ends: OpenSSL's cleanup at exit does not
 * run, since NNG's threads may still free connections.
 */
#ifndef MEWS_COMMON_NNG_TLS_H
#define MEWS_COMMON_NNG_TLS_H

#include "common/macros.h"
#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>
#include <openssl/ssl.h>
#include <stdbool.h>

enum {
	TLS_RECORD = 16320
}; /* bytes of a message in one record: with its overhead it fits NNG's buffer of 16 KiB */

/*
 * Make a context: TLS 1.2 and 1.3, modern ciphers, the peer must show a certificate. The caller
 * adds certificates. NULL: no memory.
 */
SSL_CTX *tls_ctx_new(nng_tls_mode mode) MUST_CHECK;

/*
 * A handshake has ended; called once for each that does not end with the connection. Runs on NNG's
 * thread, which holds a lock: it must not call NNG or block. If it failed, OpenSSL's error queue
 * and SSL_get_verify_result() have the reason. 'peer' is the certificate that the peer has shown,
 * or NULL; borrowed.
 */
typedef void tls_ended(void *arg, SSL *ssl, const X509 *peer, bool ok);

struct tls_setup {
	nng_tls_mode mode;
	SSL_CTX *ctx;            /* the configuration takes its own reference */
	const char *server_name; /* the name that the server's certificate must have; copied; NULL
				    for a server */
	tls_ended *ended;        /* or NULL */
	void *arg;               /* of ended(); must outlive the socket */
};

/* Make a configuration for a dialer or listener (NNG_OPT_TLS_CONFIG). NNG's error number; on 0 the
 * caller frees *ret. NNG_ENOTSUP: NNG does not use this engine. */
int tls_config_new(const struct tls_setup *setup, nng_tls_config **ret) MUST_CHECK;

#endif
