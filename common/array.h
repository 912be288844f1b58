/* SPDX-License-Identifier: Apache-2.0 */
/*
 * array.h - an array that grows: a pointer, how many elements are in use, and for how many there
 * is room, wherever the caller keeps the three.
 *
 *	if (ARRAY_RESERVE(t->v, t->n, 1, t->cap) < 0)
 *		return -ENOMEM;
 *	t->v[t->n++] = x;
 *
 * The room doubles. An array moves when it grows: keep the index, not the pointer.
 */
#ifndef MEWS_COMMON_ARRAY_H
#define MEWS_COMMON_ARRAY_H

#include "common/arena.h"
#include "common/macros.h"
#include <stddef.h>

#define ARRAY_BYTES_MAX (1u << 30) /* none of ours comes near it */

/* Room for 'more' elements behind the 'n' in use: 0; or -ENOMEM, also above ARRAY_BYTES_MAX, and
 * the array is as it was. 'cap' is a size_t. The caller frees the array. */
#define ARRAY_RESERVE(v, n, more, cap) \
	array_reserve(NULL, (void **) &(v), sizeof(*(v)), (n), (more), &(cap))

/* The same in an arena, with which what the array has outgrown dies, too. */
#define ARENA_RESERVE(a, v, n, more, cap) \
	array_reserve((a), (void **) &(v), sizeof(*(v)), (n), (more), &(cap))

int array_reserve(
    struct arena *a, void **v, size_t size, size_t n, size_t more, size_t *cap) MUST_CHECK;

#endif
