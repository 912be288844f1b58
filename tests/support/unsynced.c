/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unsynced.c - a library to preload: which contents of a folder would a power failure leave?
 *
 *   LD_PRELOAD=libunsynced.so UNSYNCED_FOLDER=/x UNSYNCED_DISK=/y PROGRAM...
 *
 * /y is the disk under /x. A file's contents get there when the program syncs it, some writes
 * before. Renames and removals get there at once: a file that was renamed and
 * never synced is empty. To lose the power, kill the program and replace /x by /y.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

typedef int sync_fn(int);
typedef int renameat_fn(int, const char *, int, const char *);
typedef int unlinkat_fn(int, const char *, int);
typedef ssize_t pwritev_fn(int, const struct iovec *, int, off_t);
typedef ssize_t pwrite_fn(int, const void *, size_t, off_t);

static void *
real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

/* The place of a path on the disk. False: it is not below the folder. */
static bool
on_disk(const char *path, char out[PATH_MAX])
{
	const char *folder = getenv("UNSYNCED_FOLDER"), *disk = getenv("UNSYNCED_DISK");
	size_t n = folder == NULL ? 0 : strlen(folder);

	if (n == 0 || disk == NULL || strncmp(path, folder, n) != 0 || path[n] != '/')
		return false;
	return snprintf(out, PATH_MAX, "%s%s", disk, path + n) < PATH_MAX;
}

/* The path of a descriptor, or of a name below one. */
static bool
path_of(int fd, const char *name, char out[PATH_MAX])
{
	char link[64];
	ssize_t n = 0;

	if (name == NULL || name[0] != '/') {
		(void) snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(fd == AT_FDCWD ? "/proc/self/cwd" : link, out, PATH_MAX - 1);
		if (n <= 0)
			return false;
		out[n] = '\0';
	}
	if (name == NULL)
		return true;
	return snprintf(out + n, (size_t) (PATH_MAX - n), "%s%s", n > 0 ? "/" : "", name) <
	       PATH_MAX - n;
}

static void
make_folders(char *path)
{
	for (char *p = strchr(path + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		(void) mkdir(path, 0700);
		*p = '/';
	}
}

/* What was written to a file since it was synced. */
struct dirty {
	ino_t ino;
	off_t from, to;
};

static struct dirty files[256];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The entry of a file; of an unknown one a free one, all of which is dirty. */
static struct dirty *
dirty_of(const struct stat *st)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (files[i].ino == st->st_ino)
			return &files[i];
		if (files[i].ino != 0)
			continue;
		files[i] = (struct dirty){ st->st_ino, 0, st->st_size };
		return &files[i];
	}
	abort();
}

/* Is it a file of the folder? Then where is it on the disk? */
static bool
ours(int fd, struct stat *st, char disk[PATH_MAX])
{
	char path[PATH_MAX];

	return fstat(fd, st) == 0 && S_ISREG(st->st_mode) && path_of(fd, NULL, path) &&
	       on_disk(path, disk);
}

/* Copy a part of a file to the disk. */
static void
reach_disk(int fd, char disk[PATH_MAX], off_t at, off_t to, off_t size)
{
	char from[64], block[65536];
	int in, out;

	make_folders(disk);
	(void) snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	in = open(from, O_RDONLY | O_CLOEXEC);
	out = open(disk, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (in >= 0 && out >= 0 && at < to) {
		size_t room =
		    (size_t) (to - at) < sizeof(block) ? (size_t) (to - at) : sizeof(block);
		ssize_t n = pread(in, block, room, at);

		if (n <= 0 || ((pwrite_fn *) real("pwrite"))(out, block, (size_t) n, at) != n)
			break;
		at += n;
	}
	if (out >= 0 && size >= 0 && ftruncate(out, size) < 0)
		abort();
	if (in >= 0)
		(void) close(in);
	if (out >= 0)
		(void) close(out);
}

static void
synced(int fd)
{
	char disk[PATH_MAX];
	struct dirty *d, was;
	struct stat st;

	if (!ours(fd, &st, disk))
		return;
	(void) pthread_mutex_lock(&lock);
	d = dirty_of(&st);
	was = *d;
	*d = (struct dirty){ st.st_ino, LONG_MAX, 0 };
	reach_disk(fd, disk, was.from, was.to, st.st_size); /* another thread's sync waits for it */
	(void) pthread_mutex_unlock(&lock);
}

/* Of 'early' writes one reaches the disk at once. */
static void
written(int fd, off_t at, ssize_t n, int early)
{
	int error = errno;
	char disk[PATH_MAX];
	struct dirty *d;
	struct stat st;

	if (n > 0 && ours(fd, &st, disk)) {
		(void) pthread_mutex_lock(&lock);
		d = dirty_of(&st);
		d->from = at < d->from ? at : d->from;
		d->to = at + n > d->to ? at + n : d->to;
		(void) pthread_mutex_unlock(&lock);
		if ((rand() ^ getpid()) % early == 0) /* NOLINT: any will do */
			reach_disk(fd, disk, at, at + n, -1);
	}
	errno = error;
}

int
fsync(int fd)
{
	synced(fd);
	return ((sync_fn *) real("fsync"))(fd);
}

int
fdatasync(int fd)
{
	synced(fd);
	return ((sync_fn *) real("fdatasync"))(fd);
}

ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	ssize_t r = ((pwritev_fn *) real("pwritev"))(fd, v, n, at);

	written(fd, at, r, 2);
	return r;
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	char path[PATH_MAX], old[PATH_MAX], new[PATH_MAX];
	int r = ((renameat_fn *) real("renameat"))(from_dir, from, to_dir, to), error = errno;

	if (r == 0 && path_of(from_dir, from, path) && on_disk(path, old) &&
	    path_of(to_dir, to, path) && on_disk(path, new) &&
	    ((renameat_fn *) real("renameat"))(AT_FDCWD, old, AT_FDCWD, new) < 0) {
		make_folders(new);
		(void) close(open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
	}
	errno = error;
	return r;
}

int
rename(const char *from, const char *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int
unlinkat(int dir, const char *name, int flags)
{
	char path[PATH_MAX], disk[PATH_MAX];
	int r = ((unlinkat_fn *) real("unlinkat"))(dir, name, flags), error = errno;

	if (r == 0 && path_of(dir, name, path) && on_disk(path, disk))
		(void) ((unlinkat_fn *) real("unlinkat"))(AT_FDCWD, disk, flags);
	errno = error;
	return r;
}

int
unlink(const char *name)
{
	return unlinkat(AT_FDCWD, name, 0);
}
