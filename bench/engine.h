/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - what bench_engine measures with: a recording in memory, and rules made up.
 */
#ifndef MEWS_BENCH_ENGINE_H
#define MEWS_BENCH_ENGINE_H

#include "collector/rule/rule.h"
#include "proto/batch.h"

enum { TAPE_FREQUENT = 8 };

/* A recording in memory. Bodies are what the sensor made, or what engine_distinct() made of them.
 */
struct tape {
	Wire__Request **v; /* Hello, batches, in order */
	size_t n;
	struct peer_schema *schema;
	uint64_t events; /* of batches */
	uint64_t type[EV_TYPE_MAX];
	uint64_t serial; /* of the next distinct path */
};

/* The requests up to the batch that makes the events 'max' or more (0: all). Ends the process with
 * a sentence when it cannot be read. */
void tape_load(struct tape *t, const char *path, uint64_t max);
void tape_free(struct tape *t);

/* How many different texts its batches hold. */
uint64_t tape_texts(const struct tape *t);

/* The events it holds most of, most first; returns how many. */
size_t tape_frequent(const struct tape *t, const struct ev_schema *ret[TAPE_FREQUENT]);

/* Makes every path of every event one that was never there before, in this call or an earlier. */
void tape_distinct(struct tape *t);

/* The rules of these files and 'more' made-up ones, none like another, on the event types that are
 * frequent on the tape. Ends the process with what loading said when they do not load. */
struct ruleset *engine_rules(
    const char *const *files, size_t n, unsigned more, const struct tape *t);

void engine_die(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));

#endif
