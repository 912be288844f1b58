/* SPDX-License-Identifier: Apache-2.0 */
#include "common/near.h"
#include "common/macros.h"
#include <stdio.h>

enum { NAME_LEN = 64, FAR_MAX = 5 };

/* The number of letters to change, add, remove or swap with the next, to turn a into b. */
static unsigned
distance(struct slice a, struct slice b)
{
	unsigned rows[3][NAME_LEN + 1]; /* row i: a's first i letters */

	if (a.n > NAME_LEN || b.n > NAME_LEN)
		return NAME_LEN;
	for (unsigned k = 0; k <= b.n; k++)
		rows[0][k] = k;
	for (size_t i = 1; i <= a.n; i++) {
		const unsigned *above = rows[(i - 1) % 3], *two_above = rows[(i + 1) % 3];
		unsigned *row = rows[i % 3];

		row[0] = (unsigned) i;
		for (size_t k = 1; k <= b.n; k++) {
			row[k] = MIN(MIN(above[k], row[k - 1]) + 1,
			    above[k - 1] + (a.p[i - 1] != b.p[k - 1]));
			if (i > 1 && k > 1 && a.p[i - 1] == b.p[k - 2] && a.p[i - 2] == b.p[k - 1])
				row[k] = MIN(row[k], two_above[k - 2] + 1);
		}
	}
	return rows[a.n % 3][b.n];
}

struct near
near_to(struct slice want)
{
	unsigned limit = (unsigned) MIN(want.n / 3, (size_t) FAR_MAX);

	/* for two letters, anything would be near */
	return (struct near){ .want = want, .distance = limit + 1 };
}

void
near_try(struct near *n, struct slice name)
{
	size_t gap = MAX(name.n, n->want.n) - MIN(name.n, n->want.n);
	unsigned d;

	if (gap >= n->distance) /* each extra letter must be removed */
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
		    n->hint, sizeof(n->hint), "; did you mean '%.*s'?", SLICE_ARG(n->best));
	return n->hint;
}
