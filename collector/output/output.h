/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.h - the interface of an output.
 *
 * To add one: write output_<name>.c, end it with 'const struct output_ops output_<name>', and add
 * one line to outputs.def. Nothing else changes.
 *
 * Each configured output has its own thread, which reads the outbox and makes all calls on its
 * instance, so a slow one never blocks another. A row not acknowledged by done() is submitted again
 * after a restart: at least once, and the alert's id identifies a repetition.
 */
#ifndef MEWS_COLLECTOR_OUTPUT_OUTPUT_H
#define MEWS_COLLECTOR_OUTPUT_OUTPUT_H

#include "collector/outbox/outbox.h"
#include "collector/output/silence.h"
#include "common/buf.h"
#include "common/config.h"
#include "common/diag.h"
#include "common/macros.h"

enum output_result {
	OUTPUT_DELIVERED,
	OUTPUT_REFUSED, /* for good, with a reason: the outbox sets it aside */
	OUTPUT_RETRY,   /* for now, with a reason: submitted again, with all later ones */
};

/* Report how a submitted row ended. Called by the output's thread from submit, poll or drain, in
 * any order, once per submitted row. 'why' is NULL when it was delivered. */
typedef void output_done_fn(void *arg, uint64_t rowid, enum output_result result, const char *why);

/* The state of a node at a moment, as JSON (beat.h). */
struct output_beat {
	struct output_beat *next;
	uint64_t time; /* realtime ns */
	char cluster[128], node[256];
	size_t n;
	char json[];
};

/* What the connection to a cluster of brokers reports of itself. */
struct output_broker_stats {
	bool known;
	uint64_t queue, queue_bytes;  /* records that the library holds */
	uint64_t retries, timeouts;   /* of requests */
	uint64_t brokers, brokers_up; /* known to it, and connected */
	uint64_t rtt_us;              /* the highest 99th percentile of a broker */
	uint64_t beats, beats_failed;
};

struct output_ops {
	const char *name;       /* keyword in the config: outputs.NAME.* */
	size_t state_size;      /* private state: caller allocates it zeroed, passes it as 'st' */
	const struct opt *opts; /* filled into 'st' before open() */
	size_t nopts;
	bool only_one;         /* there cannot be several, by name */
	const char *free_keys; /* prefix of keys that open() reads with cfg_each(), or NULL */

	/* Check everything that open() would refuse, with its messages, without creating, changing
	 * or contacting anything. close() follows, once. */
	int (*check)(void *st, struct cfg *cfg, struct diag *d);

	/* Acquire. May block, at start only; an unreachable peer is not an error here. After a
	 * failure close() is still called, once: it must cope with a half-opened 'st'. */
	int (*open)(void *st, struct cfg *cfg, output_done_fn *done, void *arg, struct diag *d);

	/* Append what submit() would send for an alert, for people: without secrets, each part on
	 * lines of its own. After check(). -errno as submit(), -EMSGSIZE: it would be refused. */
	int (*render)(void *st, const struct alert *a, struct buf *ret);

	/* After check() or open(): do people read what it sends? NULL: no. */
	bool (*people)(void *st);

	/* Submit one alert; copy it if it is kept. Row 0 is not in the outbox: a test, which is
	 * sent alone and never again. Never blocks. 0: done() will come, or came.
	 * -EAGAIN: full, try again after poll(). Other errno: it cannot be sent now; try again
	 * after a pause (counted). After an OUTPUT_RETRY no row is submitted until all those before
	 * have ended. */
	int (*submit)(void *st, const struct outbox_row *row);

	/* Let the destination progress: wait up to timeout_ms for it, if anything is under way. */
	void (*poll)(void *st, int timeout_ms);
	/* Does it wait for the time only, not for its peer? At the end drain() follows at once. May
	 * be NULL. */
	bool (*holds)(void *st);
	/* What is held has to go: further alerts wait for it. May be NULL. */
	void (*release)(void *st);
	/* The end is near: what blocks the thread must end by 'until' (monotonic ns). Called once,
	 * by another thread, perhaps during poll(). May be NULL. */
	void (*hurry)(void *st, uint64_t until);
	/* Finish what is under way; returns the number of rows still without done(). */
	long (*drain)(void *st, int deadline_ms);
	/* Give up what is under way: done(OUTPUT_RETRY) for each. May be NULL. */
	void (*purge)(void *st);
	/* Describe the current trouble, for people, or NULL; valid until the next call. May be
	 * NULL. */
	const char *(*trouble)(void *st);
	/* What it means that the latest alert was delivered, for people; valid until the next
	 * call. */
	const char *(*answered)(void *st);
	/* After open(): does it pass on the states of nodes? May be NULL, as may: */
	bool (*wants_beats)(void *st);
	/* Send them, a list; they are the caller's. If it cannot now, later ones replace them. */
	void (*beat)(void *st, const struct output_beat *list);
	void (*broker_stats)(void *st, struct output_broker_stats *ret);
	void (*reopen)(void *st); /* SIGUSR1: reopen files that were moved. May be NULL. */
	void (*close)(void *st);  /* calls no done() */
};

