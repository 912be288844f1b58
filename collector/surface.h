/* SPDX-License-Identifier: Apache-2.0 */
/*
 * surface.h - what the collector shows of itself: one HTTP listener.
 *
 *	/healthz          200 while the program runs
 *	/readyz           200 while sensors are acknowledged, 503 and why otherwise
 *	/metrics          Prometheus text
 *	/api/v1/status    the collector, its sensors, its outputs
 *	/api/v1/alerts    the outbox: ?rule= node= cluster= id= priority= since= until= after=
 *	                  limit= order=newest
 *	/api/v1/rules     the rules in force, and what each has cost and given
 *	/api/v1/rules/reload  POST: load them anew; 422 and the loader's errors if they do not load
 *
 * Handlers run on NNG's threads; everything they read is safe to read from any thread.
 */
#ifndef MEWS_COLLECTOR_SURFACE_H
#define MEWS_COLLECTOR_SURFACE_H

#include "collector/ingest/ingest.h"
#include "collector/outbox.h"
#include "collector/output/output.h"
#include "collector/reload.h"
#include "collector/rule/rule.h"
#include "collector/shard.h"
#include "common/buf.h"
#include "common/diag.h"
#include "common/macros.h"
#include <pthread.h>

/* What the surface shows: borrowed, and alive from surface_start() to surface_stop(). */
struct surface_view {
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
};

struct surface;

/* 'listen': host:port. -EADDRINUSE and the like, and *d. */
int surface_start(const char *listen, const struct surface_view *v, struct surface **ret,
    struct diag *d) MUST_CHECK;
void surface_stop(struct surface *s);

/* The bodies, for the handlers and for tests. Appended to 'out'. */
void metrics_print(const struct surface_view *v, struct buf *out);
void api_status(const struct surface_view *v, struct buf *out);
void api_rules(const struct surface_view *v, struct buf *out);
/* 'query': what follows '?' in the URL. -EINVAL and *d: a parameter that is unknown or malformed.
 */
int api_alerts(
    const struct surface_view *v, const char *query, struct buf *out, struct diag *d) MUST_CHECK;
/* NULL: ready; else why not, in one sentence. */
const char *surface_ready(const struct surface_view *v);

#endif
