/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conform.h - the kinds of cases, for conform.c.
 *
 * A case is a line of JSON; its "k" says of which kind it is. Each of these holds what the
 * collector's own code makes of the case against everything that the line expects, and appends to
 * 'why' what differs. One thread; a case that cannot be run aborts.
 */
#ifndef MEWS_TESTS_CONFORMANCE_CONFORM_H
#define MEWS_TESTS_CONFORMANCE_CONFORM_H

#include "common/buf.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The value of a key: "" or 0 if it is not there. */
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

/* Does our message say what theirs does? Ours may have more around it; theirs has its place in
 * front, which ours keeps elsewhere. No message expected: any will do. */
bool same_message(const char *ours, const char *theirs);

typedef bool case_fn(const json_t *j, struct buf *why);

case_fn parse_case;
case_fn compile_case; /* and run_mock */
case_fn load_case;
case_fn cgroup_case;

/* Threads and events are played to a state of their own for each test ("t"); what is asked after
 * them is asked about the last event. */
void play_thread(const json_t *j);
void play_event(const json_t *j);
case_fn field_case;     /* and has_value */
case_fn condition_case; /* eval and compiles */
void play_end(void);

/* A case that passes, with each value that it expects altered, one at a time: how many that were,
 * and in 'unnoticed' those of which it passes still. */
size_t alter_case(const json_t *j, case_fn *holds, struct buf *unnoticed);

#endif
