/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest/listen.h"
#include "common/file.h"
#include "common/log.h"
#include <errno.h>
#include <netinet/in.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/supplemental/util/platform.h>
#include <stdlib.h>

enum {
	TICK_MS = 500,
	STOP_MS = 300,  /* for reads under way to end */
	SEND_MS = 5000, /* for a peer to take its answer */
	STOP_S = 3,     /* for NNG to end its connections */
	STUCK_TICKS = 20,
	CLOSE_MAX = 16, /* connections ended per tick */
	/* NNG counts its own headers: a hop per device and the request's number. */
	HEADERS_MAX = 64,
};

/* ---- requests ---- */

/* NULL: no memory. */
static nng_msg *
reply_pack(const struct reply *rep)
{
	size_t n = wire__reply__get_packed_size(&rep->msg);
	nng_msg *m = NULL;

	if (nng_msg_alloc(&m, n) == 0)
		(void) wire__reply__pack(&rep->msg, nng_msg_body(m));
	return m;
}

static void
job_receive(struct job *j)
{
	nng_aio_set_timeout(j->aio, NNG_DURATION_INFINITE);
	nng_ctx_recv(j->ctx, j->aio);
}

static void
job_end(struct job *j)
{
	j->conn->in_flight--;
	conn_unref(j->conn);
	j->conn = NULL;
}

/*
 * Make the answer, and set j->conn; NULL: send none. A peer that sends requests without reading the
 * answers would occupy every context in the end: it gets no more answers, and tick() ends its
 * connection. Not here: NNG 1.5.2 can deadlock when a connection is closed while it sends.
 */
static nng_msg *
answer(struct job *j, nng_msg *m)
{
	nng_msg *out = NULL;

	j->conn = conn_find(j->i, (uint32_t) nng_pipe_id(nng_msg_get_pipe(m)));
	if (j->conn == NULL)
		return NULL;
	j->conn->heard = clock_mono();
	if (j->conn->in_flight++ < IN_FLIGHT_MAX && !j->i->stopping) {
		talk(j->i, j->conn, nng_msg_body(m), nng_msg_len(m), clock_mono(), &j->rep);
		out = reply_pack(&j->rep);
	} else if (j->conn->close_at != CLOSE_NOW) {
		j->i->busy++;
		j->conn->close_at = CLOSE_NOW;
	}
	if (out == NULL)
		job_end(j);
	return out;
}

/* The peer did not take its answer in time, or disconnected. */
static void
send_failed(struct job *j, int rv)
{
	nng_msg_free(nng_aio_get_msg(j->aio));
	if (rv == NNG_ETIMEDOUT)
		j->conn->close_at = CLOSE_NOW;
}

static void
job_run(void *arg)
{
	struct job *j = arg;
	int rv = nng_aio_result(j->aio);
	nng_msg *m, *out = NULL;

	if (j->conn != NULL) {
		if (rv != 0)
			send_failed(j, rv);
		job_end(j);
		job_receive(j);
		return;
	}
	if (rv == NNG_ECLOSED || rv == NNG_ECANCELED)
		return; /* ingest is stopping */
	if (rv == 0) {
		m = nng_aio_get_msg(j->aio);
		out = answer(j, m);
		nng_msg_free(m);
	}
	if (out == NULL) {
		job_receive(j);
		return;
	}
	nng_aio_set_msg(j->aio, out);
	nng_aio_set_timeout(j->aio, SEND_MS);
	nng_ctx_send(j->ctx, j->aio);
}

/* ---- connections ---- */

static void
addr_text(const nng_sockaddr *a, char text[PEER_TEXT])
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (a->s_family == NNG_AF_INET) {
		v4.sin_port = a->s_in.sa_port;
		v4.sin_addr.s_addr = a->s_in.sa_addr;
		peer_text((struct sockaddr *) &v4, text);
	} else if (a->s_family == NNG_AF_INET6) {
		v6.sin6_port = a->s_in6.sa_port;
		memcpy(&v6.sin6_addr, a->s_in6.sa_addr, sizeof(v6.sin6_addr));
		peer_text((struct sockaddr *) &v6, text);
	} else {
		peer_text(&(struct sockaddr){ .sa_family = AF_UNSPEC }, text);
	}
}

