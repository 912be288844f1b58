/* SPDX-License-Identifier: Apache-2.0 */
/* test_tls.c - NNG's connections over our TLS: records, versions, why a handshake fails, and peers
 * that leave early. */
#include "common/macros.h"
#include "common/nng/known.h"
#include "common/nng/reset.h"
#include "common/nng/tls.h"
#include "tests/support/test.h"
#include <netinet/in.h>
#include <nng/protocol/pair0/pair.h>
#include <nng/supplemental/util/platform.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LATE_MS = 100 };

/* Certificates, each its own authority. */
static EVP_PKEY *key;
static X509 *server_cert, *node_cert, *stranger;

static X509 *
make_cert(const char *name)
{
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);

	assert_non_null(x);
	assert_int_equal(1, X509_set_version(x, 2));
	assert_int_equal(1, ASN1_INTEGER_set(X509_get_serialNumber(x), 1));
	(void) X509_gmtime_adj(X509_getm_notBefore(x), -10);
	(void) X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	assert_int_equal(1, X509_NAME_add_entry_by_txt(
				n, "CN", MBSTRING_ASC, (const unsigned char *) name, -1, -1, 0));
	assert_int_equal(1, X509_set_issuer_name(x, n));
	assert_int_equal(1, X509_set_pubkey(x, key));
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static int
setup(void **state)
{
	(void) state;
	key = EVP_EC_gen("P-256");
	assert_non_null(key);
	server_cert = make_cert("server");
	node_cert = make_cert("node");
	stranger = make_cert("stranger");
	return 0;
}

static int
teardown(void **state)
{
	(void) state;
	EVP_PKEY_free(key);
	X509_free(server_cert);
	X509_free(node_cert);
	X509_free(stranger);
	return 0;
}

/* ---- NNG hears late that its bytes were written ---- */

static _Atomic int late_port;    /* the end with this port hears late; 0: none */
static _Thread_local bool wrote; /* this thread has just written for that end */

struct finish {
	nng_aio *aio;
	int rv;
	size_t n;
};

ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags);
void __real_nni_aio_finish(nng_aio *aio, int rv, size_t n);
void __wrap_nni_aio_finish(nng_aio *aio, int rv, size_t n);

ssize_t
__wrap_sendmsg(int fd, const struct msghdr *m, int flags)
{
	struct sockaddr_in ours = { 0 };
	socklen_t n = sizeof(ours);

	wrote = late_port != 0 && getsockname(fd, (struct sockaddr *) &ours, &n) == 0 &&
		ntohs(ours.sin_port) == late_port;
	return reset_sendmsg(fd, m, flags);
}

static void *
finish_late(void *arg)
{
	struct finish *f = arg;

	nng_msleep(LATE_MS);
	__real_nni_aio_finish(f->aio, f->rv, f->n);
	free(f);
	return NULL;
}

void
__wrap_nni_aio_finish(nng_aio *aio, int rv, size_t n)
{
	struct finish *f = wrote ? malloc(sizeof(*f)) : NULL;
	pthread_t t;

	wrote = false;
	if (f == NULL) {
		__real_nni_aio_finish(aio, rv, n);
		return;
	}
	*f = (struct finish){ aio, rv, n };
	assert_int_equal(0, pthread_create(&t, NULL, finish_late, f));
	assert_int_equal(0, pthread_detach(t));
}

/* ---- one end ---- */

struct end {
	nng_socket sock;
	SSL_CTX *ctx;
	_Atomic unsigned ends, ok; /* handshakes */
	_Atomic long verified;
	_Atomic int reason, version;
	char peer[64]; /* its common name */
	_Atomic unsigned records;
	bool late; /* it hears late that its bytes were written */
};

/* NNG may use an end for a moment after its socket was closed, so none is used twice. */
static struct end *
new_end(void)
{
	static struct end ends[96];
	static unsigned n;

	assert_true(n < ARRAY_SIZE(ends));
	return &ends[n++];
}

static void
ended(void *arg, SSL *ssl, const X509 *peer, bool ok)
{
	struct end *e = arg;

	e->verified = SSL_get_verify_result(ssl);
	e->reason = ERR_GET_REASON(ERR_peek_last_error());
	e->version = SSL_version(ssl);
	if (peer != NULL)
		(void) X509_NAME_get_text_by_NID(
		    X509_get_subject_name(peer), NID_commonName, e->peer, sizeof(e->peer));
	e->ok += ok;
	e->ends++;
}

