/* SPDX-License-Identifier: Apache-2.0 */
#include "common/hashtable.h"
#include <errno.h>
#include <stdlib.h>

#define SLOTS_MIN 64u

void
table_fini(struct table *t)
{
	free(t->slots);
	*t = (struct table){ 0 };
}

int
table_reserve(const struct table_type *type, struct table *t)
{
	size_t cap = t->slots == NULL ? 0 : t->mask + 1, more = MAX(cap * 2, SLOTS_MIN);
	char *slots;

	if (LIKELY((t->n + 1) * 2 <= cap))
		return 0;
	slots = calloc(more, type->size);
	if (slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < cap; i++) {
		const char *from = t->slots + i * type->size;

		if (!type->is_free(from))
			memcpy(slots + slots_place(type, slots, more - 1, type->hash(from)) *
					   type->size,
			    from, type->size);
	}
	free(t->slots);
	t->slots = slots;
	t->mask = more - 1;
	return 0;
}
