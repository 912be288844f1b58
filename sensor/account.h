/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account.h - how many events of each type the kernel side has generated, and how many of them went
 * into batches.
 *
 * The kernel side numbers the events of each type on each CPU (ev_hdr.number) before it puts them
 * into a ring, so the numbers of the records that arrive show which are missing, however they got
 * lost. Their ring keeps the order of a CPU's events. A process that takes over an earlier one's
 * rings goes on with that one's account, as it was at the position where it goes on. One thread.
 */
#ifndef MEWS_SENSOR_ACCOUNT_H
#define MEWS_SENSOR_ACCOUNT_H

#include "driver/abi.h"
#include "proto/wire.h"
#include <stddef.h>
#include <stdint.h>

#define ACCOUNT_EVERY_NS 1000000000ULL /* so often, at most, a batch has accounts */

/* An account in memory that outlives the process. All zero: nothing yet. */
struct account_kept {
	int64_t emitted[EV_TYPE_MAX];
	int64_t missing[EV_TYPE_MAX];
	uint32_t last[][EV_TYPE_MAX]; /* of each CPU */
};

static inline size_t
account_kept_size(unsigned ncpu)
{
	return sizeof(struct account_kept) + ncpu * sizeof(uint32_t[EV_TYPE_MAX]);
}

struct account {
	int64_t emitted[EV_TYPE_MAX];
	int64_t missing[EV_TYPE_MAX]; /* numbers that were skipped and did not come later */
	uint32_t
	    *last[DRV_CPU_MAX]; /* the newest number of each type; NULL: none yet, or no memory */
	uint64_t at;            /* of the newest batch with accounts, monotonic ns */
	Wire__Account v[EV_TYPE_MAX], *p[EV_TYPE_MAX]; /* account_rows() */
	size_t n;
};

/* NULL: no memory. account_free(NULL) is nothing. */
struct account *account_new(void) MUST_CHECK;
void account_free(struct account *a);

/* A record was put into the open batch. */
void account_event(struct account *a, const struct ev_hdr *rec);

/* Write the account down; NULL: an empty one. */
void account_keep(const struct account *a, struct account_kept *to, unsigned ncpu);

/* Go on with an earlier process's account. 'stream': and with its stream; else nothing was emitted
 * yet in this one, but what is missing is told once more. Without memory for a CPU, what it emitted
 * before is missing. */
void account_resume(struct account *a, const struct account_kept *from, unsigned ncpu, bool stream);

/* Set v, p and n. Pass drops that were read after the newest record. */
void account_rows(struct account *a, Wire__Drop *const *drops, size_t ndrops);

#endif
