/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ingest.h - accept sensors: NNG REP contexts, TLS, authentication, order and duplicates.
 *
 * Every request is answered at once; nothing waits here for a commit or a shard. Runs on NNG's
 * threads, one callback per context; a connection's record is guarded by its own mutex, since its
 * requests can arrive on several contexts at a time.
 */
#ifndef MEWS_COLLECTOR_INGEST_INGEST_H
#define MEWS_COLLECTOR_INGEST_INGEST_H

#include "collector/filter/filter.h"
#include "collector/shard/shard.h"
#include "collector/stream/coverage.h"
#include "collector/stream/stream.h"
#include "common/diag.h"
#include "common/macros.h"

/* The newest versions of the interest that earlier collectors with this checkpoint gave out; 0:
 * none. */
struct ingest_versions {
	uint32_t v[COVERAGE_VERSIONS];
};

struct ingest_cfg {
	const char *listen;          /* tls+tcp://0.0.0.0:7443, tcp://, ipc:// */
	const char *cluster;         /* "" accepts any */
	const char *name;            /* the collector's name: sent in Challenge */
	const char *ca, *cert, *key; /* PEM files; NULL without TLS */
	const char *crl;             /* PEM, or NULL */
	const char *ipc_group;       /* may connect to ipc://, besides this user; NULL: none */
	bool insecure;               /* allow plain tcp:// without authentication */
	unsigned contexts;           /* requests under way at a time */
	struct streams *streams;
	struct shards *shards;
	struct outbox *outbox;         /* knows where a stream continues */
	struct checkpoint *checkpoint; /* has the states of nodes; NULL: none */
	struct ingest_versions versions;
};

struct ingest;

/* -EINVAL/-EADDRINUSE/... and *d: one sentence with the remedy. */
int ingest_start(const struct ingest_cfg *cfg, struct ingest **ret, struct diag *d) MUST_CHECK;
void ingest_stop(struct ingest *i);

/* Check what ingest_start() would refuse, with its errors and messages. ingest_check(): the syntax
 * of 'listen', and the certificates. ingest_probe(): whether it can be listened on; 0 also for a
 * 'listen' that ingest_check() refuses. It accepts no connection; *ret holds the address until
 * ingest_probe_end(), so that a second use of it is detected. */
struct nng_stream_listener;
int ingest_check(const struct ingest_cfg *cfg, struct diag *d) MUST_CHECK;
int ingest_probe(
    const struct ingest_cfg *cfg, struct nng_stream_listener **ret, struct diag *d) MUST_CHECK;
void ingest_probe_end(struct nng_stream_listener *l); /* NULL is nothing */

/* Set the events that sensors capture; sent with the next reply to each. Any thread. Returns the
 * version of this interest. */
uint32_t ingest_set_interest(struct ingest *i, const struct interest *wanted);

/* Reload certificate, key, CA and CRL for new connections; disconnect sensors that are no longer
 * trusted. On error the old ones stay in force, and *d says why. */
int ingest_reload_tls(struct ingest *i, struct diag *d) MUST_CHECK;

/* Check certificates over time; called about every second, by the thread that reloads. Reads a
 * changed revocation list, as ingest_reload_tls() does, and warns every day for two weeks before
 * this collector's certificate expires. */
void ingest_watch_tls(struct ingest *i);

struct ingest_stats {
	uint64_t connections;      /* now */
	uint64_t refused_tls;      /* failed handshakes */
	uint64_t refused_identity; /* Proofs */
	uint64_t
	    refused_protocol; /* Hellos, clusters, messages out of turn, replaced connections */
	uint64_t malformed;   /* messages */
	uint64_t duplicates, gaps; /* batches; runs of missing batches */
	uint64_t busy;             /* asked to try again later */
	uint64_t requests;
	uint64_t log_held;                   /* suppressed lines about peers: log_peer.h */
	uint64_t certificate_expiry_seconds; /* since the epoch: this collector's; 0: no TLS */
	uint64_t crowded_out;                /* connections: too many were not authenticated */
	uint64_t ending; /* connections being ended; if it stays above 0, restart */
};
void ingest_stats(struct ingest *i, struct ingest_stats *ret);

#endif
