/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage.h - run a program as stages that start in order and stop in reverse.
 *
 * If a stage fails to start, the earlier ones are stopped and its error is returned. start() has
 * already logged or printed the reason.
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

/* Start the stages, call run(app), stop them. Returns the result of run or of the failed start. */
int stages_run(const struct stage *v, size_t n, void *app, int (*run)(void *app)) MUST_CHECK;

#endif
