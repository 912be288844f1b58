/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - memory with one owner and one moment of death.
 *
 * Everything from arena_alloc() dies together, in arena_fini(). There is no arena_free(): if one
 * object must die earlier, it does not belong here. An arena is not thread-safe; it belongs to
 * the thread that init'ed it, or to whom that thread handed it.
 */
#ifndef MEWS_COMMON_ARENA_H
#define MEWS_COMMON_ARENA_H

#include "common/macros.h"
#include "common/slice.h"
#include <stddef.h>

struct arena_block;
struct arena_end;

struct arena {
	struct arena_block *head; /* the one being filled */
	size_t used;              /* of head */
	size_t block;             /* bytes of the next block */
	size_t total;             /* bytes taken from the heap */
	struct arena_end *ends;   /* what arena_at_end() left, last first */
};

/* No allocation yet. 'block': bytes of the first block, 0 for a sensible one. */
void arena_init(struct arena *a, size_t block);
void arena_fini(struct arena *a);

/* Zeroed, aligned to 16. NULL: no memory. */
void *arena_alloc(struct arena *a, size_t n) MUST_CHECK;

/* Have fn(arg) called by arena_fini(), last come first: for what another library allocates.
 * -ENOMEM: it will not be called. */
int arena_at_end(struct arena *a, void (*fn)(void *arg), void *arg) MUST_CHECK;

/* A copy with a terminating NUL that n does not count. NULL: no memory. */
char *arena_strdup(struct arena *a, struct slice s) MUST_CHECK;

#endif
