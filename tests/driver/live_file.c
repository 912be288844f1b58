/* SPDX-License-Identifier: Apache-2.0 */
/* live_file.c - open, openat, openat2, creat, close, close_range, dup, dup2, dup3, link, linkat. */
#include "tests/driver/live.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The call itself, whatever the C library would make of it; -errno. */
#define CALL(...) call_result(syscall(__VA_ARGS__))

static long
call_result(long r)
{
	return r < 0 ? -errno : r;
}

/* The kernel's encoding of a device number for user space. */
static int64_t
dev_of(const struct stat *st)
{
	unsigned major = major(st->st_dev), minor = minor(st->st_dev);

	return (minor & 0xff) | major << 8 | (minor & ~0xffU) << 12;
}

/* n[at], n[at + 1]: device and inode of a descriptor. */
static void
note_file(struct facts *f, unsigned at, long fd)
{
	struct stat st;

	if (fstat((int) fd, &st) != 0)
		return;
	f->n[at] = dev_of(&st);
	f->n[at + 1] = (int64_t) st.st_ino;
}

static void
path_in(struct facts *f, unsigned i, const char *name)
{
	(void) snprintf(f->s[i], sizeof(f->s[i]), "%.200s/%s", f->dir, name);
}

static void
d_open(struct facts *f)
{
	path_in(f, 0, "new");
	path_in(f, 1, "none/there");
	(void) umask(0);
	f->n[0] = CALL(SYS_open, f->s[0], O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 04640);
	note_file(f, 1, f->n[0]);
	f->n[3] = CALL(SYS_open, f->s[1], O_WRONLY, 0777);
	f->n[4] = CALL(SYS_open, f->s[0], O_RDONLY | O_CREAT, 0600);
}

static void
c_open(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_OPEN, 0);

	live_num(l, r, "fd", l->f->n[0]);
	live_text(l, r, "name", l->f->s[0]);
	live_num(l, r, "flags",
	    0x1000 | 0x4 | 0x20 | 0x3 | 0x4000); /* CLOEXEC CREAT EXCL RDWR F_CREATED */
	live_num(l, r, "mode", 04640);
	live_num(l, r, "dev", l->f->n[1]);
	live_num(l, r, "ino", l->f->n[2]);
	live_that(l, l->f->n[0] >= 0, "the file was opened");
	r = live_rec(l, EV_OPEN, 1);
	live_num(l, r, "fd", -ENOENT);
	live_text(l, r, "name", l->f->s[1]);
	live_num(l, r, "flags", 0x2);
	live_num(l, r, "mode", 0); /* no O_CREAT: no mode */
	live_num(l, r, "dev", 0);
	live_num(l, r, "ino", 0);
	r = live_rec(l, EV_OPEN, 2);
	live_num(l, r, "flags", 0x1 | 0x4); /* it was there already */
	live_num(l, r, "mode", 0600);
}

static void *
thread_openat(void *arg)
{
	struct facts *f = arg;

	f->n[10] = CALL(SYS_gettid);
	f->n[0] = CALL(SYS_openat, f->n[11], "in", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0755);
	note_file(f, 1, f->n[0]);
	return NULL;
}

static void
d_openat(struct facts *f)
{
	pthread_t t;

	(void) umask(0);
	f->n[11] = CALL(SYS_open, f->dir, O_RDONLY | O_DIRECTORY, 0);
	if (pthread_create(&t, NULL, thread_openat, f) != 0)
		_exit(1);
	(void) pthread_join(t, NULL);
	f->n[3] = CALL(SYS_openat, AT_FDCWD, "in/under", O_RDONLY | O_NONBLOCK, 0);
	f->n[4] = CALL(SYS_openat, 4711, "x", O_RDONLY, 0);
}

static void
c_openat(struct live *l)
{
	const struct ev_hdr *r = live_rec_of(l, EV_OPENAT, l->f->n[10]);

	live_that(
	    l, r != NULL && r->pid == (uint32_t) l->child && r->tid != r->pid, "a thread did it");
	live_num(l, r, "fd", l->f->n[0]);
	live_num(l, r, "dirfd", l->f->n[11]);
	live_text(l, r, "name", "in");
	live_num(l, r, "flags", 0x2 | 0x4 | 0x100 | 0x8 | 0x4000);
	live_num(l, r, "mode", 0755);
	live_num(l, r, "dev", l->f->n[1]);
	live_num(l, r, "ino", l->f->n[2]);
	for (unsigned k = 0; k < live_count(l, EV_OPENAT); k++) {
		r = live_rec(l, EV_OPENAT, k);
		if (record_num(r, schema_get(EV_OPENAT), 0) == -ENOTDIR)
			break;
	}
	live_num(l, r, "fd", l->f->n[3]);
	live_num(l, r, "dirfd", -100);
	live_text(l, r, "name", "in/under");
	live_num(l, r, "flags", 0x1 | 0x40);
	live_num(l, r, "mode", 0);
	live_num(l, r, "dev", 0);
	live_num(l, r, "ino", 0);
	r = live_rec(l, EV_OPENAT, live_count(l, EV_OPENAT) - 1);
	live_num(l, r, "fd", -EBADF);
	live_num(l, r, "dirfd", 4711);
	live_num(l, r, "fd", l->f->n[4]);
}

