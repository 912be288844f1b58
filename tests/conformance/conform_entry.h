/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conform_entry.h - convert recordings with an event at a call's entry and one at its exit: our
 * state takes only the exit.
 *
 * Another thread may have changed the path before the exit is recorded, so the entry's path
 * replaces the exit's. One call per thread is remembered. Not thread-safe.
 */
#ifndef MEWS_TESTS_CONFORMANCE_CONFORM_ENTRY_H
#define MEWS_TESTS_CONFORMANCE_CONFORM_ENTRY_H

#include "collector/state/state.h"
#include "proto/compose.h"

/* True: the event is a call's entry and was copied: do not apply it. */
bool entry_take(const struct composer *c);

/* Put the path of the call's entry into its exit event. 's' is the state before the exit. The text
 * is valid until the next entry_take() and the pool's next tick. */
void entry_into_exit(struct state *s, struct composer *c);

/* Forget all entries. */
void entry_forget(void);

#endif
