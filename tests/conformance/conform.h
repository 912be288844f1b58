/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conform.h - the kinds of cases, for conform.c.
 *
 * A case is a line of JSON; its "k" is its kind. Each function compares the result of the
 * collector's own code with everything that the line expects, and appends differences to 'why'. One
 * thread; a case that cannot be run aborts.
 */
#ifndef MEWS_TESTS_CONFORMANCE_CONFORM_H
#define MEWS_TESTS_CONFORMANCE_CONFORM_H

#include "common/buf.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The value of a key: "" or 0 if missing. */
static inline const char *
str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s == NULL ? "" : s;
}

static inline int64_t
num(const json_t *j, const char *key)
{
	return json_integer_value(json_object_get(j, key));
}

static inline bool
is_true(const json_t *j, const char *key)
{
	return json_is_true(json_object_get(j, key));
}

/* Does our message contain theirs? Ours may have more around it; theirs begins with its location,
 * which ours keeps elsewhere. If none is expected, any message matches. */
bool same_message(const char *ours, const char *theirs);

typedef bool case_fn(const json_t *j, struct buf *why);

case_fn parse_case;
case_fn compile_case; /* and run_mock */
case_fn load_case;
case_fn cgroup_case;

/* Threads and events are played into a new state for each test ("t"); questions refer to the last
 * event before them. */
void play_thread(const json_t *j);
void play_event(const json_t *j);
case_fn field_case;     /* and has_value */
case_fn condition_case; /* eval and compiles */
void play_end(void);

/* Alter each expected value of a passing case, one at a time: returns their number, and in
 * 'unnoticed' the values with which the case still passes. */
size_t alter_case(const json_t *j, case_fn *holds, struct buf *unnoticed);

#endif
