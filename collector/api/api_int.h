/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_int.h - the API's inside; for the files of this folder.
 *
 *	server.c   start, stop, reload, counts    door.c    one listener: its thread, connections
 *	socket.c   the sockets listened on        tls.c     certificate and key
 *	access.c   who may ask for what           token.c   the secrets for that
 *	routes.c   a request finds its function   alerts.c  a body made page by page
 *	status.c, metrics.c   bodies that are made whole
 *
 * All of a door is its thread's alone, but for 'asks' and what is atomic. libmicrohttpd is driven
 * by that thread and has none of its own.
 */
#ifndef MEWS_COLLECTOR_API_API_INT_H
#define MEWS_COLLECTOR_API_API_INT_H

#include "collector/api/api.h"
#include "collector/api/certificate.h"
#include "collector/api/token.h"
#include "common/counter.h"
#include <microhttpd.h>
#include <stdatomic.h>

enum {
	READS_MAX = 32,       /* answers with alerts under way, of one door */
	BODY_MAX = 64 * 1024, /* of a request; nothing takes one */
};

/* An option that is not empty. */
static inline bool
is_set(const char *option)
{
	return option != NULL && option[0] != '\0';
}

/* A connection, from accept() to close. */
struct api_conn {
	struct api_conn *next, **prev;
	int fd;          /* libmicrohttpd's */
	uint64_t opened; /* monotonic ns */
	uint64_t since;  /* monotonic ns: waits for a request since, or answers one since */
	char peer[48];   /* an address without its port, or "user 1000" */
	bool trusted;    /* on the unix socket, and root or our own user */
	bool answering;
	bool held;  /* waits for a reload */
	bool ended; /* shut; libmicrohttpd will see it */
};

struct door {
	struct api *api;
	const char *path; /* of the unix socket, to be removed; NULL: TCP */
	bool local;       /* only this machine gets here, or the configuration takes that for it */
	int listen_fd;
	int wake; /* eventfd: to stop, or a reload is done */
	pthread_t thread;
	bool running;
	struct MHD_Daemon *mhd;
	struct api_conn *conns;
	unsigned nconns, reads;
	uint64_t pause_until;               /* monotonic ns: no accept() before; no descriptors */
	uint64_t told;                      /* monotonic ns: when that was logged */
	struct outbox_reader *reader;       /* NULL until alerts are asked for */
	pthread_mutex_t lock;               /* guards 'asks' */
	struct request *asks;               /* reloads that are done */
	struct api_tls *tls;                /* the pair in use, then retired ones; NULL: no TLS */
	_Atomic(struct api_tls *) tls_next; /* to be used from now on; by api_reload_tls() */
	_Atomic bool stopping;
	counter connections, requests, refused, ended, no_files, no_token, wrong_token;
	counter tls_until; /* realtime s */
};

struct api {
	struct api_cfg cfg;
	struct api_view view;
	struct tokens tokens;
	struct door doors[2];
	size_t ndoors;
};

/* A request, from its headers to the end of its answer. */
struct request {
	struct door *door;
	struct api_conn *conn; /* NULL: no memory for it */
	struct MHD_Connection *mhd;
	const struct route *route;
	size_t body; /* bytes that came, and were not looked at */
	struct reload_ask ask;
	bool asked;
	int result;      /* of the reload */
	struct buf said; /* by the reload */
	struct request *next;
};

/* ---- socket.c: a socket that is listened on, or -errno and *d ---- */

/* -EINVAL if other machines could reach it and the configuration does not allow that; else *local:
 * whether a token is needed for everything. */
int listen_tcp(const struct api_cfg *cfg, bool *local, struct diag *d) MUST_CHECK;
/* The same without a socket. */
int listen_check(const struct api_cfg *cfg, struct diag *d) MUST_CHECK;
/* Mode 0600. What a collector that is gone left there is replaced. */
int listen_unix(const char *path, struct diag *d) MUST_CHECK;
/* What listen_unix() would refuse. */
int probe_unix(const char *path, struct diag *d) MUST_CHECK;

/* ---- door.c ---- */

/* Start the thread; 'listen_fd' and 'tls' (may be NULL) are the door's in any case. */
int door_start(struct door *d, int listen_fd, struct api_tls *tls) MUST_CHECK;
/* Have the door use this pair from now on. The main thread. */
void door_renew(struct door *d, struct api_tls *tls);
void door_stop(struct door *d);

/* ---- access.c ---- */

enum access {
	ACCESS_ANY,   /* harmless: no token anywhere */
	ACCESS_LOCAL, /* a token where the door is not local */
	ACCESS_TOKEN, /* a token, unless the connection is trusted */
};

/* Fill in who is at the other end of c->fd. */
void access_peer(const struct door *d, struct api_conn *c);
/* NULL: the request may be answered; else why not, in one sentence: counted and logged. */
const char *access_refused(const struct request *q, enum access need, const char *url);

/* ---- routes.c: libmicrohttpd's callbacks; 'cls' is the door ---- */

enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_size, void **req);
void on_completed(
    void *cls, struct MHD_Connection *c, void **req, enum MHD_RequestTerminationCode why);
/* Go on with requests whose reload is done. */
void answer_asks(struct door *d);
enum MHD_Result reply(
    struct MHD_Connection *c, unsigned status, const char *type, struct buf *body);
/* {"error":...} */
enum MHD_Result reply_error(struct MHD_Connection *c, unsigned status, const char *why);

/* ---- bodies, appended to 'out' ---- */

void api_metrics(const struct api_view *v, struct buf *out);
/* The name of a metric and, still open, the labels that say whose it is. */
void api_node_labels(struct buf *out, const char *name, const struct stream *s);
void api_metrics_sensors(const struct api_view *v, struct buf *out);
void api_metrics_process(const struct api_view *v, struct buf *out);
void api_status(const struct api_view *v, struct buf *out);
void api_rules(const struct api_view *v, struct buf *out);
/* NULL: ready; else why not, in one sentence. */
const char *api_ready(const struct api_view *v);

/* ---- alerts.c ---- */

enum MHD_Result answer_alerts(struct request *q);

/* What a query asks for; texts are its own. */
struct alerts_query {
	struct outbox_query q;
	char *texts[4];
};
/* Defaults. */
void alerts_query_init(struct alerts_query *a);
void alerts_query_fini(struct alerts_query *a);
/* One parameter, decoded; value NULL: it came without. -EINVAL and *d, -ENOMEM. */
int alerts_query_set(
    struct alerts_query *a, const char *key, const char *value, struct diag *d) MUST_CHECK;

#endif
