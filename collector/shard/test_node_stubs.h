/* SPDX-License-Identifier: Apache-2.0 */
/* test_node_stubs.h - fake state and rules for test_shard_nodes.c: every event hits one rule, whose
 * alerts show their input. */
#ifndef MEWS_COLLECTOR_SHARD_TEST_NODE_STUBS_H
#define MEWS_COLLECTOR_SHARD_TEST_NODE_STUBS_H

#include <stdbool.h>
#include <stdint.h>

struct state {
	int applied, snapshot;
	uint64_t refused;
	int applied_before; /* events before the last row */
	uint32_t part;      /* expected next */
	bool broken;
	uint64_t done_at;
};

extern int states_alive, snapshots_wanted, interfaces_set;

/* What a checkpoint gives: so many pieces, 0 for none, then a complete state or an error. */
extern struct load_stub {
	int pieces, result;
} load;
extern struct state *newest;

#endif
