/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NNG calls an engine with the connection's lock held, so a connection needs no lock here. A call
 * that would block returns NNG_EAGAIN; NNG repeats it when bytes have moved.
 */
#include "common/nng/tls.h"
#include "common/nng/join.h"
#include <nng/supplemental/tls/engine.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define ENGINE_NAME "openssl"

/* NNG zeroes both before init(), and calls fini() even if init() was never called. */
struct nng_tls_engine_config {
	struct tls_setup setup; /* server_name is our copy */
};

struct nng_tls_engine_conn {
	SSL *ssl;
	X509 *peer;       /* the certificate that the peer has shown, good or bad */
	bool shaken;      /* OpenSSL's part of the handshake is done */
	int refusal;      /* NNG's error number, held back until the alert has left; 0: none */
	tls_ended *ended; /* NULL: already called */
	void *arg;
	struct join join;
};

/* ---- bytes: OpenSSL reads and writes NNG's TCP connection ---- */

static BIO_METHOD *bytes;

static int
bytes_write(BIO *b, const char *p, int n)
{
	size_t done = (size_t) n;
	int rv;

	BIO_clear_retry_flags(b);
	rv = nng_tls_engine_send(BIO_get_data(b), (const uint8_t *) p, &done);
	if (rv == NNG_EAGAIN)
		BIO_set_retry_write(b);
	return rv == 0 ? (int) done : -1;
}

static int
bytes_read(BIO *b, char *p, int n)
{
	size_t done = (size_t) n;
	int rv;

	BIO_clear_retry_flags(b);
	rv = nng_tls_engine_recv(BIO_get_data(b), (uint8_t *) p, &done);
	if (rv == NNG_EAGAIN)
		BIO_set_retry_read(b);
	return rv == 0 ? (int) done : -1;
}

static long
bytes_ctrl(BIO *b, int cmd, long n, void *p)
{
	(void) b;
	(void) n;
	(void) p;
	return cmd == BIO_CTRL_FLUSH; /* NNG sends at once */
}

/* ---- connections ---- */

/* NNG's error number for an OpenSSL call that did not succeed. Never NNG_ECLOSED: NNG 1.5.2 takes
 * that for the end of the listener if the peer has not sent its greeting, and accepts nobody any
 * more. NNG_ECONNRESET is the one after which it does not pause either. */
static int
failure(struct nng_tls_engine_conn *c, int r)
{
	switch (SSL_get_error(c->ssl, r)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return NNG_EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
	case SSL_ERROR_SYSCALL: /* TCP is over */
		return NNG_ECONNRESET;
	default:
		return SSL_get_verify_result(c->ssl) == X509_V_OK ? NNG_ECRYPTO : NNG_EPEERAUTH;
	}
}

static void
end_handshake(struct nng_tls_engine_conn *c, bool ok)
{
	tls_ended *ended = c->ended;

	c->ended = NULL;
	if (ended != NULL)
		ended(c->arg, c->ssl, c->peer, ok);
}

static int
conn_init(struct nng_tls_engine_conn *c, void *stream, struct nng_tls_engine_config *cfg)
{
	const struct tls_setup *s = &cfg->setup;
	BIO *b;

	if (s->ctx == NULL) /* a configuration of NNG's own */
		return NNG_ENOTSUP;
	c->ssl = SSL_new(s->ctx);
	b = BIO_new(bytes);
	if (c->ssl == NULL || b == NULL) {
		BIO_free(b);
		return NNG_ENOMEM;
	}
	(void) SSL_set_app_data(c->ssl, c);
	BIO_set_data(b, stream);
	BIO_set_init(b, 1);
	SSL_set_bio(c->ssl, b, b);
	c->ended = s->ended;
	c->arg = s->arg;
	if (s->mode == NNG_TLS_MODE_SERVER) {
		SSL_set_accept_state(c->ssl);
		return 0;
	}
	SSL_set_connect_state(c->ssl);
	if (s->server_name != NULL && (SSL_set1_host(c->ssl, s->server_name) != 1 ||
					  SSL_set_tlsext_host_name(c->ssl, s->server_name) != 1))
		return NNG_ENOMEM;
	return 0;
}

static void
conn_fini(struct nng_tls_engine_conn *c)
{
	SSL_free(c->ssl);
	X509_free(c->peer);
}

/* Tell the peer; what has not been sent yet is lost. NNG may come back with late events after the
 * socket's owner has freed 'arg'. */
static void
conn_close(struct nng_tls_engine_conn *c)
{
	c->ended = NULL;
	if (c->ssl != NULL && c->shaken)
		(void) SSL_shutdown(c->ssl);
	ERR_clear_error();
}

/*
 * With TLS 1.3 a client has finished before the server has examined the client's certificate. Wait
 * for the server's next message, a session ticket or an alert: then a refusal fails the handshake,
 * with its reason, and no data is under way that would turn the alert into a reset.
 */
