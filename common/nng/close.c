/* SPDX-License-Identifier: Apache-2.0 */
/*
 * close.c - make NNG 1.5.2 end connections in every state, and only those.
 *
 * Two defects of that version, both corrected in later ones:
 *
 * A read from or write to a stream with a closed aio does nothing and never completes. NNG's own
 * TLS code does this (it continues to read a message while the connection is closed; it reads from
 * a failed socket). Then the pipe waits for ever for that read, in the only reaper thread, or
 * remains as if open. Both happen when peers vanish under load. Such a call ends with an error
 * here.
 *
 * NNG_ECLOSED, of a connection that ends before both greetings are through, is taken for the end of
 * the listener: it accepts nobody any more. Later connections keep their descriptors, and no sensor
 * connects until a restart. So a call on a stream ends with NNG_ECONNRESET in its place.
 *
 * NNG is linked as an archive, so the linker can wrap these calls (--wrap, cmake/nng.cmake).
 */
#include <nng/nng.h>
#include <stdbool.h>
#include <stddef.h>

int __real_nni_aio_begin(nng_aio *aio);
int __wrap_nni_aio_begin(nng_aio *aio);
void __real_nni_aio_finish_error(nng_aio *aio, int rv); /* the callback runs later */
void __wrap_nni_aio_finish_error(nng_aio *aio, int rv);
void __real_nng_stream_recv(nng_stream *s, nng_aio *aio);
void __wrap_nng_stream_recv(nng_stream *s, nng_aio *aio);
void __real_nng_stream_send(nng_stream *s, nng_aio *aio);
void __wrap_nng_stream_send(nng_stream *s, nng_aio *aio);
void __real_nng_stream_close(nng_stream *s);
void __wrap_nng_stream_close(nng_stream *s);

/* This thread's calls on streams, one inside the other: TLS calls TCP. */
static _Thread_local unsigned depth;
/* The aio of the innermost one, if it could not begin. */
static _Thread_local const nng_aio *not_begun;

int
__wrap_nni_aio_begin(nng_aio *aio)
{
	int rv = __real_nni_aio_begin(aio);

	if (rv != 0)
		not_begun = aio;
	return rv;
}

void
__wrap_nni_aio_finish_error(nng_aio *aio, int rv)
{
	__real_nni_aio_finish_error(aio, depth > 0 && rv == NNG_ECLOSED ? NNG_ECONNRESET : rv);
}

static void
transfer(void (*call)(nng_stream *s, nng_aio *aio), nng_stream *s, nng_aio *aio)
{
	const nng_aio *outer = not_begun;
	bool lost;

	not_begun = NULL;
	depth++;
	call(s, aio);
	depth--;
	lost = not_begun == aio;
	not_begun = outer;
	if (lost)
		__real_nni_aio_finish_error(aio, NNG_ECONNRESET);
}

void
__wrap_nng_stream_recv(nng_stream *s, nng_aio *aio)
{
	transfer(__real_nng_stream_recv, s, aio);
}

void
__wrap_nng_stream_send(nng_stream *s, nng_aio *aio)
{
	transfer(__real_nng_stream_send, s, aio);
}

void
__wrap_nng_stream_close(nng_stream *s)
{
	depth++;
	__real_nng_stream_close(s);
	depth--;
}
