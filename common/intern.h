/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intern.h - one copy of each text, known by a number.
 *
 * A pool belongs to one thread. An id is good for texts that somebody holds (intern_ref) or that
 * were interned since the last intern_tick(); other texts may be evicted when the pool is over its
 * bound, and their ids used again. gen() changes when that happens, so whoever memoizes something
 * per id keeps the generation beside it.
 */
#ifndef MEWS_COMMON_INTERN_H
#define MEWS_COMMON_INTERN_H

#include "common/macros.h"
#include "common/slice.h"
#include <stdint.h>

struct intern;

#define INTERN_NULL  0u /* no text; intern_get() gives p == NULL */
#define INTERN_EMPTY 1u /* "" */

/* 'max_bytes': of texts, table included; it is exceeded only by what is held. -ENOMEM. */
int intern_new(uint64_t max_bytes, struct intern **ret) MUST_CHECK;
void intern_free(struct intern *p);

/* The id of a text; INTERN_NULL for p == NULL, and when memory is out (counted). */
uint32_t intern_put(struct intern *p, struct slice text);

/* The text, borrowed; it moves never, and lives as long as the id is good. */
struct slice intern_get(const struct intern *p, uint32_t id);

/* How often the id was used for another text before. */
uint32_t intern_gen(const struct intern *p, uint32_t id);

/* Hold and let go. Ids 0 and 1 need neither. */
uint32_t intern_ref(struct intern *p, uint32_t id); /* returns id */
void intern_unref(struct intern *p, uint32_t id);

/*
 * Who holds how much. A text that nobody held is charged to the account in force when somebody
 * holds it, until nobody does: a shared text is its first holder's. Account 0 is everybody's, and
 * in force at the beginning; it is given out too when all 65,535 others are. A closed account is
 * given out again once nothing is charged to it. open: -ENOMEM.
 */
int intern_account_open(struct intern *p, uint32_t *ret) MUST_CHECK;
void intern_account_close(struct intern *p, uint32_t account);
void intern_charge(struct intern *p, uint32_t account);
uint64_t intern_charged(const struct intern *p, uint32_t account); /* bytes */

/* The start of a batch: texts that nobody holds and that no batch since the last tick used may go.
 */
void intern_tick(struct intern *p);

struct intern_stats {
	uint64_t texts, bytes, evicted, failed;
	uint64_t held; /* texts that somebody holds */
};
void intern_stats(const struct intern *p, struct intern_stats *ret);

#endif
