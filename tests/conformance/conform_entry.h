/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conform_entry.h - calls that a recording tells twice, at their entry and at their exit, as the
 * one event at the exit that our state knows.
 *
 * Another thread may have changed the path before the exit is recorded, so the entry's path takes
 * the place of the exit's. One call per thread is remembered. Not thread-safe.
 */
#ifndef MEWS_TESTS_CONFORMANCE_CONFORM_ENTRY_H
#define MEWS_TESTS_CONFORMANCE_CONFORM_ENTRY_H

#include "collector/state/state.h"
#include "proto/compose.h"

/* True: the event is a call's entry; what it says is copied, and it is not to be applied. */
bool entry_take(const struct composer *c);

/* Put the path that its call's entry had into an exit. 's' is the state before the exit. The text
 * is good until the next entry_take() and until the pool's next tick. */
void entry_into_exit(struct state *s, struct composer *c);

/* Forget all entries. */
void entry_forget(void);

#endif
