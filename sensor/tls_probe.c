/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tls_probe.h"
#include "common/buf.h"
#include "sensor/mbed.h"
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <netdb.h>
#include <nng/nng.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Connect a socket; -1 on failure. */
static int
dial(const char *url)
{
	const struct timeval limit = { .tv_sec = PROBE_S };
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	nng_url *u = NULL;
	int fd = -1;

	if (nng_url_parse(&u, url) != 0)
		return -1;
	if (getaddrinfo(u->u_hostname, u->u_port, &hints, &list) != 0)
		list = NULL;
	for (const struct addrinfo *a = list; fd < 0 && a != NULL; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			continue;
		(void) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
		(void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
			continue;
		(void) close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	nng_url_free(u);
	return fd;
}

/* The connection and its findings. */
struct talk {
	int fd;
	struct buf out; /* not sent yet */
	uint8_t last;   /* last received byte; in an alert it is the code */
	bool cert;      /* the collector's certificate came */
	char name[128]; /* its first name */
};

static int
put(void *arg, const unsigned char *p, size_t n)
{
	buf_add(&((struct talk *) arg)->out, p, n);
	return (int) n;
}

/*
 * Send everything written since the last read at once, ignoring errors: a collector that refuses a
 * certificate sends an alert and closes while our data is still in flight.
 */
static int
get(void *arg, unsigned char *p, size_t n)
{
	struct talk *t = arg;
	ssize_t got;

	if (buf_ok(&t->out) < 0)
		return MBEDTLS_ERR_NET_RECV_FAILED;
	(void) send(t->fd, t->out.p, t->out.n, MSG_NOSIGNAL);
	buf_clear(&t->out);
	got = recv(t->fd, p, n, 0);
	if (got > 0)
		t->last = p[got - 1];
	return got < 0 ? MBEDTLS_ERR_NET_RECV_FAILED : (int) got;
}

static int
see(void *arg, mbedtls_x509_crt *x, int depth,
    uint32_t *flags) /* NOLINT(readability-non-const-parameter): mbedTLS's callback */
{
	const mbedtls_x509_sequence *alt = &x->subject_alt_names;
	struct talk *t = arg;

	(void) flags;
	if (depth != 0)
		return 0;
	t->cert = true;
	while (alt != NULL &&
	       (alt->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) != MBEDTLS_X509_SAN_DNS_NAME)
		alt = alt->next;
	if (alt == NULL)
		mbed_common_name(x, t->name, sizeof(t->name));
	else
		(void) snprintf(t->name, sizeof(t->name), "%.*s", (int) alt->buf.len,
		    (const char *) alt->buf.p);
	return 0;
}

/* Describe a handshake error, or the peer's alert. mbed TLS does not expose the alert code, but it
 * reads record by record, unencrypted until TLS 1.2's handshake is over, so the code is the last
 * byte read. */
static void
handshake_error(int rv, uint8_t alert, char *out, size_t n)
{
	if (rv != MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
		mbedtls_strerror(rv, out, n);
		return;
	}
	switch (alert) {
	case MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA:
		(void) snprintf(out, n, "unknown authority");
		break;
	case MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED:
		(void) snprintf(out, n, "certificate revoked");
		break;
	case MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED:
		(void) snprintf(out, n, "certificate expired");
		break;
	case MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT:
		(void) snprintf(out, n, "certificate for another purpose");
		break;
	default:
		(void) snprintf(out, n, "TLS alert %u", alert);
	}
}

static bool
explain(const mbedtls_ssl_context *ssl, int rv, const struct talk *t, const struct tls_probe *p,
    char *why, size_t n)
{
	uint32_t bad = t->cert ? mbedtls_ssl_get_verify_result(ssl) : 0;
	char error[128];

	if (bad == MBEDTLS_X509_BADCERT_CN_MISMATCH) {
		(void) snprintf(why, n,
		    "the collector %s is not trusted: its certificate is for '%s', not for '%s': "
		    "set tls.server_name to one of its names",
		    p->url, t->name, p->server_name);
	} else if (bad != 0) {
		(void) snprintf(why, n,
		    "the collector %s is not trusted: its certificate does not fit tls.ca: %s",
		    p->url, mbed_why(bad));
	} else if (rv != 0 && rv != MBEDTLS_ERR_NET_RECV_FAILED) {
		handshake_error(rv, t->last, error, sizeof(error));
		(void) snprintf(why, n,
		    "the collector %s refuses this node's certificate or its TLS: %s; was it "
		    "issued by "
		    "the collector's authority, and not revoked?",
		    p->url, error);
	} else {
		return false;
	}
	return true;
}

/* Try one handshake over 'fd', with NNG's settings. */
static bool
shake_hands(const struct tls_probe *p, int fd, char *why, size_t n)
{
	struct talk t = { .fd = fd, .out = BUF_INIT };
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config conf;
	mbedtls_x509_crt ca, cert;
	mbedtls_x509_crl crl;
	mbedtls_pk_context key;
	bool found = false;

	mbedtls_ssl_init(&ssl);
	mbedtls_ssl_config_init(&conf);
	mbedtls_x509_crt_init(&ca);
	mbedtls_x509_crt_init(&cert);
	mbedtls_x509_crl_init(&crl);
	mbedtls_pk_init(&key);
	if (!mbed_certs(&ca, p->ca) || !mbed_certs(&cert, p->cert) || !mbed_key(&key, p->key) ||
	    (p->crl != NULL && mbedtls_x509_crl_parse(&crl, (const unsigned char *) p->crl,
				   strlen(p->crl) + 1) != 0) ||
	    mbedtls_ssl_config_defaults(&conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
		MBEDTLS_SSL_PRESET_DEFAULT) != 0)
		goto out;
	mbed_tls12(&conf);
	/* continue with a bad certificate, to learn the collector's verdict on ours */
	mbedtls_ssl_conf_authmode(&conf, MBEDTLS_SSL_VERIFY_OPTIONAL);
	mbedtls_ssl_conf_verify(&conf, see, &t);
	mbedtls_ssl_conf_rng(&conf, mbed_random, NULL);
	mbedtls_ssl_conf_ca_chain(&conf, &ca, p->crl == NULL ? NULL : &crl);
	mbedtls_ssl_set_bio(&ssl, &t, put, get, NULL);
	if (mbedtls_ssl_conf_own_cert(&conf, &cert, &key) != 0 ||
	    mbedtls_ssl_setup(&ssl, &conf) != 0 ||
	    mbedtls_ssl_set_hostname(&ssl, p->server_name) != 0)
		goto out;
	found = explain(&ssl, mbedtls_ssl_handshake(&ssl), &t, p, why, n);
out:
	mbedtls_ssl_free(&ssl);
	mbedtls_ssl_config_free(&conf);
	mbedtls_x509_crt_free(&ca);
	mbedtls_x509_crt_free(&cert);
	mbedtls_x509_crl_free(&crl);
	mbedtls_pk_free(&key);
	buf_fini(&t.out);
	return found;
}

bool
tls_probe(const struct tls_probe *p, char *why, size_t n)
{
	int fd = dial(p->url);
	bool found = fd >= 0 && shake_hands(p, fd, why, n);

	if (fd >= 0)
		(void) close(fd);
	return found;
}
