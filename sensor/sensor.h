/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sensor.h - mews-sensor as a list of stages around one loop.
 *
 * The loop thread drains the source, closes batches and drives every node's link. Other threads
 * (NNG's callbacks and the signal thread) only wake it.
 */
#ifndef MEWS_SENSOR_SENSOR_H
#define MEWS_SENSOR_SENSOR_H

#include "common/config.h"
#include "common/notify.h"
#include "common/stage.h"
#include "sensor/env.h"
#include "sensor/guard.h"
#include "sensor/node.h"
#include "sensor/options.h"
#include "sensor/record_file.h"
#include "sensor/replay.h"
#include "sensor/snapshot.h"
#include "sensor/source.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

enum app_exit {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_CONFIG = 3,    /* configuration, certificates */
	EXIT_KERNEL = 4,    /* the kernel lacks or denies something */
	EXIT_RECORDING = 5, /* cannot be read or written, or was not sent completely */
};

#define ARGS_SET_MAX 64
#define NODES_MAX    10000

struct args {
	const char *config;
	const char *set[ARGS_SET_MAX];
	size_t nset;
	const char *record, *replay, *unpin;
	uint64_t nodes;   /* 0: one */
	uint64_t seconds; /* record this long; 0: until stopped */
	uint64_t loop;    /* passes of the replay */
	uint64_t skew_ms; /* nodes' clocks are off by at most this */
	bool fast;        /* replay as fast as possible */
	bool check;
};

#define OPENING_MAX 8 /* nodes between dialing and Welcome; as many as there are dialers */

struct app {
	struct args args;
	struct cfg *cfg;
	struct options opt;
	enum app_exit exit_code;

	const struct source_ops *src; /* NULL: no live capture */
	void *st;
	int wake_fd; /* without a source: wakes the loop */
	struct env env;
	struct redactor *redactor; /* NULL: off */
	struct xport *xport;
	struct source_past past;    /* what an earlier process has left, if the nodes have it */
	struct spool_disk *disk;    /* NULL: batches stay in memory ... */
	bool disk_failed;           /* ... although spool.path is set */
	struct identity **identity; /* of each node, until the node exists */
	struct node **node;
	uint64_t
	    *due; /* of each node: when to tick it. Side by side: thousands are looked at often */
	size_t nnodes;
	size_t opening[OPENING_MAX], nopening; /* nodes between dialing and Welcome */
	struct replay *replay;
	struct record *record;

	struct scanner *scanner;
	struct containers *containers; /* NULL: without live capture */
	uint64_t spool_lost;      /* events that the spool had dropped: see tick_containers() */
	struct snapshot snapshot; /* of this machine */
	uint64_t unstashed, unstashed_next; /* last logged count; when to log again */
	uint64_t canary_at, blind;          /* when to check the hooks again; what is not seen */
	struct node_drops dropped;          /* the source's, read at 'dropped_at' */
	uint64_t dropped_at;

	struct guard guard; /* with a source */

	uint64_t certs_looked; /* monotonic ns of the last check: app_watch_certs() */
	uint64_t certs_warned; /* monotonic ns of the last expiry warning */
	uint64_t crl_stamp;    /* of the revocation list that was read */

	struct cfg *enrolled; /* enrolled.yaml; NULL: not in use */
	pid_t renewer;        /* the process that renews the certificate; 0: none runs */
	uint64_t renew_at;    /* monotonic ns of the next one */
	bool renew_failed;    /* the last one has */

	struct notify notify; /* the service manager */
	sigset_t signals;
	pthread_t signal_thread;
	bool have_signal_thread;
	_Atomic bool stop, reload, quit_signals;
	bool stopping;
	uint64_t stop_at; /* when to give up stopping; 0: not stopping */
	uint64_t ends_at; /* when a recording with a time limit ends; 0: none */
};

extern const struct opt app_opts[];
extern const size_t app_nopts;

/* Bind the options from the configuration. -EINVAL and *d. */
int app_configure(struct app *a, struct diag *d) MUST_CHECK;

extern const struct stage app_stages[];
extern const size_t app_nstages;
extern const size_t app_ncheck; /* the first stages, which --check starts */

/* Run the loop until it is stopped or a replay ends. 0 or -errno, exit_code set. */
int app_run(void *app);

/* Wake the loop. Any thread. */
void app_wake(void *app);

/* Log a diagnosis, remember the exit code, and return 'r'. */
int app_fail(struct app *a, enum app_exit code, const struct diag *d, int r);

#endif
