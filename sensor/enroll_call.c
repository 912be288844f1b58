/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/enroll_call.h"
#include "common/clock.h"
#include "common/hex.h"
#include "common/macros.h"
#include "sensor/enroll_proxy.h"
#include "sensor/x509.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define STEP_S 10 /* of a connect, a read, a write */

/* ---- TCP ---- */

static int
dial_one(const struct addrinfo *a)
{
	const struct timeval t = { .tv_sec = STEP_S };
	int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol), r;

	if (fd < 0)
		return -errno;
	(void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	(void) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)); /* of connect() too */
	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return fd;
	r = errno == EINPROGRESS ? -ETIMEDOUT : -errno;
	(void) close(fd);
	return r;
}

/* 'what' is "enrolment server" or "proxy". */
static int
dial(const struct enroll_address *at, const char *what, struct diag *d)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	int r = getaddrinfo(at->host, at->port, &hints, &list), fd = -EHOSTUNREACH;

	if (r != 0) {
		diag_set(d, 0, 0, "cannot find the %s %s: %s", what, at->host, gai_strerror(r));
		return -EAGAIN;
	}
	for (const struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next)
		fd = dial_one(a);
	freeaddrinfo(list);
	if (fd >= 0)
		return fd;
	diag_set(d, 0, 0, "cannot reach the %s %s port %s: %s", what, at->host, at->port,
	    strerrordesc_np(-fd));
	return -EAGAIN;
}

/* Connect, through the proxy if there is one. */
static int
reach(const struct enroll_address *at, struct diag *d)
{
	struct enroll_proxy proxy;
	int r = enroll_proxy_find(at->host, &proxy, d), fd;

	if (r <= 0)
		return r < 0 ? r : dial(at, "enrolment server", d);
	fd = dial(&proxy.at, "proxy", d);
	r = fd < 0 ? fd : enroll_proxy_connect(fd, &proxy, at, d);
	OPENSSL_cleanse(proxy.login, sizeof(proxy.login));
	if (r == 0)
		return fd;
	if (fd >= 0)
		(void) close(fd);
	return r;
}

/* ---- TLS ---- */

static bool
has_digest(const X509 *x, const char *digest)
{
	unsigned char md[SHA256_DIGEST_LENGTH], *der = NULL;
	char text[2 * sizeof(md) + 1];
	int n = i2d_X509(x, &der);

	if (n <= 0)
		return false;
	(void) SHA256(der, (size_t) n, md);
	OPENSSL_free(der);
	hex_encode(text, md, sizeof(md));
	return strcmp(text, digest) == 0;
}

static int
set_host(X509_VERIFY_PARAM *p, const char *host)
{
	unsigned char ip[16];
	bool is_ip = inet_pton(AF_INET, host, ip) == 1 || inet_pton(AF_INET6, host, ip) == 1;

	return is_ip ? X509_VERIFY_PARAM_set1_ip_asc(p, host)
		     : X509_VERIFY_PARAM_set1_host(p, host, 0);
}

/* Why the server is not believed, in one sentence. */
static int
explain(int v, const struct enroll_address *at, struct diag *d)
{
	char now[32];
	struct tm tm;
	time_t t = (time_t) (clock_real() / NS_PER_S);

	if (v == X509_V_ERR_CERT_NOT_YET_VALID || v == X509_V_ERR_CERT_HAS_EXPIRED) {
		if (gmtime_r(&t, &tm) == NULL ||
		    strftime(now, sizeof(now), "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
			now[0] = '\0';
		diag_set(d, 0, 0,
		    "the certificate of %s is %s by this machine's clock, which says %s: set the "
		    "clock, or renew that certificate if it is right",
		    at->host, v == X509_V_ERR_CERT_HAS_EXPIRED ? "over" : "not valid yet", now);
	} else if (v == X509_V_ERR_HOSTNAME_MISMATCH || v == X509_V_ERR_IP_ADDRESS_MISMATCH) {
		diag_set(d, 0, 0,
		    "the server at %s has the right authority but a certificate for another name: "
		    "make the enroller again with this --address",
		    at->host);
	} else {
		diag_set(
		    d, 0, 0, "the certificate of %s is not trusted: %s", at->host, x509_why(v));
	}
	return -EACCES;
}

/* Verify the server by the one authority whose digest is known, which it shows itself. */
static int
check_pinned(SSL *ssl, const struct enroll_call *c, struct diag *d)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509 *known = NULL;
	int v = X509_V_ERR_OUT_OF_MEM, r = 0;

	for (int i = 0; known == NULL && i < sk_X509_num(chain); i++) {
		if (has_digest(sk_X509_value(chain, i), c->authority))
			known = sk_X509_value(chain, i);
	}
	if (known == NULL) {
		diag_set(d, 0, 0,
		    "the server at %s is not the one that this line is for: it was made again "
		    "since "
		    "(then make a new token), or somebody else answers there",
		    c->at->host);
		r = -EACCES;
	} else if (store != NULL && ctx != NULL && X509_STORE_add_cert(store, known) == 1 &&
		   X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0), chain) == 1 &&
		   X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER) == 1 &&
		   set_host(X509_STORE_CTX_get0_param(ctx), c->at->host) == 1) {
		v = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
	}
	if (r == 0 && v != X509_V_OK)
		r = explain(v, c->at, d);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	ERR_clear_error();
	return r;
}

