/* SPDX-License-Identifier: Apache-2.0 */
/* live_file.c - files and descriptors: open, openat, openat2, creat, close, dup, link... */
#include "tests/driver/live_rows.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The absolute path of a name in the case's folder, as an argument. */
static int64_t
path_in(struct facts *f, const char *name)
{
	char path[512];

	(void) snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return live_str(f, path);
}

/* Every flag of open(), one at a time, with an access mode; and its number for rules. */
static const struct {
	int flags;
	unsigned want;
} flag_cases[] = {
	{ O_RDONLY, 0x1 },
	{ O_WRONLY, 0x2 },
	{ O_RDWR, 0x3 },
	{ O_RDONLY | O_APPEND, 0x9 },
	{ O_RDONLY | O_DSYNC, 0x91 },
	{ O_RDONLY | O_SYNC, 0x91 },
	{ O_RDONLY | O_EXCL, 0x21 },
	{ O_RDONLY | O_NONBLOCK, 0x41 },
	{ O_RDONLY | O_TRUNC, 0x101 },
	{ O_RDONLY | O_DIRECT, 0x201 },
	{ O_RDONLY | O_DIRECTORY, 0x2401 },
	{ O_RDONLY | 0100000, 0x801 }, /* O_LARGEFILE, which is 0 for this program */
	{ O_RDONLY | O_CLOEXEC, 0x1001 },
	{ O_RDWR | O_TMPFILE, 0x2403 },
	{ O_RDONLY | O_NOFOLLOW | O_PATH, 0x1 },
};

static void
t_open(struct facts *f)
{
	long fd = CALL(f, "open", path_in(f, "new"), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 04640);

	WANT(f,
	    "name=%s/new flags=O_CLOEXEC|O_CREAT|O_EXCL|O_RDWR|O_F_CREATED mode=04640 dev=%lu "
	    "ino=%lu realname=-",
	    f->dir, live_dev(fd), live_ino(fd));
	fd = CALL(f, "open", live_str(f, "new"), O_RDONLY | O_CREAT, 0600); /* exists already */
	WANT(f, "name=new flags=O_RDONLY|O_CREAT mode=0600 dev=%lu ino=%lu realname=%s/new",
	    live_dev(fd), live_ino(fd), f->dir);
	(void) CALL(f, "open", path_in(f, "none/there"), O_WRONLY, 0777);
	WANT(f, "name=%s/none/there flags=O_WRONLY mode=0 dev=0 ino=0 realname=-", f->dir);
	for (size_t i = 0; i < ARRAY_SIZE(flag_cases); i++) {
		(void) CALL(f, "open", live_str(f, "no/where"), flag_cases[i].flags, 0);
		WANT(f, "name=no/where flags=%u mode=0 dev=0 ino=0", flag_cases[i].want);
	}
}

static void
t_openat(struct facts *f)
{
	long dir = CALL(f, "openat", AT_FDCWD, path_in(f, ""), O_RDONLY | O_DIRECTORY, 0), fd;

	WANT(f, "dirfd=-100 name=%s/ flags=0x2401 mode=0 dev=%lu ino=%lu realname=%s", f->dir,
	    live_dev(dir), live_ino(dir), f->dir);
	fd = CALL(
	    f, "openat", dir, live_str(f, "in"), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0755);
	WANT(f,
	    "dirfd=%ld name=in flags=O_WRONLY|O_CREAT|O_TRUNC|O_APPEND|O_F_CREATED mode=0755 "
	    "dev=%lu ino=%lu realname=%s/in",
	    dir, live_dev(fd), live_ino(fd), f->dir);
	(void) CALL(f, "openat", AT_FDCWD, live_str(f, "in/under"), O_RDONLY | O_NONBLOCK, 0);
	WANT(f, "dirfd=-100 name=in/under flags=O_RDONLY|O_NONBLOCK mode=0 dev=0 ino=0");
	(void) CALL(f, "openat", 4711, live_str(f, "x"), O_RDONLY, 0);
	WANT(f, "dirfd=4711 name=x flags=O_RDONLY mode=0 dev=0 ino=0");
}

static int64_t
how(struct facts *f, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how h = { .flags = flags, .mode = mode, .resolve = resolve };

	return live_mem(f, &h, sizeof(h));
}

