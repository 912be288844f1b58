/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/peer.h"
#include "collector/output/peer_tls.h"
#include "common/clock.h"
#include <errno.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PAUSE_MIN  100 /* ms between attempts */
#define PAUSE_MAX  10000
#define CONNECT_NS (10 * NS_PER_S)
#define LASTING_NS (10 * NS_PER_S) /* a connection that lasted begins with a short pause again */
#define DEAD_MS    60000           /* a connection without any answer for so long is dead */

static const struct {
	const char *scheme, *port;
	enum peer_kind kind;
} schemes[] = {
	{ "unix:", NULL, PEER_UNIX },
	{ "udp://", "514", PEER_UDP },
	{ "tcp://", "601", PEER_TCP },
	{ "tls://", "6514", PEER_TLS },
};

static int
parse_port(struct slice s, char ret[8])
{
	unsigned long port = 0;

	if (s.n == 0 || s.n > 5)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -EINVAL;
		port = port * 10 + (unsigned long) (s.p[i] - '0');
	}
	if (port == 0 || port > UINT16_MAX)
		return -EINVAL;
	(void) snprintf(ret, 8, "%lu", port);
	return 0;
}

/* Split HOST:PORT, [HOST]:PORT, HOST. */
static int
parse_host(struct slice s, const char *port, struct peer_to *ret)
{
	const char *close = NULL, *colon;
	struct slice host = s;
	int r = 0;

	if (s.n == 0)
		return -EINVAL;
	if (s.p[0] == '[')
		close = memchr(s.p, ']', s.n);
	colon = close != NULL ? close + 1 : memchr(s.p, ':', s.n);
	if (close != NULL)
		host = (struct slice){ s.p + 1, (size_t) (close - s.p) - 1 };
	else if (colon != NULL)
		host.n = (size_t) (colon - s.p);
	(void) snprintf(ret->port, sizeof(ret->port), "%s", port);
	if (colon != NULL && colon < s.p + s.n) {
		struct slice digits = { colon + 1, (size_t) (s.p + s.n - colon) - 1 };

		r = *colon != ':' ? -EINVAL : parse_port(digits, ret->port);
	}
	if (r < 0 || host.n == 0 || host.n >= sizeof(ret->host) ||
	    memchr(host.p, '/', host.n) != NULL || memchr(host.p, ' ', host.n) != NULL)
		return -EINVAL;
	(void) snprintf(ret->host, sizeof(ret->host), "%.*s", SLICE_ARG(host));
	return 0;
}

int
peer_parse(const char *address, struct peer_to *ret)
{
	struct slice all = slice_str(address);

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		struct slice scheme = slice_str(schemes[i].scheme);
		struct slice rest = { all.p + scheme.n, all.n - scheme.n };

		if (!slice_starts(all, scheme))
			continue;
		ret->kind = schemes[i].kind;
		if (ret->kind != PEER_UNIX)
			return parse_host(rest, schemes[i].port, ret);
		if (rest.n == 0 || rest.p[0] != '/' ||
		    rest.n >= sizeof(((struct sockaddr_un *) NULL)->sun_path))
			return -EINVAL;
		(void) snprintf(ret->host, sizeof(ret->host), "%s", rest.p);
		return 0;
	}
	return -EINVAL;
}

int
peer_check(const struct peer_to *to, struct diag *d)
{
	SSL *ssl = NULL;
	int r;

	if (to->kind != PEER_TLS)
		return 0;
	r = peer_tls_new(&to->tls, to->host, &ssl, d);
	SSL_free(ssl);
	return r;
}

static void
shut(struct peer *p)
{
	SSL_free(p->ssl);
	p->ssl = NULL;
	if (p->fd1 > 0)
		(void) close(p->fd1 - 1);
	p->fd1 = 0;
	p->sent = 0;
	p->state = PEER_DOWN;
}

