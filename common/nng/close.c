/* SPDX-License-Identifier: Apache-2.0 */
/*
 * close.c - make NNG 1.5.2 end TLS connections in every state.
 *
 * In that version, a read from or write to a stream with a closed aio does nothing and never
 * completes. NNG's own TLS code does this (it continues to read a message while the connection is
 * closed; it reads from a failed socket). Then the pipe waits for ever for that read, in the only
 * reaper thread, or remains as if open. Both happen when peers vanish under load. The wrappers
 * below end such a call with an error, as later versions of NNG do.
 *
 * NNG is linked as an archive, so the linker can wrap three of its calls (--wrap, cmake/nng.cmake).
 */
#include <nng/nng.h>
#include <stdbool.h>
#include <stddef.h>

int __real_nni_aio_begin(nng_aio *aio);
int __wrap_nni_aio_begin(nng_aio *aio);
void __real_nng_stream_recv(nng_stream *s, nng_aio *aio);
void __wrap_nng_stream_recv(nng_stream *s, nng_aio *aio);
void __real_nng_stream_send(nng_stream *s, nng_aio *aio);
void __wrap_nng_stream_send(nng_stream *s, nng_aio *aio);
void nni_aio_finish_error(nng_aio *aio, int rv); /* NNG's own: runs the callback later */

/* The aio of this thread's current stream call, if it could not begin. */
static _Thread_local const nng_aio *not_begun;

int
__wrap_nni_aio_begin(nng_aio *aio)
{
	int rv = __real_nni_aio_begin(aio);

	if (rv != 0)
		not_begun = aio;
	return rv;
}

static void
end_lost(nng_aio *aio, const nng_aio *outer)
{
	bool lost = not_begun == aio;

	not_begun = outer;
	if (lost)
		nni_aio_finish_error(aio, NNG_ECLOSED);
}

void
__wrap_nng_stream_recv(nng_stream *s, nng_aio *aio)
{
	const nng_aio *outer = not_begun;

	not_begun = NULL;
	__real_nng_stream_recv(s, aio);
	end_lost(aio, outer);
}

void
__wrap_nng_stream_send(nng_stream *s, nng_aio *aio)
{
	const nng_aio *outer = not_begun;

	not_begun = NULL;
	__real_nng_stream_send(s, aio);
	end_lost(aio, outer);
}
