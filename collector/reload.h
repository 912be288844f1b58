/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload.h - new rules while events flow.
 *
 * Asked for by a signal, by a change of a rule file or through the API, the main thread loads and
 * compiles a new set. If that fails the old one stays in force, and log, counters and answer say
 * why. Otherwise each shard goes over to it between two batches, so that each event is evaluated by
 * one set; while that lasts, sensors are asked for the events of both.
 */
#ifndef MEWS_COLLECTOR_RELOAD_H
#define MEWS_COLLECTOR_RELOAD_H

#include "collector/ingest/ingest.h"
#include "collector/rule/rule.h"
#include "collector/shard/shard.h"
#include "common/buf.h"
#include <poll.h>
#include <pthread.h>

struct reload;

struct reload_cfg {
	const char *const *paths; /* of the rules; borrowed, as all of it */
	size_t npaths;
	const struct rule_options *options;
	bool watch; /* reload when a file changes */
	struct shards *shards;
	struct ingest *ingest;
	pthread_mutex_t *lock; /* guards *rules: the set in force */
	struct ruleset **rules;
};

int reload_new(const struct reload_cfg *cfg, struct reload **ret) MUST_CHECK;
/* No more: whoever waits, and whoever asks from now on, is told that nothing comes of it. */
void reload_close(struct reload *r);
void reload_free(struct reload *r);

/* Somebody who asked, and what is said: r 0 and the new set is in force in all shards, or -errno;
 * 'json' in either case. Called by the main thread; 'json' is the caller's. */
struct reload_ask {
	struct reload_ask *next;
	void (*done)(struct reload_ask *a, int r, struct slice json);
};
/* Any thread. */
void reload_ask(struct reload *r, struct reload_ask *a);

enum { RELOAD_FDS = 2 };
/* What the main thread waits for; how many; and for how long at most. */
int reload_fds(const struct reload *r, struct pollfd v[RELOAD_FDS]);
int reload_timeout_ms(const struct reload *r);
/* Whatever is to be done now. 'asked': by a signal. */
void reload_run(struct reload *r, bool asked);

struct reload_stats {
	uint64_t done, failed;
	uint64_t last; /* realtime ns of the last that was done; 0: none */
};
/* Any thread. */
void reload_stats(const struct reload *r, struct reload_stats *ret);

/* What sensors are to capture: what the rules can match on, and what state is made of. */
struct event_set rules_interest(struct ruleset *rules);

#endif
