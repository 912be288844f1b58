/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mbed.h - certificates and keys, read as NNG's TLS reads them.
 *
 * It uses the same library, mbed TLS: what parses here also works for a connection, and no second
 * cryptographic library is loaded. Safe on any thread, each with its own objects; mbed TLS wipes a
 * key's memory when it frees it.
 *
 * mbed TLS 2.28 and 3 differ in some calls. Only this file makes those calls, so only it checks the
 * version. Members that 3 hides are not used.
 */
#ifndef MEWS_SENSOR_MBED_H
#define MEWS_SENSOR_MBED_H

#include "common/macros.h"
#include "common/slice.h"
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <stdbool.h>

/* Parse all certificates in 'pem', or the private key without a password. False: none found. */
bool mbed_certs(mbedtls_x509_crt *x, const char *pem) MUST_CHECK;
bool mbed_key(mbedtls_pk_context *k, const char *pem) MUST_CHECK;

/* Does the private key belong to the public one? */
bool mbed_pair(const mbedtls_pk_context *pub, const mbedtls_pk_context *key) MUST_CHECK;

/* Sign the SHA-256 of 'text'; 'sig' has room for MBEDTLS_PK_SIGNATURE_MAX_SIZE bytes, *n are
 * used. */
bool mbed_sign(
    mbedtls_pk_context *key, struct slice text, unsigned char *sig, size_t *n) MUST_CHECK;

/* Allow TLS 1.2 only. */
void mbed_tls12(mbedtls_ssl_config *conf);

/* Copy the subject's common name, cut to n - 1 bytes; "": none. */
void mbed_common_name(const mbedtls_x509_crt *x, char *out, size_t n);

/* The expiry: realtime ns. */
uint64_t mbed_until(const mbedtls_x509_crt *x);

/* The most serious reason in mbed TLS's flags why a certificate does not verify. */
const char *mbed_why(uint32_t flags);

/* The kernel's randomness, as mbed TLS's callback ('arg' is unused). */
int mbed_random(void *arg, unsigned char *out, size_t n);

#endif
