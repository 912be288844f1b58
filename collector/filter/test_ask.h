/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ask.h - check what a field prints and a condition decides on an event, for tests.
 *
 * Differences are printed and counted: a test checks everything, then fails if there were any.
 */
#ifndef MEWS_COLLECTOR_FILTER_TEST_ASK_H
#define MEWS_COLLECTOR_FILTER_TEST_ASK_H

#include "collector/filter/filter.h"
#include "collector/state/test_play.h"
#include "tests/support/test.h"

extern unsigned ask_differences;
#define ask_wrong(...) (ask_differences++, print_error(__VA_ARGS__), print_error("\n"))

/* 'want' NULL: null */
void ask_field(const char *name, const char *want, const struct view *v, struct fscratch *fs);
void ask_condition(const char *text, bool want, const struct view *v, struct fscratch *fs);

struct ask_field {
	const char *field, *text; /* text NULL: null */
};

struct ask_condition {
	const char *condition;
	bool match;
};

/* A state on which events are played one after the other. ask_stop() fails if anything differed. */
struct ask {
	struct play play;
	struct fscratch *fs;
};

void ask_start(struct ask *a);
void ask_stop(struct ask *a);
/* Play the event and check fields and conditions right after it; n is the size of the array, whose
 * used part ends with a NULL. */
void ask_fields(struct ask *a, const struct row *event, const struct ask_field *v, size_t n);
void ask_both(struct ask *a, const struct row *event, const struct ask_field *v, size_t n,
    const struct ask_condition *conditions, size_t nconditions);

#endif
