/* SPDX-License-Identifier: Apache-2.0 */
#include "common/near.h"
#include "common/macros.h"
#include <stdio.h>

enum { NAME_LEN = 64, FAR_MAX = 5 };

/* How many letters to change, add or leave out to come from a to b. */
static unsigned
distance(struct slice a, struct slice b)
{
	unsigned row[NAME_LEN + 1], diagonal, old;

	if (a.n > NAME_LEN || b.n > NAME_LEN)
		return NAME_LEN;
	for (unsigned k = 0; k <= b.n; k++)
		row[k] = k;
	for (size_t i = 0; i < a.n; i++) {
		diagonal = row[0];
		row[0] = (unsigned) i + 1;
		for (size_t k = 0; k < b.n; k++) {
			old = row[k + 1];
			diagonal += a.p[i] != b.p[k];
			row[k + 1] = MIN(MIN(row[k], row[k + 1]) + 1, diagonal);
			diagonal = old;
		}
	}
	return row[b.n];
}

struct near
near_to(struct slice want)
{
	unsigned limit = (unsigned) MIN(want.n / 3, (size_t) FAR_MAX);

	/* of two letters, anything is near */
	return (struct near){ .want = want, .distance = limit + 1 };
}

void
near_try(struct near *n, struct slice name)
{
	size_t gap = MAX(name.n, n->want.n) - MIN(name.n, n->want.n);
	unsigned d;

	if (gap >= n->distance) /* each letter too many is one to leave out */
		return;
	d = distance(n->want, name);
	if (d >= n->distance || d == 0)
		return;
	n->distance = d;
	n->best = name;
}

const char *
near_hint(struct near *n)
{
	n->hint[0] = '\0';
	if (n->best.p != NULL)
		(void) snprintf(
		    n->hint, sizeof(n->hint), ": did you mean '%.*s'?", SLICE_ARG(n->best));
	return n->hint;
}