static void
t_openat2(struct facts *f)
{
	int dir = open(f->dir, O_RDONLY | O_DIRECTORY);
	long fd = CALL(f, "openat2", dir, live_str(f, "f2"),
	    how(f, O_RDWR | O_CREAT, 0604, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS),
	    sizeof(struct open_how));

	WANT(f,
	    "dirfd=%d name=f2 flags=O_RDWR|O_CREAT|O_F_CREATED mode=0604 "
	    "resolve=RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS dev=%lu ino=%lu realname=%s/f2",
	    dir, live_dev(fd), live_ino(fd), f->dir);
	(void) CALL(f, "openat2", dir, live_str(f, "nowhere"),
	    how(f, O_RDONLY | O_DIRECTORY, 0,
		RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_IN_ROOT),
	    sizeof(struct open_how));
	WANT(f, /* any bit of O_TMPFILE means all of it */
	    "dirfd=%d name=nowhere flags=O_RDONLY|O_DIRECTORY|O_TMPFILE mode=0 "
	    "resolve=RESOLVE_NO_XDEV|RESOLVE_NO_MAGICLINKS|RESOLVE_IN_ROOT dev=0 ino=0",
	    dir);
}

static void
t_creat(struct facts *f)
{
	long fd = CALL(f, "creat", live_str(f, "made"), 0611);

	WANT(f, "name=made mode=0611 dev=%lu ino=%lu creat_flags=0 realname=%s/made", live_dev(fd),
	    live_ino(fd), f->dir);
	(void) CALL(f, "creat", live_str(f, "."), 0600);
	WANT(f, "name=. mode=0600 dev=0 ino=0 creat_flags=0");
}

static void
t_close(struct facts *f)
{
	(void) CALL(f, "close", dup(2));
	WANT(f, "fd=3");
	(void) CALL(f, "close", 4713);
	WANT(f, "fd=4713");
	(void) CALL(f, "close", -1);
	WANT(f, "fd=-1");
}

static void
t_close_range(struct facts *f)
{
	(void) CALL(f, "close_range", 77, 78, 0);
	WANT(f, "first=77 last=78 flags=0");
	(void) CALL(f, "close_range", 79, ~0U, CLOSE_RANGE_CLOEXEC);
	WANT(f, "first=79 last=0xffffffff flags=CLOSE_RANGE_CLOEXEC");
	(void) CALL(f, "close_range", 5, 4, 0);
	WANT(f, "first=5 last=4 flags=0");
}

static void
t_dup(struct facts *f)
{
	(void) CALL(f, "dup", 2);
	WANT(f, "oldfd=2");
	(void) CALL(f, "dup", 4711);
	WANT(f, "oldfd=4711");
}

static void
t_dup2(struct facts *f)
{
	(void) CALL(f, "dup2", 1, 77);
	WANT(f, "oldfd=1 newfd=77");
	(void) CALL(f, "dup2", 4712, 5);
	WANT(f, "oldfd=4712 newfd=5");
}

static void
t_dup3(struct facts *f)
{
	(void) CALL(f, "dup3", 2, 78, O_CLOEXEC);
	WANT(f, "oldfd=2 newfd=78 flags=O_CLOEXEC");
	(void) CALL(f, "dup3", 2, 2, 0);
	WANT(f, "oldfd=2 newfd=2 flags=0");
}

static void
t_link(struct facts *f)
{
	(void) mknod("a", S_IFREG | 0600, 0);
	(void) CALL(f, "link", live_str(f, "a"), live_str(f, "b"));
	WANT(f, "oldpath=a newpath=b");
	(void) CALL(f, "link", live_str(f, "b"), live_str(f, "a"));
	WANT(f, "oldpath=b newpath=a");
}

