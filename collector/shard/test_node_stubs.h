/* SPDX-License-Identifier: Apache-2.0 */
/* test_node_stubs.h - made-up state and rules for test_node.c: every event hits one rule, whose
 * alerts tell what they were given. */
#ifndef MEWS_COLLECTOR_SHARD_TEST_NODE_STUBS_H
#define MEWS_COLLECTOR_SHARD_TEST_NODE_STUBS_H

#include <stdbool.h>
#include <stdint.h>

struct state {
	int applied, snapshot;
	uint64_t refused;
	int applied_before; /* events that the last row came after */
	uint32_t part;      /* that is wanted next */
	bool broken;
	uint64_t done_at;
};

extern int states_alive, snapshots_wanted;
extern struct state *newest;

#endif
