/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/api/api_int.h"
#include "common/probe.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 128 };

/* ---- TCP ---- */

/* Split HOST:PORT, [HOST]:PORT or :PORT in place. */
static int
split(char *text, char **host, char **port, struct diag *d)
{
	char *colon = strrchr(text, ':');

	*host = text;
	if (colon == NULL || colon[1] == '\0')
		return diag_fail(d, 0, 0,
		    "http.listen: '%s' has no port: write HOST:PORT, such as 127.0.0.1:8765", text);
	*colon = '\0';
	*port = colon + 1;
	if (text[0] == '[' && colon > text + 1 && colon[-1] == ']') {
		colon[-1] = '\0';
		*host = text + 1;
	}
	return 0;
}

/* Can only this machine reach the address? */
static bool
is_loopback(const struct sockaddr *a)
{
	const struct sockaddr_in *v4 = (const void *) a;
	const struct sockaddr_in6 *v6 = (const void *) a;

	if (a->sa_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (a->sa_family != AF_INET6)
		return false;
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
	       (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) &&
		   v6->sin6_addr.s6_addr[12] == IN_LOOPBACKNET);
}

/* Resolve http.listen and check that it may be listened on; the caller frees the result. */
static int
resolve(const struct api_cfg *cfg, struct addrinfo **ret, struct diag *d)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM };
	char text[300], *host = NULL, *port = NULL;
	int r;

	(void) snprintf(text, sizeof(text), "%s", cfg->listen);
	r = split(text, &host, &port, d);
	if (r < 0)
		return r;
	r = getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, ret);
	if (r != 0)
		return diag_fail(d, 0, 0, "http.listen: '%s' is not an address: %s", cfg->listen,
		    gai_strerror(r));
	if (is_loopback((*ret)->ai_addr) || cfg->insecure || is_set(cfg->tls_cert))
		return 0;
	freeaddrinfo(*ret);
	return diag_fail(d, 0, 0,
	    "http.listen: other machines can reach %s: set http.tls.certificate and http.tls.key, "
	    "listen on 127.0.0.1 instead, or set 'insecure: true' to serve anybody without TLS",
	    cfg->listen);
}

static int
bind_tcp(const struct addrinfo *a)
{
	const int on = 1;
	int fd =
	    socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
	int r;

	if (fd < 0)
		return -errno;
	(void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	r = -errno;
	(void) close(fd);
	return r;
}

int
listen_check(const struct api_cfg *cfg, struct diag *d)
{
	struct addrinfo *list = NULL;
	int r = resolve(cfg, &list, d);

	if (r == 0)
		freeaddrinfo(list);
	return r;
}

int
listen_tcp(const struct api_cfg *cfg, bool *local, struct diag *d)
{
	struct addrinfo *list = NULL;
	int r = resolve(cfg, &list, d);

	if (r < 0)
		return r;
	*local = is_loopback(list->ai_addr) || !is_set(cfg->tls_cert);
	r = bind_tcp(list);
	freeaddrinfo(list);
	if (r < 0)
		diag_set(d, 0, 0,
		    "cannot listen on http.listen %s: %s; choose another address or stop what uses "
		    "it",
		    cfg->listen, r == -EADDRINUSE ? "it is in use" : strerrordesc_np(-r));
	return r;
}

/* ---- unix ---- */

static int
bind_unix(const struct sockaddr_un *a)
{
	int fd, r = probe_socket(a->sun_path);

	if (r < 0)
		return r;
	if (unlink(a->sun_path) < 0 && errno != ENOENT) /* nobody listens on it */
		return -errno;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* before bind(), which creates the file with this mode */
	if (fchmod(fd, 0600) == 0 && bind(fd, (const struct sockaddr *) a, sizeof(*a)) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	r = -errno;
	(void) close(fd);
	return r;
}

static int
unix_fail(const char *path, int r, struct diag *d)
{
	switch (r) {
	case -EADDRINUSE:
		diag_set(d, 0, 0,
		    "http.socket %s is in use: another collector listens on it; choose another "
		    "path",
		    path);
		break;
	case -EEXIST:
		diag_set(d, 0, 0,
		    "http.socket %s exists and is not a socket: remove it, or choose another "
		    "path",
		    path);
		break;
	case -ENAMETOOLONG:
		return diag_fail(d, 0, 0,
		    "http.socket: the path %s is too long: a socket's path has at most %zu bytes",
		    path, sizeof(((struct sockaddr_un *) 0)->sun_path) - 1);
	default:
		diag_set(d, 0, 0,
		    "cannot listen on http.socket %s: %s; its folder must exist and be writable",
		    path, strerrordesc_np(-r));
	}
	return r;
}

int
probe_unix(const char *path, struct diag *d)
{
	int r = probe_socket(path);

	return r < 0 ? unix_fail(path, r, d) : 0;
}

int
listen_unix(const char *path, struct diag *d)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int r;

	if (strlen(path) >= sizeof(a.sun_path))
		return unix_fail(path, -ENAMETOOLONG, d);
	memcpy(a.sun_path, path, strlen(path) + 1);
	r = bind_unix(&a);
	return r < 0 ? unix_fail(path, r, d) : r;
}
