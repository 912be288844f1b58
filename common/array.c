/* SPDX-License-Identifier: Apache-2.0 */
#include "common/array.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST = 8 };

int
array_reserve(struct arena *a, void **v, size_t size, size_t n, size_t more, size_t *cap)
{
	size_t max = ARRAY_BYTES_MAX / size, room;
	void *p;

	if (LIKELY(more <= *cap - n))
		return 0;
	if (n > max || more > max - n)
		return -ENOMEM;
	room = MIN(MAX(MAX(*cap * 2, n + more), (size_t) FIRST), max);
	p = a == NULL ? realloc(*v, room * size) : arena_alloc(a, room * size);
	if (p == NULL)
		return -ENOMEM;
	if (a != NULL && n > 0)
		memcpy(p, *v, n * size);
	*v = p;
	*cap = room;
	return 0;
}
