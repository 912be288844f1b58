/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mbed.h - certificates and keys, as NNG's TLS reads them.
 *
 * By the same library, mbedTLS: what passes here is what a connection can be made with, and no
 * second library of cryptography is mapped. Safe on any thread, each with its own objects; mbedTLS
 * overwrites a key's memory when it frees it.
 */
#ifndef MEWS_SENSOR_MBED_H
#define MEWS_SENSOR_MBED_H

#include "common/macros.h"
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <stdbool.h>

/* Every certificate in 'pem', or the private key without a password; false: it is not in there. */
bool mbed_certs(mbedtls_x509_crt *x, const char *pem) MUST_CHECK;
bool mbed_key(mbedtls_pk_context *k, const char *pem) MUST_CHECK;

/* The subject's common name, cut to n - 1 bytes; "": none. */
void mbed_common_name(const mbedtls_x509_crt *x, char *out, size_t n);

/* When it expires: realtime ns. */
uint64_t mbed_until(const mbedtls_x509_crt *x);

/* Why a certificate does not verify, from the flags of mbedTLS: the gravest of the reasons. */
const char *mbed_why(uint32_t flags);

/* The kernel's randomness, as mbedTLS asks for it ('arg' is unused). */
int mbed_random(void *arg, unsigned char *out, size_t n);

#endif
