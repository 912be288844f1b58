/* SPDX-License-Identifier: Apache-2.0 */
/*
 * array.h - a growing array: a pointer, the number of elements in use, and the capacity, in three
 * variables of the caller.
 *
 *	if (ARRAY_RESERVE(t->v, t->n, 1, t->cap) < 0)
 *		return -ENOMEM;
 *	t->v[t->n++] = x;
 *
 * The capacity doubles. An array moves when it grows: keep the index, not the pointer.
 */
#ifndef MEWS_COMMON_ARRAY_H
#define MEWS_COMMON_ARRAY_H

#include "common/arena.h"
#include "common/macros.h"
#include <stddef.h>

#define ARRAY_BYTES_MAX (1u << 30) /* none of ours comes near it */

/* Make room for 'more' elements after the 'n' in use. 0; -ENOMEM, also above ARRAY_BYTES_MAX: the
 * array is unchanged. 'cap' is a size_t. The caller frees the array. */
#define ARRAY_RESERVE(v, n, more, cap) \
	array_reserve(NULL, (void **) &(v), sizeof(*(v)), (n), (more), &(cap))

/* The same in an arena, which also keeps the memory that the array has outgrown until its end. */
#define ARENA_RESERVE(a, v, n, more, cap) \
	array_reserve((a), (void **) &(v), sizeof(*(v)), (n), (more), &(cap))

int array_reserve(
    struct arena *a, void **v, size_t size, size_t n, size_t more, size_t *cap) MUST_CHECK;

#endif
