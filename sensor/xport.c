/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection is a struct conn: a socket, its contexts, and one news node for each kind of event,
 * so posting allocates nothing and the list is bounded. Other threads run two jobs for a
 * connection: dial, then close. The job that ends last posts NEWS_GONE; after that only the loop
 * knows the connection, and frees it.
 */
#include "sensor/xport.h"
#include "common/clock.h"
#include "common/nng/nng_task.h"
#include "sensor/link.h"
#include "sensor/tls_client.h"
#include "sensor/xport_err.h"
#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Plain NNG 1.5.2 can block its only reaper thread for ever when a connection is closed during a
 * read (collector/ingest/hangup.c); then nothing is freed any more. A stop waits this long for it.
 */
enum { FREE_MS = 500 };

enum news_kind { NEWS_DIALED, NEWS_LOST, NEWS_REPLY, NEWS_GONE };

struct conn;

struct news {
	struct news *next;
	struct conn *conn;
	enum news_kind kind;
	unsigned slot;
	int rv;       /* NNG's */
	nng_msg *msg; /* of a reply; owned */
	bool posted;
};

struct ctx {
	nng_ctx ctx;
	nng_aio *aio;
	bool receiving; /* the request was sent, waiting for the reply */
	struct news news;
};

/* In a queue of jobs. A connection can be in both: closed before it was dialled. */
struct job {
	struct job *next;
	struct conn *conn;
};

struct conn {
	struct job dial, close;
	struct xport *x;
	struct xport_end *end; /* NULL: closed. The loop's */
	nng_socket sock;
	nng_dialer dialer;
	struct nng_tls_config *tls;
	const char *url;
	struct identity *id;    /* held; NULL without TLS */
	struct tls_client hand; /* the handshake's findings */
	uint64_t until; /* realtime ns of the collector's certificates' expiry; 0: not connected, or
			   no TLS */
	struct news dialed, lost, gone;
	_Atomic int jobs; /* jobs that still use this connection */
	unsigned slots;
	struct ctx ctx[LINK_SLOTS];
};

struct jobs {
	pthread_cond_t some;
	struct job *head, **tail;
};

struct xport {
	/* Locking: 'lock' guards the two lists; posts come from NNG's threads and from ours. */
	pthread_mutex_t lock;
	struct news *news, **news_tail;
	struct jobs dial, close;
	pthread_t thread[9]; /* dialers, then the closer */
	unsigned nthreads;
	bool stop;
	unsigned conns; /* the loop's: not freed yet */
	void (*wake)(void *arg);
	void *arg;
};

struct xport_end {
	struct xport *x;
	struct xport_cfg cfg;
	const struct xport_events *ev;
	void *arg;
	struct conn *conn;
	bool tls;
	char why[512]; /* why TLS fails, until it works; "": unknown */
};

static void
post(struct news *w)
{
	struct xport *x = w->conn->x;
	bool first;

	pthread_mutex_lock(&x->lock);
	first = x->news == NULL;
	if (!w->posted) {
		w->posted = true;
		w->next = NULL;
		*x->news_tail = w;
		x->news_tail = &w->next;
	}
	pthread_mutex_unlock(&x->lock);
	if (first)
		x->wake(x->arg);
}

static void
job_put(struct xport *x, struct jobs *q, struct job *j)
{
	pthread_mutex_lock(&x->lock);
	j->next = NULL;
	*q->tail = j;
	q->tail = &j->next;
	pthread_cond_signal(&q->some);
	pthread_mutex_unlock(&x->lock);
}

/* Take the next job; NULL: stop. */
static struct conn *
job_take(struct xport *x, struct jobs *q)
{
	struct job *j;

	pthread_mutex_lock(&x->lock);
	while (q->head == NULL && !x->stop)
		pthread_cond_wait(&q->some, &x->lock);
	j = q->head;
	if (j != NULL) {
		q->head = j->next;
		if (q->head == NULL)
			q->tail = &q->head;
	}
	pthread_mutex_unlock(&x->lock);
	return j == NULL ? NULL : j->conn;
}

static void
job_done(struct conn *c)
{
	if (atomic_fetch_sub(&c->jobs, 1) == 1)
		post(&c->gone);
}

static void *
dial_thread(void *arg)
{
	struct xport *x = arg;
	struct conn *c;

	while ((c = job_take(x, &x->dial)) != NULL) {
		c->dialed.rv = nng_dialer_start(c->dialer, 0);
		if (c->dialed.rv == 0 && c->tls != NULL && c->hand.peer.der[0].n == 0)
			c->dialed.rv =
			    NNG_EPEERAUTH; /* no certificate that could be checked again later */
		post(&c->dialed);
		job_done(c);
	}
	return NULL;
}