static void
on_pipe(nng_pipe p, nng_pipe_ev ev, void *arg)
{
	struct ingest *i = arg;
	uint32_t id = (uint32_t) nng_pipe_id(p);
	char peer[PEER_TEXT];
	nng_sockaddr a;

	if (ev == NNG_PIPE_EV_REM_POST) {
		conn_remove(i, id);
		return;
	}
	if (nng_pipe_get_addr(p, NNG_OPT_REMADDR, &a) != 0)
		a.s_family = NNG_AF_UNSPEC;
	addr_text(&a, peer);
	if (conn_add(i, id, peer, clock_mono()) < 0)
		(void) nng_pipe_close(p);
}

/* With TLS in two steps; see hangup.c. */
static void
end_conn(struct ingest *i, struct conn *c, uint64_t now)
{
	if (i->listener->tls && !c->cut) {
		hang_up(i->listener->fds, c->peer, i->listener->local);
		c->cut = true;
	} else if (!i->listener->tls || now > c->heard + QUIET_NS) {
		c->ended = true;
		i->ending++;
		(void) nng_pipe_close((nng_pipe){ c->pipe });
	}
}

/* Watch for connections that NNG does not end when told to: the case of hangup.c, if the peer keeps
 * sending through the shutdown. */
static void
watch_ending(struct ingest *i)
{
	struct listener *l = i->listener;

	l->ending_ticks = i->ending == 0 ? 0 : l->ending_ticks + 1;
	if (l->ending_ticks == STUCK_TICKS)
		log_error(
		    "the network library no longer frees %llu connections: restart "
		    "this collector when convenient (nothing is lost: sensors keep what is not "
		    "durable)",
		    (unsigned long long) i->ending);
}

static uint64_t
own_expiry(struct ingest *i)
{
	uint64_t until = 0;

	pthread_mutex_lock(&i->lock);
	if (i->trust != NULL)
		until = trust_until(i->trust);
	pthread_mutex_unlock(&i->lock);
	return until / NS_PER_S;
}

static void
tick(void *arg)
{
	struct ingest *i = arg;
	struct conn *v[CLOSE_MAX];
	uint64_t now = clock_mono();
	unsigned n;

	if (nng_aio_result(i->listener->tick) != 0)
		return;
	n = conns_overdue(i, now, v, CLOSE_MAX);
	for (unsigned k = 0; k < n; k++) {
		end_conn(i, v[k], now);
		conn_unref(v[k]);
	}
	watch_ending(i);
	if (i->listener->fds != NULL && strchr(i->listener->local, ':') != NULL)
		strangers_look(i, i->listener->fds, i->listener->local, now);
	log_peer_tick();
	nng_sleep_aio(TICK_MS, i->listener->tick);
}

/* ---- start and stop ---- */

static int
open_jobs(struct ingest *i, struct listener *l)
{
	int rv = 0;

	for (; rv == 0 && l->njobs < i->cfg.contexts; l->njobs++) {
		struct job *j = &l->jobs[l->njobs];

		j->i = i;
		rv = nng_ctx_open(&j->ctx, l->sock);
		if (rv == 0)
			rv = nng_aio_alloc(&j->aio, job_run, j);
		if (rv != 0)
			break;
	}
	return rv;
}

/* Do all but the TLS configuration and the start. */
static int
prepare(struct ingest *i, struct listener *l, enum scheme scheme)
{
	int rv = nng_rep0_open(&l->sock);

	l->fds = opendir("/proc/self/fd"); /* without it no connection is ended at the socket */

	if (rv == 0)
		rv =
		    nng_socket_set_size(l->sock, NNG_OPT_RECVMAXSZ, WIRE_MESSAGE_MAX + HEADERS_MAX);
	if (rv == 0)
		rv = nng_pipe_notify(l->sock, NNG_PIPE_EV_ADD_PRE, on_pipe, i);
	if (rv == 0)
		rv = nng_pipe_notify(l->sock, NNG_PIPE_EV_REM_POST, on_pipe, i);
	if (rv == 0)
		rv = nng_listener_create(&l->listener, l->sock, i->cfg.listen);
	if (rv == 0 && scheme == SCHEME_IPC)
		rv = nng_listener_set_int(l->listener, NNG_OPT_IPC_PERMISSIONS, 0600);
	if (rv == 0)
		rv = nng_aio_alloc(&l->tick, tick, i);
	if (rv == 0)
		rv = open_jobs(i, l);
	return rv;
}

