/* SPDX-License-Identifier: Apache-2.0 */
/* live_path.c - calls that change what a path names: unlink, rename, mkdir, chmod, mount points...
 */
#include "tests/driver/live_rows.h"
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static void
make(const char *name)
{
	if (mknod(name, S_IFREG | 0600, 0) != 0)
		_exit(1);
}

static void
link_to_nowhere(const char *name)
{
	if (symlink("nowhere", name) != 0)
		_exit(1);
}

static int
here(const struct facts *f)
{
	return open(f->dir, O_RDONLY | O_DIRECTORY);
}

static void
t_unlink(struct facts *f)
{
	make("a");
	(void) CALL(f, "unlink", live_str(f, "a"));
	WANT(f, "path=a");
	(void) CALL(f, "unlink", live_str(f, "/no/where"));
	WANT(f, "path=/no/where");
}

static void
t_unlinkat(struct facts *f)
{
	int dir = here(f);

	(void) mkdir("d", 0700);
	(void) CALL(f, "unlinkat", dir, live_str(f, "d"), AT_REMOVEDIR);
	WANT(f, "dirfd=%d name=d flags=AT_REMOVEDIR", dir);
	(void) CALL(f, "unlinkat", AT_FDCWD, live_str(f, "gone"), 0);
	WANT(f, "dirfd=-100 name=gone flags=0");
}

static void
t_rename(struct facts *f)
{
	make("a");
	(void) CALL(f, "rename", live_str(f, "a"), live_str(f, "b"));
	WANT(f, "oldpath=a newpath=b");
	(void) CALL(f, "rename", live_str(f, "a"), live_str(f, "c"));
	WANT(f, "oldpath=a newpath=c");
}

static void
t_renameat(struct facts *f)
{
	int dir = here(f), other = dup(dir);

	make("a");
	(void) CALL(f, "renameat", dir, live_str(f, "a"), other, live_str(f, "b"));
	WANT(f, "olddirfd=%d oldpath=a newdirfd=%d newpath=b", dir, other);
	(void) CALL(f, "renameat", AT_FDCWD, live_str(f, "a"), 4711, live_str(f, "c"));
	WANT(f, "olddirfd=-100 oldpath=a newdirfd=4711 newpath=c");
}

static void
t_renameat2(struct facts *f)
{
	int dir = here(f);

	make("a");
	make("b");
	(void) CALL(
	    f, "renameat2", dir, live_str(f, "a"), AT_FDCWD, live_str(f, "b"), RENAME_EXCHANGE);
	WANT(f, "olddirfd=%d oldpath=a newdirfd=-100 newpath=b flags=RENAME_EXCHANGE", dir);
	(void) CALL(
	    f, "renameat2", dir, live_str(f, "a"), AT_FDCWD, live_str(f, "b"), RENAME_NOREPLACE);
	WANT(f, "olddirfd=%d oldpath=a newdirfd=-100 newpath=b flags=RENAME_NOREPLACE", dir);
}

static void
t_symlink(struct facts *f)
{
	(void) CALL(f, "symlink", live_str(f, "../to"), live_str(f, "l"));
	WANT(f, "target=../to linkpath=l");
	(void) CALL(f, "symlink", live_str(f, "other"), live_str(f, "l"));
	WANT(f, "target=other linkpath=l");
}

static void
t_symlinkat(struct facts *f)
{
	int dir = here(f);

	(void) CALL(f, "symlinkat", live_str(f, "/to"), dir, live_str(f, "l"));
	WANT(f, "target=/to linkdirfd=%d linkpath=l", dir);
	(void) CALL(f, "symlinkat", live_str(f, "/to"), AT_FDCWD, live_str(f, "l"));
	WANT(f, "target=/to linkdirfd=-100 linkpath=l");
}

static void
t_mkdir(struct facts *f)
{
	(void) CALL(f, "mkdir", live_str(f, "d"), 01750);
	WANT(f, "path=d mode=01750");
	(void) CALL(f, "mkdir", live_str(f, "d"), 0);
	WANT(f, "path=d mode=0");
}