static void
d_openat2(struct facts *f)
{
	struct open_how how = { .flags = O_RDWR | O_CREAT,
		.mode = 0604,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };

	(void) umask(0);
	f->n[11] = CALL(SYS_open, f->dir, O_RDONLY | O_DIRECTORY, 0);
	f->n[0] = CALL(SYS_openat2, f->n[11], "f2", &how, sizeof(how));
	note_file(f, 1, f->n[0]);
	how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_IN_ROOT;
	how.flags = O_RDONLY | O_DIRECTORY;
	how.mode = 0;
	f->n[3] = CALL(SYS_openat2, f->n[11], "nowhere", &how, sizeof(how));
}

static void
c_openat2(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_OPENAT2, 0);

	live_that(l, l->f->n[0] >= 0, "the file was opened");
	live_num(l, r, "fd", l->f->n[0]);
	live_num(l, r, "dirfd", l->f->n[11]);
	live_text(l, r, "name", "f2");
	live_num(l, r, "flags", 0x3 | 0x4 | 0x4000);
	live_num(l, r, "mode", 0604);
	live_num(l, r, "resolve",
	    0x1 | 0x8); /* RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS as rules number them */
	live_num(l, r, "dev", l->f->n[1]);
	live_num(l, r, "ino", l->f->n[2]);
	r = live_rec(l, EV_OPENAT2, 1);
	live_num(l, r, "fd", l->f->n[3]);
	live_num(l, r, "fd", -ENOENT);
	live_num(l, r, "flags", 0x1 | 0x400 | 0x2000); /* any bit of O_TMPFILE is all of it */
	live_num(l, r, "mode", 0);
	live_num(l, r, "resolve", 0x10 | 0x4 | 0x2);
	live_num(l, r, "dev", 0);
	live_num(l, r, "ino", 0);
}

/* Every flag of open(), alone, with an access mode each. */
static const struct {
	int flags;
	int64_t want;
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
d_flags(struct facts *f)
{
	(void) f;
	for (size_t i = 0; i < ARRAY_SIZE(flag_cases); i++)
		(void) CALL(SYS_open, "no/where", flag_cases[i].flags, 0);
}

static void
c_flags(struct live *l)
{
	for (unsigned i = 0; i < ARRAY_SIZE(flag_cases); i++)
		live_num(l, live_rec(l, EV_OPEN, i), "flags", flag_cases[i].want);
}

static void
d_creat(struct facts *f)
{
	(void) umask(0);
	f->n[0] = CALL(SYS_creat, "made", 0611);
	note_file(f, 1, f->n[0]);
	f->n[3] = CALL(SYS_creat, ".", 0600);
}

static void
c_creat(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_CREAT, 0);

	live_num(l, r, "fd", l->f->n[0]);
	live_text(l, r, "name", "made");
	live_num(l, r, "mode", 0611);
	live_num(l, r, "dev", l->f->n[1]);
	live_num(l, r, "ino", l->f->n[2]);
	live_num(l, r, "creat_flags", 0);
	r = live_rec(l, EV_CREAT, 1);
	live_num(l, r, "fd", -EISDIR);
	live_text(l, r, "name", ".");
	live_num(l, r, "mode", 0600);
	live_num(l, r, "dev", 0);
	live_num(l, r, "ino", 0);
}

static void
d_close_dup(struct facts *f)
{
	f->n[0] = CALL(SYS_dup, 2);
	f->n[1] = CALL(SYS_dup, 4711);
	f->n[2] = CALL(SYS_dup2, 1, 77);
	f->n[3] = CALL(SYS_dup2, 4712, 5);
	f->n[4] = CALL(SYS_dup3, 2, 78, O_CLOEXEC);
	f->n[5] = CALL(SYS_dup3, 2, 2, 0);
	f->n[6] = CALL(SYS_close, 77);
	f->n[7] = CALL(SYS_close, 4713);
	f->n[8] = CALL(SYS_close_range, 77, 78, 0);
	f->n[9] = CALL(SYS_close_range, 79, ~0U, 0x4);
	f->n[10] = CALL(SYS_close_range, 5, 4, 0);
}

