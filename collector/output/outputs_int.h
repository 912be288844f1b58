/* SPDX-License-Identifier: Apache-2.0 */
/* outputs_int.h - shared by outputs.c and output_*.c of the thread only. */
#ifndef MEWS_COLLECTOR_OUTPUT_OUTPUTS_INT_H
#define MEWS_COLLECTOR_OUTPUT_OUTPUTS_INT_H

#include "collector/output/output.h"
#include "collector/output/route.h"
#include <pthread.h>
#include <stdatomic.h>

#define WINDOW 2048 /* rows in flight */

enum flight_state { FLYING, ENDED, AGAIN };

#define EXTRAS 64 /* of an output that gathers alerts; else one */

#define OUTPUT_NAME 32 /* as in the outbox */

struct output {
	const struct output_ops *ops;
	char name[OUTPUT_NAME]; /* "webhook", "webhook.slack" */
	void *st;
	bool silenced;       /* it leaves out what a silence covers */
	struct route *route; /* NULL: every alert; used by the thread only */
	struct outputs *set;
	pthread_t thread;
	bool opened, running;

	/* Used by the thread only. */
	struct {
		uint64_t rowid;
		int64_t since; /* committed, by the boot clock; see outbox_since() */
		enum flight_state state;
	} flight[WINDOW]; /* a ring, by rowid */
	size_t head, n, flying;
	uint64_t cursor, next; /* delivered up to; read up to */
	bool again;            /* some row must be offered again */
	bool full;             /* the output accepts no more for now */
	int refusal;           /* the error of submit(), if any */
	int64_t waiting;       /* 'since' of the row that it did not accept; 0: none */
	unsigned backoff_ms;
	bool troubled;
	bool only_test;         /* the latest failure was a test's: no alert waits because of it */
	uint64_t extra[EXTRAS]; /* rows outside of the order that are under way */
	size_t nextra;
	uint64_t letter_next; /* dead letters are offered up to here */

	pthread_mutex_t lock; /* guards: */
	struct output_stats stats;
	struct output_test *test;
	uint64_t retry_after, retry_upto; /* dead letters to send again; after >= upto: none */
};

struct outputs {
	struct outbox *outbox;
	struct silences *silences; /* or NULL */
	struct output *v[OUTBOX_OUTPUTS];
	size_t n;
	pthread_mutex_t lock; /* with 'wake', for pauses that stop() can end */
	pthread_cond_t wake;
	_Atomic bool stopping;
	_Atomic uint64_t stop_at; /* monotonic ns */
	_Atomic unsigned reopen;  /* counts the requests */
	_Atomic unsigned asked;   /* counts tests and retries: ends pauses */
};

/* The done() function of an output. */
void output_ended(void *arg, uint64_t rowid, enum output_result result, const char *why);
/* Move the cursor over rows that have ended. */
void output_advance(struct output *o);
void *output_main(void *arg);

/* output_note.c: for the statistics. */
void output_count(struct output *o, uint64_t *counter);
void output_note_error(struct output *o, const char *why);
/* The same for what is over: it is shown as the latest error only. */
void output_note_last(struct output *o, const char *why);
/* The same as output_note_error() while the caller holds the lock. */
void output_set_error(struct output *o, const char *why);

/* output_extra.c: alerts outside of the outbox's order: tests, and dead letters. */

/* Is this row one of them, and under way? */
bool output_is_extra(const struct output *o, uint64_t rowid);

/* Offer the next one; true: a test waits, and nothing else may be offered before it. */
bool output_extra(struct output *o);
/* It has ended. */
void output_extra_ended(
    struct output *o, uint64_t rowid, enum output_result result, const char *why);
/* The thread has ended: end a test, too. */
void output_extra_stop(struct output *o);

#endif