void
peer_break(struct peer *p, const char *why)
{
	if (p->state == PEER_UP && clock_mono() - p->up_at > LASTING_NS)
		p->pause_ms = 0;
	shut(p);
	p->pause_ms = p->pause_ms == 0 ? PAUSE_MIN : MIN(p->pause_ms * 2, PAUSE_MAX);
	p->retry_at = clock_mono() + p->pause_ms * NS_PER_MS;
	if (why != NULL)
		(void) snprintf(p->why, sizeof(p->why), "%s", why);
}

void
peer_close(struct peer *p)
{
	if (p->ssl != NULL && p->state == PEER_UP)
		peer_tls_bye(p->ssl);
	shut(p);
}

/* It broke, or could not be connected, with this error. */
static void
broken(struct peer *p, int err)
{
	char why[sizeof(p->why)];
	const char *what = err == EPROTO ? peer_tls_reason() : strerrordesc_np(err);

	if (p->to.kind == PEER_UNIX)
		(void) snprintf(why, sizeof(why), "cannot write to '%s': %s", p->to.host, what);
	else
		(void) snprintf(why, sizeof(why), "%s %s port %s: %s",
		    p->to.kind == PEER_UDP ? "cannot send datagrams to"
		    : p->state == PEER_UP  ? "lost the connection to"
					   : "cannot connect to",
		    p->to.host, p->to.port, what);
	peer_break(p, why);
}

static void
up(struct peer *p)
{
	p->state = PEER_UP;
	p->up_at = clock_mono();
	p->why[0] = '\0';
}

static int
stream_options(int fd)
{
	const int on = 1, idle = 20, between = 10, probes = 4, dead = DEAD_MS;

	if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof(between)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead, sizeof(dead)) < 0)
		return -errno;
	return 0;
}

/* Open a socket and begin to connect it. */
static int
begin(struct peer *p, int family, int type, const struct sockaddr *a, socklen_t n)
{
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), r = 0;

	if (fd < 0)
		return -errno;
	if (type == SOCK_STREAM)
		r = stream_options(fd);
	if (r == 0 && connect(fd, a, n) < 0 && errno != EINPROGRESS)
		r = -errno;
	if (r < 0) {
		(void) close(fd);
		return r;
	}
	p->fd1 = fd + 1;
	p->state = PEER_CONNECTING;
	p->give_up = clock_mono() + CONNECT_NS;
	return 0;
}

static void
connect_unix(struct peer *p)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int r;

	(void) snprintf(a.sun_path, sizeof(a.sun_path), "%s", p->to.host);
	r = begin(p, AF_UNIX, SOCK_DGRAM, (struct sockaddr *) &a, sizeof(a));
	if (r < 0)
		broken(p, -r);
	else
		up(p);
}

/* Try the first address of the host that the system can reach. */
static void
connect_inet(struct peer *p)
{
	struct addrinfo hints = { .ai_socktype =
				      p->to.kind == PEER_UDP ? SOCK_DGRAM : SOCK_STREAM };
	struct addrinfo *list = NULL;
	char why[sizeof(p->why)];
	int r = getaddrinfo(p->to.host, p->to.port, &hints, &list);

	if (r != 0) {
		(void) snprintf(why, sizeof(why), "cannot resolve the host '%s': %s", p->to.host,
		    r == EAI_SYSTEM ? strerrordesc_np(errno) : gai_strerror(r));
		peer_break(p, why);
		return;
	}
	r = -EADDRNOTAVAIL;
	for (const struct addrinfo *a = list; a != NULL && r < 0; a = a->ai_next)
		r = begin(p, a->ai_family, a->ai_socktype, a->ai_addr, a->ai_addrlen);
	freeaddrinfo(list);
	if (r < 0)
		broken(p, -r);
	else if (p->to.kind == PEER_UDP)
		up(p);
}

static void
begin_tls(struct peer *p)
{
	struct diag d = { 0 };

	if (peer_tls_new(&p->to.tls, p->to.host, &p->ssl, &d) < 0)
		peer_break(p, d.msg);
	else if (SSL_set_fd(p->ssl, p->fd1 - 1) != 1)
		peer_break(p, "no memory for TLS");
	else
		p->state = PEER_HANDSHAKING;
}