static void *
close_thread(void *arg)
{
	struct xport *x = arg;
	struct conn *c;

	while ((c = job_take(x, &x->close)) != NULL) {
		(void) nng_close(c->sock);
		for (unsigned i = 0; i < c->slots; i++)
			nng_aio_stop(c->ctx[i].aio);
		job_done(c);
	}
	return NULL;
}

static void
jobs_init(struct jobs *q)
{
	pthread_cond_init(&q->some, NULL);
	q->tail = &q->head;
}

int
xport_new(unsigned dialers, void (*wake)(void *arg), void *arg, struct xport **ret)
{
	struct xport *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return -ENOMEM;
	pthread_mutex_init(&x->lock, NULL);
	jobs_init(&x->dial);
	jobs_init(&x->close);
	x->news_tail = &x->news;
	x->wake = wake;
	x->arg = arg;
	for (unsigned i = 0; i <= MIN(dialers, 8); i++) {
		if (pthread_create(&x->thread[i], NULL, i == 0 ? close_thread : dial_thread, x) !=
		    0) {
			xport_free(x);
			return -EAGAIN;
		}
		x->nthreads++;
	}
	*ret = x;
	return 0;
}

void
xport_free(struct xport *x)
{
	const struct timespec ms = { 0, 1000000 };

	if (x == NULL)
		return;
	for (int i = 0; x->conns > 0 && i < FREE_MS; i++) {
		xport_dispatch(x);
		(void) nanosleep(&ms, NULL);
	}
	if (x->conns > 0) /* NNG may still use this memory: do not free it */
		return;
	pthread_mutex_lock(&x->lock);
	x->stop = true;
	pthread_cond_broadcast(&x->dial.some);
	pthread_cond_broadcast(&x->close.some);
	pthread_mutex_unlock(&x->lock);
	for (unsigned i = 0; i < x->nthreads; i++)
		(void) pthread_join(x->thread[i], NULL);
	pthread_cond_destroy(&x->dial.some);
	pthread_cond_destroy(&x->close.some);
	pthread_mutex_destroy(&x->lock);
	free(x);
}

int
xport_end_new(struct xport *x, const struct xport_cfg *cfg, const struct xport_events *ev,
    void *arg, struct xport_end **ret)
{
	struct xport_end *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return -ENOMEM;
	e->x = x;
	e->cfg = *cfg;
	e->ev = ev;
	e->arg = arg;
	e->tls = strncmp(cfg->url, "tls+", 4) == 0;
	*ret = e;
	return 0;
}

void
xport_end_free(struct xport_end *e)
{
	if (e == NULL)
		return;
	xport_close(e);
	free(e);
}

/* ---- NNG's callbacks ---- */

static void
on_aio(void *arg)
{
	struct ctx *k = arg;
	int rv = nng_aio_result(k->aio);

	if (rv == 0 && !k->receiving) {
		k->receiving = true;
		nng_ctx_recv(k->ctx, k->aio);
		return;
	}
	if (rv != 0 && !k->receiving)
		nng_msg_free(nng_aio_get_msg(k->aio)); /* not sent: still ours */
	k->news.rv = rv;
	k->news.msg = rv == 0 ? nng_aio_get_msg(k->aio) : NULL;
	post(&k->news);
}

static void
on_pipe(nng_pipe pipe, nng_pipe_ev ev, void *arg)
{
	struct conn *c = arg;

	(void) pipe;
	if (ev == NNG_PIPE_EV_REM_POST) {
		c->lost.rv = NNG_ECONNSHUT;
		post(&c->lost);
	}
}

/* ---- the loop's side ---- */

static void
conn_free(struct conn *c)
{
	for (unsigned i = 0; i < c->slots; i++) {
		nng_msg_free(c->ctx[i].news.msg);
		nng_aio_free(c->ctx[i].aio);
	}
	if (c->tls != NULL)
		nng_tls_config_free(c->tls);
	identity_free(c->id);
	tls_client_fini(&c->hand);
	c->x->conns--;
	free(c);
}

static int
conn_setup(struct conn *c, const struct xport_end *e)
{
	int rv = nng_socket_set_ms(c->sock, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);

	if (rv == 0)
		rv = nng_socket_set_size(c->sock, NNG_OPT_RECVMAXSZ, e->cfg.recv_max);
	if (rv == 0) /* never reconnect: the link makes a new connection */
		rv = nng_socket_set_ms(c->sock, NNG_OPT_RECONNMINT, 24 * 3600 * 1000);
	if (rv == 0)
		rv = nng_pipe_notify(c->sock, NNG_PIPE_EV_REM_POST, on_pipe, c);
	while (rv == 0 && c->slots < e->cfg.slots) {
		struct ctx *k = &c->ctx[c->slots];

		k->news = (struct news){ .conn = c, .kind = NEWS_REPLY, .slot = c->slots };
		rv = nng_aio_alloc(&k->aio, on_aio, k);
		if (rv != 0)
			break;
		c->slots++;
		nng_aio_set_timeout(k->aio, NNG_DURATION_INFINITE);
		rv = nng_ctx_open(&k->ctx, c->sock);
	}
	if (rv == 0)
		rv = nng_dialer_create(&c->dialer, c->sock, e->cfg.url);
	if (rv == 0 && e->tls)
		rv = tls_client_config(c->id, &c->hand, &c->tls);
	if (rv == 0 && e->tls)
		rv = nng_dialer_set_ptr(c->dialer, NNG_OPT_TLS_CONFIG, c->tls);
	return rv;
}

