/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sink.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MOST  16
#define BYTES (16 << 20)

struct sink {
	enum sink_kind kind;
	char address[128];
	int fd[MOST]; /* the first listens, or takes datagrams */
	size_t nfd, accepted;
	pthread_t thread;
	pthread_mutex_t lock;
	bool stop, pause, cut;
	char text[BYTES];
	size_t n;
};

static int
bind_unix(struct sink *s)
{
	static int count;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void) snprintf(a.sun_path, sizeof(a.sun_path), "%s/sink%d", tmpdir, count++);
	(void) snprintf(s->address, sizeof(s->address), "unix:%s", a.sun_path);
	assert_int_equal(0, bind(fd, (struct sockaddr *) &a, sizeof(a)));
	return fd;
}

static int
bind_inet(struct sink *s)
{
	bool udp = s->kind == SINK_UDP;
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(0, bind(fd, (struct sockaddr *) &a, sizeof(a)));
	assert_int_equal(0, getsockname(fd, (struct sockaddr *) &a, &n));
	if (!udp)
		assert_int_equal(0, listen(fd, MOST));
	(void) snprintf(s->address, sizeof(s->address), "%s://127.0.0.1:%u", udp ? "udp" : "tcp",
	    ntohs(a.sin_port));
	return fd;
}

/* Take what one descriptor has; with the lock held. */
static void
take(struct sink *s, size_t i)
{
	ssize_t n;

	if (i == 0 && s->kind == SINK_TCP) {
		int fd = accept4(s->fd[0], NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0 && s->nfd < MOST) {
			s->fd[s->nfd++] = fd;
			s->accepted++;
		}
		return;
	}
	n = recv(s->fd[i], s->text + s->n, sizeof(s->text) - s->n - 2, MSG_DONTWAIT);
	if (n > 0) {
		s->n += (size_t) n;
		if (s->kind != SINK_TCP)
			s->text[s->n++] = '\n';
	} else if (n == 0 && s->kind == SINK_TCP) {
		(void) close(s->fd[i]);
		s->fd[i] = s->fd[--s->nfd];
	}
}

static void *
serve(void *arg)
{
	struct sink *s = arg;
	bool stop = false;

	while (!stop) {
		struct pollfd p[MOST];
		size_t n;

		pthread_mutex_lock(&s->lock);
		for (; s->cut && s->nfd > 1; s->nfd--)
			(void) close(s->fd[s->nfd - 1]);
		s->cut = false;
		n = s->nfd;
		for (size_t i = 0; i < n; i++)
			p[i] = (struct pollfd){ .fd = s->fd[i], .events = POLLIN };
		if (s->pause)
			n = s->kind == SINK_TCP;
		pthread_mutex_unlock(&s->lock);
		(void) poll(p, n, 2);
		pthread_mutex_lock(&s->lock);
		for (size_t i = n; i > 0 && !s->pause; i--) {
			if (p[i - 1].revents != 0)
				take(s, i - 1);
		}
		stop = s->stop;
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

struct sink *
sink_start(enum sink_kind kind)
{
	struct sink *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->kind = kind;
	s->fd[0] = kind == SINK_UNIX ? bind_unix(s) : bind_inet(s);
	s->nfd = 1;
	pthread_mutex_init(&s->lock, NULL);
	assert_int_equal(0, pthread_create(&s->thread, NULL, serve, s));
	return s;
}

static void
set(struct sink *s, bool *what, bool value)
{
	pthread_mutex_lock(&s->lock);
	*what = value;
	pthread_mutex_unlock(&s->lock);
}

void
sink_stop(struct sink *s)
{
	set(s, &s->stop, true);
	(void) pthread_join(s->thread, NULL);
	for (size_t i = 0; i < s->nfd; i++)
		(void) close(s->fd[i]);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

const char *
sink_address(const struct sink *s)
{
	return s->address;
}

void
sink_pause(struct sink *s, bool pause)
{
	set(s, &s->pause, pause);
}

void
sink_cut(struct sink *s)
{
	set(s, &s->cut, true);
}

size_t
sink_connections(struct sink *s)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = s->accepted;
	pthread_mutex_unlock(&s->lock);
	return n;
}

size_t
sink_text(struct sink *s, char *ret, size_t size)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = s->n < size ? s->n : size - 1;
	memcpy(ret, s->text, n);
	pthread_mutex_unlock(&s->lock);
	ret[n] = '\0';
	return n;
}