static void
connecting(struct peer *p)
{
	struct pollfd f = { .fd = p->fd1 - 1, .events = POLLOUT };
	int err = 0;
	socklen_t n = sizeof(err);

	if (poll(&f, 1, 0) == 0) {
		if (clock_mono() > p->give_up)
			broken(p, ETIMEDOUT);
		return;
	}
	if (getsockopt(p->fd1 - 1, SOL_SOCKET, SO_ERROR, &err, &n) < 0)
		err = errno;
	if (err != 0)
		broken(p, err);
	else if (p->to.kind == PEER_TLS)
		begin_tls(p);
	else
		up(p);
}

static void
handshaking(struct peer *p)
{
	char why[sizeof(p->why)], reason[200];
	int r = peer_tls_shake(p->ssl, reason, sizeof(reason));

	if (r == 0) {
		up(p);
		return;
	}
	if (r == -EAGAIN && clock_mono() <= p->give_up)
		return;
	(void) snprintf(why, sizeof(why), "TLS with %s port %s failed: %s", p->to.host, p->to.port,
	    r == -EAGAIN ? "no answer for 10 seconds" : reason);
	peer_break(p, why);
}

/* Read and drop what the destination says; notice that it has closed, or an error of a datagram
 * sent earlier. 0 or -errno. */
static int
listen_to(struct peer *p)
{
	char drop[4096];
	ssize_t n;

	for (;;) {
		if (p->ssl != NULL) {
			n = peer_tls_read(p->ssl, drop, sizeof(drop));
		} else {
			n = recv(p->fd1 - 1, drop, sizeof(drop), MSG_DONTWAIT);
			n = n < 0 ? -errno : n;
		}
		if (n == -EINTR || (n == 0 && p->to.kind <= PEER_UDP) || n > 0)
			continue;
		return n == -EAGAIN ? 0 : n == 0 ? -ECONNRESET : (int) n;
	}
}

int
peer_go_on(struct peer *p)
{
	int r;

	if (p->state == PEER_DOWN && clock_mono() >= p->retry_at) {
		if (p->to.kind == PEER_UNIX)
			connect_unix(p);
		else
			connect_inet(p);
	}
	if (p->state == PEER_CONNECTING)
		connecting(p);
	if (p->state == PEER_HANDSHAKING)
		handshaking(p);
	if (p->state != PEER_UP)
		return 0;
	r = p->to.kind == PEER_UNIX ? 0 : listen_to(p);
	if (r == 0)
		return 1;
	broken(p, -r);
	return r;
}

long
peer_send(struct peer *p, const void *data, size_t n)
{
	ssize_t done;

	if (p->ssl != NULL) {
		done = peer_tls_write(p->ssl, data, n);
		p->sent = peer_tls_sent(p->ssl);
	} else {
		do
			done = send(p->fd1 - 1, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		while (done < 0 && errno == EINTR);
		done = done < 0 ? -errno : done;
		p->sent += done > 0 ? (uint64_t) done : 0;
	}
	if (done == -ENOBUFS)
		done = -EAGAIN;
	if (done < 0 && done != -EAGAIN && done != -EMSGSIZE)
		broken(p, (int) -done);
	return (long) done;
}

uint64_t
peer_confirmed(const struct peer *p)
{
	int waiting = 0;

	if (p->state != PEER_UP || p->to.kind <= PEER_UDP)
		return p->sent;
	if (ioctl(p->fd1 - 1, SIOCOUTQ, &waiting) < 0 || (uint64_t) waiting > p->sent)
		return 0;
	return p->sent - (uint64_t) waiting;
}

void
peer_wait(const struct peer *p, bool write, int timeout_ms)
{
	struct pollfd f = { .fd = p->fd1 - 1, .events = write ? POLLOUT : POLLIN };

	if (p->state == PEER_CONNECTING)
		f.events = POLLOUT;
	else if (p->state == PEER_HANDSHAKING)
		f.events = POLLIN;
	else if (p->to.kind == PEER_UNIX && !write)
		f.events = 0;
	(void) poll(&f, 1, timeout_ms);
}
