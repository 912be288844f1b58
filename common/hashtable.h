/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hashtable.h - hash tables by open addressing, with linear probing and no tombstones.
 *
 * A slot is the caller's struct, zeroed while free unless its type defines otherwise; it holds the
 * value itself, a pointer or a number. 'struct table_type' defines whether a slot is free, its
 * hash, and whether it holds a key. The compiler inlines these functions, so a look-up costs no
 * more than a hand-written one (bench_engine runs no more instructions with it).
 *
 * A slot moves when another is added or removed: keep the key, not the pointer. Not thread-safe.
 */
#ifndef MEWS_COMMON_HASHTABLE_H
#define MEWS_COMMON_HASHTABLE_H

#include "common/macros.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct table_type {
	size_t size; /* bytes of a slot */
	bool (*is_free)(const void *slot);
	bool (*is_for)(const void *slot, const void *key); /* of one in use */
	uint64_t (*hash)(const void *slot);                /* of one in use */
};

/* Define the type 'name' of slots T and keys K. FREE, FOR and HASH are expressions with a slot 's'
 * and a key 'k', pointers to T and K. */
#define TABLE_TYPE(name, T, K, FREE, FOR, HASH)                                           \
	static bool name##_is_free(const void *slot)                                      \
	{                                                                                 \
		T const *s = slot;                                                        \
		return FREE;                                                              \
	}                                                                                 \
	static bool name##_is_for(const void *slot, const void *key)                      \
	{                                                                                 \
		T const *s = slot;                                                        \
		K const *k = key;                                                         \
		return FOR;                                                               \
	}                                                                                 \
	static uint64_t name##_hash(const void *slot)                                     \
	{                                                                                 \
		T const *s = slot;                                                        \
		return HASH;                                                              \
	}                                                                                 \
	static const struct table_type name = { sizeof(T), name##_is_free, name##_is_for, \
		name##_hash }

/* A table that grows, at most half full. Zeroed, it is empty. */
struct table {
	char *slots; /* mask + 1 of them; NULL: none yet */
	size_t mask;
	size_t n; /* in use */
};

void table_fini(struct table *t);

/* Make room for one more. -ENOMEM: the table is unchanged. */
int table_reserve(const struct table_type *type, struct table *t) MUST_CHECK;

/* ---- slots only, for a table that allocates or grows in its own way ---- */

/* 'mask' is the number of slots, a power of two, less one; at least one of them is free. */

/* The slot of the key, or the free slot for it. */
static inline ALWAYS_INLINE size_t
slots_find(
    const struct table_type *type, const void *slots, size_t mask, uint64_t hash, const void *key)
{
	const char *p = slots;
	size_t i = hash & mask;

	while (!type->is_free(p + i * type->size) && !type->is_for(p + i * type->size, key))
		i = (i + 1) & mask;
	return i;
}

/* The slot of the key, or NULL. */
static inline ALWAYS_INLINE void *
slots_get(
    const struct table_type *type, const void *slots, size_t mask, uint64_t hash, const void *key)
{
	const char *p = slots;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		const char *slot = p + i * type->size;

		if (type->is_free(slot))
			return NULL;
		if (type->is_for(slot, key))
			return (void *) slot;
	}
}

/* The free slot for a key that is not in the table. */
static inline ALWAYS_INLINE size_t
slots_place(const struct table_type *type, const void *slots, size_t mask, uint64_t hash)
{
	const char *p = slots;
	size_t i = hash & mask;

	while (!type->is_free(p + i * type->size))
		i = (i + 1) & mask;
	return i;
}

/* Remove slot i: move up later slots that belong before the hole. Returns the slot that the caller
 * must mark as free; until then it holds old bytes. */
static inline ALWAYS_INLINE size_t
slots_remove(const struct table_type *type, void *slots, size_t mask, size_t i)
{
	char *p = slots;

	for (size_t k = (i + 1) & mask; !type->is_free(p + k * type->size); k = (k + 1) & mask) {
		size_t home = type->hash(p + k * type->size) & mask;

		if (((k - home) & mask) < ((k - i) & mask))
			continue; /* it lies between the hole and its home */
		memcpy(p + i * type->size, p + k * type->size, type->size);
		i = k;
	}
	return i;
}

/* ---- the table ---- */

/* The slot of the key, or NULL. */
static inline ALWAYS_INLINE void *
table_get(const struct table_type *type, const struct table *t, uint64_t hash, const void *key)
{
	return t->slots == NULL ? NULL : slots_get(type, t->slots, t->mask, hash, key);
}

/* The slot of the key. A free one counts as used from now on, and the caller fills it. NULL: no
 * memory. */
static inline ALWAYS_INLINE void *
table_put(const struct table_type *type, struct table *t, uint64_t hash, const void *key)
{
	char *slot;

	if (table_reserve(type, t) < 0)
		return NULL;
	slot = t->slots + slots_find(type, t->slots, t->mask, hash, key) * type->size;
	t->n += type->is_free(slot);
	return slot;
}

/* Remove a slot that table_get() returned. */
static inline ALWAYS_INLINE void
table_remove(const struct table_type *type, struct table *t, void *slot)
{
	size_t i = (size_t) ((char *) slot - t->slots) / type->size;

	i = slots_remove(type, t->slots, t->mask, i);
	memset(t->slots + i * type->size, 0, type->size);
	t->n--;
}

#endif