static int
wait_for_server(struct nng_tls_engine_conn *c)
{
	char byte;
	int r;

	if (SSL_is_server(c->ssl) || SSL_version(c->ssl) < TLS1_3_VERSION)
		return 0;
	r = SSL_peek(c->ssl, &byte, 1);
	if (r > 0 || SSL_SESSION_is_resumable(SSL_get_session(c->ssl)))
		return 0;
	return failure(c, r);
}

/*
 * NNG closes TCP as soon as a handshake fails, and drops bytes that wait because it does not know
 * yet that earlier ones were written: the client would not learn why it was refused. So a server's
 * failure is held back until NNG calls without new bytes of the peer, which it does when it has
 * written. Bytes of the peer are discarded: unread ones would turn the end into a reset.
 */
static bool
alert_left(struct nng_tls_engine_conn *c)
{
	void *stream = BIO_get_data(SSL_get_rbio(c->ssl));
	uint8_t discarded[512];
	size_t n = sizeof(discarded), total = 0;

	while (nng_tls_engine_recv(stream, discarded, &n) == 0) {
		total += n;
		n = sizeof(discarded);
	}
	return total == 0;
}

static int
shake(struct nng_tls_engine_conn *c)
{
	int r;

	ERR_clear_error();
	if (!c->shaken) {
		r = SSL_do_handshake(c->ssl);
		c->shaken = r == 1;
		if (r != 1)
			return failure(c, r);
	}
	return wait_for_server(c);
}

static int
conn_handshake(struct nng_tls_engine_conn *c)
{
	uint64_t written = BIO_number_written(SSL_get_wbio(c->ssl));
	int rv;

	if (c->refusal != 0)
		return alert_left(c) ? c->refusal : NNG_EAGAIN;
	rv = shake(c);
	if (rv == NNG_EAGAIN || rv == NNG_ECONNRESET)
		return rv;
	end_handshake(c, rv == 0);
	if (rv != 0 && SSL_is_server(c->ssl) &&
	    BIO_number_written(SSL_get_wbio(c->ssl)) > written) {
		c->refusal = rv;
		return NNG_EAGAIN;
	}
	return rv;
}

static int
conn_recv(struct nng_tls_engine_conn *c, uint8_t *p, size_t *n)
{
	size_t got = 0;
	int r;

	ERR_clear_error();
	r = SSL_read_ex(c->ssl, p, *n, &got);
	if (r != 1)
		return failure(c, r);
	*n = got;
	return 0;
}

/* The bytes that were held and the next ones, up to one record, are one write. If it would block
 * NNG repeats it; OpenSSL has encrypted them by then and looks only at their number. */
static int
conn_send(struct nng_tls_engine_conn *c, const uint8_t *p, size_t *n)
{
	static _Thread_local uint8_t record[TLS_RECORD];
	size_t size = MIN(*n, TLS_RECORD - c->join.n), done = 0;
	int r;

	if (join_hold(&c->join, p, *n))
		return 0;
	if (c->join.n > 0) {
		memcpy(record, c->join.held, c->join.n);
		memcpy(record + c->join.n, p, size);
		p = record;
	}
	ERR_clear_error();
	r = SSL_write_ex(c->ssl, p, c->join.n + size, &done);
	if (r != 1)
		return failure(c, r);
	join_sent(&c->join, size);
	*n = size;
	return 0;
}

static bool
conn_verified(struct nng_tls_engine_conn *c)
{
	return SSL_get0_peer_certificate(c->ssl) != NULL &&
	       SSL_get_verify_result(c->ssl) == X509_V_OK;
}

/* ---- configurations ---- */

/* What tls_config_new() is making on this thread. */
static _Thread_local const struct tls_setup *making;

static int
config_init(struct nng_tls_engine_config *cfg, nng_tls_mode mode)
{
	(void) mode;
	if (making == NULL)
		return 0;
	cfg->setup = *making;
	if (making->server_name != NULL) {
		cfg->setup.server_name = strdup(making->server_name);
		if (cfg->setup.server_name == NULL)
			return NNG_ENOMEM;
	}
	(void) SSL_CTX_up_ref(making->ctx);
	return 0;
}

static void
config_fini(struct nng_tls_engine_config *cfg)
{
	SSL_CTX_free(cfg->setup.ctx);
	free((char *) cfg->setup.server_name);
}

/* NNG sets two defaults in the configuration that it makes for each dialer and listener, which no
 * connection uses. */
static int
config_server(struct nng_tls_engine_config *cfg, const char *name)
{
	(void) name;
	return cfg->setup.ctx == NULL ? 0 : NNG_ENOTSUP;
}

