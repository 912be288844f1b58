/* SPDX-License-Identifier: Apache-2.0 */
/* outputs_int.h - shared by outputs.c and output_thread.c only. */
#ifndef MEWS_COLLECTOR_OUTPUT_OUTPUTS_INT_H
#define MEWS_COLLECTOR_OUTPUT_OUTPUTS_INT_H

#include "collector/output/output.h"
#include "collector/output/route.h"
#include <pthread.h>
#include <stdatomic.h>

#define WINDOW 2048 /* rows in flight */

enum flight_state { FLYING, ENDED, AGAIN };

#define OUTPUT_NAME 32 /* as in the outbox */

struct output {
	const struct output_ops *ops;
	char name[OUTPUT_NAME]; /* "webhook", "webhook.slack" */
	void *st;
	struct route *route; /* NULL: every alert; used by the thread only */
	struct outputs *set;
	pthread_t thread;
	bool opened, running;

	/* Used by the thread only. */
	struct {
		uint64_t rowid, time;
		enum flight_state state;
	} flight[WINDOW]; /* a ring, by rowid */
	size_t head, n, flying;
	uint64_t cursor, next; /* delivered up to; read up to */
	bool again;            /* some row must be offered again */
	bool full;             /* the output accepts no more for now */
	int refusal;           /* the error of submit(), if any */
	uint64_t waiting;      /* the time of the row that it did not accept */
	unsigned backoff_ms;
	bool troubled;

	pthread_mutex_t lock; /* guards: */
	struct output_stats stats;
};

struct outputs {
	struct outbox *outbox;
	struct output *v[OUTBOX_OUTPUTS];
	size_t n;
	pthread_mutex_t lock; /* with 'wake', for pauses that stop() can end */
	pthread_cond_t wake;
	_Atomic bool stopping;
	_Atomic uint64_t stop_at; /* monotonic ns */
	_Atomic unsigned reopen;  /* counts the requests */
};

/* The done() function of an output. */
void output_ended(void *arg, uint64_t rowid, enum output_result result, const char *why);
/* Move the cursor over rows that have ended. */
void output_advance(struct output *o);
void *output_main(void *arg);

#endif
