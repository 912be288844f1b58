/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/peer_tls.h"
#include "common/buf.h"
#include "common/file.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static _Thread_local const char *reason_of_last;

static int
fail(struct diag *d, const char *what, const char *path)
{
	unsigned long e = ERR_peek_error();
	const char *reason =
	    ERR_SYSTEM_ERROR(e) ? strerrordesc_np(ERR_GET_REASON(e)) : ERR_reason_error_string(e);

	ERR_clear_error();
	return diag_fail(d, 0, 0, "cannot use the %s in '%s': %s", what, path,
	    reason == NULL ? "it is not PEM" : reason);
}

static void
free_bio(BIO **b)
{
	BIO_free(*b);
}

/* Read the key with its permissions checked. */
static int
use_key(SSL_CTX *ctx, const char *path, struct diag *d)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	CLEANUP(free_bio) BIO *bio = NULL;
	EVP_PKEY *key = NULL;
	int r = file_read(path, "key", true, &text, d), ok;

	if (r < 0)
		return -EINVAL;
	bio = BIO_new_mem_buf(text.p, (int) text.n);
	if (bio != NULL)
		key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *) "");
	ok = key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
	     SSL_CTX_check_private_key(ctx) == 1;
	EVP_PKEY_free(key);
	OPENSSL_cleanse(text.p, text.n);
	return ok ? 0 : fail(d, "key", path);
}

static int
set_up(SSL_CTX *ctx, const struct peer_tls *t, struct diag *d)
{
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
		return diag_fail(d, 0, 0, "no memory for TLS");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (t->ca == NULL ? SSL_CTX_set_default_verify_paths(ctx) != 1
			  : SSL_CTX_load_verify_file(ctx, t->ca) != 1)
		return fail(d, "authorities", t->ca == NULL ? "the system's store" : t->ca);
	if ((t->cert == NULL) != (t->key == NULL))
		return diag_fail(d, 0, 0, "a certificate needs its key, and a key its certificate");
	if (t->cert == NULL)
		return 0;
	if (SSL_CTX_use_certificate_chain_file(ctx, t->cert) != 1)
		return fail(d, "certificate", t->cert);
	return use_key(ctx, t->key, d);
}

static bool
is_number(const char *host)
{
	ASN1_OCTET_STRING *ip = a2i_IPADDRESS(host);

	ASN1_OCTET_STRING_free(ip);
	ERR_clear_error();
	return ip != NULL;
}

int
peer_tls_new(const struct peer_tls *t, const char *host, SSL **ret, struct diag *d)
{
	const char *name = t->name != NULL ? t->name : host;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = NULL;
	int r = ctx == NULL ? diag_fail(d, 0, 0, "no memory for TLS") : set_up(ctx, t, d), ok = 0;

	if (r == 0)
		ssl = SSL_new(ctx);
	SSL_CTX_free(ctx); /* 'ssl' has its own reference */
	if (r < 0)
		return r;
	if (ssl != NULL && is_number(name))
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name);
	else if (ssl != NULL)
		ok = SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
	if (ok != 1) {
		SSL_free(ssl);
		return diag_fail(d, 0, 0, "'%s' is not a name for TLS", name);
	}
	SSL_set_connect_state(ssl);
	*ret = ssl;
	return 0;
}

int
peer_tls_shake(SSL *ssl, char *why, size_t size)
{
	const char *reason;
	long verify;
	int r, err;

	ERR_clear_error();
	r = SSL_do_handshake(ssl);
	if (r == 1)
		return 0;
	err = SSL_get_error(ssl, r);
	if (err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE)
		return -EAGAIN;
	verify = SSL_get_verify_result(ssl);
	reason = ERR_reason_error_string(ERR_peek_last_error());
	if (verify != X509_V_OK)
		reason = X509_verify_cert_error_string(verify);
	(void) snprintf(
	    why, size, "%s", reason == NULL ? "the server closed the connection" : reason);
	ERR_clear_error();
	return -EPROTO;
}

/* The result of a call that did not succeed. */
static ssize_t
result(const SSL *ssl, int r)
{
	int err = SSL_get_error(ssl, r), saved = errno;

	reason_of_last = ERR_reason_error_string(ERR_peek_last_error());
	ERR_clear_error();
	switch (err) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		return saved != 0 ? -saved : -ECONNRESET;
	default:
		return -EPROTO;
	}
}

ssize_t
peer_tls_read(SSL *ssl, void *ret, size_t n)
{
	int r;

	ERR_clear_error();
	errno = 0;
	r = SSL_read(ssl, ret, (int) n);
	return r > 0 ? r : result(ssl, r);
}

ssize_t
peer_tls_write(SSL *ssl, const void *data, size_t n)
{
	ssize_t done;
	int r;

	ERR_clear_error();
	errno = 0;
	r = SSL_write(ssl, data, (int) MIN(n, (size_t) INT32_MAX));
	done = r > 0 ? r : result(ssl, r);
	return done == 0 ? -ECONNRESET : done;
}

const char *
peer_tls_reason(void)
{
	return reason_of_last != NULL ? reason_of_last : "a protocol error of TLS";
}

uint64_t
peer_tls_sent(const SSL *ssl)
{
	return BIO_number_written(SSL_get_wbio(ssl));
}

void
peer_tls_bye(SSL *ssl)
{
	ERR_clear_error();
	(void) SSL_shutdown(ssl);
	ERR_clear_error();
}
