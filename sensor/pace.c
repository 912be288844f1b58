/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/pace.h"

uint64_t
pace_due(const struct pace *p, size_t events, size_t bytes, bool open)
{
	if (events == 0)
		return PACE_NEVER;
	if (bytes >= p->bytes || p->left_ns == 0)
		return 0;
	return p->left_ns + (open || p->interval_ns > PACE_HELD_NS ? p->interval_ns : PACE_HELD_NS);
}

void
pace_left(struct pace *p, uint64_t now)
{
	p->left_ns = now;
}