/* Count records of data; with TLS 1.3 their type is inside. */
static void
on_bytes(int out, int version, int type, const void *p, size_t n, SSL *ssl, void *arg)
{
	struct end *e = arg;

	(void) version;
	(void) ssl;
	if (!out && type == SSL3_RT_INNER_CONTENT_TYPE && n == 1 &&
	    *(const uint8_t *) p == SSL3_RT_APPLICATION_DATA)
		e->records++;
}

static nng_tls_config *
open_end(struct end *e, nng_tls_mode mode, X509 *own, X509 *trusted, const char *server_name)
{
	struct tls_setup s = { .mode = mode, .server_name = server_name, .ended = ended, .arg = e };
	nng_tls_config *c = NULL;

	assert_int_equal(0, nng_pair0_open(&e->sock));
	assert_int_equal(0, nng_socket_set_ms(e->sock, NNG_OPT_RECVTIMEO, 10000));
	assert_int_equal(0, nng_socket_set_ms(e->sock, NNG_OPT_SENDTIMEO, 10000));
	assert_int_equal(0, nng_socket_set_size(e->sock, NNG_OPT_RECVMAXSZ, 0));
	e->ctx = s.ctx = tls_ctx_new(mode);
	assert_non_null(s.ctx);
	if (own != NULL) {
		assert_int_equal(1, SSL_CTX_use_certificate(s.ctx, own));
		assert_int_equal(1, SSL_CTX_use_PrivateKey(s.ctx, key));
	}
	assert_int_equal(1, X509_STORE_add_cert(SSL_CTX_get_cert_store(s.ctx), trusted));
	SSL_CTX_set_msg_callback(s.ctx, on_bytes);
	SSL_CTX_set_msg_callback_arg(s.ctx, e);
	assert_int_equal(0, tls_config_new(&s, &c));
	return c;
}

/* Listen; returns the port. */
static int
listen_at(struct end *e, nng_tls_config *tls)
{
	nng_listener l;
	int port = 0;

	assert_int_equal(0, nng_listener_create(&l, e->sock, "tls+tcp://127.0.0.1:0"));
	assert_int_equal(0, nng_listener_set_ptr(l, NNG_OPT_TLS_CONFIG, tls));
	assert_int_equal(0, nng_listener_start(l, 0));
	assert_int_equal(0, nng_listener_get_int(l, NNG_OPT_TCP_BOUND_PORT, &port));
	nng_tls_config_free(tls);
	return port;
}

/* Dial; NNG's error number. */
static int
dial_to(struct end *e, int port, nng_tls_config *tls)
{
	nng_dialer d;
	char url[64];
	int rv;

	(void) snprintf(url, sizeof(url), "tls+tcp://127.0.0.1:%d", port);
	assert_int_equal(0, nng_dialer_create(&d, e->sock, url));
	assert_int_equal(0, nng_dialer_set_ptr(d, NNG_OPT_TLS_CONFIG, tls));
	rv = nng_dialer_start(d, 0);
	nng_tls_config_free(tls);
	return rv;
}

/* Listen with 'at' and dial with 'to'; NNG's error number of dialling. */
static int
join_ends(struct end *at, nng_tls_config *at_tls, struct end *to, nng_tls_config *to_tls)
{
	int port = listen_at(at, at_tls);

	late_port = at->late ? port : 0;
	return dial_to(to, port, to_tls);
}

static void
close_ends(struct end *a, struct end *b)
{
	(void) nng_close(b->sock);
	(void) nng_close(a->sock);
	SSL_CTX_free(a->ctx);
	SSL_CTX_free(b->ctx);
}

/* ---- the tests ---- */

