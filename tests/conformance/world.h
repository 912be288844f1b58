/* SPDX-License-Identifier: Apache-2.0 */
/* world.h - a state, the events that it is given one by one, and the view of the last. */
#ifndef MEWS_TESTS_CONFORMANCE_WORLD_H
#define MEWS_TESTS_CONFORMANCE_WORLD_H

#include "collector/state/state.h"
#include "tests/support/evbuild.h"

struct world {
	struct intern *pool;
	struct state *state;
	struct evb b;
	struct batch *batch; /* of the last event, for 'view' */
	struct view view;
	uint64_t num; /* of the next event's view; the caller counts */
};

void world_start(struct world *w); /* one that was stopped, or is zero */
void world_stop(struct world *w);

/* Give the state the event built in 'b': as a part of a snapshot; as an event at this wall clock.
 */
void world_snapshot(struct world *w);
void world_apply(struct world *w, const char *node, uint64_t time);

#endif
