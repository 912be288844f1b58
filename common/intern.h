/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intern.h - one copy of each text, identified by a number.
 *
 * A pool belongs to one thread. An id is valid while its text is held (intern_ref), or until the
 * next intern_tick() after it was interned. Other texts may be evicted when the pool exceeds its
 * limit, and their ids reused. intern_gen() changes then, so keep the generation with anything
 * memoized per id.
 */
#ifndef MEWS_COMMON_INTERN_H
#define MEWS_COMMON_INTERN_H

#include "common/macros.h"
#include "common/slice.h"
#include <stdint.h>

struct intern;

#define INTERN_NULL  0u /* no text; intern_get() gives p == NULL */
#define INTERN_EMPTY 1u /* "" */

/* 'max_bytes': limit for texts and table; only held texts may exceed it. -ENOMEM. */
int intern_new(uint64_t max_bytes, struct intern **ret) MUST_CHECK;
void intern_free(struct intern *p);

/* Return the id of a text; INTERN_NULL for p == NULL, and without memory (counted). */
uint32_t intern_put(struct intern *p, struct slice text);

/* The text, borrowed; it never moves, and lives as long as the id is valid. */
struct slice intern_get(const struct intern *p, uint32_t id);

/* How often the id has been reused for another text. */
uint32_t intern_gen(const struct intern *p, uint32_t id);

/* Hold and release. Ids 0 and 1 need neither. */
uint32_t intern_ref(struct intern *p, uint32_t id); /* returns id */
void intern_unref(struct intern *p, uint32_t id);

/*
 * Accounts for held texts. The first holder of a text charges it to the current account until
 * nobody holds it; a shared text is charged to its first holder. Account 0 is the common one,
 * current at first, and returned by open when all 65,535 others are in use. A closed account is
 * reused once nothing is charged to it. open: -ENOMEM.
 */
int intern_account_open(struct intern *p, uint32_t *ret) MUST_CHECK;
void intern_account_close(struct intern *p, uint32_t account);
void intern_charge(struct intern *p, uint32_t account);
uint64_t intern_charged(const struct intern *p, uint32_t account); /* bytes */

/* Begin a batch: texts that are not held and were not used since the last tick may be evicted. */
void intern_tick(struct intern *p);

struct intern_stats {
	uint64_t texts, bytes, evicted, failed;
	uint64_t held; /* texts that are held */
};
void intern_stats(const struct intern *p, struct intern_stats *ret);

#endif
