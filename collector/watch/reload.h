/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload.h - new rules while events flow.
 *
 * On a signal, a change of a rule file or a request through the API, the main thread loads and
 * compiles a new set. If that fails the old one stays in force, and log, counters and answer say
 * why. Otherwise each shard switches to it between two batches, so that each event is evaluated by
 * one set; until all have switched, sensors are asked for the events of both.
 *
 * Requests to reload the outputs take the same way to the main thread.
 */
#ifndef MEWS_COLLECTOR_WATCH_RELOAD_H
#define MEWS_COLLECTOR_WATCH_RELOAD_H

#include "collector/ingest/ingest.h"
#include "collector/rule/rule.h"
#include "collector/shard/shard.h"
#include "common/buf.h"
#include <poll.h>
#include <pthread.h>

struct in_force;
struct reload;

struct reload_cfg {
	const char *const *paths; /* of the rules; borrowed, as is everything here */
	size_t npaths;
	const struct rule_options *options;
	bool watch; /* reload when a file changes */
	struct shards *shards;
	struct ingest *ingest;
	pthread_mutex_t *lock; /* guards *rules: the set in force */
	struct ruleset **rules;
	struct in_force *in_force; /* told of each change */
	/* Reload the outputs: 0, or -errno; 'said' gets the answer, JSON. */
	int (*outputs)(void *arg, struct buf *said);
	void *arg;
};

int reload_new(const struct reload_cfg *cfg, struct reload **ret) MUST_CHECK;
/* Accept no more requests: pending and later ones are answered with an error. */
void reload_close(struct reload *r);
void reload_free(struct reload *r);

/* A request and its answer: r 0 and the new set is in force in all shards, or -errno; 'json' in
 * either case. done() is called by the main thread; 'json' stays the caller's. */
struct reload_ask {
	struct reload_ask *next;
	bool outputs; /* not the rules */
	void (*done)(struct reload_ask *a, int r, struct slice json);
};
/* Any thread. */
void reload_ask(struct reload *r, struct reload_ask *a);

enum { RELOAD_FDS = 2 };
/* The descriptors that the main thread polls, their number, and the longest time to wait. */
int reload_fds(const struct reload *r, struct pollfd v[RELOAD_FDS]);
int reload_timeout_ms(const struct reload *r);
/* Do what is due. 'asked': by a signal. */
void reload_run(struct reload *r, bool asked);

struct reload_stats {
	uint64_t done, failed;
	uint64_t last; /* realtime ns of the last successful reload; 0: none */
};
/* Any thread. */
void reload_stats(const struct reload *r, struct reload_stats *ret);

#endif
