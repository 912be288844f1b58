/* SPDX-License-Identifier: Apache-2.0 */
/*
 * near.h - suggest the name that a person may have meant.
 *
 *	struct near n = near_to(SLICE("proc.nmae"));
 *
 *	near_try(&n, SLICE("proc.name"));   for each candidate
 *	near_hint(&n)                       "; did you mean 'proc.name'?", or ""
 */
#ifndef MEWS_COMMON_NEAR_H
#define MEWS_COMMON_NEAR_H

#include "common/slice.h"

struct near {
	struct slice want, best; /* best.p == NULL: nothing is near */
	unsigned distance;       /* of the best; else the first that is too far */
	char hint[160];
};

struct near near_to(struct slice want);
/* Compare a candidate, borrowed until near_hint(). */
void near_try(struct near *n, struct slice name);
const char *near_hint(struct near *n);

#endif
