/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_play.h - process state driven by rows: an event, and what can be looked up right after it.
 *
 *	{ EV_OPENAT, "10", "fd=3;dirfd=-100;name=/etc/x", "fd.name=/etc/x;fd.num=3" }
 *
 * who     "tid", "tid/pid", "tid/pid@start"; pid is tid, start is 1 if not said; then "^time",
 *         1000 after the row before if not said; then "!flags", EVF_* as a number
 * params  by name; a call succeeds if 'res' is not given, and the child's side of a clone has the
 *         tid and pid of 'who'; '|' in a text stands for NUL; sockets as in proto/sock_parse.h
 * expect  see look_up() in test_play_expect.c; a value "-" is: not known
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
/* Check what a row expects, after its event. */
void play_expect(struct play *p, const struct row *r, const struct view *v);
/* Begin a snapshot, if none is under way; a snapshot's row does so too. */
void play_snapshot_begin(struct play *p);
/* End the snapshot, which is complete, as one that began at this time. */
void play_snapshot_end(struct play *p, uint64_t began);

/* Append the image of a state (image.h) to 'out', written in pieces of n entries. */
void play_image(struct state *s, struct buf *out, size_t n);
/* Load an image into a new state in pieces of n records: as state_load_more(), but never 0. */
int play_load(struct state *s, struct slice image, size_t n, const char **why);
/* Replace the state by one that is loaded from its image, and compare them. */
void play_reload(struct play *p);

/* Play a row whose parameters are printed. */
void play_printed(struct play *p, unsigned type, const char *who, const char *expect,
    const char *fmt, ...) PRINTF_LIKE(5, 6);

/*
 * Tables of rows as cmocka tests, which have the table's name:
 *
 *	PLAY             all rows on one state; limits NULL: generous ones, and once more with the
 *	                 state reloaded from its image before each row
 *	PLAY_EACH        each row on a state of its own, after the rows of 'setup'
 *	..._NO_MEMORY    repeatedly, each time with one failing allocation in every event: only the
 *	                 state's consistency is checked
 */
struct play_table {
	const struct row *rows, *setup;
	size_t n, nsetup;
	const struct state_limits *limits;
};

void play_test(void **table);
void play_no_memory_test(void **table);

#define PLAY_TABLE(test, name, ...)                          \
	{                                                    \
		name, test, NULL, NULL, &(struct play_table) \
		{                                            \
			__VA_ARGS__                          \
		}                                            \
	}
#define PLAY_SETUP(v, setup) v, setup, ARRAY_SIZE(v), ARRAY_SIZE(setup), NULL

#define PLAY(v, limits)     PLAY_TABLE(play_test, #v, v, NULL, ARRAY_SIZE(v), 0, limits)
#define PLAY_EACH(v, setup) PLAY_TABLE(play_test, #v, PLAY_SETUP(v, setup))
#define PLAY_NO_MEMORY(v) \
	PLAY_TABLE(play_no_memory_test, #v " without memory", v, NULL, ARRAY_SIZE(v), 0, NULL)
#define PLAY_EACH_NO_MEMORY(v, setup) \
	PLAY_TABLE(play_no_memory_test, #v " without memory", PLAY_SETUP(v, setup))

/* The event of a row, in a separate batch. */
struct batch *play_event(struct play *p, const struct row *r, struct view *v);
/* The event built in p->b, since evb_begin(). */
struct batch *play_built(struct play *p, struct view *v);

/* A process that executes a program: /NAME, NAME for short, its parent is 1. */
#define PROGRAM(who, name, more)                                                           \
	{                                                                                  \
		EV_EXECVE, who,                                                            \
		    "exe=" name ";comm=" name ";trusted_exepath=/" name ";ptid=1" more, "" \
	}

/* Most parameters of a successful exec by root, on the host. */
#define EXEC_PARAMS(comm, path, args)                                          \
	"res=0;comm=" comm ";exe=" path ";trusted_exepath=" path ";args=" args \
	";env=HOME=/root|A=b|;cgroups=cpu=/"                                   \
	"|;uid=0;gid=0;tty=34816;loginuid=1000;cwd=;vtid=0;vpid=0"             \
	";flags=1;cap_effective=5;fdlimit=1024;filename=" path

#endif
