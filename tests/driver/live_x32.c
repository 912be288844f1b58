/* SPDX-License-Identifier: Apache-2.0 */
/* live_x32.c - calls with the numbers of x32, on kernels that have them: tests/vm/x32.sh. */
#include "proto/syscalls.h"
#include "tests/driver/live.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#define X32_CALL      0x40000000L
#define X32_IOCTL     (X32_CALL | 514)
#define X32_SIGACTION (X32_CALL | 512)

static bool
has_x32(void)
{
	return syscall(X32_CALL | SYS_getpid) == getpid();
}

static void
d_file(struct facts *f)
{
	char path[] = "plain"; /* its page is there */

	f->n[0] = syscall(X32_CALL | SYS_open, path, O_RDWR | O_CREAT, 0640);
	f->n[1] = syscall(X32_CALL | SYS_close, f->n[0]);
	f->n[2] = syscall(X32_CALL | SYS_open, "missing", O_RDONLY) < 0 ? -errno : 0;
}

static void
c_file(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_OPEN, 0);

	live_that(l, l->f->n[0] >= 3 && l->f->n[1] == 0, "the calls succeed");
	live_num(l, r, "fd", l->f->n[0]);
	live_text(l, r, "name", "plain");
	live_num(l, r, "mode", 0640);
	live_that(l, r != NULL && !(r->flags & EVF_COMPAT), "not as of a 32-bit caller");
	live_num(l, live_rec(l, EV_CLOSE, 0), "fd", l->f->n[0]);
	r = live_rec(l, EV_OPEN, 1);
	live_num(l, r, "fd", -ENOENT);
	live_text(l, r, "name", "missing");
}

/* Such a caller has been seen: its paths are now read at entry. */
static void
c_entry(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_OPEN, 0);

	c_file(l);
	live_that(l, r != NULL && !(r->flags & EVF_REREAD), "the path was read at entry");
}

static void
d_numbers(struct facts *f)
{
	int n = 0;

	f->n[0] = syscall(X32_IOCTL, 0, FIONREAD, &n) < 0 ? -errno : 0;
	f->n[1] = syscall(X32_IOCTL, -1, FIONREAD, &n) < 0 ? -errno : 0;
}

static void
c_numbers(struct live *l)
{
	live_num(l, live_rec(l, EV_IOCTL, 0), "res", l->f->n[0]);
	live_num(l, live_rec(l, EV_IOCTL, 0), "request", FIONREAD);
	live_num(l, live_rec(l, EV_IOCTL, 1), "res", -EBADF);
}

/* A call by name, with the number that 64-bit callers use too. */
static void
d_name(struct facts *f)
{
	static struct utsname u;

	f->n[0] = syscall(X32_CALL | SYS_uname, &u);
}

static void
c_name(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_SYSCALL, 0);

	live_that(l, l->f->n[0] == 0, "the call succeeds");
	live_num(l, r, "ID", syscalls[SC_uname].id);
	live_num(l, r, "nativeID", SYS_uname);
}

/* And one with a number of its own. */
static void
d_own_name(struct facts *f)
{
	f->n[0] = syscall(X32_SIGACTION, 99999, NULL, NULL, 8) < 0 ? -errno : 0;
}

static void
c_own_name(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_SYSCALL, 0);

	live_that(l, l->f->n[0] == -EINVAL, "the call fails");
	live_num(l, r, "ID", syscalls[SC_rt_sigaction].id);
	live_num(l, r, "nativeID", X32_SIGACTION & ~X32_CALL);
}

void
live_x32(struct live *l)
{
	static const struct live_case first = { "x32: a file", d_file, c_file, NULL },
				      later = { "x32: a file, later", d_file, c_entry, NULL },
				      numbers = { "x32: a number of its own", d_numbers, c_numbers,
					      NULL },
				      name = { "x32: a call by name", d_name, c_name, NULL },
				      own = { "x32: a name with its own number", d_own_name,
					      c_own_name, NULL };

	if (!has_x32())
		return;
	live_run(l, &first);
	live_run(l, &later);
	live_run(l, &numbers);
	live_all_and(l->st, SC_uname);
	live_run(l, &name);
	live_all_and(l->st, SC_rt_sigaction);
	live_run(l, &own);
	live_all(l->st);
}
#else
void
live_x32(struct live *l UNUSED)
{
}
#endif
