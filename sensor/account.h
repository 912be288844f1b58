/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account.h - how many events of each type the kernel side has generated, and how many of them went
 * into batches.
 *
 * The kernel side numbers the events of each type on each CPU (ev_hdr.number) before it puts them
 * into a ring, so the numbers of the records that arrive show which are missing, however they got
 * lost. Their ring keeps the order of a CPU's events. One thread.
 */
#ifndef MEWS_SENSOR_ACCOUNT_H
#define MEWS_SENSOR_ACCOUNT_H

#include "driver/abi.h"
#include "proto/wire.h"
#include <stddef.h>
#include <stdint.h>

#define ACCOUNT_EVERY_NS 1000000000ULL /* so often, at most, a batch has accounts */

struct account {
	uint64_t emitted[EV_TYPE_MAX];
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

/* Set v, p and n. Pass drops that were read after the newest record. */
void account_rows(struct account *a, Wire__Drop *const *drops, size_t ndrops);

#endif
