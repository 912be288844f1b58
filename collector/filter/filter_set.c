/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_prog.h"
#include <xxhash.h>

/* Open addressing, at most half full; slots hold 1 + the text's index. */
struct set {
	struct slice *text;
	uint32_t *slot;
	size_t n, mask;
};

struct set *
set_new(struct arena *a, size_t n)
{
	struct set *s = arena_alloc(a, sizeof(*s));
	size_t slots = 4;

	while (slots < n * 2)
		slots *= 2;
	if (s == NULL)
		return NULL;
	s->mask = slots - 1;
	s->text = arena_alloc(a, MAX(n, 1) * sizeof(*s->text));
	s->slot = arena_alloc(a, slots * sizeof(*s->slot));
	return s->text == NULL || s->slot == NULL ? NULL : s;
}

static size_t
find(const struct set *s, struct slice text)
{
	size_t i = XXH3_64bits(text.p, text.n) & s->mask;

	while (s->slot[i] != 0 && !slice_eq(s->text[s->slot[i] - 1], text))
		i = (i + 1) & s->mask;
	return i;
}

void
set_add(struct set *s, struct slice text)
{
	size_t i = find(s, text);

	if (s->slot[i] != 0)
		return;
	s->text[s->n++] = text;
	s->slot[i] = (uint32_t) s->n;
}

bool
set_has(const struct set *s, struct slice text)
{
	return s->slot[find(s, text)] != 0;
}

size_t
set_size(const struct set *s)
{
	return s->n;
}

struct slice
set_at(const struct set *s, size_t i)
{
	return s->text[i];
}
