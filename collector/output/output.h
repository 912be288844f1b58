/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.h - where alerts go: what one kind of output must do.
 *
 * To add one: write output_<name>.c, end it with 'const struct output_ops output_<name>', and add
 * one line to outputs.def. Nothing else changes.
 *
 * Each configured output has a thread of its own that reads the outbox and makes all calls on its
 * instance, so a slow one never blocks another. What is not acknowledged by done() is offered again
 * after a restart: at least once, with the alert's id to tell a repetition by.
 */
#ifndef MEWS_COLLECTOR_OUTPUT_OUTPUT_H
#define MEWS_COLLECTOR_OUTPUT_OUTPUT_H

#include "collector/outbox/outbox.h"
#include "common/config.h"
#include "common/diag.h"
#include "common/macros.h"

enum output_result {
	OUTPUT_DELIVERED,
	OUTPUT_REFUSED, /* for good, and why: the outbox sets it aside */
	OUTPUT_RETRY, /* not this time, and why: offered again, with all after it, after a pause */
};

/* How a submitted row ended. Called by the output's thread from submit, poll or drain, in any
 * order, once per submitted row. 'why' is NULL when it was delivered. */
typedef void output_done_fn(void *arg, uint64_t rowid, enum output_result result, const char *why);

struct output_ops {
	const char *name;       /* keyword in the config: outputs.NAME.* */
	size_t state_size;      /* private state: caller allocates it zeroed, passes it as 'st' */
	const struct opt *opts; /* filled into 'st' before open() */
	size_t nopts;
	const char *free_keys; /* prefix of keys that open() reads with cfg_each(), or NULL */

	/* All that open() would refuse, with its sentences, without making, changing or calling
	 * anything. close() follows, once. */
	int (*check)(void *st, struct cfg *cfg, struct diag *d);

	/* Acquire. May block, at start only; an unreachable peer is not an error here. After a
	 * failure close() is still called, once: it must cope with a half-opened 'st'. */
	int (*open)(void *st, struct cfg *cfg, output_done_fn *done, void *arg, struct diag *d);

	/* Hand over one alert, copied if kept. Never blocks. 0: done() will come, or came. -EAGAIN:
	 * full, try again after poll(). Other errno: it cannot be sent now; try again after a pause
	 * (counted). After an OUTPUT_RETRY no row is submitted until all those before have ended.
	 */
	int (*submit)(void *st, const struct outbox_row *row);

	/* Let the destination progress: waits up to timeout_ms for that, if anything is under way.
	 */
	void (*poll)(void *st, int timeout_ms);
	/* Ends what is under way: returns how many are still without done(). */
	long (*drain)(void *st, int deadline_ms);
	/* Gives up what is under way: done(OUTPUT_RETRY) for each. May be NULL. */
	void (*purge)(void *st);
	/* What is wrong now, for people, or NULL; lives until the next call. May be NULL. */
	const char *(*trouble)(void *st);
	void (*reopen)(
	    void *st); /* a person asked (SIGUSR1): files that were moved away. May be NULL. */
	void (*close)(void *st); /* no done() from here */
};

#define OUTPUT(name) extern const struct output_ops output_##name;
#include "collector/output/outputs.def"

struct outputs;

/* Opens and starts every output whose outputs.NAME.enabled is true. -EINVAL and *d. */
int outputs_start(
    struct cfg *cfg, struct outbox *o, struct outputs **ret, struct diag *d) MUST_CHECK;
/* Drains for at most deadline_ms, saves places, stops. */
void outputs_stop(struct outputs *set, int deadline_ms);

/* Files that were moved away are opened anew (SIGUSR1). Any thread. */
void outputs_reopen(struct outputs *set);

/* The options of every output, for --help. */
void outputs_help(FILE *f);

/* Binds the options of all outputs, on or off, and lists those that are on: the outbox wants to
 * know them when it opens, since pruning waits for them. How many, or -EINVAL and *d. */
int outputs_enabled(struct cfg *cfg, struct outbox_output *v, size_t max, struct diag *d);

/* What outputs_start() would refuse: tell() for each output that is wrong, with -errno. The last of
 * those, or 0. */
int outputs_check(
    struct cfg *cfg, void (*tell)(void *arg, const struct diag *d, int r), void *arg) MUST_CHECK;

struct output_stats {
	const char *name;
	uint64_t delivered, refused, retries, lag_rows, oldest_age_ms;
	uint64_t skipped; /* kept from before it was switched on, and not sent */
	char error[256];  /* what is wrong now, or "" */
};
size_t outputs_stats(struct outputs *set, struct output_stats *ret, size_t max);

#endif
