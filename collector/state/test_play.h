/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_play.h - process state driven by rows: an event, and what can be looked up right after it.
 *
 *	{ EV_OPENAT, "10", "fd=3;dirfd=-100;name=/etc/x", "fd.name=/etc/x;fd.num=3" }
 *
 * who     "tid", "tid/pid", "tid/pid@start"; pid is tid, start is 1 if not said; then "^time",
 *         1000 after the row before if not said; then "!flags", EVF_* as a number
 * params  by name; '|' in a text stands for NUL; sockets as in proto/sock_parse.h
 * expect  see look_up() in test_play.c; a value "-" is: not known
 * A row of type SNAPSHOT_DONE ends a snapshot that began at the time in 'params'.
 */
#ifndef MEWS_COLLECTOR_STATE_TEST_PLAY_H
#define MEWS_COLLECTOR_STATE_TEST_PLAY_H

#include "collector/state/state.h"
#include "tests/support/evbuild.h"

#define SNAPSHOT_DONE 0u
#define TEST_EPOCH    1000000000000ULL

struct row {
	unsigned type;
	const char *who, *params, *expect;
};

struct play {
	struct state *s;
	struct intern *pool;
	struct evb b;
	uint64_t ts;
	bool snapshot; /* one is under way */
};

void play_start(struct play *p, const struct state_limits *limits);
/* Free everything, and check that nothing is held any more. */
void play_stop(struct play *p);
void play_row(struct play *p, const struct row *r);
/* Begin a snapshot, if none is under way; a snapshot's row does so too. */
void play_snapshot_begin(struct play *p);
/* End the snapshot, which is complete, as one that began at this time. */
void play_snapshot_end(struct play *p, uint64_t began);

/* Play a whole table against a new state; limits NULL: generous ones. */
void play(const struct row *rows, size_t n, const struct state_limits *limits);

/* Play a table repeatedly, each time with one failing allocation in one event: only the state's
 * consistency is checked. */
void play_no_memory(const struct row *rows, size_t n);

/* The event of a row, in a separate batch. */
struct batch *play_event(struct play *p, const struct row *r, struct view *v);

#endif