static void
t_linkat(struct facts *f)
{
	int dir = open(f->dir, O_RDONLY | O_DIRECTORY), other = dup(dir), fd;

	fd = open("a", O_CREAT | O_WRONLY, 0600);
	(void) CALL(f, "linkat", dir, live_str(f, "a"), other, live_str(f, "c"), AT_SYMLINK_FOLLOW);
	WANT(f, "olddir=%d oldpath=a newdir=%d newpath=c flags=AT_SYMLINK_FOLLOW", dir, other);
	(void) CALL(f, "linkat", AT_FDCWD, live_str(f, "gone"), dir, live_str(f, "d"), 0);
	WANT(f, "olddir=-100 oldpath=gone newdir=%d newpath=d flags=0", dir);
	(void) CALL(f, "linkat", fd, live_str(f, ""), AT_FDCWD, live_str(f, "e"), AT_EMPTY_PATH);
	WANT(f, "olddir=%d oldpath= newdir=-100 newpath=e flags=AT_EMPTY_PATH", fd);
}

static void
t_chdir(struct facts *f)
{
	(void) mkdir("in", 0700);
	(void) CALL(f, "chdir", live_str(f, "in"));
	WANT(f, "path=in cwd=%s/in", f->dir);
	(void) CALL(f, "chdir", live_str(f, "/no/where"));
	WANT(f, "path=/no/where cwd=-");
}

static void
t_fchdir(struct facts *f)
{
	int dir = open(f->dir, O_RDONLY | O_DIRECTORY);

	(void) CALL(f, "fchdir", dir);
	WANT(f, "fd=%d cwd=%s", dir, f->dir);
	(void) CALL(f, "fchdir", 4714);
	WANT(f, "fd=4714 cwd=-");
}

static void
t_fcntl(struct facts *f)
{
	(void) CALL(f, "fcntl", 2, F_DUPFD_CLOEXEC, 100);
	WANT(f, "fd=2 cmd=F_DUPFD_CLOEXEC arg=100");
	(void) CALL(f, "fcntl", 1, F_SETFD, FD_CLOEXEC);
	WANT(f, "fd=1 cmd=F_SETFD arg=1");
	(void) CALL(f, "fcntl", 4715, F_GETFL, 0);
	WANT(f, "fd=4715 cmd=F_GETFL arg=0");
	(void) CALL(f, "fcntl", 2, 4711, 0);
	WANT(f, "fd=2 cmd=UNKNOWN arg=0");
}

const struct live_row file_rows[] = {
	LIVE_ROW(open),
	LIVE_ROW(openat),
	LIVE_ROW(openat2),
	LIVE_ROW(creat),
	LIVE_ROW(close),
	LIVE_ROW(close_range),
	LIVE_ROW(dup),
	LIVE_ROW(dup2),
	LIVE_ROW(dup3),
	LIVE_ROW(link),
	LIVE_ROW(linkat),
	LIVE_ROW(chdir),
	LIVE_ROW(fchdir),
	LIVE_ROW(fcntl),
	{ .name = NULL },
};

static void
d_overlay(struct facts *f)
{
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("t", f->dir, "tmpfs", 0, NULL) != 0 || chdir(f->dir) != 0)
		_exit(1);
	(void) mkdir("low", 0700);
	(void) mkdir("up", 0700);
	(void) mkdir("work", 0700);
	(void) mkdir("all", 0700);
	(void) mknod("low/l", S_IFREG | 0600, 0);
	f->n[0] = mount("o", "all", "overlay", 0, "lowerdir=low,upperdir=up,workdir=work");
	f->n[1] = syscall(SYS_open, "all/l", O_RDONLY, 0);
	f->n[2] = syscall(SYS_open, "all/u", O_CREAT | O_WRONLY, 0600);
	f->n[3] = syscall(SYS_creat, "all/c", 0600);
	f->n[4] = syscall(SYS_open, "low/l", O_RDONLY, 0);
}

static void
c_overlay(struct live *l)
{
	live_that(l, l->f->n[0] == 0 && l->f->n[1] >= 0 && l->f->n[2] >= 0, "overlayfs works here");
	live_num(l, live_rec(l, EV_OPEN, 0), "flags", 0x1 | 0x10000);
	live_num(l, live_rec(l, EV_OPEN, 1), "flags", 0x2 | 0x4 | 0x4000 | 0x8000);
	live_num(l, live_rec(l, EV_CREAT, 0), "creat_flags", 0x1);
	live_num(l, live_rec(l, EV_OPEN, 2), "flags", 0x1);
}

const struct live_case file_cases[] = {
	{ "layers of an overlay", d_overlay, c_overlay, NULL },
	{ NULL, NULL, NULL, NULL },
};
