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
	struct cfg *cfg; /* has the texts of its options */
	struct buf spec; /* the text of its configuration */
	_Atomic bool stopping;
	_Atomic uint64_t stop_at; /* monotonic ns */

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
	struct output_beat *beats;        /* to be sent, or NULL */
	uint64_t retry_after, retry_upto; /* dead letters to send again; after >= upto: none */
};

struct outputs {
	struct outbox *outbox;
	struct silences *silences;        /* or NULL */
	struct output *v[OUTBOX_OUTPUTS]; /* changed with 'lock' held, by the main thread */
	size_t n;
	struct cfg *cfgs[OUTBOX_OUTPUTS + 1]; /* owned: of reloads, while an output uses them */
	size_t ncfgs;
	pthread_mutex_t lock; /* with 'wake', for pauses that stop() can end; before an output's */
	pthread_cond_t wake;
	_Atomic unsigned reopen; /* counts the requests */
	_Atomic unsigned asked;  /* counts tests and retries: ends pauses */
};

/* outputs_conf.c: the outputs of a configuration. */

extern const struct output_ops *const output_kinds[];

/* Options of every output. */
struct output_choice {
	bool enabled;
	char *label, *from, *minimum, *condition, *silences;
	struct outbox_output place;
};

/* A walk over the outputs of a configuration; zeroed with 'cfg' set at first. */
struct output_walk {
	struct cfg *cfg;
	size_t next_kind, next; /* element */
	size_t kind, elements;  /* the present one; elements: of its list, 0: it is a section */
};
/* Go to the next output, and select its keys. false: that was the last. */
bool output_walk_on(struct output_walk *w);
/* The section of the present one: "outputs.webhook". */
const char *output_section(const struct output_walk *w);
/* Bind the common options of the present one. -EINVAL and *d. */
int output_bind_choice(
    const struct output_walk *w, struct output_choice *ret, struct diag *d) MUST_CHECK;
/* Make its route: which alerts it gets. -EINVAL and *d. */
int output_bind_route(const struct output_walk *w, const struct output_choice *c,
    struct route **ret, struct diag *d) MUST_CHECK;

typedef int output_choice_fn(void *arg, const struct output_choice *c);
/* Call fn for each output that outputs.first_match has before this one, in any order. -EINVAL and
 * *d, or what fn returns but 0. */
int output_each_earlier(const struct output_walk *w, const char *name, output_choice_fn *fn,
    void *arg, struct diag *d) MUST_CHECK;

/* outputs_order.c: outputs.first_match. */

/* Read the list; its texts are the configuration's. -EINVAL and *d. */
int output_order(struct cfg *cfg, struct opt_list *ret, struct diag *d) MUST_CHECK;
/* The place of a name in it, or names->n. */
size_t output_order_of(const struct opt_list *names, const char *name);
/* Does it name enabled outputs only, each once? 'v': those. -EINVAL and *d. */
int output_order_check(
    struct cfg *cfg, const struct outbox_output *v, size_t n, struct diag *d) MUST_CHECK;
void output_order_help(FILE *f);

/* outputs.c */

/* Append the text of the present output's configuration, the state of files that it reads, and what
 * earlier outputs of outputs.first_match take. */
int output_spec(const struct output_walk *w, const struct output_choice *c, struct buf *ret,
    struct diag *d) MUST_CHECK;
/* Make and open the present output of a walk. -EINVAL and *d. */
int output_make(struct outputs *set, const struct output_walk *w, const struct output_choice *c,
    struct output **ret, struct diag *d) MUST_CHECK;
/* Begin at its place in the outbox. -ENOENT: it has none. */
int output_place(struct output *o) MUST_CHECK;
void output_tell_skipped(const struct output *o);
/* Start its thread. */
int output_run(struct output *o, struct diag *d) MUST_CHECK;
/* End these, whose threads may run: drain for at most deadline_ms, save cursors. */
void output_stop_all(struct outputs *set, struct output *const *v, size_t n, int deadline_ms);
void output_free(struct output *o);

/* The done() function of an output. */
void output_ended(void *arg, uint64_t rowid, enum output_result result, const char *why);
/* Move the cursor over rows that have ended. */
void output_advance(struct output *o);
void *output_main(void *arg);

/* output_beat.c: send what outputs_beat() left. */
void output_beat(struct output *o);
void output_beats_free(struct output_beat *list);

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
