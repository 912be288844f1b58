/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest/ingest_int.h"
#include "common/log.h"
#include <arpa/inet.h>
#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/supplemental/tls/tls.h>
#include <nng/supplemental/util/platform.h>
#include <stdlib.h>

enum {
	TICK_MS = 500,
	CLOSE_MAX = 256, /* connections ended per tick */
	/* NNG counts its own headers: a hop per device and the request's number. */
	HEADERS_MAX = 64,
};

/* A context: one request at a time, from its arrival to the end of its answer. */
struct job {
	struct ingest *i;
	nng_ctx ctx;
	nng_aio *aio;
	bool sending;
	struct reply rep;
};

struct listener {
	nng_socket sock;
	nng_listener listener;
	nng_aio *tick;
	bool tls;
	unsigned njobs;
	struct job jobs[];
};

static int
nng_errno(int rv) /* the only place that knows NNG's numbers */
{
	switch (rv) {
	case 0:
		return 0;
	case NNG_ENOMEM:
		return -ENOMEM;
	case NNG_EADDRINUSE:
		return -EADDRINUSE;
	case NNG_EADDRINVAL:
		return -EADDRNOTAVAIL;
	case NNG_EPERM:
		return -EACCES;
	case NNG_ENOENT:
		return -ENOENT;
	case NNG_ENOTSUP:
		return -EPROTONOSUPPORT;
	case NNG_ENOFILES:
		return -EMFILE;
	default:
		return -EIO;
	}
}

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

/* The answer, or NULL: the connection is gone, or there is no memory (the sensor times out). */
static nng_msg *
answer(struct job *j, nng_msg *m)
{
	struct conn *c = conn_find(j->i, (uint32_t) nng_pipe_id(nng_msg_get_pipe(m)));
	nng_msg *out;

	if (c == NULL)
		return NULL;
	talk(j->i, c, nng_msg_body(m), nng_msg_len(m), clock_mono(), &j->rep);
	out = reply_pack(&j->rep);
	conn_unref(c);
	return out;
}

static void
job_receive(struct job *j)
{
	j->sending = false;
	nng_ctx_recv(j->ctx, j->aio);
}

static void
job_run(void *arg)
{
	struct job *j = arg;
	int rv = nng_aio_result(j->aio);
	nng_msg *m, *out;

	if (rv == NNG_ECLOSED || rv == NNG_ECANCELED)
		return;
	if (j->sending) {
		if (rv != 0)
			nng_msg_free(nng_aio_get_msg(j->aio)); /* the peer has gone */
		job_receive(j);
		return;
	}
	if (rv != 0) {
		job_receive(j);
		return;
	}
	m = nng_aio_get_msg(j->aio);
	out = answer(j, m);
	nng_msg_free(m);
	if (out == NULL) {
		job_receive(j);
		return;
	}
	j->sending = true;
	nng_aio_set_msg(j->aio, out);
	nng_ctx_send(j->ctx, j->aio);
}

/* ---- connections ---- */

static void
peer_text(nng_pipe p, char *text, size_t n)
{
	char host[INET6_ADDRSTRLEN] = "?";
	nng_sockaddr a;

	if (nng_pipe_get_addr(p, NNG_OPT_REMADDR, &a) != 0)
		a.s_family = NNG_AF_UNSPEC;
	if (a.s_family == NNG_AF_INET) {
		(void) inet_ntop(AF_INET, &a.s_in.sa_addr, host, sizeof(host));
		(void) snprintf(text, n, "%s:%u", host, ntohs(a.s_in.sa_port));
	} else if (a.s_family == NNG_AF_INET6) {
		(void) inet_ntop(AF_INET6, a.s_in6.sa_addr, host, sizeof(host));
		(void) snprintf(text, n, "[%s]:%u", host, ntohs(a.s_in6.sa_port));
	} else {
		(void) snprintf(text, n, "this machine");
	}
}

static void
on_pipe(nng_pipe p, nng_pipe_ev ev, void *arg)
{
	struct ingest *i = arg;
	uint32_t id = (uint32_t) nng_pipe_id(p);
	char peer[64];

	if (ev == NNG_PIPE_EV_REM_POST) {
		conn_remove(i, id);
		return;
	}
	peer_text(p, peer, sizeof(peer));
	if (conn_add(i, id, peer, clock_mono()) < 0)
		(void) nng_pipe_close(p);
}

