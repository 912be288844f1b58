/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage.h - a program as a list of parts that start in order and stop in reverse.
 *
 * If one fails to start, those before it are stopped and the program exits with what it returned.
 * start() has logged or printed why.
 */
#ifndef MEWS_COMMON_STAGE_H
#define MEWS_COMMON_STAGE_H

#include "common/macros.h"
#include <stddef.h>

struct stage {
	const char *name;
	int (*start)(void *app); /* 0 or -errno */
	void (*stop)(void *app); /* NULL: nothing to stop */
};

/* Starts the stages, calls run(app), stops them. What run or the failed start returned. */
int stages_run(const struct stage *v, size_t n, void *app, int (*run)(void *app)) MUST_CHECK;

#endif
