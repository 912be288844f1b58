/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate.h - the API's certificate and key, for libmicrohttpd and therefore for GnuTLS.
 *
 * A pair does not change. A renewed one replaces it in the list of its door; the old one stays
 * until every connection that may have begun with it is closed.
 */
#ifndef MEWS_COLLECTOR_API_CERTIFICATE_H
#define MEWS_COLLECTOR_API_CERTIFICATE_H

#include "common/diag.h"
#include "common/macros.h"
#include <gnutls/abstract.h>
#include <stdint.h>

#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct api_tls {
	gnutls_pcert_st *chain;
	unsigned n;
	gnutls_privkey_t key;
	uint64_t until;   /* expiry of the certificate, realtime s */
	uint64_t retired; /* monotonic ns; set by the door */
	struct api_tls *next;
};

/* Load two PEM files that belong together. 0 or -errno, and *d: the wrong option and the reason. */
int api_tls_load(
    const char *cert, const char *key, struct api_tls **ret, struct diag *d) MUST_CHECK;
void api_tls_free(struct api_tls *t); /* NULL is nothing */

#endif
