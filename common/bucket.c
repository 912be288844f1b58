/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bucket.h"
#include "common/clock.h"
#include "common/macros.h"

#define ONE 1000000

static uint64_t
left_at(const struct bucket *b, uint64_t now)
{
	uint64_t past = now > b->at ? MIN(now - b->at, 3600 * NS_PER_S) : 0;

	return b->at == 0 ? b->burst * ONE : MIN(b->left + past / 1000 * b->per_s, b->burst * ONE);
}

bool
bucket_take(struct bucket *b, uint64_t now)
{
	b->left = left_at(b, now);
	b->at = MAX(b->at, now);
	if (b->left < ONE)
		return false;
	b->left -= ONE;
	return true;
}

bool
bucket_full(const struct bucket *b, uint64_t now)
{
	return left_at(b, now) == b->burst * ONE;
}
