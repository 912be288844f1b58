/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mbed.h - certificates and keys, as NNG's TLS reads them.
 *
 * By the same library, mbedTLS: what passes here is what a connection can be made with, and no
 * second library of cryptography is mapped. Safe on any thread, each with its own objects; mbedTLS
 * overwrites a key's memory when it frees it.
 *
 * mbedTLS 2.28 and 3 differ in some calls: those are made here and nowhere else, so that nobody
 * else asks for the version. Members that 3 hides are not used at all.
 */
#ifndef MEWS_SENSOR_MBED_H
#define MEWS_SENSOR_MBED_H

#include "common/macros.h"
#include "common/slice.h"
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <stdbool.h>

/* Every certificate in 'pem', or the private key without a password; false: it is not in there. */
bool mbed_certs(mbedtls_x509_crt *x, const char *pem) MUST_CHECK;
bool mbed_key(mbedtls_pk_context *k, const char *pem) MUST_CHECK;

/* Does the private key belong to the public one? */
bool mbed_pair(const mbedtls_pk_context *pub, const mbedtls_pk_context *key) MUST_CHECK;

/* Sign the SHA-256 of 'text'; 'sig' has room for MBEDTLS_PK_SIGNATURE_MAX_SIZE bytes, *n are used.
 */
bool mbed_sign(
    mbedtls_pk_context *key, struct slice text, unsigned char *sig, size_t *n) MUST_CHECK;

/* TLS 1.2, no other. */
void mbed_tls12(mbedtls_ssl_config *conf);

/* The subject's common name, cut to n - 1 bytes; "": none. */
void mbed_common_name(const mbedtls_x509_crt *x, char *out, size_t n);

/* When it expires: realtime ns. */
uint64_t mbed_until(const mbedtls_x509_crt *x);

/* Why a certificate does not verify, from the flags of mbedTLS: the gravest of the reasons. */
const char *mbed_why(uint32_t flags);

/* The kernel's randomness, as mbedTLS asks for it ('arg' is unused). */
int mbed_random(void *arg, unsigned char *out, size_t n);

#endif
