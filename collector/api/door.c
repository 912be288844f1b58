/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door.c - one listener: its thread accepts, runs libmicrohttpd, and ends connections that take too
 * long.
 *
 * Connections are accepted here and not by the library, so that a connection over the limit gets an
 * answer (503) instead of waiting in the backlog, and a lack of descriptors is noticed. An idle
 * connection makes room for a new one.
 */
#include "collector/api/api_int.h"
#include "common/clock.h"
#include "common/log.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	NICE = 10,      /* below all that detects: a tenth of a busy CPU */
	TICK_MS = 500,  /* between two checks of time limits */
	ACCEPTS = 16,   /* per turn */
	PAUSE_MS = 200, /* after accept() ran out of descriptors */
	TELL_S = 60,    /* between two log lines about that */
	ROOM_MS = 1000, /* an idle connection is kept at least so long */
	SLACK = 64,     /* connections that have ended, but that the library still holds */
	MEMORY = 32768, /* per connection: headers and send buffer */
};

/* ---- connections ---- */

static void
conn_end(struct door *d, struct api_conn *c)
{
	c->ended = true;
	d->nconns--;
	counter_add(&d->ended, 1);
	(void) shutdown(c->fd, SHUT_RDWR); /* the library notices and closes it */
}

static void
on_connection(
    void *cls, struct MHD_Connection *mhd, void **ctx, enum MHD_ConnectionNotificationCode what)
{
	struct door *d = cls;
	struct api_conn *c = *ctx;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		int fd =
		    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

		c = calloc(1, sizeof(*c));
		if (c == NULL) {
			(void) shutdown(fd, SHUT_RDWR);
			return;
		}
		*c = (struct api_conn){ .next = d->conns, .prev = &d->conns, .fd = fd };
		c->opened = c->since = clock_mono();
		access_peer(d, c);
		if (c->next != NULL)
			c->next->prev = &c->next;
		d->conns = c;
		d->nconns++;
		*ctx = c;
	} else if (c != NULL) {
		*c->prev = c->next;
		if (c->next != NULL)
			c->next->prev = c->prev;
		d->nconns -= !c->ended;
		free(c);
		*ctx = NULL;
	}
	atomic_store_explicit(&d->connections, d->nconns, memory_order_relaxed);
}

static void
end_slow(struct door *d, uint64_t now)
{
	const struct api_cfg *cfg = &d->api->cfg;

	for (struct api_conn *c = d->conns; c != NULL; c = c->next) {
		uint64_t ms = c->answering ? cfg->answer_ms : cfg->request_ms;

		if (!c->ended && !c->held && now > c->since + ms * NS_PER_MS)
			conn_end(d, c);
	}
}

/* End the connection that has been idle longest, to make room, if any was idle long enough. */
static bool
make_room(struct door *d, uint64_t now)
{
	struct api_conn *oldest = NULL;

	for (struct api_conn *c = d->conns; c != NULL; c = c->next) {
		if (!c->ended && !c->answering && (oldest == NULL || c->since < oldest->since))
			oldest = c;
	}
	if (oldest == NULL || now < oldest->since + ROOM_MS * NS_PER_MS)
		return false;
	conn_end(d, oldest);
	return true;
}

/* ---- TLS ---- */

/* This thread's door, for on_certificate(): GnuTLS calls it in the thread that runs the door,
 * without saying for which. */
static _Thread_local struct door *this_door;

static int
on_certificate(gnutls_session_t session UNUSED, const gnutls_datum_t *names UNUSED,
    int nnames UNUSED, const gnutls_pk_algorithm_t *algorithms UNUSED, int nalgorithms UNUSED,
    gnutls_pcert_st **chain, unsigned *n, gnutls_privkey_t *key)
{
	struct api_tls *t = this_door->tls;

	*chain = t->chain;
	*n = t->n;
	*key = t->key;
	return 0;
}

/* Switch to a new pair, if there is one; free old ones that no connection can be using. */
static void
renew_tls(struct door *d, uint64_t now)
{
	struct api_tls *next = atomic_exchange(&d->tls_next, NULL);
	uint64_t oldest = now;

	if (next != NULL) {
		d->tls->retired = now;
		next->next = d->tls;
		d->tls = next;
		counter_set(&d->tls_until, next->until);
	}
	if (d->tls == NULL || d->tls->next == NULL)
		return;
	for (const struct api_conn *c = d->conns; c != NULL; c = c->next)
		oldest = MIN(oldest, c->opened);
	for (struct api_tls **p = &d->tls->next; *p != NULL;) {
		struct api_tls *t = *p;

		if (t->retired >= oldest) {
			p = &t->next;
			continue;
		}
		*p = t->next;
		api_tls_free(t);
	}
}

void
door_renew(struct door *d, struct api_tls *tls)
{
	const uint64_t one = 1;

	api_tls_free(atomic_exchange(&d->tls_next, tls));
	(void) !write(d->wake, &one, sizeof(one));
}

/* ---- accept ---- */

static void
refuse(struct door *d, int fd)
{
	static const char busy[] =
	    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
	    "Content-Type: application/json\r\nContent-Length: 36\r\n"
	    "Connection: close\r\n\r\n"
	    "{\"error\":\"too many connections now\"}";
	char request[1024];

	counter_add(&d->refused, 1);
	if (d->tls != NULL) { /* a TLS client would not understand the answer */
		(void) close(fd);
		return;
	}
	(void) recv(fd, request, sizeof(request), MSG_DONTWAIT); /* or close() would reset it */
	(void) send(fd, busy, sizeof(busy) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void) close(fd);
}

