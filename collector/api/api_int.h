/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_int.h - internals of the API; for the files of this folder.
 *
 *	server.c   start, stop, reload      door.c         one listener: its thread, connections
 *	socket.c   listening sockets        certificate.c  certificate and key
 *	access.c   authorization            token.c        tokens
 *	routes.c   dispatch requests        reply.c        send a body
 *	hold.c     requests that wait for another thread
 *	audit.c    a log line for each change       arguments.c   of requests
 *	alerts.c   a body made page by page           processes.c    a body made by a shard
 *	status.c, absence.c, accounts.c, metrics*.c   bodies made whole
 *	api_stats.c   counters of the doors
 *
 * A door belongs to its thread, except for 'asks' and its atomic members. libmicrohttpd runs in
 * that thread and has none of its own.
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
	READS_MAX = 32,       /* answers with alerts under way, per door */
	PS_MAX = 4,           /* questions to shards and outputs under way, per door */
	PS_WAIT_S = 10,       /* for a shard's answer */
	TEST_WAIT_S = 20,     /* for an output's */
	BODY_MAX = 64 * 1024, /* of a request; no route reads one */
};

/* Is an option set and not empty? */
static inline bool
is_set(const char *option)
{
	return option != NULL && option[0] != '\0';
}

/* A connection, from accept() to close. */
struct api_conn {
	struct api_conn *next, **prev;
	int fd;          /* owned by libmicrohttpd */
	uint64_t opened; /* monotonic ns */
	uint64_t since;  /* monotonic ns: start of the current wait or answer */
	char peer[48];   /* an address without its port, or "user 1000" */
	bool trusted;    /* on the unix socket, from root or our own user */
	bool answering;
	bool held;  /* waits for a reload or a shard */
	bool ended; /* shut down; libmicrohttpd will notice */
};

struct door {
	struct api *api;
	const char *path; /* of the unix socket, to be removed; NULL: TCP */
	bool local;       /* only this machine can connect, or the configuration treats it so */
	int listen_fd;
	int wake; /* eventfd: stop, or a held request is ready */
	pthread_t thread;
	bool running;
	struct MHD_Daemon *mhd;
	struct api_conn *conns;
	unsigned nconns, reads;
	struct request *waits[PS_MAX];      /* requests waiting for a shard or an output */
	uint64_t pause_until;               /* monotonic ns: no accept() before; no descriptors */
	uint64_t told;                      /* monotonic ns: time of the last log line about that */
	struct outbox_reader *reader;       /* NULL until alerts are asked for */
	pthread_mutex_t lock;               /* guards 'asks' */
	struct request *asks;               /* held requests that are ready */
	struct api_tls *tls;                /* the pair in use, then retired ones; NULL: no TLS */
	_Atomic(struct api_tls *) tls_next; /* set by api_reload_tls() for the next turn */
	_Atomic bool stopping;
	counter connections, requests, refused, ended, no_files, no_token, wrong_token, wrong_role,
	    changes;
	counter tls_until; /* realtime s */
};

struct api {
	struct api_cfg cfg;
	struct api_view view;
	struct tokens tokens;
	struct door doors[2];
	size_t ndoors;
};

enum access {
	ACCESS_ANY,     /* harmless: no token anywhere */
	ACCESS_LOCAL,   /* a token unless the door is local */
	ACCESS_READ,    /* a token, unless the connection is trusted */
	ACCESS_OPERATE, /* the same, with the role 'operate' */
};

struct request;

/* A resource. The function answers a request that may be answered. */
struct route {
	const char *path;
	enum MHD_Result (*fn)(struct request *q);
	const char *method;
	enum access access;
};

enum wait_state { WAIT_OPEN, WAIT_OVER, WAIT_GIVEN_UP };

/* What a held request has asked of another thread. It is lent to that thread until WAIT_OVER; a
 * request that gives up leaves it there. The one that finishes second frees it. */
struct api_wait {
	_Atomic int
	    state; /* enum wait_state: left by one exchange, of that thread or of the door */
	struct request *request;
	uint64_t until; /* monotonic ns */
	void (*free)(struct api_wait *w);
};

/* A request, from its headers to the end of its answer. */
struct request {
	struct door *door;
	struct api_conn *conn; /* NULL: no memory for it */
	struct MHD_Connection *mhd;
	const struct route *route;
	struct holder who; /* of the token */
	size_t body;       /* bytes received and ignored */
	struct reload_ask ask;
	bool asked;
	bool change;     /* it may change something, and was let in; not audited yet */
	unsigned status; /* of the reload, HTTP's */
	int error;       /* of asking an output for a test */
	struct buf said; /* by the reload */
	struct api_wait *held;
	struct request **wait; /* its place in door.waits; NULL: none */
	struct request *next;
};

/* ---- socket.c: a listening socket, or -errno and *d ---- */

/* -EINVAL if other machines could reach it and the configuration does not allow that; else *local:
 * whether the listener counts as local. */
int listen_tcp(const struct api_cfg *cfg, bool *local, struct diag *d) MUST_CHECK;
/* The same without a socket. */
int listen_check(const struct api_cfg *cfg, struct diag *d) MUST_CHECK;
/* Mode 0600. Replaces the socket of a collector that has gone. */
int listen_unix(const char *path, struct diag *d) MUST_CHECK;
/* Check what listen_unix() would refuse. */
int probe_unix(const char *path, struct diag *d) MUST_CHECK;

/* ---- door.c ---- */

