/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x509.h - certificates, keys and revocation lists as PEM text, and what is wrong with one.
 *
 * Safe on any thread, each with its own objects. Nothing is left in OpenSSL's error queue.
 */
#ifndef MEWS_SENSOR_X509_H
#define MEWS_SENSOR_X509_H

#include "common/macros.h"
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

/* Parse all certificates, whose keys are ECDSA or RSA. NULL: there is none, or one cannot be read.
 */
STACK_OF(X509) * x509_certs(const char *pem) MUST_CHECK;

/* Parse all revocation lists. NULL: there is none, or one cannot be read. */
STACK_OF(X509_CRL) * x509_lists(const char *pem) MUST_CHECK;

/* Parse a private key, ECDSA or RSA, without a password. NULL: there is none. */
EVP_PKEY *x509_key(const char *pem) MUST_CHECK;

/* Copy the subject's common name, cut to n - 1 bytes; "": none. */
void x509_common_name(const X509 *x, char *out, size_t n);

/* Begin and end of validity: realtime ns. */
uint64_t x509_since(const X509 *x);
uint64_t x509_until(const X509 *x);

/* Why a certificate does not verify, from OpenSSL's X509_V_ERR_*. */
const char *x509_why(int error);

#endif
