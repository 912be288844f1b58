/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gather.c - send a message over TLS in one piece.
 *
 * NNG 1.5.2 sends a message as length, header and body; its TLS turns each into a record, a system
 * call and a round of callbacks, here and at the peer. This code copies the short pieces and the
 * beginning of the body into one buffer, up to the size of a TLS record.
 *
 * The buffer belongs to the aio: a connection has one for sending, with one send at a time. It is
 * stored in an input of the aio that sending does not use; the next input marks it as ours.
 */
#include "common/nng/gather.h"
#include "common/macros.h"
#include "common/nng/known.h"
#include <stdlib.h>
#include <string.h>

enum { SHORT = 16, RECORD = 16384, INPUT = FREE_INPUT };

struct gather {
	size_t cap;
	char bytes[];
};
static const char ours;

void nni_aio_get_iov(nng_aio *aio, unsigned *n, nng_iov **v); /* NNG's own */
void __real_nni_aio_free(nng_aio *aio);                       /* for one on the heap */
void __wrap_nni_aio_free(nng_aio *aio);
void __real_nni_aio_fini(nng_aio *aio); /* for one inside another object */
void __wrap_nni_aio_fini(nng_aio *aio);

static struct gather *
gather_of(nng_aio *aio)
{
	return nng_aio_get_input(aio, INPUT + 1) == &ours ? nng_aio_get_input(aio, INPUT) : NULL;
}

/* The aio's buffer, with at least 'size' bytes. NULL: no memory. */
static struct gather *
gather_get(nng_aio *aio, size_t size)
{
	struct gather *g = gather_of(aio);

	if (g != NULL && g->cap >= size)
		return g;
	free(g);
	g = malloc(sizeof(*g) + size);
	if (g != NULL)
		g->cap = size;
	(void) nng_aio_set_input(aio, INPUT, g);
	(void) nng_aio_set_input(aio, INPUT + 1, (void *) &ours);
	return g;
}

void
nng_gather(nng_aio *aio)
{
	nng_iov *v, out[8];
	size_t total = 0, size, done = 0;
	struct gather *g;
	unsigned n, k = 0;

	nni_aio_get_iov(aio, &n, &v);
	if (n < 2 || n > ARRAY_SIZE(out) || v[0].iov_len > SHORT)
		return;
	g = gather_of(aio);
	if (g != NULL && (char *) v[0].iov_buf >= g->bytes &&
	    (char *) v[0].iov_buf < g->bytes + g->cap)
		return; /* the rest of a gathered message */
	for (unsigned i = 0; i < n; i++)
		total += v[i].iov_len;
	size = MIN(total, (size_t) RECORD);
	g = gather_get(aio, size);
	if (g == NULL)
		return; /* send it in pieces */
	out[k++] = (nng_iov){ g->bytes, size };
	for (unsigned i = 0; i < n; i++) {
		size_t take = MIN(v[i].iov_len, size - done);

		memcpy(g->bytes + done, v[i].iov_buf, take);
		done += take;
		if (take < v[i].iov_len)
			out[k++] = (nng_iov){ (char *) v[i].iov_buf + take, v[i].iov_len - take };
	}
	(void) nng_aio_set_iov(aio, k, out);
}

static void
gather_drop(nng_aio *aio)
{
	free(gather_of(aio));
	(void) nng_aio_set_input(aio, INPUT + 1, NULL);
}

void
__wrap_nni_aio_free(nng_aio *aio)
{
	if (aio != NULL)
		gather_drop(aio);
	__real_nni_aio_free(aio);
}

void
__wrap_nni_aio_fini(nng_aio *aio)
{
	gather_drop(aio);
	__real_nni_aio_fini(aio);
}
