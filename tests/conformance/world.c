/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/world.h"
#include <stdlib.h>

void
world_start(struct world *w)
{
	static const struct state_limits limits = { 1000, 1000, 0, 0 };

	if (intern_new(1 << 24, &w->pool) < 0 || state_new(w->pool, &limits, &w->state) < 0)
		abort();
	w->num = 0;
}

void
world_stop(struct world *w)
{
	batch_free(w->batch);
	state_free(w->state);
	intern_free(w->pool);
	evb_fini(&w->b);
	*w = (struct world){ .num = 0 };
}

/* Replace the batch by one of the event built. */
static void
next_batch(struct world *w)
{
	evb_add(&w->b);
	batch_free(w->batch);
	w->batch = evb_batch(&w->b);
}

void
world_snapshot(struct world *w)
{
	next_batch(w);
	state_snapshot(w->state, w->batch, w->batch->ev);
}

void
world_apply(struct world *w, const char *node, uint64_t time)
{
	next_batch(w);
	w->view = (struct view){ .state = w->state,
		.batch = w->batch,
		.ev = w->batch->ev,
		.node = node,
		.num = w->num,
		.time = time };
	intern_tick(w->pool);
	state_apply(w->state, w->batch, w->batch->ev, &w->view);
}
