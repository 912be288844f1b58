/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child.h - a program that runs beside the collector, fed through a pipe.
 *
 * It gets nothing of ours: no descriptor but its three, a fresh environment, default signals, a
 * process group of its own. When the collector dies, its standard input ends. Belongs to one
 * thread; nothing blocks except child_stop().
 */
#ifndef MEWS_COLLECTOR_OUTPUT_CHILD_H
#define MEWS_COLLECTOR_OUTPUT_CHILD_H

#include "common/macros.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CHILD_SAID 200

struct child {
	pid_t pid;   /* 0: none runs */
	int in, out; /* to its standard input; from its standard output, -1: that is /dev/null */
	int err;     /* from its standard error */
	char said[CHILD_SAID]; /* the last line there, without control characters */
	bool line_over;        /* the next byte begins another line */
};

/* Start it. 'answers': its standard output is read. -errno: as execve(), EMFILE and others; then
 * nothing runs. */
int child_start(struct child *c, char *const argv[], bool answers) MUST_CHECK;

/* Read what it wrote to standard error. */
void child_listen(struct child *c);

/* Has it ended? Then *status is set as by waitpid(), its last words are read, and it is closed. */
bool child_ended(struct child *c, int *status);

/* End its input; if it then goes on for 'grace_ms', end it and its process group. */
void child_stop(struct child *c, int grace_ms);

#endif