static int
config_auth(struct nng_tls_engine_config *cfg, nng_tls_auth_mode mode)
{
	(void) mode;
	return cfg->setup.ctx == NULL ? 0 : NNG_ENOTSUP;
}

static int
config_ca_chain(struct nng_tls_engine_config *cfg, const char *certs, const char *crl)
{
	(void) cfg;
	(void) certs;
	(void) crl;
	return NNG_ENOTSUP;
}

static int
config_own_cert(
    struct nng_tls_engine_config *cfg, const char *cert, const char *key, const char *pass)
{
	(void) cfg;
	(void) cert;
	(void) key;
	(void) pass;
	return NNG_ENOTSUP;
}

static int
config_version(struct nng_tls_engine_config *cfg, nng_tls_version min, nng_tls_version max)
{
	(void) cfg;
	(void) min;
	(void) max;
	return NNG_ENOTSUP;
}

/* ---- the engine ---- */

static nng_tls_engine_config_ops config_ops = {
	.size = sizeof(struct nng_tls_engine_config),
	.init = config_init,
	.fini = config_fini,
	.server = config_server,
	.auth = config_auth,
	.ca_chain = config_ca_chain,
	.own_cert = config_own_cert,
	.version = config_version,
};

static nng_tls_engine_conn_ops conn_ops = {
	.size = sizeof(struct nng_tls_engine_conn),
	.init = conn_init,
	.fini = conn_fini,
	.close = conn_close,
	.handshake = conn_handshake,
	.recv = conn_recv,
	.send = conn_send,
	.verified = conn_verified,
};

static const nng_tls_engine engine = {
	.version = NNG_TLS_ENGINE_VERSION,
	.config_ops = &config_ops,
	.conn_ops = &conn_ops,
	.name = ENGINE_NAME,
	.description = OPENSSL_VERSION_TEXT,
};

/*
 * NNG's archive calls these two at its start and end, to register the engine that it was built
 * with. Ours are linked instead (-u, CMakeLists.txt), so that neither that engine nor its library
 * becomes part of the program.
 */
int nng_tls_engine_init_mbed(void);
void nng_tls_engine_fini_mbed(void);

int
nng_tls_engine_init_mbed(void)
{
	bytes = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "nng");
	if (bytes == NULL || BIO_meth_set_write(bytes, bytes_write) != 1 ||
	    BIO_meth_set_read(bytes, bytes_read) != 1 || BIO_meth_set_ctrl(bytes, bytes_ctrl) != 1)
		return NNG_ENOMEM;
	return nng_tls_engine_register(&engine);
}

void
nng_tls_engine_fini_mbed(void)
{
	BIO_meth_free(bytes);
	bytes = NULL;
}

int
tls_config_new(const struct tls_setup *setup, nng_tls_config **ret)
{
	int rv;

	if (strcmp(nng_tls_engine_name(), ENGINE_NAME) != 0)
		return NNG_ENOTSUP;
	making = setup;
	rv = nng_tls_config_alloc(ret, setup->mode);
	making = NULL;
	return rv;
}

/*
 * Runs before main(), in every program that NNG is linked into, so before any other use of
 * OpenSSL. NNG's threads outlive the exit handlers and may still free connections and contexts: at
 * exit, OpenSSL must stay usable.
 */
static void __attribute__((constructor)) keep_openssl(void)
{
	(void) OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

/* OpenSSL shows a certificate that it refuses only to its callbacks. */
static int
verify(X509_STORE_CTX *x, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(x, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct nng_tls_engine_conn *c = SSL_get_app_data(ssl);

	(void) arg;
	X509_free(c->peer);
	c->peer = X509_STORE_CTX_get0_cert(x);
	if (c->peer != NULL)
		(void) X509_up_ref(c->peer);
	return X509_verify_cert(x);
}

SSL_CTX *
tls_ctx_new(nng_tls_mode mode)
{
	bool server = mode == NNG_TLS_MODE_SERVER;
	SSL_CTX *c = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());

	if (c == NULL)
		return NULL;
	SSL_CTX_set_cert_verify_callback(c, verify, NULL);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				SSL_MODE_NO_AUTO_CHAIN);
	if (server) { /* most of its connections are idle */
		SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
		/* A ticket without a session in it. Nobody resumes one, and for the other kind
		 * OpenSSL packs and parses the peer's certificate once more. */
		SSL_CTX_set_options(c, SSL_OP_NO_TICKET);
	}
	(void) SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	if (SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_set_session_id_context(c, (const unsigned char *) "mews", 4) == 1 &&
	    SSL_CTX_set_num_tickets(c, 1) == 1 &&
	    SSL_CTX_set_cipher_list(c, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
	    SSL_CTX_set_ciphersuites(c,
		"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1)
		return c;
	SSL_CTX_free(c);
	return NULL;
}
