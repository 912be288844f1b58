/* SPDX-License-Identifier: Apache-2.0 */
/* node_drops.c - what a node has lost, by event and cause. */
#include "common/clock.h"
#include "sensor/node.h"

void
node_drop_add(struct node_drops *d, uint32_t event, uint32_t cause, uint64_t count)
{
	if (count == 0)
		return;
	if (d->n == NODE_DROPS_MAX) { /* the last slot collects the overflow */
		d->v[d->n - 1].event = 0;
		d->v[d->n - 1].count += count;
		return;
	}
	d->v[d->n].event = event;
	d->v[d->n].cause = cause;
	d->v[d->n++].count = count;
}

static void
tell_drops(struct node *n)
{
	CLEANUP(buf_fini) struct buf line = BUF_INIT;

	if (drop_log_line(&n->drop_log, n->drops.p, n->drops.n, clock_mono(), &line))
		n->cfg.owner->note(n->cfg.arg, n, LOG_WARN, line.p);
}

void
node_gather_drops(struct node *n, bool fresh)
{
	n->drops.n = 0;
	n->cfg.owner->drops(n->cfg.arg, &n->drops, fresh);
	node_drop_add(&n->drops, 0, DROP_SPOOL_FULL, n->spool.events_dropped + n->lost);
	node_drop_add(&n->drops, 0, DROP_QUARANTINED, n->spool.events_quarantined);
	node_drop_add(&n->drops, 0, DROP_SPOOL_DAMAGED, n->spool.events_damaged);
	if (n->drops.n > 0)
		tell_drops(n);
}
