/* SPDX-License-Identifier: Apache-2.0 */
#include "common/probe.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int
probe_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX] = ".";

	if (slash != NULL)
		(void) snprintf(folder, sizeof(folder), "%.*s", (int) (slash - path) + 1, path);
	return faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

int
probe_file(const char *path)
{
	struct stat st;

	if (path[0] == '\0')
		return -ENOENT;
	if (stat(path, &st) < 0)
		return errno == ENOENT ? probe_folder(path) : -errno;
	if (S_ISDIR(st.st_mode) || S_ISSOCK(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -ENXIO;
	return faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/* Does a process accept connections there? */
static int
probe_listener(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;

	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *) a, sizeof(*a)) == 0 ? EAGAIN : errno;
	(void) close(fd);
	return r == EAGAIN ? -EADDRINUSE : r == ECONNREFUSED ? 0 : -r;
}

int
probe_socket(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct stat st;
	int r;

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	memcpy(a.sun_path, path, strlen(path) + 1);
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? probe_folder(path) : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	r = probe_listener(&a);
	return r < 0 ? r : probe_folder(path); /* to remove and recreate it */
}