static void
no_files(struct door *d, uint64_t now)
{
	counter_add(&d->no_files, 1);
	d->pause_until = now + PAUSE_MS * NS_PER_MS;
	if (d->told != 0 && now - d->told < TELL_S * NS_PER_S)
		return;
	d->told = now;
	log_error(
	    "no file descriptor is left to accept an HTTP connection with: raise the limit "
	    "(LimitNOFILE of the service, or 'ulimit -Hn')");
}

/* Since version 1.0 the library starts a connection only in MHD_run(), which follows. */
static void
accept_some(struct door *d, uint64_t now)
{
	unsigned begun, waiting = 0;

	for (int i = 0; i < ACCEPTS; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t n = sizeof(from);
		int fd = accept4(
		    d->listen_fd, (struct sockaddr *) &from, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE)
				no_files(d, now);
			return;
		}
		if (d->nconns + waiting >= d->api->cfg.connections && !make_room(d, now)) {
			refuse(d, fd);
			continue;
		}
		begun = d->nconns;
		if (MHD_add_connection(d->mhd, fd, (struct sockaddr *) &from, n) != MHD_YES)
			counter_add(&d->refused, 1); /* the library has closed fd */
		else
			waiting += d->nconns == begun;
	}
}

/* ---- the thread ---- */

static int
timeout_ms(struct door *d)
{
	MHD_UNSIGNED_LONG_LONG ms;

	return MHD_get_timeout(d->mhd, &ms) == MHD_YES && ms < TICK_MS ? (int) ms : TICK_MS;
}

static void *
door_main(void *arg)
{
	struct door *d = arg;
	const int epoll = MHD_get_daemon_info(d->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	uint64_t looked = 0, now, n;

	(void) setpriority(PRIO_PROCESS, (id_t) gettid(), NICE); /* of this thread only */
	this_door = d;
	while (!d->stopping) {
		struct pollfd v[] = { { d->wake, POLLIN, 0 }, { epoll, POLLIN, 0 },
			{ d->listen_fd, POLLIN, 0 } };

		now = clock_mono();
		(void) poll(v, now < d->pause_until ? 2 : 3, timeout_ms(d));
		now = clock_mono();
		if (v[0].revents != 0)
			(void) !read(d->wake, &n, sizeof(n));
		if (v[2].revents != 0)
			accept_some(d, now);
		answer_asks(d);
		renew_tls(d, now);
		if (now - looked > TICK_MS * NS_PER_MS) {
			looked = now;
			end_slow(d, now);
			waits_give_up(d, now);
		}
		(void) MHD_run(d->mhd);
	}
	do { /* more than once only while a thread is about to say that it is done */
		waits_give_up(d, UINT64_MAX);
		answer_asks(d);
	} while (waits_open(d));
	return NULL;
}

int
door_start(struct door *d, int listen_fd, struct api_tls *tls)
{
	const unsigned limit = d->api->cfg.connections + SLACK;
	const struct MHD_OptionItem with_tls[] = {
		{ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *) on_certificate },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *) TLS_PRIORITIES },
		{ MHD_OPTION_END, 0, NULL },
	};
	const struct MHD_OptionItem *more = tls == NULL ? &with_tls[2] : with_tls;
	unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME;
	int r;

	d->listen_fd = listen_fd;
	d->tls = tls;
	if (tls != NULL) {
		flags |= MHD_USE_TLS;
		counter_set(&d->tls_until, tls->until);
	}
	(void) pthread_mutex_init(&d->lock, NULL);
	d->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (d->wake < 0)
		return -errno;
	errno = 0;
	d->mhd = MHD_start_daemon(flags, 0, NULL, NULL, on_request, d, MHD_OPTION_CONNECTION_LIMIT,
	    limit, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) MEMORY, MHD_OPTION_NOTIFY_COMPLETED,
	    on_completed, d, MHD_OPTION_NOTIFY_CONNECTION, on_connection, d, MHD_OPTION_ARRAY, more,
	    MHD_OPTION_END);
	if (d->mhd == NULL)
		return errno == 0 ? -ENOMEM : -errno;
	r = -pthread_create(&d->thread, NULL, door_main, d);
	d->running = r == 0;
	return r;
}

void
door_stop(struct door *d)
{
	const uint64_t one = 1;

	d->stopping = true;
	if (d->running) {
		(void) !write(d->wake, &one, sizeof(one));
		(void) pthread_join(d->thread, NULL);
	}
	if (d->mhd != NULL)
		MHD_stop_daemon(d->mhd);
	if (d->wake >= 0)
		(void) close(d->wake);
	(void) close(d->listen_fd);
	if (d->path != NULL)
		(void) unlink(d->path);
	api_tls_free(atomic_exchange(&d->tls_next, NULL));
	for (struct api_tls *t = d->tls, *next; t != NULL; t = next) {
		next = t->next;
		api_tls_free(t);
	}
	outbox_reader_close(d->reader);
	(void) pthread_mutex_destroy(&d->lock);
}
