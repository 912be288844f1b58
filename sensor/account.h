/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account.h - how many events of each type the kernel side has generated, and how many of them went
 * into batches.
 *
 * The kernel side numbers the events of each type on each CPU (ev_hdr.number) before it puts them
 * into a ring, so the numbers of the records that arrive show which are missing, however they got
 * lost. Their ring keeps the order of a CPU's events. Where an earlier process's rings were taken
 * over, a CPU's events before are counted once the first of them arrives here. One thread.
 */
#ifndef MEWS_SENSOR_ACCOUNT_H
#define MEWS_SENSOR_ACCOUNT_H

#include "driver/abi.h"
#include "proto/wire.h"
#include <stddef.h>
#include <stdint.h>

#define ACCOUNT_EVERY_NS 1000000000ULL /* so often, at most, a batch has accounts */

/* Whose events the numbers before the first record that arrives are. */
enum account_of {
	ACCOUNT_OURS,      /* lost ones of this stream */
	ACCOUNT_CONTINUED, /* of the earlier process, and this stream goes on with its batches */
	ACCOUNT_ANOTHER,   /* of the earlier process's stream */
};

struct account {
	enum account_of earlier;
	bool begun;                   /* account_rows() was called */
	int64_t emitted[EV_TYPE_MAX]; /* negative until all CPUs are seen */
	int64_t missing[EV_TYPE_MAX]; /* numbers that were skipped and did not come later */
	uint32_t
	    *last[DRV_CPU_MAX]; /* the newest number of each type; NULL: none yet, or no memory */
	uint64_t at;            /* of the newest batch with accounts, monotonic ns */
	Wire__Account v[EV_TYPE_MAX], *p[EV_TYPE_MAX]; /* account_rows() */
	size_t n;
};

/* NULL: no memory. account_free(NULL) is nothing. */
struct account *account_new(enum account_of earlier) MUST_CHECK;
void account_free(struct account *a);

/* A record was put into the open batch. */
void account_event(struct account *a, const struct ev_hdr *rec);

/* Set v, p and n. Pass drops that were read after the newest record. */
void account_rows(struct account *a, Wire__Drop *const *drops, size_t ndrops);

#endif
