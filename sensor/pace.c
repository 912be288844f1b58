/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/pace.h"
#include "common/macros.h"

uint64_t
pace_rest(const struct pace_account *a)
{
	uint64_t ahead = (PACE_BURST - 1) * a->interval_ns;

	return a->paid_ns > ahead ? a->paid_ns - ahead : 0;
}

static uint64_t
sooner(uint64_t at, uint64_t by)
{
	return at > by ? at - by : 0;
}

uint64_t
pace_due(const struct pace *p, const struct pace_gathered *g, bool open)
{
	if (g->events == 0)
		return PACE_NEVER;
	if (g->bytes >= p->bytes || p->left_ns == 0)
		return 0;
	if (!open)
		return p->left_ns + MAX(p->news.interval_ns, PACE_HELD_NS);
	if (g->news > 0)
		return pace_rest(&p->news);
	return sooner(pace_rest(&p->rest), 2 * p->rest.interval_ns * g->bytes / p->bytes);
}

static void
pay(struct pace_account *a, uint64_t now, uint64_t price)
{
	uint64_t most = now + (PACE_BURST - 1) * a->interval_ns + price;

	a->paid_ns = MIN(MAX(a->paid_ns, now) + price, most);
}

void
pace_left(struct pace *p, uint64_t now, size_t news)
{
	uint64_t interval = p->news.interval_ns;

	p->left_ns = now;
	pay(&p->news, now, interval + 2 * interval * MIN(news, PACE_MANY) / PACE_MANY);
	pay(&p->rest, now, p->rest.interval_ns);
}
