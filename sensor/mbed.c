/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/mbed.h"
#include "common/clock.h"
#include "common/macros.h"
#include <mbedtls/entropy.h>
#include <mbedtls/md.h>
#include <mbedtls/oid.h>
#include <mbedtls/version.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* Parse up to the first NUL, as NNG does. Fail if any certificate cannot be parsed. */
bool
mbed_certs(mbedtls_x509_crt *x, const char *pem)
{
	return mbedtls_x509_crt_parse(x, (const unsigned char *) pem, strlen(pem) + 1) == 0;
}

#if MBEDTLS_VERSION_MAJOR >= 3
#define RANDOM   , mbed_random, NULL /* for blinding; 2.28 has its own */
#define SIG_SIZE MBEDTLS_PK_SIGNATURE_MAX_SIZE,
#else
#define RANDOM
#define SIG_SIZE
#endif

bool
mbed_key(mbedtls_pk_context *k, const char *pem)
{
	const unsigned char *p = (const unsigned char *) pem;

	return mbedtls_pk_parse_key(k, p, strlen(pem) + 1, NULL, 0 RANDOM) == 0;
}

bool
mbed_pair(const mbedtls_pk_context *pub, const mbedtls_pk_context *key)
{
	return mbedtls_pk_check_pair(pub, key RANDOM) == 0;
}

bool
mbed_sign(mbedtls_pk_context *key, struct slice text, unsigned char *sig, size_t *n)
{
	const mbedtls_md_info_t *sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
	unsigned char hash[32];

	return mbedtls_md(sha256, (const unsigned char *) text.p, text.n, hash) == 0 &&
	       mbedtls_pk_sign(key, MBEDTLS_MD_SHA256, hash, sizeof(hash), sig, SIG_SIZE n,
		   mbed_random, NULL) == 0;
}

void
mbed_tls12(mbedtls_ssl_config *conf)
{
#if MBEDTLS_VERSION_MAJOR >= 3
	mbedtls_ssl_conf_min_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_max_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
#else
	mbedtls_ssl_conf_min_version(
	    conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
	mbedtls_ssl_conf_max_version(
	    conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
}

void
mbed_common_name(const mbedtls_x509_crt *x, char *out, size_t n)
{
	const mbedtls_x509_name *name = &x->subject;

	while (name != NULL && MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &name->oid) != 0)
		name = name->next;
	(void) snprintf(out, n, "%.*s", name == NULL ? 0 : (int) name->val.len,
	    name == NULL ? "" : (const char *) name->val.p);
}

uint64_t
mbed_until(const mbedtls_x509_crt *x)
{
	struct tm tm = {
		.tm_year = x->valid_to.year - 1900,
		.tm_mon = x->valid_to.mon - 1,
		.tm_mday = x->valid_to.day,
		.tm_hour = x->valid_to.hour,
		.tm_min = x->valid_to.min,
		.tm_sec = x->valid_to.sec,
	};
	time_t t = timegm(&tm);

	return t < 0                                  ? 0
	       : (uint64_t) t > UINT64_MAX / NS_PER_S ? UINT64_MAX
						      : (uint64_t) t * NS_PER_S;
}

const char *
mbed_why(uint32_t flags)
{
	static const struct {
		uint32_t flags;
		const char *why;
	} reasons[] = {
		{ MBEDTLS_X509_BADCERT_NOT_TRUSTED, "it is not signed by that authority" },
		{ MBEDTLS_X509_BADCERT_REVOKED, "it is revoked (tls.crl)" },
		{ MBEDTLS_X509_BADCRL_NOT_TRUSTED | MBEDTLS_X509_BADCRL_BAD_MD |
			MBEDTLS_X509_BADCRL_BAD_PK | MBEDTLS_X509_BADCRL_BAD_KEY,
		    "the revocation list (tls.crl) is not signed by that authority" },
		{ MBEDTLS_X509_BADCRL_EXPIRED,
		    "the revocation list (tls.crl) is out of date: get a new one from its "
		    "authority" },
		{ MBEDTLS_X509_BADCRL_FUTURE,
		    "the revocation list (tls.crl) is not valid yet: check this machine's clock" },
		{ MBEDTLS_X509_BADCERT_EXPIRED, "it, or the authority, has expired" },
		{ MBEDTLS_X509_BADCERT_FUTURE, "it, or the authority, is not valid yet" },
		{ MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE,
		    "it is for another purpose" },
		{ MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK |
			MBEDTLS_X509_BADCERT_BAD_KEY,
		    "its key or its signature is too weak" },
	};

	for (size_t i = 0; flags != UINT32_MAX && i < ARRAY_SIZE(reasons); i++)
		if ((flags & reasons[i].flags) != 0)
			return reasons[i].why;
	return "it cannot be verified";
}

int
mbed_random(void *arg, unsigned char *out, size_t n)
{
	(void) arg;
	for (size_t got; n > 0; out += got, n -= got) {
		got = n < 256 ? n : 256; /* getentropy's limit */
		if (getentropy(out, got) < 0)
			return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
	}
	return 0;
}
