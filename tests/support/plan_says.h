/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_says.h - the collector's verdict on one condition, for tests.
 */
#ifndef MEWS_TESTS_SUPPORT_PLAN_SAYS_H
#define MEWS_TESTS_SUPPORT_PLAN_SAYS_H

#include "collector/filter/filter.h"

/*
 * The verdict of a plan of this condition alone. Evaluates it twice, the second time from memory,
 * and aborts with a message if the two differ or if filter_match() disagrees. Resets 'fs'.
 */
bool plan_says(const struct filter *f, const struct view *v, struct fscratch *fs);

#endif
