/* SPDX-License-Identifier: Apache-2.0 */
#include "common/notify.h"
#include "common/clock.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* WATCHDOG_PID names the process that is watched: a child that inherits the variable is not. */
static uint64_t
watchdog_ns(void)
{
	const char *usec = getenv("WATCHDOG_USEC"); /* NOLINT(concurrency-mt-unsafe): no threads */
	const char *pid = getenv("WATCHDOG_PID");   /* NOLINT(concurrency-mt-unsafe): no threads */

	if (usec == NULL || (pid != NULL && strtoul(pid, NULL, 10) != (unsigned long) getpid()))
		return 0;
	return strtoull(usec, NULL, 10) * 1000;
}

int
notify_open(struct notify *n)
{
	const char *path = getenv("NOTIFY_SOCKET"); /* NOLINT(concurrency-mt-unsafe): no threads */
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t len = path == NULL ? 0 : strlen(path);
	int fd, r;

	*n = (struct notify) NOTIFY_NONE;
	if (len == 0)
		return 0;
	if (len >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	if (path[0] != '/' && path[0] != '@')
		return -EAFNOSUPPORT;
	memcpy(at.sun_path, path, len);
	if (path[0] == '@') /* a name without a file */
		at.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *) &at,
		(socklen_t) (offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
		r = -errno;
		(void) close(fd);
		return r;
	}
	n->fd = fd;
	n->period_ns = watchdog_ns() / 2;
	return 0;
}

void
notify_close(struct notify *n)
{
	if (n->fd >= 0)
		(void) close(n->fd);
	*n = (struct notify) NOTIFY_NONE;
}

static void
tell(const struct notify *n, const char *text)
{
	if (n->fd >= 0)
		(void) send(n->fd, text, strlen(text), MSG_NOSIGNAL);
}

void
notify_ready(const struct notify *n)
{
	tell(n, "READY=1");
}

void
notify_stopping(const struct notify *n)
{
	tell(n, "STOPPING=1");
}

void
notify_alive(struct notify *n, uint64_t now)
{
	if (n->period_ns == 0 || now < n->due_ns)
		return;
	n->due_ns = now + n->period_ns;
	tell(n, "WATCHDOG=1");
}