int
xport_open(struct xport_end *e, struct identity *id)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	c->x = e->x;
	c->dial.conn = c->close.conn = c;
	c->url = e->cfg.url;
	c->hand.url = e->cfg.url;
	c->hand.server_name = e->cfg.server_name;
	c->dialed = (struct news){ .conn = c, .kind = NEWS_DIALED };
	c->lost = (struct news){ .conn = c, .kind = NEWS_LOST };
	c->gone = (struct news){ .conn = c, .kind = NEWS_GONE };
	if (nng_req0_open(&c->sock) != 0) {
		free(c);
		return -ENOMEM;
	}
	e->x->conns++;
	if (e->tls)
		c->id = identity_ref(id);
	if (conn_setup(c, e) != 0) {
		c->jobs = 1;
		job_put(e->x, &e->x->close, &c->close);
		return -EIO;
	}
	c->end = e;
	e->conn = c;
	c->jobs = 2;
	job_put(e->x, &e->x->dial, &c->dial);
	return 0;
}

void
xport_close(struct xport_end *e)
{
	struct conn *c = e->conn;

	if (c == NULL)
		return;
	e->conn = NULL;
	c->end = NULL;
	job_put(e->x, &e->x->close, &c->close);
}

int
xport_send(struct xport_end *e, unsigned slot, const void *msg, size_t n)
{
	struct ctx *k = &e->conn->ctx[slot];
	nng_msg *m = NULL;

	if (nng_msg_alloc(&m, n) != 0)
		return -ENOMEM;
	memcpy(nng_msg_body(m), msg, n);
	k->receiving = false;
	nng_aio_set_msg(k->aio, m); /* NNG's from here; on_aio() frees it if sending fails */
	nng_task_hold();            /* run the work on this thread: do not wake NNG's */
	nng_ctx_send(k->ctx, k->aio);
	nng_task_run();
	return 0;
}

bool
xport_trusts(struct xport_end *e, const struct identity *id, char *why, size_t n)
{
	const struct conn *c = e->conn;
	const char *bad = NULL;

	if (c == NULL || c->until == 0)
		return true;
	if (clock_real() >= c->until)
		bad = "it has expired";
	else if (id == NULL || identity_check_peer(id, &c->hand.peer, &bad) == 0)
		return true;
	(void) snprintf(
	    why, n, "the collector %s is no longer trusted: its certificate: %s", c->url, bad);
	return false;
}

static void
deliver(struct news *w)
{
	struct conn *c = w->conn;
	struct xport_end *e = c->end;
	nng_msg *m = w->msg;
	char buf[512];

	w->msg = NULL;
	if (w->kind == NEWS_GONE) {
		conn_free(c);
	} else if (e == NULL) {
		/* given up */
	} else if (w->kind == NEWS_REPLY && w->rv == 0) {
		e->ev->reply(e->arg, w->slot, nng_msg_body(m), nng_msg_len(m));
	} else if (w->kind == NEWS_DIALED && w->rv == 0) {
		e->why[0] = '\0';
		c->until = e->tls ? c->hand.peer.until : 0;
		e->ev->opened(e->arg);
	} else {
		if (atomic_load(&c->hand.failed))
			(void) snprintf(e->why, sizeof(e->why), "%s", c->hand.why);
		e->ev->closed(e->arg,
		    xport_tls_failed(w->rv) && e->why[0] != '\0'
			? e->why
			: xport_reason(c->url, e->tls, w->rv, buf, sizeof(buf)),
		    xport_absent(w->rv));
	}
	nng_msg_free(m);
}

void
xport_dispatch(struct xport *x)
{
	struct news *w, *next;

	pthread_mutex_lock(&x->lock);
	w = x->news;
	x->news = NULL;
	x->news_tail = &x->news;
	pthread_mutex_unlock(&x->lock);
	for (; w != NULL; w = next) {
		pthread_mutex_lock(&x->lock); /* from here on it can be posted and linked again */
		next = w->next;
		w->posted = false;
		pthread_mutex_unlock(&x->lock);
		deliver(w);
	}
}