static int
start(struct ingest *i, enum scheme scheme, struct diag *d)
{
	struct listener *l = i->listener;
	int rv = prepare(i, l, scheme), r;
	nng_sockaddr local;

	if (rv != 0)
		return address_fail(i->cfg.listen, rv, d);
	if (scheme == SCHEME_TLS) {
		l->tls = i->identity = true;
		r = tls_set(i, i->trust, d);
		if (r < 0)
			return r;
	}
	for (unsigned k = 0; k < l->njobs; k++)
		job_receive(&l->jobs[k]);
	rv = nng_listener_start(l->listener, 0);
	if (rv != 0)
		return address_fail(i->cfg.listen, rv, d);
	if (scheme == SCHEME_IPC) {
		r = address_share_ipc(i->cfg.listen, i->cfg.ipc_group, d);
		if (r < 0)
			return r;
	}
	if (nng_listener_get_addr(l->listener, NNG_OPT_LOCADDR, &local) == 0)
		addr_text(&local, l->local);
	nng_sleep_aio(TICK_MS, l->tick);
	return 0;
}

int
ingest_start(const struct ingest_cfg *cfg, struct ingest **ret, struct diag *d)
{
	struct ingest *i = NULL;
	enum scheme scheme;
	int r = address_scheme(cfg, &scheme, d);

	if (r == 0 && scheme == SCHEME_IPC)
		r = address_probe_ipc(cfg->listen, d);
	if (r < 0)
		return r;
	r = ingest_new(cfg, &i);
	if (r == 0 && cfg->crl != NULL)
		i->crl_stamp = file_stamp(cfg->crl); /* before it is read */
	if (r == 0 && scheme == SCHEME_TLS)
		r = tls_trust(cfg, &i->trust, d);
	if (r == 0) {
		i->listener = calloc(1, sizeof(*i->listener) + cfg->contexts * sizeof(struct job));
		r = i->listener == NULL ? -ENOMEM : start(i, scheme, d);
	}
	if (r < 0) {
		if (r == -ENOMEM && d->code == DIAG_NONE)
			diag_set(d, 0, 0, "no memory to listen on %s", cfg->listen);
		ingest_stop(i);
		return r;
	}
	*ret = i;
	return 0;
}

static void *
close_socket(void *arg)
{
	struct listener *l = arg;

	(void) nng_close(l->sock); /* also closes the contexts; their callbacks notice */
	return NULL;
}

/* False: NNG is stuck, which only plain NNG 1.5.2 can be (hangup.c); memory that it may still use
 * must not be freed. */
static bool
close_in_time(struct listener *l)
{
	struct timespec until;
	pthread_t t;

	if (!l->tls || pthread_create(&t, NULL, close_socket, l) != 0) {
		(void) close_socket(l);
		return true;
	}
	(void) clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_S;
	if (pthread_timedjoin_np(t, NULL, &until) == 0)
		return true;
	(void) pthread_detach(t);
	log_warn("the network library does not end its connections: stopping without waiting");
	return false;
}

void
ingest_stop(struct ingest *i)
{
	struct listener *l = i == NULL ? NULL : i->listener;

	if (l != NULL) {
		if (l->tick != NULL)
			nng_aio_stop(l->tick);
		i->stopping = true;
		if (l->local[0] != '\0' && l->tls) {
			hang_up(l->fds, NULL, l->local);
			nng_msleep(STOP_MS);
		}
		if (!close_in_time(l))
			return;
		for (unsigned k = 0; k < l->njobs; k++)
			nng_aio_free(l->jobs[k].aio);
		nng_aio_free(l->tick);
		if (l->fds != NULL)
			(void) closedir(l->fds);
	}
	ingest_free(i);
	free(l);
}

/* ---- counters ---- */

void
ingest_stats(struct ingest *i, struct ingest_stats *ret)
{
	*ret = (struct ingest_stats){
		.connections = i->connections,
		.refused_tls = i->refused_tls,
		.refused_identity = i->refused_identity,
		.refused_protocol = i->refused_protocol,
		.malformed = i->malformed,
		.duplicates = i->duplicates,
		.gaps = i->gaps,
		.busy = i->busy,
		.requests = i->requests,
		.ending = i->ending,
		.log_held = log_peer_held(),
		.certificate_expiry_seconds = own_expiry(i),
		.crowded_out = i->strangers_ended,
	};
}
