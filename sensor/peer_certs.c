/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/peer_certs.h"
#include <mbedtls/ssl.h>

void __real_mbedtls_ssl_conf_ca_chain(
    mbedtls_ssl_config *conf, mbedtls_x509_crt *ca, mbedtls_x509_crl *crl);
void __wrap_mbedtls_ssl_conf_ca_chain(
    mbedtls_ssl_config *conf, mbedtls_x509_crt *ca, mbedtls_x509_crl *crl);

static _Thread_local struct peer_certs *watched;

void
peer_certs_fini(struct peer_certs *p)
{
	for (size_t i = 0; i < PEER_CERTS; i++)
		buf_fini(&p->der[i]);
}

void
peer_certs_watch(struct peer_certs *p)
{
	watched = p;
}

/* Called from the authority (depth > 0) down to the peer (depth 0); mbed TLS keeps its verdict. */
static int
note(void *arg, mbedtls_x509_crt *x, int depth,
    uint32_t *flags) /* NOLINT(readability-non-const-parameter): mbed TLS's callback */
{
	struct peer_certs *p = arg;

	(void) flags;
	if (depth < 0 || depth >= PEER_CERTS)
		return 0;
	buf_clear(&p->der[depth]);
	buf_add(&p->der[depth], x->raw.p, x->raw.len);
	return 0;
}

void
__wrap_mbedtls_ssl_conf_ca_chain(
    mbedtls_ssl_config *conf, mbedtls_x509_crt *ca, mbedtls_x509_crl *crl)
{
	__real_mbedtls_ssl_conf_ca_chain(conf, ca, crl);
	if (watched != NULL)
		mbedtls_ssl_conf_verify(conf, note, watched);
}