static void
t_mkdirat(struct facts *f)
{
	int dir = here(f);

	(void) CALL(f, "mkdirat", dir, live_str(f, "d"), 0755);
	WANT(f, "dirfd=%d path=d mode=0755", dir);
	(void) CALL(f, "mkdirat", AT_FDCWD, live_str(f, "none/d"), 0700);
	WANT(f, "dirfd=-100 path=none/d mode=0700");
}

static void
t_rmdir(struct facts *f)
{
	(void) mkdir("d", 0700);
	(void) CALL(f, "rmdir", live_str(f, "d"));
	WANT(f, "path=d");
	(void) CALL(f, "rmdir", live_str(f, "d"));
	WANT(f, "path=d");
}

static void
t_chmod(struct facts *f)
{
	make("a");
	(void) CALL(f, "chmod", live_str(f, "a"), 06751);
	WANT(f, "filename=a mode=06751");
	(void) CALL(f, "chmod", live_str(f, "gone"), S_IFREG | 01022); /* of the type nothing */
	WANT(f, "filename=gone mode=01022");
}

static void
t_fchmod(struct facts *f)
{
	int fd = open("a", O_CREAT | O_WRONLY, 0600);

	(void) CALL(f, "fchmod", fd, 04755);
	WANT(f, "fd=%d mode=S_ISUID|S_IRUSR|S_IWUSR|S_IXUSR|S_IRGRP|S_IXGRP|S_IROTH|S_IXOTH", fd);
	(void) CALL(f, "fchmod", 4711, 0);
	WANT(f, "fd=4711 mode=0");
}

static void
t_fchmodat(struct facts *f)
{
	int dir = here(f);

	make("a");
	(void) CALL(f, "fchmodat", dir, live_str(f, "a"), 02700);
	WANT(f, "dirfd=%d filename=a mode=02700", dir);
	(void) CALL(f, "fchmodat", AT_FDCWD, live_str(f, "gone"), 0777);
	WANT(f, "dirfd=-100 filename=gone mode=0777");
}

static void
t_chown(struct facts *f)
{
	make("a");
	(void) CALL(f, "chown", live_str(f, "a"), 0x10005, -1);
	WANT(f, "path=a uid=%ld gid=0xffffffff", live_id(0x10005));
	(void) CALL(f, "chown", live_str(f, "gone"), 0, 7);
	WANT(f, "path=gone uid=0 gid=7");
}

static void
t_lchown(struct facts *f)
{
	link_to_nowhere("l");
	(void) CALL(f, "lchown", live_str(f, "l"), -1, 0x10005);
	WANT(f, "path=l uid=0xffffffff gid=%ld", live_id(0x10005));
	(void) CALL(f, "lchown", live_str(f, "gone"), 0, 7);
	WANT(f, "path=gone uid=0 gid=7");
}

static void
t_fchown(struct facts *f)
{
	int fd = open("a", O_CREAT | O_WRONLY, 0600);

	(void) CALL(f, "fchown", fd, 0x10005, 0xffff);
	WANT(f, "fd=%d uid=%ld gid=%ld", fd, live_id(0x10005), live_id(0xffff));
	(void) CALL(f, "fchown", 4711, 0, 7);
	WANT(f, "fd=4711 uid=0 gid=7");
}

static void
t_fchownat(struct facts *f)
{
	int dir = here(f);

	link_to_nowhere("l");
	(void) CALL(f, "fchownat", dir, live_str(f, "l"), 1001, -1, AT_SYMLINK_NOFOLLOW);
	WANT(f, "dirfd=%d pathname=l uid=1001 gid=4294967295 flags=AT_SYMLINK_NOFOLLOW", dir);
	(void) CALL(f, "fchownat", AT_FDCWD, live_str(f, "l"), 0, 0, 0);
	WANT(f, "dirfd=-100 pathname=l uid=0 gid=0 flags=0");
}

static void
t_mknod(struct facts *f)
{
	(void) CALL(f, "mknod", live_str(f, "p"), S_IFIFO | 0622, 0);
	WANT(f, "path=p mode=%d dev=0", S_IFIFO | 0622);
	(void) CALL(f, "mknod", live_str(f, "none/n"), S_IFCHR | 0600, 0x103);
	WANT(f, "path=none/n mode=%d dev=259", S_IFCHR | 0600);
}

