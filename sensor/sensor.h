/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sensor.h - mews-sensor as a list of stages, and the loop that they serve.
 *
 * One thread, the loop's, drains the source, closes batches, and drives every node's link. Others
 * only wake it: NNG's callbacks and the signal thread.
 */
#ifndef MEWS_SENSOR_SENSOR_H
#define MEWS_SENSOR_SENSOR_H

#include "common/config.h"
#include "common/stage.h"
#include "sensor/env.h"
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
	EXIT_KERNEL = 4,    /* what the kernel lacks, or does not permit */
	EXIT_RECORDING = 5, /* cannot be read or written, or was not taken whole */
};

#define ARGS_SET_MAX 64
#define NODES_MAX    10000

struct args {
	const char *config;
	const char *set[ARGS_SET_MAX];
	size_t nset;
	const char *record, *replay;
	uint64_t nodes;   /* 0: one */
	uint64_t seconds; /* record for so long; 0: until stopped */
	uint64_t loop;    /* passes of a replay */
	uint64_t skew_ms; /* nodes' clocks are off by at most this */
	bool fast;        /* replay as fast as it is taken */
	bool check;
};

struct app {
	struct args args;
	struct cfg *cfg;
	struct options opt;
	enum app_exit exit_code;

	const struct source_ops *src; /* NULL: no live capture */
	void *st;
	int wake_fd; /* without a source: what the loop waits for */
	struct env env;
	struct xport *xport;
	struct identity **identity; /* of each node, until the node is made */
	struct node **node;
	size_t nnodes;
	struct replay *replay;
	struct record *record;

	struct scanner *scanner;
	struct snapshot snapshot;           /* of this machine */
	uint64_t unstashed, unstashed_next; /* as last told; when to tell again */
	struct node_drops dropped;          /* of the source, as of 'dropped_at' */
	uint64_t dropped_at;

	uint64_t certs_looked; /* monotonic ns: app_watch_certs() */
	uint64_t certs_warned; /* the same: of the node's own, which expires */
	uint64_t crl_stamp;    /* of the file that was read */

	sigset_t signals;
	pthread_t signal_thread;
	bool have_signal_thread;
	_Atomic bool stop, reload, quit_signals;
	bool stopping;
	uint64_t stop_at; /* stopping: when to give up; 0: not stopping */
	uint64_t ends_at; /* of a recording that ends by itself; 0: none */
};

extern const struct opt app_opts[];
extern const size_t app_nopts;

/* The options from the configuration. -EINVAL and *d. */
int app_configure(struct app *a, struct diag *d) MUST_CHECK;

extern const struct stage app_stages[];
extern const size_t app_nstages;
extern const size_t app_ncheck; /* the first of them, which --check starts */

/* The loop: until it is stopped or a replay is over. 0 or -errno, exit_code set. */
int app_run(void *app);

/* End the loop's wait. Any thread. */
void app_wake(void *app);

/* Log a diagnosis, remember the exit code, and pass 'r' on. */
int app_fail(struct app *a, enum app_exit code, const struct diag *d, int r);

/* The certificate of a node: NULL where none is configured. -EINVAL... and *d. */
int app_identity(
    const struct app *a, const char *node, struct identity **ret, struct diag *d) MUST_CHECK;

#endif
