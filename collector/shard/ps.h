/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ps.h - the processes of a node and their open files, as JSON, a page at a time.
 *
 * A page has at most PS_ROWS processes and ends after PS_BYTES, and a process shows at most
 * PS_FILES files, so that other nodes of the shard wait for some milliseconds at most.
 *
 *	"processes":[{...},...],"next":N	next: 'after' of the following page; absent: done
 *
 * The asker owns a struct ps_ask and lends it to an OP_PS; only the shard uses it until op.done().
 */
#ifndef MEWS_COLLECTOR_SHARD_PS_H
#define MEWS_COLLECTOR_SHARD_PS_H

#include "collector/state/state.h"
#include "common/buf.h"

enum { PS_ROWS = 256, PS_BYTES = 1 << 20, PS_FILES = 4096 };

struct ps_ask {
	int64_t after; /* only ids above it */
	int64_t pid;   /* only this process; 0: all */
	bool files;    /* with their files */
	bool threads;  /* each thread in place of each process */
	bool known;    /* answer: the collector has a state of the node */
	struct buf json;
};

/* Answer; s NULL: the node has no state. Shard thread, between two batches. */
void ps_answer(struct state *s, struct ps_ask *a);

#endif
