/* SPDX-License-Identifier: Apache-2.0 */
/* node_past.c - go on where the process ended whose driver was taken over. */
#include "sensor/node.h"
#include <errno.h>

int
node_go_on(struct node *n)
{
	const struct source_past *past = n->cfg.past;
	const struct lost_kept *k;
	struct source_mark m = { 0 };
	int64_t newest = 0;
	uint64_t seq;

	if (past->stream != 0)
		newest = backlog_adopt(
		    &n->backlog, past->whole ? &n->spool : NULL, past->stream, n->name, n->cluster);
	if (newest < 0)
		return (int) newest;
	seq = past->more && (uint64_t) newest == past->seq + 1 ? past->seq + 1 : past->seq;
	n->cfg.owner->resume(n->cfg.arg, seq, &m);
	if (!past->whole)
		return 0;
	n->interest = m.interest;
	n->spool.events_dropped = m.lost.spool_full;
	n->spool.events_quarantined = m.lost.quarantined;
	n->spool.events_damaged += m.lost.damaged;
	k = n->cfg.owner->losses(n->cfg.arg);
	lost_resume(&n->spool.dropped, &k[0]);
	lost_resume(&n->spool.quarantined, &k[1]);
	return spool_continue(&n->spool, seq);
}

int
node_go_on_counting(struct node *n)
{
	const struct account_kept *kept;
	unsigned ncpu;

	n->account = account_new();
	if (n->account == NULL)
		return -ENOMEM;
	kept = n->cfg.owner->account(n->cfg.arg, &ncpu);
	account_resume(n->account, kept, ncpu, n->cfg.past->whole && n->cfg.disk != NULL);
	return 0;
}
