/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - memory that is freed together.
 *
 * arena_fini() frees everything from arena_alloc(). There is no arena_free(): an object that must
 * be freed earlier does not belong in an arena. An arena is not thread-safe; it belongs to the
 * thread that initialised it, or to the one it was handed to.
 */
#ifndef MEWS_COMMON_ARENA_H
#define MEWS_COMMON_ARENA_H

#include "common/macros.h"
#include "common/slice.h"
#include <stddef.h>

struct arena_block;
struct arena_end;

struct arena {
	struct arena_block *head; /* the block being filled */
	size_t used;              /* of head */
	size_t block;             /* bytes of the next block */
	size_t total;             /* bytes taken from the heap */
	struct arena_end *ends;   /* registered with arena_at_end(), last first */
};

/* Initialise without allocating. 'block': bytes of the first block, 0 for the default. */
void arena_init(struct arena *a, size_t block);
void arena_fini(struct arena *a);

/* Allocate zeroed bytes, aligned to 16. NULL: no memory. */
void *arena_alloc(struct arena *a, size_t n) MUST_CHECK;

/* Let arena_fini() call fn(arg), last registered first: for memory of other libraries. -ENOMEM: it
 * will not be called. */
int arena_at_end(struct arena *a, void (*fn)(void *arg), void *arg) MUST_CHECK;

/* Copy a text and add a NUL. NULL: no memory. */
char *arena_strdup(struct arena *a, struct slice s) MUST_CHECK;

#endif
