/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counter.h - a number that one thread counts and any thread may read, with plain loads and stores.
 */
#ifndef MEWS_COMMON_COUNTER_H
#define MEWS_COMMON_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t counter;

static inline uint64_t
counter_get(const counter *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

/* Add. Only for the counting thread. */
static inline void
counter_add(counter *c, uint64_t n)
{
	atomic_store_explicit(c, counter_get(c) + n, memory_order_relaxed);
}

/* Set a number that is not a sum. Only for the counting thread. */
static inline void
counter_set(counter *c, uint64_t n)
{
	atomic_store_explicit(c, n, memory_order_relaxed);
}

#endif
