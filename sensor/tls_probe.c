/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tls_probe.h"
#include <netdb.h>
#include <nng/nng.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* A connected socket, or -1. */
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

static void
add_authorities(X509_STORE *store, const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *x;

	while (bio != NULL && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		(void) X509_STORE_add_cert(store, x);
		X509_free(x);
	}
	BIO_free(bio);
}

static void
set_own(SSL *ssl, const struct tls_probe *p)
{
	BIO *cert = BIO_new_mem_buf(p->cert, -1), *key = BIO_new_mem_buf(p->key, -1);
	X509 *x = cert == NULL ? NULL : PEM_read_bio_X509(cert, NULL, NULL, NULL);
	EVP_PKEY *k = key == NULL ? NULL : PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);

	if (x != NULL && k != NULL) {
		(void) SSL_use_certificate(ssl, x);
		(void) SSL_use_PrivateKey(ssl, k);
	}
	X509_free(x);
	EVP_PKEY_free(k);
	BIO_free(cert);
	BIO_free(key);
}

/* The first name that a certificate is for. */
static void
name_of(X509 *x, char *out, size_t n)
{
	GENERAL_NAMES *names =
	    x == NULL ? NULL : X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

	out[0] = '\0';
	for (int i = 0; out[0] == '\0' && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);

		if (g->type == GEN_DNS)
			(void) snprintf(out, n, "%.*s", ASN1_STRING_length(g->d.dNSName),
			    (const char *) ASN1_STRING_get0_data(g->d.dNSName));
	}
	GENERAL_NAMES_free(names);
	if (out[0] == '\0' && x != NULL)
		(void) X509_NAME_get_text_by_NID(
		    X509_get_subject_name(x), NID_commonName, out, (int) n);
}

static bool
explain(SSL *ssl, int done, const struct tls_probe *p, char *why, size_t n)
{
	long v = SSL_get_verify_result(ssl);
	unsigned long e = ERR_peek_error();
	X509 *peer = SSL_get0_peer_certificate(ssl);
	char name[128];

	if (v == X509_V_ERR_HOSTNAME_MISMATCH || v == X509_V_ERR_IP_ADDRESS_MISMATCH) {
		name_of(peer, name, sizeof(name));
		(void) snprintf(why, n,
		    "the collector %s is not trusted: its certificate is for '%s', not for '%s': "
		    "set "
		    "tls.server_name to a name that it has",
		    p->url, name, p->server_name);
	} else if (v != X509_V_OK) {
		(void) snprintf(why, n,
		    "the collector %s is not trusted: its certificate does not fit tls.ca: %s",
		    p->url, X509_verify_cert_error_string(v));
	} else if (done != 1 && ERR_GET_LIB(e) == ERR_LIB_SSL) {
		(void) snprintf(why, n,
		    "the collector %s refuses this node's certificate or its TLS: %s; is it of the "
		    "collector's authority, and not revoked?",
		    p->url, ERR_reason_error_string(e));
	} else {
		return false;
	}
	return true;
}

bool
tls_probe(const struct tls_probe *p, char *why, size_t n)
{
	int fd = dial(p->url), done;
	SSL_CTX *ctx = fd < 0 ? NULL : SSL_CTX_new(TLS_client_method());
	SSL *ssl = ctx == NULL ? NULL : SSL_new(ctx);
	bool found = false;

	if (ssl != NULL) {
		add_authorities(SSL_CTX_get_cert_store(ctx), p->ca);
		(void) SSL_set_max_proto_version(ssl, TLS1_2_VERSION); /* as NNG's */
		SSL_set_verify(
		    ssl, SSL_VERIFY_NONE, NULL); /* go on, to learn the other side's view */
		(void) SSL_set_tlsext_host_name(ssl, p->server_name);
		if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), p->server_name) != 1)
			(void) SSL_set1_host(ssl, p->server_name);
		set_own(ssl, p);
		ERR_clear_error();
		(void) SSL_set_fd(ssl, fd);
		done = SSL_connect(ssl);
		found = explain(ssl, done, p, why, n);
	}
	ERR_clear_error();
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	if (fd >= 0)
		(void) close(fd);
	return found;
}
