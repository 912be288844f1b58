/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tls_client.h"

int
tls_client(const struct identity *id, const char *server_name, struct peer_certs *peer,
    nng_tls_config **ret)
{
	nng_tls_config *c = NULL;
	int rv = nng_tls_config_alloc(&c, NNG_TLS_MODE_CLIENT);

	if (rv != 0)
		return rv;
	rv = nng_tls_config_auth_mode(c, NNG_TLS_AUTH_MODE_REQUIRED);
	if (rv == 0)
		rv = nng_tls_config_server_name(c, server_name);
	peer_certs_watch(peer);
	if (rv == 0)
		rv = nng_tls_config_ca_chain(c, id->ca.p, identity_crl(id));
	peer_certs_watch(NULL);
	if (rv == 0)
		rv = nng_tls_config_own_cert(c, id->cert.p, id->key.p, NULL);
	if (rv == 0)
		*ret = c;
	else
		nng_tls_config_free(c);
	return rv;
}