/* Who trusts whom, and the outcome at the dialling end. */
static const struct {
	X509 **server_trusts, **node_has, **node_trusts;
	const char *name;
	int rv;
	long verified;
	int reason; /* OpenSSL's, 0: any */
} hands[] = {
	{ &node_cert, &node_cert, &server_cert, "server", 0, X509_V_OK, 0 },
	{ &node_cert, &node_cert, &server_cert, "elsewhere", NNG_EPEERAUTH,
	    X509_V_ERR_HOSTNAME_MISMATCH, 0 },
	{ &node_cert, &node_cert, &stranger, "server", NNG_EPEERAUTH,
	    X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, 0 },
	{ &stranger, &node_cert, &server_cert, "server", NNG_ECRYPTO, X509_V_OK,
	    SSL_R_TLSV1_ALERT_UNKNOWN_CA },
	{ &node_cert, NULL, &server_cert, "server", NNG_ECRYPTO, X509_V_OK,
	    SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED },
};

static void
shake_hands(bool late)
{
	for (size_t i = 0; i < ARRAY_SIZE(hands); i++) {
		struct end *a = new_end(), *b = new_end();
		nng_tls_config *at =
		    open_end(a, NNG_TLS_MODE_SERVER, server_cert, *hands[i].server_trusts, NULL);
		nng_tls_config *to = open_end(b, NNG_TLS_MODE_CLIENT,
		    hands[i].node_has == NULL ? NULL : *hands[i].node_has, *hands[i].node_trusts,
		    hands[i].name);
		int rv;

		a->late = late;
		rv = join_ends(a, at, b, to);
		if (rv != hands[i].rv || b->ends != 1 || b->ok != (rv == 0) ||
		    b->verified != hands[i].verified ||
		    (hands[i].reason != 0 && b->reason != hands[i].reason))
			fail_msg("%zu: rv %d, %u handshakes, %u good, verified %ld, reason %d", i,
			    rv, b->ends, b->ok, b->verified, b->reason);
		assert_string_equal("server", b->peer); /* shown even if refused */
		close_ends(a, b);
		assert_int_equal(rv == 0, a->ok);
	}
}

static void
test_handshakes(void **state)
{
	(void) state;
	shake_hands(false);
}

/* A refused client learns the reason even if the server's NNG hears late of its writes. Only this
 * version waits for a write that has been delayed from outside before it frees a connection. */
static void
test_late_writes(void **state)
{
	(void) state;
	if (strcmp(nng_version(), KNOWN_VERSION) != 0)
		skip();
	shake_hands(true);
}

/* An older peer speaks TLS 1.2 only; nothing older is accepted. */
static void
test_versions(void **state)
{
	static const struct {
		int max, got;
	} cases[] = { { 0, TLS1_3_VERSION }, { TLS1_2_VERSION, TLS1_2_VERSION },
		{ TLS1_1_VERSION, 0 } };

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct end *a = new_end(), *b = new_end();
		nng_tls_config *at = open_end(a, NNG_TLS_MODE_SERVER, server_cert, node_cert, NULL);
		nng_tls_config *to =
		    open_end(b, NNG_TLS_MODE_CLIENT, node_cert, server_cert, "server");
		int rv;

		if (cases[i].got == 0)
			assert_int_equal(1, SSL_CTX_set_min_proto_version(b->ctx, TLS1_VERSION));
		assert_int_equal(1, SSL_CTX_set_max_proto_version(b->ctx, cases[i].max));
		rv = join_ends(a, at, b, to);
		assert_int_equal(cases[i].got != 0, rv == 0);
		if (rv == 0)
			assert_int_equal(cases[i].got, b->version);
		close_ends(a, b);
	}
}

/* Records of messages of some sizes. A record has room for TLS_RECORD bytes, 8 of them the length.
 */
static const struct {
	size_t size;
	unsigned records;
} messages[] = {
	{ 0, 1 },
	{ 1, 1 },
	{ 56, 1 },
	{ 57, 1 },
	{ 1000, 1 },
	{ TLS_RECORD - 8, 1 },
	{ TLS_RECORD - 7, 2 },
	{ 100000, 7 },
	{ 5, 1 },
};