static void
c_close_dup(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_DUP, 0);

	live_num(l, r, "res", l->f->n[0]);
	live_num(l, r, "oldfd", 2);
	r = live_rec(l, EV_DUP, 1);
	live_num(l, r, "res", -EBADF);
	live_num(l, r, "oldfd", 4711);
	r = live_rec(l, EV_DUP2, 0);
	live_num(l, r, "res", 77);
	live_num(l, r, "oldfd", 1);
	live_num(l, r, "newfd", 77);
	r = live_rec(l, EV_DUP2, 1);
	live_num(l, r, "res", -EBADF);
	live_num(l, r, "oldfd", 4712);
	live_num(l, r, "newfd", 5);
	r = live_rec(l, EV_DUP3, 0);
	live_num(l, r, "res", 78);
	live_num(l, r, "oldfd", 2);
	live_num(l, r, "newfd", 78);
	live_num(l, r, "flags", 0x1000);
	r = live_rec(l, EV_DUP3, 1);
	live_num(l, r, "res", -EINVAL);
	live_num(l, r, "flags", 0);
	r = live_rec(l, EV_CLOSE, 0);
	live_num(l, r, "res", 0);
	live_num(l, r, "fd", 77);
	r = live_rec(l, EV_CLOSE, 1);
	live_num(l, r, "res", -EBADF);
	live_num(l, r, "fd", 4713);
	r = live_rec(l, EV_CLOSE_RANGE, 0);
	live_num(l, r, "res", 0);
	live_num(l, r, "first", 77);
	live_num(l, r, "last", 78);
	live_num(l, r, "flags", 0);
	r = live_rec(l, EV_CLOSE_RANGE, 1);
	live_num(l, r, "res", 0);
	live_num(l, r, "first", 79);
	live_num(l, r, "last", UINT32_MAX);
	live_num(l, r, "flags", 0x4);
	r = live_rec(l, EV_CLOSE_RANGE, 2);
	live_num(l, r, "res", -EINVAL);
}

static void
d_link(struct facts *f)
{
	f->n[9] = CALL(SYS_creat, "a", 0600);
	f->n[10] = CALL(SYS_open, f->dir, O_RDONLY | O_DIRECTORY, 0);
	f->n[11] = CALL(SYS_dup, f->n[10]);
	f->n[0] = CALL(SYS_link, "a", "b");
	f->n[1] = CALL(SYS_link, "b", "a");
	f->n[2] = CALL(SYS_linkat, f->n[10], "a", f->n[11], "c", AT_SYMLINK_FOLLOW);
	f->n[3] = CALL(SYS_linkat, AT_FDCWD, "gone", f->n[10], "d", 0);
	f->n[4] = CALL(SYS_linkat, f->n[9], "", AT_FDCWD, "e", AT_EMPTY_PATH);
}

static void
c_link(struct live *l)
{
	const struct ev_hdr *r = live_rec(l, EV_LINK, 0);

	live_num(l, r, "res", 0);
	live_text(l, r, "oldpath", "a");
	live_text(l, r, "newpath", "b");
	r = live_rec(l, EV_LINK, 1);
	live_num(l, r, "res", -EEXIST);
	live_text(l, r, "oldpath", "b");
	live_text(l, r, "newpath", "a");
	r = live_rec(l, EV_LINKAT, 0);
	live_num(l, r, "res", 0);
	live_num(l, r, "olddir", l->f->n[10]);
	live_text(l, r, "oldpath", "a");
	live_num(l, r, "newdir", l->f->n[11]);
	live_text(l, r, "newpath", "c");
	live_num(l, r, "flags", 0x400);
	r = live_rec(l, EV_LINKAT, 1);
	live_num(l, r, "res", -ENOENT);
	live_num(l, r, "olddir", -100);
	live_text(l, r, "oldpath", "gone");
	live_num(l, r, "newdir", l->f->n[10]);
	live_text(l, r, "newpath", "d");
	live_num(l, r, "flags", 0);
	r = live_rec(l, EV_LINKAT, 2);
	live_num(l, r, "res", l->f->n[4]);
	live_text(l, r, "oldpath", "");
	live_num(l, r, "newdir", -100);
	live_num(l, r, "flags", 0x1000);
}

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
	f->n[1] = CALL(SYS_open, "all/l", O_RDONLY, 0);
	f->n[2] = CALL(SYS_open, "all/u", O_CREAT | O_WRONLY, 0600);
	f->n[3] = CALL(SYS_creat, "all/c", 0600);
	f->n[4] = CALL(SYS_open, "low/l", O_RDONLY, 0);
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
	{ "open", d_open, c_open, NULL },
	{ "openat, of a thread, relative to a folder", d_openat, c_openat, NULL },
	{ "openat2", d_openat2, c_openat2, NULL },
	{ "flags of open", d_flags, c_flags, NULL },
	{ "creat", d_creat, c_creat, NULL },
	{ "close, close_range, dup, dup2, dup3", d_close_dup, c_close_dup, NULL },
	{ "link, linkat", d_link, c_link, NULL },
	{ "layers of an overlay", d_overlay, c_overlay, NULL },
	{ NULL, NULL, NULL, NULL },
};
