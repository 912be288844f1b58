/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/stream/skew.h"
#include "common/macros.h"

void
skew_note(struct skew *s, uint64_t node, uint64_t now)
{
	int64_t best;

	if (node == 0) /* an older sensor */
		return;
	s->last[s->n++ % SKEW_POLLS] = best = (int64_t) (node - now);
	for (unsigned i = 0; i < MIN(s->n, (unsigned) SKEW_POLLS); i++)
		best = MAX(best, s->last[i]);
	s->ns = best;
	s->known = true;
}

bool
skew_of(const struct skew *s, int64_t *ret)
{
	if (!s->known)
		return false;
	*ret = s->ns;
	return true;
}
