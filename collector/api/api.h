/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.h - the collector's HTTP interface, on a TCP address and on a unix socket.
 *
 *	/healthz              200 while the program runs
 *	/readyz               200 while sensors are acknowledged, else 503 and the reason
 *	/metrics              Prometheus text
 *	/api/v1/status        the collector, its sensors, its outputs
 *	/api/v1/nodes/forget  POST, with cluster= and node=: remove a disconnected node from the
 *	                      list; 404: unknown node, 409: its sensor is connected
 *	/api/v1/processes     the processes of a node and their open files: processes.c
 *	/api/v1/alerts        the outbox; alerts.c lists the parameters
 *	/api/v1/coverage      whether the absence of an alert means that nothing happened:
 *	                      absence.c
 *	/api/v1/outputs       the outputs; /test and /retry: POST; /dead-letters: api_outputs.c;
 *	                      /reload: POST, as SIGHUP; 422 and why if the configuration is wrong
 *	/api/v1/silences      the silences; /add and /end: POST; api_silences.c
 *	/api/v1/rules         the rules in force, the cost and hits of each
 *	/api/v1/rules/reload  POST: reload the rules; 422 and the loader's errors if they do not
 *	                      load
 *
 * The last eight need a token (token.h) everywhere, except from root or the collector's own user on
 * the unix socket; for a POST its role must be 'operate', and each is audited in the log. An
 * address that other machines can reach needs TLS, and there all but /healthz needs a token;
 * 'insecure' allows such an address without TLS, and treats it as local.
 *
 * Each listener has one thread, of low priority: clients can slow each other down, but not
 * detection. Connections, the time and memory of each, and alerts per answer are bounded.
 */
#ifndef MEWS_COLLECTOR_API_API_H
#define MEWS_COLLECTOR_API_API_H

#include "collector/checkpoint/checkpoint.h"
#include "collector/ingest/ingest.h"
#include "collector/kube/kube.h"
#include "collector/outbox/outbox.h"
#include "collector/output/output.h"
#include "collector/rule/rule.h"
#include "collector/shard/shard.h"
#include "collector/watch/reload.h"
#include "common/buf.h"
#include "common/diag.h"
#include "common/macros.h"
#include <pthread.h>

/* The path that mewsctl tries first. */
#define API_FOLDER "/run/mews"
#define API_SOCKET API_FOLDER "/api.sock"

struct api;

/* The parts that the API shows: borrowed, and valid from api_start() to api_stop(). */
struct api_view {
	const char *name, *cluster, *version;
	uint64_t started; /* realtime ns */
	uint64_t history; /* realtime ns: later alerts are in the outbox, unless they were pruned */
	struct outbox *outbox;
	struct checkpoint *checkpoint; /* NULL: none */
	struct kubes *kubes;           /* NULL: none */
	struct outputs *outputs;
	struct silences *silences;
	struct streams *streams;
	struct shards *shards;
	struct ingest *ingest;
	pthread_mutex_t *rules_lock; /* guards the pointer: a reload swaps it */
	struct ruleset *const *rules;
	struct reload *reload;
	uint64_t unready_after; /* ms that an alert may wait for an output; 0: no limit */
	const struct api *api;  /* set by api_start(); NULL: its counters are 0 */
};

/* Borrowed, and valid until api_stop(). */
struct api_cfg {
	const char *listen;             /* HOST:PORT; NULL or "": not on TCP */
	const char *socket;             /* a path; NULL or "": no unix socket */
	const char *tls_cert, *tls_key; /* PEM files, for TCP; NULL or "": no TLS */
	const char *token_file;
	bool token_beside;    /* it is in the outbox's folder, since none is configured */
	bool insecure;        /* serve other machines without TLS */
	unsigned connections; /* open at a time, on each listener */
	unsigned request_ms;  /* limit for a request to arrive whole, and for an idle connection */
	unsigned answer_ms;   /* limit for the client to take an answer */
};

/*
 * Would api_start() accept this? Opens and changes nothing. -EINVAL or another -errno, *d, and
 * *key: the option that is wrong.
 */
int api_check(const struct api_cfg *cfg, const char **key, struct diag *d) MUST_CHECK;

/* -EINVAL, -EADDRINUSE and the like, and *d: what is wrong and what to do. */
int api_start(const struct api_cfg *cfg, const struct api_view *v, struct api **ret,
    struct diag *d) MUST_CHECK;
void api_stop(struct api *a); /* NULL is nothing */
/* Reload the tokens, or certificate and key; on error the old ones stay in use. Main thread
 * only. */
int api_reload_tokens(struct api *a, struct diag *d) MUST_CHECK;
int api_reload_tls(struct api *a, struct diag *d) MUST_CHECK;

/* Would api_start() be able to listen on 'listen' and 'socket'? Its errors and messages; 0 also for
 * what api_check() refuses. Nothing listens afterwards. */
int api_probe_tcp(const struct api_cfg *cfg, struct diag *d) MUST_CHECK;
int api_probe_unix(const struct api_cfg *cfg, struct diag *d) MUST_CHECK;

struct api_stats {
	uint64_t connections; /* now */
	uint64_t requests;    /* answered, or being answered */
	uint64_t refused;     /* connections: too many were open */
	uint64_t ended;       /* connections: too slow, or idle while another needed the place */
	uint64_t no_files;    /* connections that could not be accepted: no descriptor was left */
	uint64_t no_token;    /* requests refused: a token is required, none was sent */
	uint64_t wrong_token; /* requests refused: the token is unknown */
	uint64_t wrong_role;  /* requests refused: the token may only read */
	uint64_t changes;     /* requests for a change that were let in */
	uint64_t certificate_expiry_seconds; /* realtime; 0: no TLS */
};
/* Any thread. NULL: zeros. */
void api_stats(const struct api *a, struct api_stats *ret);

#endif
