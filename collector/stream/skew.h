/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skew.h - how far a node's clock is ahead of the collector's.
 *
 * Each Poll says what the node's clock shows. On its way time goes by, never the other way round,
 * so the largest difference of the newest few is the nearest; a step is followed within as many
 * polls.
 */
#ifndef MEWS_COLLECTOR_STREAM_SKEW_H
#define MEWS_COLLECTOR_STREAM_SKEW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SKEW_POLLS 4 /* one a second, or every few seconds while the node is busy */

struct skew {
	int64_t last[SKEW_POLLS]; /* ns */
	unsigned n;               /* so far */
	_Atomic int64_t ns;       /* the nearest */
	_Atomic bool known;       /* ... is there */
};

/* A Poll with this time has come at 'now', both realtime ns. One thread at a time. */
void skew_note(struct skew *s, uint64_t node, uint64_t now);

/* Nanoseconds by which the node's clock is ahead, negative: behind. False: not known. Any thread.
 */
bool skew_of(const struct skew *s, int64_t *ret);

#endif
