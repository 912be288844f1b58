/* SPDX-License-Identifier: Apache-2.0 */
#include "common/arena.h"
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

enum { ARENA_ALIGN = 16, ARENA_BLOCK = 4096, ARENA_BLOCK_MAX = 1 << 20 };

struct arena_block {
	struct arena_block *next;
	size_t size; /* of data */
	_Alignas(ARENA_ALIGN) char data[];
};

struct arena_end {
	struct arena_end *next;
	void (*fn)(void *arg);
	void *arg;
};

void
arena_init(struct arena *a, size_t block)
{
	*a = (struct arena){ .block = block == 0 ? ARENA_BLOCK : block };
}

void
arena_fini(struct arena *a)
{
	for (; a->ends != NULL; a->ends = a->ends->next)
		a->ends->fn(a->ends->arg);
	while (a->head != NULL) {
		struct arena_block *b = a->head;

		a->head = b->next;
		free(b);
	}
	a->used = 0;
	a->total = 0;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->head;
	size_t size;
	void *p;

	if (n > SIZE_MAX / 2)
		return NULL;
	n = (n + ARENA_ALIGN - 1) & ~(size_t) (ARENA_ALIGN - 1);
	if (b == NULL || b->size - a->used < n) {
		size = MAX(a->block, n);
		b = calloc(1, sizeof(*b) + size);
		if (b == NULL)
			return NULL;
		b->size = size;
		b->next = a->head;
		a->head = b;
		a->used = 0;
		a->total += size;
		a->block = MIN(a->block * 2, (size_t) ARENA_BLOCK_MAX);
	}
	p = b->data + a->used;
	a->used += n;
	return p;
}

int
arena_at_end(struct arena *a, void (*fn)(void *arg), void *arg)
{
	struct arena_end *e = arena_alloc(a, sizeof(*e));

	if (e == NULL)
		return -ENOMEM;
	*e = (struct arena_end){ a->ends, fn, arg };
	a->ends = e;
	return 0;
}

char *
arena_strdup(struct arena *a, struct slice s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (p != NULL && s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}
