/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ask.h - check what a field prints and a condition decides on an event, for tests.
 *
 * Differences are printed and counted: a test checks everything, then fails if there were any.
 */
#ifndef MEWS_COLLECTOR_FILTER_TEST_ASK_H
#define MEWS_COLLECTOR_FILTER_TEST_ASK_H

#include "collector/filter/filter.h"
#include "tests/support/test.h"

extern unsigned ask_differences;
#define ask_wrong(...) (ask_differences++, print_error(__VA_ARGS__), print_error("\n"))

/* 'want' NULL: null */
void ask_field(const char *name, const char *want, const struct view *v, struct fscratch *fs);
void ask_condition(const char *text, bool want, const struct view *v, struct fscratch *fs);

#endif
