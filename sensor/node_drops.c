/* SPDX-License-Identifier: Apache-2.0 */
/* node_drops.c - what a node has lost, by event and cause. */
#include "common/clock.h"
#include "sensor/node.h"

void
node_drop_add(struct node_drops *d, uint32_t event, uint32_t cause, uint64_t count)
{
	Wire__Drop *row;

	if (count == 0)
		return;
	if (d->n == NODE_DROPS_MAX) { /* the last slot collects the overflow */
		d->v[d->n - 1].event = 0;
		d->v[d->n - 1].count += count;
		return;
	}
	row = &d->v[d->n];
	wire__drop__init(row);
	row->event = event;
	row->cause = cause;
	row->count = count;
	d->p[d->n++] = row;
}

static void
tell_drops(struct node *n)
{
	CLEANUP(buf_fini) struct buf line = BUF_INIT;

	if (drop_log_line(&n->drop_log, n->drops.p, n->drops.n, clock_mono(), &line))
		n->cfg.owner->note(n->cfg.arg, n, LOG_WARN, line.p);
}

/* The events of batches that are gone, by type; of 'all' some are not known. */
static void
add_lost(struct node_drops *d, uint32_t cause, const struct lost *lost, uint64_t all)
{
	for (uint32_t i = 1; lost->events != NULL && i < EV_TYPE_MAX; i++)
		node_drop_add(d, i, cause, lost->events[i]);
	node_drop_add(d, 0, cause, all - MIN(all, lost->known));
	if (lost->hole.last != 0)
		d->hole[cause] = lost->hole;
}

static void
put_holes(struct node_drops *d)
{
	d->nholes = 0;
	for (uint32_t cause = 0; cause < DROP_CAUSES; cause++) {
		Wire__Hole *h = &d->hv[d->nholes];

		if (d->hole[cause].last == 0)
			continue;
		wire__hole__init(h);
		h->cause = cause;
		h->first_ns = d->hole[cause].first;
		h->last_ns = d->hole[cause].last;
		d->hp[d->nholes++] = h;
	}
}

void
node_gather_drops(struct node *n, bool fresh)
{
	n->drops.n = 0;
	n->cfg.owner->drops(n->cfg.arg, &n->drops, fresh);
	add_lost(&n->drops, DROP_SPOOL_FULL, &n->spool.dropped, n->spool.events_dropped + n->lost);
	add_lost(&n->drops, DROP_QUARANTINED, &n->spool.quarantined, n->spool.events_quarantined);
	node_drop_add(&n->drops, 0, DROP_SPOOL_DAMAGED, n->spool.events_damaged);
	put_holes(&n->drops);
	if (n->drops.n > 0)
		tell_drops(n);
}
