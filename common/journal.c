/* SPDX-License-Identifier: Apache-2.0 */
#include "common/journal.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int
journal_open(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	memcpy(at.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *) &at, sizeof(at)) < 0) {
		r = -errno;
		(void) close(fd);
		return r;
	}
	return fd;
}

int
journal_send(int fd, const struct journal_line *line)
{
	char text[8192];
	int n = snprintf(text, sizeof(text),
	    "MESSAGE=%s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nMEWS_LEVEL=%s\n%s%s%s", line->message,
	    line->priority, line->program, line->level, line->peer != NULL ? "MEWS_PEER=" : "",
	    line->peer != NULL ? line->peer : "", line->peer != NULL ? "\n" : "");

	if (n < 0 || (size_t) n >= sizeof(text))
		return -EMSGSIZE;
	return send(fd, text, (size_t) n, MSG_NOSIGNAL) < 0 ? -errno : 0;
}
