/* SPDX-License-Identifier: Apache-2.0 */
/* node_batch.c - from records to numbered batches in the spool. */
#include "common/clock.h"
#include "sensor/node.h"
#include <errno.h>
#include <stdlib.h>

#define ROWS_BATCHES 4 /* batches not yet taken by the collector, at most, while rows are added */
#define ROWS_SPOOL   4 /* rows wait while more than this fraction of the spool's memory is used */

static void
keep_losses(struct node *n)
{
	uint64_t known = n->spool.dropped.known + n->spool.quarantined.known;
	struct lost_kept *k;

	if (known == n->kept)
		return;
	k = n->cfg.owner->losses(n->cfg.arg);
	lost_keep(&n->spool.dropped, &k[0]);
	lost_keep(&n->spool.quarantined, &k[1]);
	n->kept = known;
}

/* With a pinned driver: the newest batch goes to its file, and then leaves the rings. */
static void
save_pinned(struct node *n)
{
	struct source_mark m = {
		.stream = n->cfg.sensor_start,
		.seq = spool_next(&n->spool) - 1,
		.interest = n->interest,
		.lost = {
			.spool_full = n->spool.events_dropped + n->lost,
			.quarantined = n->spool.events_quarantined,
			.damaged = n->spool.events_damaged,
		},
		.account = n->account,
	};

	if (!n->cfg.owner->mark(n->cfg.arg, &m))
		return;
	keep_losses(n);
	(void) spool_save(&n->spool); /* failures are logged there */
	n->cfg.owner->settle(n->cfg.arg, spool_unsaved_since(&n->spool) == INT64_MAX);
}

int
node_put_batch(struct node *n, Wire__Batch *b)
{
	Wire__Request rq = WIRE__REQUEST__INIT;
	size_t size;
	char *msg;

	b->seq = spool_next(&n->spool);
	b->interest = n->interest;
	rq.body_case = WIRE__REQUEST__BODY_BATCH;
	rq.batch = b;
	size = wire__request__get_packed_size(&rq);
	msg = malloc(size);
	if (msg == NULL)
		return -ENOMEM;
	(void) wire__request__pack(&rq, (uint8_t *) msg);
	if (spool_add(&n->spool, msg, (uint32_t) size, b->events) < 0) {
		free(msg);
		return -ENOMEM;
	}
	n->events += b->events;
	n->batches++;
	n->bytes += size;
	if (n->enc != NULL)
		save_pinned(n);
	return 0;
}

static void
put_accounts(struct node *n, uint64_t now, Wire__Batch *b)
{
	struct account *a = n->account;

	a->at = now;
	account_rows(a, n->drops.p, n->drops.n);
	b->n_accounts = a->n;
	b->accounts = a->p;
}

void
node_flush(struct node *n, uint64_t now)
{
	Wire__Batch b = WIRE__BATCH__INIT;
	Wire__Body body = WIRE__BODY__INIT;
	Wire__Snapshot snap = WIRE__SNAPSHOT__INIT;
	size_t records = n->enc == NULL ? 0 : batch_enc_events(n->enc);
	bool accounts_due;

	if (records == 0 && !n->snap.last)
		return;
	pace_left(&n->pace, now, n->news);
	n->news = 0;
	*n->due = 0;
	if (batch_enc_finish(n->enc, (int) n->cfg.opt->compression, &n->data, &body) < 0)
		return; /* the events stay gathered: the next flush tries again */
	accounts_due = n->account != NULL && now - n->account->at >= ACCOUNT_EVERY_NS;
	node_gather_drops(n, accounts_due);
	if (accounts_due)
		put_accounts(n, now, &b);
	clock_pair(&b.boot_ns, &b.real_ns);
	b.real_ns += (uint64_t) n->cfg.skew_ns;
	b.events = (uint32_t) records - n->snap.rows - n->infos;
	b.body = &body;
	b.n_drops = n->drops.n;
	b.drops = n->drops.p;
	b.n_holes = n->drops.nholes;
	b.holes = n->drops.hp;
	if (n->snap.rows > 0 || n->snap.last) {
		snap.id = n->snap.id;
		snap.part = n->snap.part++;
		snap.last = n->snap.last;
		snap.began_ns = n->snap.began;
		b.snapshot = &snap;
	}
	n->snap.rows = n->infos = 0;
	n->snap.last = false;
	if (node_put_batch(n, &b) < 0)
		n->lost += b.events;
}

enum kind { EVENT_RECORD, SNAPSHOT_ROW, INFO_ROW };

static int
gather(struct node *n, const struct ev_hdr *rec, enum kind kind)
{
	int r;

	if (n->cfg.redactor != NULL && redactor_looks_at(rec->type))
		rec = redactor_record(n->cfg.redactor, rec);
	/* before the record: so a batch has what was emitted until then, and the source knows */
	if (batch_enc_bytes(n->enc) >= n->pace.bytes ||
	    batch_enc_bytes(n->enc) + rec->len > n->cfg.opt->batch_max)
		node_flush(n, clock_mono());
	r = batch_enc_add(n->enc, rec);
	if (r == -ENOSPC) {
		node_flush(n, clock_mono());
		r = batch_enc_add(n->enc, rec);
	}
	n->snap.rows += kind == SNAPSHOT_ROW && r == 0;
	n->infos += kind == INFO_ROW && r == 0;
	if (r == 0 && kind == EVENT_RECORD && n->account != NULL)
		account_event(n->account, rec);
	n->news += rec->news != 0;
	return r;
}

int
node_emit(struct node *n, const struct ev_hdr *rec)
{
	if (UNLIKELY(n->account == NULL))
		n->account = account_new();
	return gather(n, rec, EVENT_RECORD);
}

/* ---- a snapshot among the events ---- */

void
node_snapshot_begin(struct node *n, uint64_t id, uint64_t began)
{
	node_flush(n, clock_mono()); /* rows of the previous snapshot keep its id */
	n->snap = (struct node_snapshot){ .id = id, .began = began };
}

int
node_row(struct node *n, const struct ev_hdr *rec)
{
	return gather(n, rec, SNAPSHOT_ROW);
}

int
node_info(struct node *n, const struct ev_hdr *rec)
{
	return gather(n, rec, INFO_ROW);
}

void
node_snapshot_end(struct node *n, uint64_t now)
{
	n->snap.last = true;
	node_flush(n, now);
}

bool
node_wants_rows(const struct node *n)
{
	const struct link *l = &n->link;

	if (n->cfg.xport == NULL) /* a recording takes all rows */
		return true;
	if (n->backlog.hello != NULL)
		return false;
	return l->state == LINK_UP && spool_next(&n->spool) <= l->received + 1 + ROWS_BATCHES &&
	       n->spool.bytes <= n->spool.max_bytes / ROWS_SPOOL;
}
