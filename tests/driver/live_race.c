/* SPDX-License-Identifier: Apache-2.0 */
/* live_race.c - what the kernel writes into memory that another thread changes at once. */
#include "tests/driver/live.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FALSE_FD 1 /* open, but neither pipe nor socket */
#define TIMES    200

static _Atomic int words[2];
static atomic_bool over;

static void *
overwrite(void *unused)
{
	while (!over) {
		words[0] = FALSE_FD;
		words[1] = FALSE_FD;
	}
	return unused;
}

/* Make the calls while a thread changes their result in memory. */
static void
d_race(struct facts *f)
{
	int null = open("/dev/null", O_RDWR), first;
	pthread_t t;

	if (dup2(null, FALSE_FD) != FALSE_FD || close(null) != 0 ||
	    pthread_create(&t, NULL, overwrite, NULL) != 0)
		_exit(1);
	first = dup(FALSE_FD);
	(void) close(first);
	for (int i = 0; i < TIMES; i++) {
		if (syscall(SYS_pipe2, &words, O_CLOEXEC) != 0 ||
		    syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, &words) != 0 ||
		    syscall(SYS_prctl, PR_GET_CHILD_SUBREAPER, &words) != 0)
			_exit(1);
	}
	over = true;
	f->n[0] = first;
	(void) pthread_join(t, NULL);
}

/* The descriptors of the k-th call are the next ones, or unknown. */
static void
ends(struct live *l, uint16_t event, unsigned k, int64_t first)
{
	const struct ev_hdr *r = live_rec(l, event, k);
	const struct ev_schema *s = schema_get(event);
	int64_t one, other;

	if (r == NULL)
		return;
	one = record_num(r, s, 1);
	other = record_num(r, s, 2);
	if (!(one == first && other == first + 1) && !(one == -1 && other == -1))
		live_fail(l, "%s: descriptors %ld and %ld, not %ld and %ld", s->name, (long) one,
		    (long) other, (long) first, (long) first + 1);
}

static void
c_race(struct live *l)
{
	for (unsigned i = 0; i < TIMES; i++) {
		ends(l, EV_PIPE2, i, l->f->n[0] + 4 * (int64_t) i);
		ends(l, EV_SOCKETPAIR, i, l->f->n[0] + 4 * (int64_t) i + 2);
		live_num(l, live_rec(l, EV_PRCTL, i), "arg2_int", 0);
	}
}

const struct live_case race_cases[] = {
	{ "results that another thread changes", d_race, c_race, NULL },
	{ NULL, NULL, NULL, NULL },
};