/* Start the thread. The door takes over 'listen_fd' and 'tls' (may be NULL), even on error. */
int door_start(struct door *d, int listen_fd, struct api_tls *tls) MUST_CHECK;
/* Make the door use this pair from now on. Main thread only. */
void door_renew(struct door *d, struct api_tls *tls);
void door_stop(struct door *d);

/* ---- access.c ---- */

/* Identify the peer of c->fd. */
void access_peer(const struct door *d, struct api_conn *c);
/* 0: the request may be answered, and q->who is set; else HTTP's status, counted and logged, and
 * *why: one sentence. */
unsigned access_refused(
    struct request *q, enum access need, const char *url, const char **why) MUST_CHECK;

/* ---- audit.c: who changed what, when, and with which result; one line of the log each ---- */

/* A change has been answered with this status; 0: nobody waits for the answer any more. Once per
 * request. */
void audit(struct request *q, unsigned status);
/* Append who asks: a token's name and role, or a local user, and from where. */
void audit_who(const struct request *q, struct buf *b);
/* Somebody who may not asked for a change. */
void audit_refused(const struct request *q, const char *why);

/* ---- routes.c: libmicrohttpd's callbacks; 'cls' is the door ---- */

enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_size, void **req);
void on_completed(
    void *cls, struct MHD_Connection *c, void **req, enum MHD_RequestTerminationCode why);
/* ---- hold.c ---- */

/* Suspend a request until request_ready(); its function is called again then. */
void request_hold(struct request *q);
/* The same, for the answer to 'w', at most seconds; 'w' is the request's from now on. false: too
 * many wait already. */
bool request_wait(struct request *q, struct api_wait *w, unsigned seconds) MUST_CHECK;
/* The other thread has answered; 'w' may be gone afterwards. */
void wait_over(struct api_wait *w);
/* Give up waiting for all that were due before this time, monotonic ns. */
void waits_give_up(struct door *d, uint64_t now);
bool waits_open(const struct door *d);
/* The request ends. */
void wait_end(struct request *q);
/* Let a held request continue. Any thread. */
void request_ready(struct request *q);
/* Continue requests that are ready. */
void answer_asks(struct door *d);

/* ---- reply.c ---- */

/* Send 'body' and take it over. */
enum MHD_Result reply(
    struct MHD_Connection *c, unsigned status, const char *type, struct buf *body);
/* {"error":...} */
enum MHD_Result reply_error(struct MHD_Connection *c, unsigned status, const char *why);

/* ---- arguments.c ---- */

/* An argument of the query, decoded, or NULL. */
const char *request_argument(struct request *q, const char *key);
/* A whole number; 'usual' if it is missing; -EINVAL. */
int request_number(struct request *q, const char *key, uint64_t usual, uint64_t *ret) MUST_CHECK;
/* A change is not made: audited. */
enum MHD_Result request_refuse(struct request *q, unsigned status, const char *why);

/* ---- metrics_output.c ---- */

/* Append the metrics of outputs. */
void metrics_outputs(struct outputs *o, struct buf *out);

/* ---- metrics_label.c ---- */

/* Append a label's value, escaped, without its quotes. */
void metrics_label(struct buf *out, const char *text);
/* Append the name of a metric and its labels for the node, without the closing brace. */
void metrics_node_labels(struct buf *out, const char *name, const struct stream *s);

/* ---- bodies, appended to 'out' ---- */

void api_metrics(const struct api_view *v, struct buf *out);
void api_metrics_sensors(const struct api_view *v, struct buf *out);
void metrics_kube(const struct api_view *v, struct buf *out);
void api_metrics_process(const struct api_view *v, struct buf *out);
/* The rules in force, held (ruleset_unref()). Any thread. */
struct ruleset *api_ruleset(const struct api_view *v);

void api_status(const struct api_view *v, struct buf *out);

/* accounts.c: the answer to /api/v1/accounts (with 'node', by type); the sums of a stream, as
 * members of a JSON object; the metrics. */
void api_accounts(const struct api_view *v, const char *node, const char *cluster, struct buf *out);
void accounts_json(struct stream *st, struct buf *out);
void metrics_accounts(const struct api_view *v, struct buf *out);
void api_rules(const struct api_view *v, struct buf *out);
/* Of a rule, or of an event; node and cluster NULL: any; 'since': realtime ns. -ENOMEM. */
int api_coverage(const struct api_view *v, const char *rule, const char *event, const char *node,
    const char *cluster, uint64_t since, struct buf *out) MUST_CHECK;
/* NULL: ready; else the reason in one sentence. */
const char *api_ready(const struct api_view *v);

/* ---- processes.c ---- */

enum MHD_Result answer_processes(struct request *q);

/* ---- api_outputs.c ---- */

enum MHD_Result answer_outputs(struct request *q);
enum MHD_Result answer_letters(struct request *q);
enum MHD_Result answer_test(struct request *q);
enum MHD_Result answer_retry(struct request *q);

/* ---- api_silences.c ---- */

enum MHD_Result answer_silences(struct request *q);
enum MHD_Result answer_silence_add(struct request *q);
enum MHD_Result answer_silence_end(struct request *q);

/* ---- alerts.c ---- */

enum MHD_Result answer_alerts(struct request *q);

/* A parsed query; it owns its texts. */
struct alerts_query {
	struct outbox_query q;
	char *texts[4];
};
/* Set the defaults. */
void alerts_query_init(struct alerts_query *a);
void alerts_query_fini(struct alerts_query *a);
/* Set one decoded parameter; value NULL: it had none. -EINVAL and *d, -ENOMEM. */
int alerts_query_set(
    struct alerts_query *a, const char *key, const char *value, struct diag *d) MUST_CHECK;

#endif
