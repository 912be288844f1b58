/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_play.h - process state driven by rows: an event, and what can be looked up right after it.
 *
 *	{ EV_OPENAT, "10", "fd=3;dirfd=-100;name=/etc/x", "fd.name=/etc/x;fd.num=3" }
 *
 * who     "tid", "tid/pid", "tid/pid@start"; pid is tid, start is 1 if not said; then "^time",
 *         1000 after the row before if not said; then "!flags", EVF_* as a number
 * params  by name; '|' in a text stands for NUL; tuples and addresses as
 *"4,1.2.3.4:80>5.6.7.8:443", "6,::1:80>::2:443", "u,a0>b0 /path", addresses without the ">" part
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
/* Frees all, and checks that nothing is held any more. */
void play_stop(struct play *p);
void play_row(struct play *p, const struct row *r);
/* Begins a snapshot, if none is under way: a row of one does. */
void play_snapshot_begin(struct play *p);
/* Ends the snapshot, which then is whole, as of one that began at this time. */
void play_snapshot_end(struct play *p, uint64_t began);

/* A whole table against a state of its own; limits NULL: roomy ones. */
void play(const struct row *rows, size_t n, const struct state_limits *limits);

/* A table over and over, each time with one allocation of one event failing: nothing is expected
 * but that the state stays whole. */
void play_no_memory(const struct row *rows, size_t n);

/* The event of a row, in a batch of its own. */
struct batch *play_event(struct play *p, const struct row *r, struct view *v);

#endif