static int
tls_failed(const SSL *ssl, const struct enroll_call *c, struct diag *d)
{
	long v = SSL_get_verify_result(ssl);
	unsigned long e = ERR_peek_last_error();
	const char *text = e == 0 ? NULL : ERR_reason_error_string(e);

	if (c->authority == NULL && v != X509_V_OK)
		return explain((int) v, c->at, d);
	diag_set(d, 0, 0, "the connection to the enrolment server %s port %s has failed: %s",
	    c->at->host, c->at->port, text == NULL ? "it was closed" : text);
	return -EAGAIN;
}

static int
handshake(SSL *ssl, int fd, const struct enroll_call *c, struct diag *d)
{
	if (SSL_set_fd(ssl, fd) != 1 || SSL_set_tlsext_host_name(ssl, c->at->host) != 1)
		return -ENOMEM;
	if (c->authority == NULL && set_host(SSL_get0_param(ssl), c->at->host) != 1)
		return -ENOMEM;
	if (SSL_connect(ssl) != 1)
		return tls_failed(ssl, c, d);
	return c->authority == NULL ? 0 : check_pinned(ssl, c, d);
}

/* ---- HTTP ---- */

static int
write_request(SSL *ssl, const struct enroll_call *c, struct diag *d)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	size_t done = 0;
	int r;

	buf_printf(&b,
	    "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    c->method, c->path, c->at->host, c->body.n);
	buf_slice(&b, c->body);
	r = buf_ok(&b);
	if (r == 0 && SSL_write_ex(ssl, b.p, b.n, &done) != 1)
		r = tls_failed(ssl, c, d);
	if (b.p != NULL)
		OPENSSL_cleanse(b.p, b.n);
	return r;
}

static int
read_reply(SSL *ssl, const struct enroll_call *c, struct buf *b, struct diag *d)
{
	size_t n = 0;

	for (;;) {
		if (buf_reserve(b, 16384) < 0)
			return -ENOMEM;
		if (SSL_read_ex(ssl, b->p + b->n, b->cap - b->n - 1, &n) != 1)
			break;
		b->n += n;
		if (b->n > ENROLL_REPLY_MAX)
			return diag_fail(d, 0, 0, "the enrolment server's answer is too long");
	}
	if (b->n == 0)
		return tls_failed(ssl, c, d);
	ERR_clear_error();
	return 0;
}

static int
talk(SSL *ssl, int fd, const struct enroll_call *c, struct enroll_reply *ret, struct diag *d)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	int r = handshake(ssl, fd, c, d);

	if (r == 0)
		r = write_request(ssl, c, d);
	if (r == 0)
		r = read_reply(ssl, c, &b, d);
	return r < 0 ? r : enroll_reply_parse(buf_get(&b), ret, d);
}

/* With what the node trusts and shows; or verified after the handshake, by the digest: nothing is
 * sent before. */
static SSL_CTX *
context(SSL_CTX *own)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	bool ok = ctx != NULL && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1;

	if (ok && own != NULL) {
		SSL_CTX_set1_cert_store(ctx, SSL_CTX_get_cert_store(own));
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
		ok = SSL_CTX_use_certificate(ctx, SSL_CTX_get0_certificate(own)) == 1 &&
		     SSL_CTX_use_PrivateKey(ctx, SSL_CTX_get0_privatekey(own)) == 1;
	}
	if (ok)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

int
enroll_ask(const struct enroll_call *c, struct enroll_reply *ret, struct diag *d)
{
	SSL_CTX *ctx = context(c->tls);
	SSL *ssl = ctx == NULL ? NULL : SSL_new(ctx);
	int fd = ssl == NULL ? -ENOMEM : reach(c->at, d), r;

	*ret = (struct enroll_reply){ .ca = NULL };
	r = fd < 0 ? fd : talk(ssl, fd, c, ret, d);
	if (r == -ENOMEM)
		diag_set(d, 0, 0, "out of memory");
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	if (fd >= 0)
		(void) close(fd);
	ERR_clear_error();
	return r;
}
