/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest/shown.h"
#include "collector/ingest/trust_cert.h"
#include <stdbool.h>
#include <string.h>

void
shown_init(struct shown *s)
{
	*s = (struct shown){ .next = 0 };
	pthread_mutex_init(&s->lock, NULL);
}

void
shown_fini(struct shown *s)
{
	for (unsigned i = 0; i < SHOWN_MAX; i++)
		X509_free(s->v[i]);
	pthread_mutex_destroy(&s->lock);
}

void
shown_put(struct shown *s, X509 *cert)
{
	X509 *old;

	(void) X509_up_ref(cert);
	pthread_mutex_lock(&s->lock);
	old = s->v[s->next % SHOWN_MAX];
	s->v[s->next++ % SHOWN_MAX] = cert;
	pthread_mutex_unlock(&s->lock);
	X509_free(old);
}

/* OpenSSL keeps the bytes that a certificate was parsed from; this copies them. */
static bool
is_of(X509 *cert, struct slice der)
{
	unsigned char *p = NULL;
	int n = i2d_X509(cert, NULL);
	bool same;

	if (n < 0 || (size_t) n != der.n)
		return false;
	n = i2d_X509(cert, &p);
	same = n > 0 && memcmp(p, der.p, (size_t) n) == 0;
	OPENSSL_free(p);
	return same;
}

X509 *
shown_take(struct shown *s, struct slice der)
{
	X509 *found = NULL;

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 1; found == NULL && i <= SHOWN_MAX; i++) {
		X509 **at = &s->v[(s->next - i) % SHOWN_MAX];

		if (*at == NULL || !is_of(*at, der))
			continue;
		found = *at;
		*at = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	return found != NULL ? found : trust_cert_read(der);
}
