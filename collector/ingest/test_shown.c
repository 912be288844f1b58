/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest/shown.h"
#include "tests/support/test.h"
#include <openssl/evp.h>
#include <stdlib.h>

#define CERTS (SHOWN_MAX + 2)

static X509 *cert[CERTS];
static unsigned char *der[CERTS];
static int size[CERTS];

static int
make_certs(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	(void) state;
	for (long i = 0; i < CERTS; i++) {
		cert[i] = X509_new();
		(void) ASN1_INTEGER_set(X509_get_serialNumber(cert[i]), i);
		(void) X509_gmtime_adj(X509_getm_notBefore(cert[i]), 0);
		(void) X509_gmtime_adj(X509_getm_notAfter(cert[i]), 100);
		(void) X509_set_pubkey(cert[i], key);
		if (X509_sign(cert[i], key, EVP_sha256()) == 0)
			return -1;
		size[i] = i2d_X509(cert[i], &der[i]);
	}
	EVP_PKEY_free(key);
	return 0;
}

static int
free_certs(void **state)
{
	(void) state;
	for (unsigned i = 0; i < CERTS; i++) {
		X509_free(cert[i]);
		OPENSSL_free(der[i]);
	}
	return 0;
}

static struct slice
bytes(unsigned i)
{
	return (struct slice){ (const char *) der[i], (size_t) size[i] };
}

/* The newest are kept, each is there once; what is not there is parsed. */
static void
test_take(void **state)
{
	static const struct {
		unsigned i;
		bool kept; /* the same object comes back */
	} rows[] = { { CERTS - 1, true }, { CERTS - 1, false }, { 2, true }, { 1, false },
		{ 0, false }, { 30, true } };
	struct shown s;

	(void) state;
	shown_init(&s);
	for (unsigned i = 0; i < CERTS; i++)
		shown_put(&s, cert[i]);
	for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
		X509 *x = shown_take(&s, bytes(rows[k].i));

		assert_non_null(x);
		assert_int_equal(rows[k].kept, x == cert[rows[k].i]);
		assert_int_equal(0, X509_cmp(x, cert[rows[k].i]));
		X509_free(x);
	}
	shown_fini(&s);
}

/* Bytes that differ from a kept certificate in one place are another one. */
static void
test_other(void **state)
{
	struct slice b = bytes(0);
	char *other = malloc(b.n);
	struct shown s;
	X509 *x;

	(void) state;
	shown_init(&s);
	shown_put(&s, cert[0]);
	memcpy(other, b.p, b.n);
	other[b.n - 1] ^= 1; /* in the signature */
	x = shown_take(&s, (struct slice){ other, b.n });
	assert_true(x != cert[0]);
	X509_free(x);
	assert_null(shown_take(&s, (struct slice){ b.p, b.n - 1 }));
	assert_null(shown_take(&s, (struct slice){ NULL, 0 }));
	free(other);
	shown_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_other),
	};

	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
