/* SPDX-License-Identifier: Apache-2.0 */
#include "common/file.h"
#include "common/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
check(int fd, const char *path, const char *what, bool secret, size_t *size, struct diag *d)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return diag_fail(d, 0, 0, "the %s %s is not a file", what, path);
	*size = (size_t) st.st_size;
	if (st.st_size > FILE_MAX)
		return diag_fail(
		    d, 0, 0, "the %s %s is larger than %u MiB", what, path, FILE_MAX >> 20);
	if (!secret || (st.st_mode & (S_IWGRP | S_IRWXO)) == 0)
		return 0;
	diag_set(d, 0, 0, "others may read or change the %s %s: chmod 600 %s", what, path, path);
	return -EACCES;
}

int
fd_read_all(int fd, size_t max, struct buf *b)
{
	size_t before = b->n;
	ssize_t n;

	do {
		if (buf_reserve(b, 4096) < 0)
			return -ENOMEM;
		n = read(fd, b->p + b->n, b->cap - b->n - 1);
		if (n < 0 && errno != EINTR)
			return -errno;
		b->n += n > 0 ? (size_t) n : 0;
		b->p[b->n] = '\0';
		if (b->n - before > max)
			return -EFBIG;
	} while (n != 0);
	return buf_ok(b);
}

/* Read into one allocation of the expected size: growing the buffer would leave copies of a
 * secret. */
int
file_read_at(int dirfd, const char *path, size_t max, struct buf *b)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = fd_read_all(fd, max, b);
	(void) close(fd);
	return r;
}

static int
read_piece(int fd, size_t size, struct buf *b)
{
	if (buf_reserve(b, size + 4096) < 0)
		return -ENOMEM;
	return fd_read_all(fd, FILE_MAX, b);
}

int
file_read(const char *path, const char *what, bool secret, struct buf *b, struct diag *d)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r;
	size_t size = 0;

	if (fd < 0) {
		r = -errno;
		diag_set(d, 0, 0, "cannot read the %s %s: %s", what, path, strerrordesc_np(-r));
		return r;
	}
	r = check(fd, path, what, secret, &size, d);
	if (r == 0) {
		r = read_piece(fd, size, b);
		if (r < 0)
			diag_set(
			    d, 0, 0, "cannot read the %s %s: %s", what, path, strerrordesc_np(-r));
	}
	(void) close(fd);
	return r;
}

int
fd_write_all(int fd, struct slice s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			s.p += n;
			s.n -= (size_t) n;
		}
	}
	return 0;
}

bool
file_others_write(const struct stat *st)
{
	return (st->st_uid != 0 && st->st_uid != geteuid()) ||
	       (st->st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

uint64_t
file_stamp(const char *path)
{
	struct stat st;
	uint64_t n;

	if (stat(path, &st) < 0)
		return 0;
	n = (uint64_t) st.st_mtim.tv_sec * NS_PER_S + (uint64_t) st.st_mtim.tv_nsec;
	n = n * 0x9e3779b97f4a7c15u + (uint64_t) st.st_ino;
	return n * 0x9e3779b97f4a7c15u + (uint64_t) st.st_size + 1;
}

/* The folder of a path, in the caller's buffer. */
static const char *
folder_of(const char *path, char ret[4096])
{
	char *slash;

	(void) snprintf(ret, 4096, "%s", path);
	slash = strrchr(ret, '/');
	if (slash == NULL)
		return ".";
	slash[slash == ret] = '\0';
	return ret;
}

int
file_give_away(int fd, const char *path)
{
	char dir[4096];
	struct stat st;

	if (geteuid() != 0)
		return 0;
	return stat(folder_of(path, dir), &st) < 0 || fchown(fd, st.st_uid, (gid_t) -1) < 0 ? -errno
											    : 0;
}

int
file_sync_folder(const char *path)
{
	char dir[4096];
	int fd = open(folder_of(path, dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
	(void) close(fd);
	return r;
}

int
file_replace(const char *path, struct slice s, mode_t mode, struct diag *d)
{
	char tmp[4200];
	int fd, r;

	(void) snprintf(tmp, sizeof(tmp), "%s.new", path);
	(void) unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0) {
		r = -errno;
		diag_set(d, 0, 0, "cannot write %s: %s", tmp, strerrordesc_np(-r));
		return r;
	}
	r = fd_write_all(fd, s);
	if (r == 0)
		r = file_give_away(fd, path);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	(void) close(fd);
	if (r == 0 && rename(tmp, path) < 0)
		r = -errno;
	if (r == 0)
		r = file_sync_folder(path); /* the new name too, not only the contents */
	if (r == 0)
		return 0;
	(void) unlink(tmp);
	diag_set(d, 0, 0, "cannot write %s: %s", path, strerrordesc_np(-r));
	return r;
}
