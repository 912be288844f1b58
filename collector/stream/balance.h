/* SPDX-License-Identifier: Apache-2.0 */
/*
 * balance.h - the exact account of a stream: what its node generated, by type, and where that is.
 *
 *	generated = delivered + undelivered + dropped + unaccounted
 *
 * 'generated' passed the interest in the kernel, 'delivered' was decoded here, 'undelivered' was
 * put into batches that did not come or do not decode, 'dropped' was counted by the kernel side, by
 * cause. The sensor sends its side now and then (Batch.accounts), as of that batch; then the shard
 * makes the rows, and others read copies.
 */
#ifndef MEWS_COLLECTOR_STREAM_BALANCE_H
#define MEWS_COLLECTOR_STREAM_BALANCE_H

#include "common/macros.h"
#include "proto/event.h"
#include "proto/wire.h"
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* Causes that are counted by type: those of the kernel side, DROP_RING_FULL to DROP_FAULT. */
enum { ACCOUNT_CAUSES = DROP_FAULT };

struct account_row {
	uint64_t type; /* EV_*; of a sum: 0 */
	uint64_t generated, delivered, undelivered, unaccounted;
	uint64_t dropped[ACCOUNT_CAUSES]; /* by cause, less DROP_RING_FULL */
};

/* The rows of a stream. Zeroed, then accounts_init(). */
struct accounts {
	pthread_mutex_t lock;
	struct account_row *row;
	size_t n;
	uint64_t at; /* realtime ns, of the batch that they are of; 0: none yet */
};

/* What was found at the last account of a stream. On disk, too: checkpoint_mark.h. */
struct account_told {
	uint64_t unaccounted, undelivered; /* of the sum of all types */
	uint64_t explained; /* events that the sensor lost and counted, without types */
	uint64_t at;        /* realtime ns; 0: none yet */
	uint64_t hole;      /* 1: batches are missing since then */
};

void accounts_init(struct accounts *a);
void accounts_fini(struct accounts *a);

/* Make the rows from a batch that has accounts. 'delivered': events decoded, by EV_*, this batch's
 * included. Returns the sum of all types; without memory, the rows stay those of before. */
struct account_row accounts_set(
    struct accounts *a, const Wire__Batch *batch, const uint64_t delivered[EV_TYPE_MAX]);

/* Copy the rows; the caller frees *ret. Returns their number; 0, and *ret NULL: none, or no
 * memory. *at: when. */
size_t accounts_get(struct accounts *a, struct account_row **ret, uint64_t *at) MUST_CHECK;

/* The sum of the rows; all 0: none yet. */
struct account_row accounts_sum(struct accounts *a);

#endif
