/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_clock.h - the time of a node's events, in realtime by the node's clock.
 *
 * An event has boot time, which no step of a clock changes. Each batch says what the clock showed
 * at one boot time. Steps forward are followed at once, and so are large ones back; of a small one
 * back event time keeps its order: it runs at half speed until the clock has caught up.
 */
#ifndef MEWS_COLLECTOR_SHARD_NODE_CLOCK_H
#define MEWS_COLLECTOR_SHARD_NODE_CLOCK_H

#include "common/macros.h"
#include <stdbool.h>
#include <stdint.h>

#define CLOCK_STEP_HELD_S 5 /* smaller backward steps are caught up with, in twice their time */

/* All in ns. */
struct node_clock {
	uint64_t offset; /* realtime minus boot time, of the newest batch; 0: none yet */
	uint64_t boot;   /* its boot time */
	uint64_t ahead;  /* by how much event time was ahead of the clock ... */
	uint64_t since;  /* ... at this boot time */
};

/* Realtime minus boot time, for an event at boot time 'ts'. */
static inline uint64_t
node_clock_offset(const struct node_clock *c, uint64_t ts)
{
	uint64_t caught_up = ts > c->since ? (ts - c->since) / 2 : 0;

	return c->offset + (c->ahead > caught_up ? c->ahead - caught_up : 0);
}

/* Of a batch, before its events. True: the clock was set back by much. */
static inline bool
node_clock_set(struct node_clock *c, uint64_t boot, uint64_t real)
{
	uint64_t offset = real - boot, held = node_clock_offset(c, c->boot), behind = held - offset;
	bool back = c->offset != 0 && offset < held;
	bool far = back && behind >= CLOCK_STEP_HELD_S * 1000000000ULL;

	c->ahead = back && !far ? behind : 0;
	c->since = c->boot;
	c->offset = offset;
	c->boot = boot;
	return far;
}

#endif
