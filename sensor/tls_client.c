/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tls_client.h"
#include "common/nng/tls.h"
#include "sensor/x509.h"
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

/* The first DNS name, or the common name. */
static void
name_of(const X509 *x, char *out, size_t n)
{
	GENERAL_NAMES *v = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

	x509_common_name(x, out, n);
	for (int i = 0; i < sk_GENERAL_NAME_num(v); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(v, i);

		if (g->type != GEN_DNS)
			continue;
		(void) snprintf(out, n, "%.*s", ASN1_STRING_length(g->d.dNSName),
		    (const char *) ASN1_STRING_get0_data(g->d.dNSName));
		break;
	}
	GENERAL_NAMES_free(v);
}

/* Describe the collector's alert, or another error of TLS. */
static const char *
refusal(void)
{
	unsigned long e = ERR_peek_last_error();
	const char *text = ERR_reason_error_string(e);

	switch (ERR_GET_REASON(e)) {
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
		return "unknown authority";
	case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
		return "certificate revoked";
	case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
		return "certificate expired";
	case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
		return "certificate for another purpose";
	default:
		return text == NULL ? "unknown error" : text;
	}
}

static void
explain(struct tls_client *t, SSL *ssl, const X509 *peer)
{
	long bad = SSL_get_verify_result(ssl);
	char name[128] = "";

	if (bad == X509_V_ERR_HOSTNAME_MISMATCH || bad == X509_V_ERR_IP_ADDRESS_MISMATCH) {
		if (peer != NULL)
			name_of(peer, name, sizeof(name));
		(void) snprintf(t->why, sizeof(t->why),
		    "the collector %s is not trusted: its certificate is for '%s', not for '%s': "
		    "set tls.server_name to one of its names",
		    t->url, name, t->server_name);
	} else if (bad != X509_V_OK) {
		(void) snprintf(t->why, sizeof(t->why),
		    "the collector %s is not trusted: its certificate does not fit tls.ca: %s",
		    t->url, x509_why((int) bad));
	} else {
		(void) snprintf(t->why, sizeof(t->why),
		    "the collector %s refuses this node's certificate or its TLS: %s; was it "
		    "issued by the collector's authority, and not revoked?",
		    t->url, refusal());
	}
}

static void
ended(void *arg, SSL *ssl, const X509 *peer, bool ok)
{
	struct tls_client *t = arg;

	if (ok) {
		peer_certs_take(&t->peer, SSL_get0_verified_chain(ssl));
		return;
	}
	explain(t, ssl, peer);
	atomic_store(&t->failed, true);
}

int
tls_client_config(const struct identity *id, struct tls_client *t, nng_tls_config **ret)
{
	const struct tls_setup s = {
		.mode = NNG_TLS_MODE_CLIENT,
		.ctx = id->tls,
		.server_name = t->server_name,
		.ended = ended,
		.arg = t,
	};

	return tls_config_new(&s, ret);
}

void
tls_client_fini(struct tls_client *t)
{
	peer_certs_fini(&t->peer);
}
