/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/pace.h"
#include "common/macros.h"

uint64_t
pace_rest(const struct pace *p)
{
	uint64_t ahead = (PACE_BURST - 1) * p->interval_ns;

	return p->paid_ns > ahead ? p->paid_ns - ahead : 0;
}

uint64_t
pace_due(const struct pace *p, size_t events, size_t bytes, bool open)
{
	if (events == 0)
		return PACE_NEVER;
	if (bytes >= p->bytes || p->left_ns == 0)
		return 0;
	if (!open)
		return p->left_ns + MAX(p->interval_ns, PACE_HELD_NS);
	return pace_rest(p);
}

void
pace_left(struct pace *p, uint64_t now)
{
	uint64_t most = now + PACE_BURST * p->interval_ns;

	p->left_ns = now;
	p->paid_ns = MIN(MAX(p->paid_ns, now) + p->interval_ns, most);
}
