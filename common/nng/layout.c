/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.c - check that the installed NNG is the known version.
 *
 * It is linked with the replacements for parts of NNG, and runs at configure time (if it cannot be
 * linked, NNG is another version) and as a test. Exit status 0: it matches; 1: it prints the
 * differences. */
#include "common/nng/known.h"
#include <nng/nng.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct nni_task;
void __real_nni_task_init(struct nni_task *t, void *queue, void (*cb)(void *), void *arg);
void __wrap_nni_task_init(struct nni_task *t, void *queue, void (*cb)(void *), void *arg);
void nni_aio_get_iov(nng_aio *aio, unsigned *n, nng_iov **v);
int nni_aio_begin(nng_aio *aio);

static struct nni_task *newest; /* the last one created by NNG */
static unsigned ran;
static bool fits = true;

void
__wrap_nni_task_init(struct nni_task *t, void *queue, void (*cb)(void *), void *arg)
{
	newest = t;
	__real_nni_task_init(t, queue, cb, arg);
}

static void
on_aio(void *arg)
{
	++*(unsigned *) arg;
}

static void
expect(bool ok, const char *what)
{
	if (!ok)
		printf("this NNG differs from the known %s: %s\n", KNOWN_VERSION, what);
	fits = fits && ok;
}

/* The pieces to send follow the task in an aio: their address shows how much room the task has. */
static void
check_task(nng_aio *aio, const struct nni_task *task)
{
	static char a, b;
	const nng_iov pieces[] = { { &a, 1 }, { &b, 1 } };
	nng_iov *v = NULL;
	unsigned n = 0;

	expect(nng_aio_set_iov(aio, 2, pieces) == 0, "an aio does not take two pieces");
	nni_aio_get_iov(aio, &n, &v);
	expect(n == 2 && v[0].iov_buf == &a && v[1].iov_buf == &b && v[1].iov_len == 1,
	    "the pieces of an aio");
	expect((const char *) v - (const char *) task == TASK_ROOM, "the size of a task");
}

/* The defect that close.c works around: a stopped aio does not begin, and never completes. */
static void
check_stopped(nng_aio *aio)
{
	nng_aio_stop(aio);
	expect(nni_aio_begin(aio) != 0, "a stopped aio begins");
	nng_aio_wait(aio);
	expect(ran == 0, "an aio that does not begin runs its callback");
}

int
main(void)
{
	nng_aio *aio = NULL;

	expect(strcmp(nng_version(), KNOWN_VERSION) == 0, nng_version());
	if (nng_aio_alloc(&aio, on_aio, &ran) != 0)
		return 1;
	check_task(aio, newest);
	check_stopped(aio);
	nng_aio_free(aio);
	return fits ? 0 : 1;
}
