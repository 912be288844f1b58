/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - input of bench_engine: a recording in memory, and generated rules.
 */
#ifndef MEWS_BENCH_ENGINE_H
#define MEWS_BENCH_ENGINE_H

#include "collector/rule/rule.h"
#include "proto/batch.h"

enum { TAPE_FREQUENT = 8 };

/* A recording in memory. Bodies are as the sensor made them, or as tape_distinct() rewrote them. */
struct tape {
	Wire__Request **v; /* Hello, batches, in order */
	size_t n, cap;
	struct peer_schema *schema;
	uint64_t events; /* of batches */
	uint64_t type[EV_TYPE_MAX];
	uint64_t serial; /* of the next distinct path */
};

/* Load the requests up to the batch in which the number of events reaches 'max' (0: all). Exits
 * with a message if the file cannot be read. */
void tape_load(struct tape *t, const char *path, uint64_t max);
void tape_free(struct tape *t);

/* The number of different texts in its batches. */
uint64_t tape_texts(const struct tape *t);

/* Find its most frequent events, most frequent first; returns their number. */
size_t tape_frequent(const struct tape *t, const struct ev_schema *ret[TAPE_FREQUENT]);

/* Rewrite every path of every event to one not used before, in this call or an earlier one. */
void tape_distinct(struct tape *t);

/* Load the rules of these files and 'more' generated ones, all different, on the tape's frequent
 * event types. Exits with the loader's message if they do not load. */
struct ruleset *engine_rules(
    const char *const *files, size_t n, unsigned more, const struct tape *t);

/* Ends the process: "bench_engine: " and this. */
void engine_die(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));

#endif
