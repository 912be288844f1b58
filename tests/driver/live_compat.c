/* SPDX-License-Identifier: Apache-2.0 */
/* live_compat.c - calls of a 32-bit program, compat32.c. */
#include "tests/driver/live.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void
d_compat(struct facts *f)
{
	char **argv = STRINGS("compat32", NULL);

	(void) f;
	(void) execv(MEWS_COMPAT32, argv);
	_exit(98);
}

static const struct ev_hdr *
rec(struct live *l, uint16_t type, unsigned k)
{
	const struct ev_hdr *r = live_rec(l, type, k);

	live_that(l, r != NULL && (r->flags & EVF_COMPAT), "it is marked as of a 32-bit caller");
	return r;
}

static void
c_compat(struct live *l)
{
	const struct ev_hdr *r;

	live_that(l, WIFEXITED(l->status) && WEXITSTATUS(l->status) == 5, "the 32-bit program ran");
	r = rec(l, EV_OPEN, 0);
	live_range(l, r, "fd", 3, 100);
	live_text(l, r, "name", "plain");
	live_num(l, r, "flags", 0x3 | 0x4 | 0x4000);
	live_num(l, r, "mode", 0640);
	live_range(l, r, "ino", 2, INT64_MAX);
	live_num(l, rec(l, EV_CLOSE, 0), "res", 0);
	r = rec(l, EV_EXECVE, 1);
	live_num(l, r, "res", -ENOENT);
	live_text(l, r, "exe", "arg0");
	live_bytes(l, r, "args", "arg 1", 6);
	live_bytes(l, r, "env", "K=V", 4);
	live_text(l, r, "filename", "/no/such");
	r = rec(l, EV_EXECVEAT, 0);
	live_num(l, r, "res", -ENOENT);
	live_text(l, r, "exe", "arg0");
	live_bytes(l, r, "env", "K=V", 4);
	r = rec(l, EV_FORK, 0);
	live_num(l, r, "ptid", l->child);
	live_num(l, live_rec_of(l, EV_PROCEXIT, r == NULL ? 0 : r->tid), "ret", 3);
	live_num(l, live_rec_of(l, EV_PROCEXIT, l->child), "ret", 5);
}

/* A 32-bit caller has been seen: its paths are now read at entry. */
static void
c_entry(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_OPEN, 2);

	live_text(l, r, "name", "plain");
	live_that(l, r != NULL && !(r->flags & EVF_REREAD), "the path was read at entry");
}

const struct live_case compat_cases[] = {
	{ "a 32-bit program", d_compat, c_compat, NULL },
	{ "a 32-bit program, later", d_compat, c_entry, NULL },
	{ NULL, NULL, NULL, NULL },
};