static void
test_records(void **state)
{
	struct end *a = new_end(), *b = new_end();
	nng_tls_config *at = open_end(a, NNG_TLS_MODE_SERVER, server_cert, node_cert, NULL);
	nng_tls_config *to = open_end(b, NNG_TLS_MODE_CLIENT, node_cert, server_cert, "server");
	unsigned before;

	(void) state;
	assert_int_equal(0, join_ends(a, at, b, to));
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		nng_msg *m = NULL, *got = NULL;

		assert_int_equal(0, nng_msg_alloc(&m, messages[i].size));
		for (size_t k = 0; k < messages[i].size; k++)
			((uint8_t *) nng_msg_body(m))[k] = (uint8_t) (k * 7 + i);
		before = i == 0 ? 1 : a->records; /* the greeting */
		assert_int_equal(0, nng_sendmsg(b->sock, m, 0));
		assert_int_equal(0, nng_recvmsg(a->sock, &got, 0));
		assert_int_equal(messages[i].size, nng_msg_len(got));
		for (size_t k = 0; k < messages[i].size; k++)
			assert_int_equal((uint8_t) (k * 7 + i), ((uint8_t *) nng_msg_body(got))[k]);
		if (a->records - before != messages[i].records)
			fail_msg("%zu bytes: %u records, not %u", messages[i].size,
			    a->records - before, messages[i].records);
		nng_msg_free(got);
	}
	close_ends(a, b);
}

/* ---- peers that leave ---- */

/* How far a peer gets, and how it leaves. */
enum leave { LEAVE, LEAVE_ORDERLY, LEAVE_RESET };
static const struct {
	bool shakes;  /* finishes the handshake */
	size_t bytes; /* sends so many of its greeting */
	enum leave leave;
} leavers[] = {
	{ false, 0, LEAVE },
	{ false, 0, LEAVE_RESET },
	{ true, 0, LEAVE },
	{ true, 0, LEAVE_ORDERLY },
	{ true, 0, LEAVE_RESET },
	{ true, 4, LEAVE },
	{ true, 4, LEAVE_ORDERLY },
	{ true, 4, LEAVE_RESET },
};

static void
come_and_leave(int port, size_t i, bool at_once)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t) port) };
	const struct linger reset = { 1, 0 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(0, connect(fd, (struct sockaddr *) &at, sizeof(at)));
	assert_int_equal(1, SSL_use_certificate(ssl, node_cert));
	assert_int_equal(1, SSL_use_PrivateKey(ssl, key));
	assert_int_equal(1, SSL_set_fd(ssl, fd));
	if (leavers[i].shakes)
		assert_int_equal(1, SSL_connect(ssl));
	if (leavers[i].bytes > 0)
		assert_true(SSL_write(ssl, "\0SP\0\0\x10\0\0", (int) leavers[i].bytes) > 0);
	if (!at_once)
		nng_msleep(30); /* the server reads already */
	if (leavers[i].leave == LEAVE_ORDERLY)
		assert_true(SSL_shutdown(ssl) >= 0);
	if (leavers[i].leave == LEAVE_RESET)
		assert_int_equal(0, setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)));
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	assert_int_equal(0, close(fd));
}

/* However a peer leaves, the listener accepts the next one. */
static void
test_leavers(void **state)
{
	(void) state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(leavers); i++) {
		struct end *a = new_end(), *b = new_end();
		nng_tls_config *at = open_end(a, NNG_TLS_MODE_SERVER, server_cert, node_cert, NULL);
		nng_tls_config *to =
		    open_end(b, NNG_TLS_MODE_CLIENT, node_cert, server_cert, "server");
		int port = listen_at(a, at), rv;
		nng_msg *m = NULL;

		late_port = 0;
		come_and_leave(port, i / 2, i % 2 == 0);
		assert_int_equal(0, dial_to(b, port, to));
		rv = nng_send(b->sock, &(char){ 'x' }, 1, 0);
		if (rv == 0)
			rv = nng_recvmsg(a->sock, &m, 0);
		if (rv != 0)
			fail_msg("%zu: nobody is accepted any more: %s", i / 2, nng_strerror(rv));
		nng_msg_free(m);
		close_ends(a, b);
	}
}

/* Runs after all exit handlers that are registered later: NNG's threads may use OpenSSL until then.
 */
static void
use_at_exit(void)
{
	SSL_CTX *c = tls_ctx_new(NNG_TLS_MODE_CLIENT);

	if (c == NULL) {
		(void) fputs("OpenSSL is unusable before the program has ended\n", stderr);
		_exit(1);
	}
	SSL_CTX_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshakes),
		cmocka_unit_test(test_late_writes),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_leavers),
	};

	if (atexit(use_at_exit) != 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
