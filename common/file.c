/* SPDX-License-Identifier: Apache-2.0 */
#include "common/file.h"
#include "common/clock.h"
#include <errno.h>
#include <fcntl.h>
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

/* In one piece, if it is as large as it was: a secret that moves leaves copies behind. */
static int
read_all(int fd, size_t size, struct buf *b)
{
	size_t left = FILE_MAX;
	ssize_t n = 1;

	if (buf_reserve(b, size + 4096) < 0)
		return -ENOMEM;
	while (n != 0 && left > 0) {
		if (buf_reserve(b, 4096) < 0)
			return -ENOMEM;
		n = read(fd, b->p + b->n, MIN(left, (size_t) 4096));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			b->n += (size_t) n;
			left -= (size_t) n;
		}
	}
	buf_add(b, "", 0); /* ends with the NUL that buf.h promises */
	return buf_ok(b);
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
		r = read_all(fd, size, b);
		if (r < 0)
			diag_set(
			    d, 0, 0, "cannot read the %s %s: %s", what, path, strerrordesc_np(-r));
	}
	(void) close(fd);
	return r;
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
