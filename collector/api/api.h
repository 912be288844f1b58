/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.h - what the collector shows of itself, over HTTP on a TCP address and on a unix socket.
 *
 *	/healthz          200 while the program runs
 *	/readyz           200 while sensors are acknowledged, 503 and why otherwise
 *	/metrics          Prometheus text
 *	/api/v1/status    the collector, its sensors, its outputs
 *	/api/v1/nodes/forget  POST, with cluster= and node=: a node that is gone leaves the list;
 *	                  404: it is not known, 409: its sensor is connected
 *	/api/v1/alerts    the outbox: alerts.c tells the parameters
 *	/api/v1/rules     the rules in force, and what each has cost and given
 *	/api/v1/rules/reload  POST: load them anew; 422 and the loader's errors if they do not load
 *
 * The last four need a token (token.h) everywhere, except from root or the collector's own user on
 * the unix socket. An address that other machines can reach needs TLS, and there all but /healthz
 * needs a token; 'insecure' allows such an address without TLS, and treats it as local.
 *
 * Each of the two has one thread, of low priority: clients can slow each other down, but not
 * detection. Connections, the time and memory of each, and alerts per answer are bounded.
 */
#ifndef MEWS_COLLECTOR_API_API_H
#define MEWS_COLLECTOR_API_API_H

#include "collector/ingest/ingest.h"
#include "collector/outbox/outbox.h"
#include "collector/output/output.h"
#include "collector/reload.h"
#include "collector/rule/rule.h"
#include "collector/shard/shard.h"
#include "common/buf.h"
#include "common/diag.h"
#include "common/macros.h"
#include <pthread.h>

/* Where mewsctl looks first. */
#define API_FOLDER "/run/mews"
#define API_SOCKET API_FOLDER "/api.sock"

struct api;

/* What the API shows: borrowed, and alive from api_start() to api_stop(). */
struct api_view {
	const char *name, *cluster, *version;
	uint64_t started; /* realtime ns */
	struct outbox *outbox;
	struct outputs *outputs;
	struct streams *streams;
	struct shards *shards;
	struct ingest *ingest;
	pthread_mutex_t *rules_lock; /* guards the pointer: a reload swaps it */
	struct ruleset *const *rules;
	struct reload *reload;
	const struct api *api; /* set by api_start(); NULL: its counters are 0 */
};

/* Borrowed, and alive until api_stop(). */
struct api_cfg {
	const char *listen;             /* HOST:PORT; NULL or "": not on TCP */
	const char *socket;             /* a path; NULL or "": no unix socket */
	const char *tls_cert, *tls_key; /* PEM files, for TCP; NULL or "": no TLS */
	const char *token_file;
	bool token_beside;    /* it is in the outbox's folder, since none was configured */
	bool insecure;        /* other machines may be served without TLS */
	unsigned connections; /* open at a time, on each of the two */
	unsigned request_ms;  /* for a whole request to arrive; also how long one may idle */
	unsigned answer_ms;   /* for an answer to be taken */
};

/*
 * Would api_start() take this? Opens nothing, changes nothing. -EINVAL or another -errno, *d, and
 * *key: the option that is wrong.
 */
int api_check(const struct api_cfg *cfg, const char **key, struct diag *d) MUST_CHECK;

/* -EINVAL, -EADDRINUSE and the like, and *d: what is wrong and what to do. */
int api_start(const struct api_cfg *cfg, const struct api_view *v, struct api **ret,
    struct diag *d) MUST_CHECK;
void api_stop(struct api *a); /* NULL is nothing */
/* Read the tokens, or certificate and key, anew; on error the old ones stay in use. The main
 * thread.
 */
int api_reload_tokens(struct api *a, struct diag *d) MUST_CHECK;
int api_reload_tls(struct api *a, struct diag *d) MUST_CHECK;

/* Can 'listen' and 'socket' be listened on? What api_start() would refuse, with its errors and
 * sentences; 0 also for what api_check() has refused. Nothing listens afterwards. */
int api_probe_tcp(const struct api_cfg *cfg, struct diag *d) MUST_CHECK;
int api_probe_unix(const struct api_cfg *cfg, struct diag *d) MUST_CHECK;

struct api_stats {
	uint64_t connections; /* now */
	uint64_t requests;    /* answered, or being answered */
	uint64_t refused;     /* connections: too many were open */
	uint64_t ended;       /* connections: too slow, or idle while another needed the place */
	uint64_t no_files;    /* connections that could not be accepted: no descriptor was left */
	uint64_t no_token;    /* requests refused: they need a token and had none */
	uint64_t wrong_token; /* requests refused: their token is none of ours */
	uint64_t certificate_expiry_seconds; /* realtime; 0: no TLS */
};
/* Any thread. NULL: zeros. */
void api_stats(const struct api *a, struct api_stats *ret);

#endif