static void
tick(void *arg)
{
	struct ingest *i = arg;
	uint32_t pipes[CLOSE_MAX];
	unsigned n;

	if (nng_aio_result(i->listener->tick) != 0)
		return;
	n = conns_overdue(i, clock_mono(), pipes, CLOSE_MAX);
	for (unsigned k = 0; k < n; k++)
		(void) nng_pipe_close((nng_pipe){ pipes[k] });
	nng_sleep_aio(TICK_MS, i->listener->tick);
}

/* ---- TLS ---- */

static int
tls_config(const struct trust *t, nng_tls_config **ret)
{
	struct trust_pem pem = trust_pem(t);
	nng_tls_config *c = NULL;
	int rv = nng_tls_config_alloc(&c, NNG_TLS_MODE_SERVER);

	if (rv != 0)
		return rv;
	rv = nng_tls_config_version(c, NNG_TLS_1_2, NNG_TLS_1_2);
	if (rv == 0)
		rv = nng_tls_config_auth_mode(c, NNG_TLS_AUTH_MODE_REQUIRED);
	if (rv == 0)
		rv = nng_tls_config_ca_chain(c, pem.ca, pem.crl);
	if (rv == 0)
		rv = nng_tls_config_own_cert(c, pem.cert, pem.key, NULL);
	if (rv != 0) {
		nng_tls_config_free(c);
		return rv;
	}
	*ret = c;
	return 0;
}

static int
set_tls(struct listener *l, const struct trust *t, struct diag *d)
{
	nng_tls_config *c = NULL;
	int rv = tls_config(t, &c);

	if (rv != 0) {
		diag_set(d, 0, 0,
		    "the TLS library does not take these certificates (%s): use EC P-256 or RSA "
		    "keys and "
		    "SHA-256, as 'mewsctl pki' does",
		    nng_strerror(rv));
		return rv == NNG_ENOMEM ? -ENOMEM : -EINVAL;
	}
	rv = nng_listener_set_ptr(l->listener, NNG_OPT_TLS_CONFIG, c);
	nng_tls_config_free(c); /* the listener holds it */
	if (rv != 0)
		diag_set(d, 0, 0, "the TLS library does not take new certificates: %s",
		    nng_strerror(rv));
	return nng_errno(rv);
}

static int
trust_of(const struct ingest_cfg *cfg, struct trust **ret, struct diag *d)
{
	struct trust_files f = { cfg->ca, cfg->cert, cfg->key, cfg->crl };

	return trust_load(&f, ret, d);
}

int
ingest_reload_tls(struct ingest *i, struct diag *d)
{
	struct trust *fresh = NULL, *old;
	unsigned n;
	int r;

	if (!i->listener->tls)
		return 0;
	r = trust_of(&i->cfg, &fresh, d);
	if (r == 0)
		r = set_tls(i->listener, fresh, d);
	if (r < 0) {
		trust_unref(fresh);
		return r;
	}
	pthread_mutex_lock(&i->lock);
	old = i->trust;
	i->trust = trust_ref(fresh);
	pthread_mutex_unlock(&i->lock);
	n = conns_recheck(i, fresh, clock_mono());
	trust_unref(fresh);
	trust_unref(old);
	log_info("certificates reloaded; %u connected sensors are not trusted any more", n);
	return 0;
}

/* ---- start and stop ---- */

enum scheme { SCHEME_TLS, SCHEME_TCP, SCHEME_IPC };

static int
scheme_of(const struct ingest_cfg *cfg, enum scheme *ret, struct diag *d)
{
	const char *url = cfg->listen;

	if (strncmp(url, "tls+tcp", 7) == 0)
		*ret = SCHEME_TLS;
	else if (strncmp(url, "ipc://", 6) == 0)
		*ret = SCHEME_IPC;
	else if (strncmp(url, "tcp", 3) != 0)
		return diag_fail(d, 0, 0,
		    "listen: '%s' is not an address: tls+tcp://HOST:PORT, ipc:///PATH, or "
		    "tcp://HOST:PORT with 'insecure: true'",
		    url);
	else if (!cfg->insecure)
		return diag_fail(d, 0, 0,
		    "listen: %s would let any host speak for any node: use tls+tcp://, or say "
		    "'insecure: true'",
		    url);
	else
		*ret = SCHEME_TCP;
	return 0;
}

