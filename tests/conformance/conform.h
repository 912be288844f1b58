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

bool parse_case(const json_t *j, struct buf *why);
bool compile_case(const json_t *j, struct buf *why); /* and run_mock */
bool load_case(const json_t *j, struct buf *why);
bool cgroup_case(const json_t *j, struct buf *why);

/* Threads and events are played to a state of their own for each test ("t"); what is asked after
 * them is asked about the last event. */
void play_thread(const json_t *j);
void play_event(const json_t *j);
bool field_case(const json_t *j, struct buf *why);     /* and has_value */
bool condition_case(const json_t *j, struct buf *why); /* eval and compiles */
void play_end(void);

#endif