#define OUTPUT(name) extern const struct output_ops output_##name;
#include "collector/output/outputs.def"

struct outputs;

/* Open and start every output whose outputs.NAME.enabled is true; of a list, each element is an
 * output, whose name follows its kind: "webhook.slack". 'silences' may be NULL, and outlives
 * them. -EINVAL and *d. */
int outputs_start(struct cfg *cfg, struct outbox *o, struct silences *silences,
    struct outputs **ret, struct diag *d) MUST_CHECK;
struct outputs_changes {
	unsigned added, changed, removed;
};
/* Take over the outputs of another configuration, which was checked: those whose options are the
 * same are not disturbed, the others stop, and start at the place in the outbox that they have
 * reached. By the thread of outputs_start(), which waits for at most two seconds. 0: 'fresh' is the
 * set's. Otherwise nothing has changed, and *d says why. */
int outputs_reload(
    struct outputs *set, struct cfg *fresh, struct outputs_changes *ret, struct diag *d) MUST_CHECK;
/* Drain for at most deadline_ms, save cursors, stop. */
void outputs_stop(struct outputs *set, int deadline_ms);

/* Reopen files that were moved away (SIGUSR1). Any thread. */
void outputs_reopen(struct outputs *set);

/* Give the states of nodes to the outputs that pass them on: fn makes a list for each. By the
 * thread of outputs_start(). */
typedef struct output_beat *output_beats_fn(void *arg);
void outputs_beat(struct outputs *set, output_beats_fn *fn, void *arg);

/* Print the options of every output, for --help. */
void outputs_help(FILE *f);

/* Bind the options of all outputs, and list the enabled ones: the outbox needs them when it opens,
 * since pruning waits for them. Returns their number, or -EINVAL and *d. */
int outputs_enabled(struct cfg *cfg, struct outbox_output *v, size_t max, struct diag *d);

/* Check what outputs_start() would refuse: tell() for each output that is wrong, with -errno.
 * Returns the last of those, or 0. */
int outputs_check(
    struct cfg *cfg, void (*tell)(void *arg, const struct diag *d, int r), void *arg) MUST_CHECK;

/* Append what the output of this name would send for an alert, enabled or not. -ENOENT: there is
 * none; -EINVAL and *d: its configuration is wrong; -errno of output_ops.render. */
int outputs_render(struct cfg *cfg, const char *name, const struct alert *a, struct buf *ret,
    struct diag *d) MUST_CHECK;

enum output_test_end {
	OUTPUT_TEST_DELIVERED,
	OUTPUT_TEST_REFUSED,    /* for good */
	OUTPUT_TEST_FAILED,     /* for now */
	OUTPUT_TEST_UNANSWERED, /* nothing is known yet */
};

/* A test of an output: an alert that is not in the outbox goes to it, whatever its route. */
struct output_test {
	const struct alert *alert; /* borrowed until done() */
	/* Called once, by the output's thread or by outputs_stop(), after at most
	 * OUTPUT_TEST_MS. */
	void (*done)(struct output_test *t);
	enum output_test_end end;
	char said[512]; /* by the destination, or why it failed */
	uint64_t asked; /* monotonic ns; set by outputs_test() */
};
#define OUTPUT_TEST_MS 15000

/* Any thread. -ENOENT: no such output; -EBUSY: another test of it is under way. */
int outputs_test(struct outputs *set, const char *name, struct output_test *t) MUST_CHECK;

/* Send an output's dead letters again, in order: one, or all (rowid 0). One that is delivered is no
 * longer a dead letter. A restart ends this. Any thread. -ENOENT: no such output; -EBUSY: it does
 * so already. */
int outputs_retry(struct outputs *set, const char *name, uint64_t rowid) MUST_CHECK;

struct output_stats {
	char name[32];
	const char *kind;
	uint64_t delivered, refused, retries, lag_rows, oldest_age_ms;
	uint64_t skipped;  /* alerts from before it was enabled, not sent */
	uint64_t filtered; /* alerts that minimum_priority or condition keep from it */
	uint64_t silenced; /* alerts that a silence keeps from it */
	char error[256];   /* the current trouble, or "" */
	char last[256];    /* the latest trouble, even if it is over, or "" */
	uint64_t last_at;  /* realtime ns: when it was last seen */
	bool retrying;     /* dead letters are sent again */
	struct output_broker_stats broker;
};
size_t outputs_stats(struct outputs *set, struct output_stats *ret, size_t max);

#endif