static int
listen_fail(const char *url, int rv, struct diag *d)
{
	int r = nng_errno(rv);

	switch (r) {
	case -EADDRINUSE:
		diag_set(d, 0, 0,
		    "%s is in use: stop what listens there ('ss -ltnp' shows it), or set 'listen' "
		    "to "
		    "another address",
		    url);
		break;
	case -EADDRNOTAVAIL:
		diag_set(d, 0, 0,
		    "%s is not an address of this machine: set 'listen' to one that is", url);
		break;
	case -EACCES:
		diag_set(d, 0, 0,
		    "no permission to listen on %s: take a port above 1023, or a folder that is "
		    "this "
		    "user's",
		    url);
		break;
	default:
		diag_set(d, 0, 0, "cannot listen on %s: %s", url, nng_strerror(rv));
		break;
	}
	return r;
}

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

/* Everything but the TLS configuration and the start. */
static int
prepare(struct ingest *i, struct listener *l, enum scheme scheme)
{
	int rv = nng_rep0_open(&l->sock);

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

	if (rv != 0)
		return listen_fail(i->cfg.listen, rv, d);
	if (scheme == SCHEME_TLS) {
		l->tls = i->identity = true;
		r = set_tls(l, i->trust, d);
		if (r < 0)
			return r;
	}
	for (unsigned k = 0; k < l->njobs; k++)
		job_receive(&l->jobs[k]);
	rv = nng_listener_start(l->listener, 0);
	if (rv != 0)
		return listen_fail(i->cfg.listen, rv, d);
	nng_sleep_aio(TICK_MS, l->tick);
	return 0;
}

int
ingest_start(const struct ingest_cfg *cfg, struct ingest **ret, struct diag *d)
{
	struct ingest *i = NULL;
	enum scheme scheme;
	int r = scheme_of(cfg, &scheme, d);

	if (r < 0)
		return r;
	r = ingest_new(cfg, &i);
	if (r == 0 && scheme == SCHEME_TLS)
		r = trust_of(cfg, &i->trust, d);
	if (r == 0) {
		i->listener = calloc(1, sizeof(*i->listener) + cfg->contexts * sizeof(struct job));
		r = i->listener == NULL ? -ENOMEM : start(i, scheme, d);
	}
	if (r < 0) {
		if (r == -ENOMEM && d->msg[0] == '\0')
			diag_set(d, 0, 0, "no memory to listen on %s", cfg->listen);
		ingest_stop(i);
		return r;
	}
	*ret = i;
	return 0;
}

void
ingest_stop(struct ingest *i)
{
	struct listener *l = i == NULL ? NULL : i->listener;

	if (l != NULL) {
		if (l->tick != NULL)
			nng_aio_stop(l->tick);
		(void) nng_close(l->sock); /* also the contexts; their callbacks see it */
		for (unsigned k = 0; k < l->njobs; k++)
			nng_aio_free(l->jobs[k].aio);
		nng_aio_free(l->tick);
	}
	ingest_free(i);
	free(l);
}

/* ---- what it counts ---- */

/* Handshakes that failed: NNG tells nobody, but counts. */
static uint64_t
refused_tls(const struct listener *l)
{
	static const char *const names[] = { "auth", "proto" };
	nng_stat *all = NULL, *s;
	uint64_t n = 0;

	if (l == NULL || !l->tls || nng_stats_get(&all) != 0)
		return 0;
	s = nng_stat_find_listener(all, l->listener);
	for (size_t k = 0; s != NULL && k < ARRAY_SIZE(names); k++) {
		nng_stat *one = nng_stat_find(s, names[k]);

		n += one == NULL ? 0 : nng_stat_value(one);
	}
	nng_stats_free(all);
	return n;
}

void
ingest_stats(struct ingest *i, struct ingest_stats *ret)
{
	*ret = (struct ingest_stats){
		.connections = i->connections,
		.refused_tls = refused_tls(i->listener),
		.refused_identity = i->refused_identity,
		.refused_protocol = i->refused_protocol,
		.malformed = i->malformed,
		.duplicates = i->duplicates,
		.gaps = i->gaps,
		.busy = i->busy,
		.requests = i->requests,
	};
}