static void
t_mknodat(struct facts *f)
{
	int dir = here(f);

	(void) CALL(f, "mknodat", dir, live_str(f, "p"), S_IFIFO | 0622, 0);
	WANT(f, "dirfd=%d path=p mode=%d dev=0", dir, S_IFIFO | 0622);
	(void) CALL(f, "mknodat", AT_FDCWD, live_str(f, "p"), S_IFCHR | 0600, 0x103);
	WANT(f, "dirfd=-100 path=p mode=%d dev=259", S_IFCHR | 0600);
}

static void
t_chroot(struct facts *f)
{
	(void) CALL(f, "chroot", live_str(f, "gone"));
	WANT(f, "path=gone root=-");
	(void) CALL(f, "chroot", live_str(f, "."));
	WANT(f, "path=. root=%s", f->dir);
}

static void
mount_at(const char *name)
{
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mkdir(name, 0700) != 0 || mount("none", name, "tmpfs", 0, NULL) != 0)
		_exit(1);
}

/* The flags come without the magic number of old programs. The device of a tmpfs does not exist. */
static void
t_mount(struct facts *f)
{
	if (unshare(CLONE_NEWNS) != 0)
		_exit(1);
	(void) CALL(f, "mount", 0, live_str(f, "/"), 0, MS_REC | MS_PRIVATE, 0);
	WANT(f, "dev=- dir=/ type=- flags=REC|PRIVATE");
	(void) CALL(f, "mount", live_str(f, "none"), live_str(f, "."), live_str(f, "tmpfs"),
	    MS_MGC_VAL | MS_NOSUID | MS_NOEXEC, 0);
	WANT(f, "dev=none dir=. type=tmpfs flags=NOSUID|NOEXEC");
	(void) CALL(
	    f, "mount", live_str(f, "/gone"), live_str(f, "gone"), live_str(f, "ext4"), MS_BIND, 0);
	WANT(f, "dev=/gone dir=gone type=ext4 flags=BIND");
}

static void
t_umount(struct facts *f)
{
	mount_at("m");
	(void) CALL(f, "umount", live_str(f, "m"));
	WANT(f, "name=m");
	(void) CALL(f, "umount", live_str(f, "m"));
	WANT(f, "name=m");
}

static void
t_umount2(struct facts *f)
{
	mount_at("m");
	(void) CALL(f, "umount2", live_str(f, "m"), MNT_DETACH);
	WANT(f, "name=m flags=DETACH");
	(void) CALL(f, "umount2", live_str(f, "gone"), 0);
	WANT(f, "name=gone flags=0");
}

static void
t_access(struct facts *f)
{
	(void) CALL(f, "access", live_str(f, "/"), R_OK | X_OK);
	WANT(f, "name=/ mode=R_OK|X_OK");
	(void) CALL(f, "access", live_str(f, "gone"), F_OK);
	WANT(f, "name=gone mode=0");
}

const struct live_row path_rows[] = {
	LIVE_ROW(unlink),
	LIVE_ROW(unlinkat),
	LIVE_ROW(rename),
	LIVE_ROW(renameat),
	LIVE_ROW(renameat2),
	LIVE_ROW(symlink),
	LIVE_ROW(symlinkat),
	LIVE_ROW(mkdir),
	LIVE_ROW(mkdirat),
	LIVE_ROW(rmdir),
	LIVE_ROW(chmod),
	LIVE_ROW(fchmod),
	LIVE_ROW(fchmodat),
	LIVE_ROW(chown),
	LIVE_ROW(lchown),
	LIVE_ROW(fchown),
	LIVE_ROW(fchownat),
	LIVE_ROW(mknod),
	LIVE_ROW(mknodat),
	LIVE_ROW(chroot),
	LIVE_ROW(mount),
	LIVE_ROW(umount),
	LIVE_ROW(umount2),
	LIVE_ROW(access),
	{ .name = NULL },
};
