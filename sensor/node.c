/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/node.h"
#include "common/clock.h"
#include "sensor/message.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_BATCHES 4 /* batches not yet taken by the collector, at most, while rows are added */
#define ROWS_SPOOL   4 /* rows wait while more than this fraction of the spool's memory is used */

/* ---- callbacks of the link ---- */

static int
on_open(void *arg)
{
	struct node *n = arg;

	return xport_open(n->end, n->cfg.identity);
}

static void
on_close(void *arg)
{
	struct node *n = arg;

	xport_close(n->end);
}

static int
on_send(void *arg, unsigned slot, const void *msg, size_t size)
{
	struct node *n = arg;

	return xport_send(n->end, slot, msg, size);
}

static int
on_hello(void *arg, struct buf *out)
{
	return node_hello(arg, out);
}

static int
on_proof(void *arg, const Wire__Challenge *c, struct buf *out)
{
	struct node *n = arg;

	if (n->cfg.identity == NULL)
		return -ENOKEY;
	return message_proof(n->cfg.identity, c, n->name, n->cluster, out);
}

static int
on_poll(void *arg, uint64_t skip_to, struct buf *out)
{
	struct node *n = arg;
	Wire__SensorStats s = WIRE__SENSOR_STATS__INIT;
	Wire__Poll p = WIRE__POLL__INIT;
	Wire__Request rq = WIRE__REQUEST__INIT;

	s.events = n->events;
	s.batches = n->batches;
	s.bytes = n->bytes;
	s.spool_bytes = n->spool.bytes;
	s.spool_batches = n->spool.n;
	s.reconnects = n->link.stats.connects > 0 ? n->link.stats.connects - 1 : 0;
	s.replies_timed_out = n->link.stats.timeouts;
	n->cfg.owner->stats(n->cfg.arg, &s);
	node_gather_drops(n);
	p.last_seq = spool_next(&n->spool) - 1;
	p.interest = n->interest;
	p.skip_to = skip_to;
	p.stats = &s;
	p.n_drops = n->drops.n;
	p.drops = n->drops.p;
	rq.body_case = WIRE__REQUEST__BODY_POLL;
	rq.poll = &p;
	return message_pack(&rq, out);
}

static int
on_bye(void *arg, struct buf *out)
{
	struct node *n = arg;
	Wire__Bye b = WIRE__BYE__INIT;
	Wire__Request rq = WIRE__REQUEST__INIT;
	char why[] = "stopped";

	b.reason = why;
	b.last_seq = spool_next(&n->spool) - 1;
	rq.body_case = WIRE__REQUEST__BODY_BYE;
	rq.bye = &b;
	return message_pack(&rq, out);
}

static void
on_interest(void *arg, const Wire__Interest *in)
{
	struct node *n = arg;

	node_flush(n, clock_mono()); /* the gathered events were captured under the old set */
	n->cfg.owner->interest(n->cfg.arg, n, in);
	n->interest = in->version;
}

static void
on_snapshot(void *arg, uint64_t id)
{
	struct node *n = arg;

	n->cfg.owner->snapshot(n->cfg.arg, n, id);
}

static void
on_note(void *arg, enum log_level level, const char *text)
{
	struct node *n = arg;

	n->cfg.owner->note(n->cfg.arg, n, level, text);
}

static const struct link_ops link_ops = {
	.open = on_open,
	.close = on_close,
	.send = on_send,
	.hello = on_hello,
	.proof = on_proof,
	.poll = on_poll,
	.bye = on_bye,
	.interest = on_interest,
	.snapshot = on_snapshot,
	.note = on_note,
};

/* ---- callbacks of the transport ---- */

static void
on_opened(void *arg)
{
	struct node *n = arg;

	link_opened(&n->link, clock_mono());
	n->next_tick = 0;
}

static void
on_closed(void *arg, const char *why, bool absent)
{
	struct node *n = arg;

	link_closed(&n->link, clock_mono(), why, absent);
	n->next_tick = 0;
}

static void
on_reply(void *arg, unsigned slot, const void *msg, size_t size)
{
	struct node *n = arg;

	link_reply(&n->link, clock_mono(), slot, msg, size);
	n->next_tick = 0;
}

static const struct xport_events xport_events = { on_opened, on_closed, on_reply };

/* ---- the node ---- */

static void
set_link(struct node *n)
{
	const struct options *o = n->cfg.opt;
	struct link_cfg lc = {
		.window = (unsigned) o->window,
		.timeout_ns = o->timeout * NS_PER_MS,
		.retry_min_ns = o->retry_min * NS_PER_MS,
		.retry_max_ns = MAX(o->retry_max, o->retry_min) * NS_PER_MS,
		.absent_ns = MAX(o->retry_absent, o->retry_min) * NS_PER_MS,
		.slow_ns = o->retry_slow * NS_PER_MS,
		.seed = n->cfg.sensor_start,
	};

	for (const char *p = n->name; *p != '\0'; p++) /* nodes of one process differ */
		lc.seed = (lc.seed ^ (unsigned char) *p) * 0x100000001b3ULL;
	link_init(&n->link, &link_ops, n, &n->spool, &lc);
}

/* Copy the host of a URL, for the server name: between "//" and ":PORT". */
static void
host_of(const char *url, char *out, size_t size)
{
	const char *p = strstr(url, "//"), *end;

	p = p == NULL ? url : p + 2;
	end = *p == '[' ? strchr(p, ']') : strrchr(p, ':');
	p += *p == '[';
	(void) snprintf(out, size, "%.*s", (int) (end == NULL ? strlen(p) : (size_t) (end - p)), p);
}

static int
open_end(struct node *n)
{
	const struct options *o = n->cfg.opt;
	struct xport_cfg xc = {
		.url = o->url,
		.server_name = o->tls_name,
		.slots = (unsigned) o->window,
		.recv_max = WIRE_MESSAGE_MAX,
	};

	if (xc.server_name == NULL || xc.server_name[0] == '\0') {
		host_of(o->url, n->server_name, sizeof(n->server_name));
		xc.server_name = n->server_name;
	}
	return xport_end_new(n->cfg.xport, &xc, &xport_events, n, &n->end);
}

int
node_new(const struct node_cfg *cfg, struct node **ret)
{
	struct node *n = calloc(1, sizeof(*n));
	int r;

	if (n == NULL)
		return -ENOMEM;
	n->cfg = *cfg;
	n->cfg.identity = NULL;
	(void) snprintf(n->name, sizeof(n->name), "%s", cfg->name);
	(void) snprintf(n->cluster, sizeof(n->cluster), "%s", cfg->cluster);
	(void) snprintf(n->boot_id, sizeof(n->boot_id), "%s", cfg->boot_id);
	n->pace = (struct pace){ cfg->opt->interval * NS_PER_MS, cfg->opt->batch_bytes, 0, 0 };
	spool_init(&n->spool, cfg->opt->spool);
	drop_log_init(&n->drop_log, cfg->opt->log_drops);
	set_link(n);
	for (size_t i = 0; i < NODE_DROPS_MAX; i++) {
		wire__drop__init(&n->drops.v[i]);
		n->drops.p[i] = &n->drops.v[i];
	}
	r = cfg->hello == NULL ? batch_enc_new(&n->enc) : 0;
	if (r == 0 && cfg->xport != NULL)
		r = open_end(n);
	if (r < 0) {
		node_free(n);
		return r;
	}
	n->cfg.identity = cfg->identity;
	*ret = n;
	return 0;
}

void
node_free(struct node *n)
{
	if (n == NULL)
		return;
	xport_end_free(n->end);
	link_fini(&n->link);
	spool_fini(&n->spool);
	batch_enc_free(n->enc);
	buf_fini(&n->data);
	drop_log_fini(&n->drop_log);
	identity_free(n->cfg.identity);
	free(n);
}

void
node_set_identity(struct node *n, struct identity *id)
{
	identity_free(n->cfg.identity);
	n->cfg.identity = id;
}

void
node_check_peer(struct node *n, uint64_t now, bool all)
{
	char why[512];

	if (n->end == NULL || xport_trusts(n->end, all ? n->cfg.identity : NULL, why, sizeof(why)))
		return;
	link_closed(&n->link, now, why, false);
	n->next_tick = 0;
}

void
node_restart(struct node *n, uint64_t sensor_start)
{
	link_fini(&n->link);
	spool_fini(&n->spool);
	drop_log_fini(&n->drop_log);
	drop_log_init(&n->drop_log, n->cfg.opt->log_drops);
	n->cfg.sensor_start = sensor_start;
	n->interest = 0;
	n->snap = (struct node_snapshot){ 0 };
	spool_init(&n->spool, n->cfg.opt->spool);
	set_link(n);
	n->next_tick = 0;
}

int
node_hello(struct node *n, struct buf *out)
{
	Wire__Hello h = n->cfg.env->hello;
	Wire__Request rq = WIRE__REQUEST__INIT;

	if (n->cfg.hello != NULL) {
		h = *n->cfg.hello;
		h.version = n->cfg.env->hello.version;
	} else {
		env_refresh(n->cfg.env);
		h = n->cfg.env->hello;
	}
	h.protocol = WIRE_PROTOCOL;
	h.node = n->name;
	h.cluster = n->cluster;
	h.boot_id = n->boot_id;
	h.sensor_start = n->cfg.sensor_start;
	h.durable_seq = n->link.durable;
	rq.body_case = WIRE__REQUEST__BODY_HELLO;
	rq.hello = &h;
	return message_pack(&rq, out);
}

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
node_gather_drops(struct node *n)
{
	n->drops.n = 0;
	n->cfg.owner->drops(n->cfg.arg, &n->drops);
	node_drop_add(&n->drops, 0, DROP_SPOOL_FULL, n->spool.events_dropped + n->lost);
	node_drop_add(&n->drops, 0, DROP_QUARANTINED, n->spool.events_quarantined);
	if (n->drops.n > 0)
		tell_drops(n);
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
	return 0;
}

void
node_flush(struct node *n, uint64_t now)
{
	Wire__Batch b = WIRE__BATCH__INIT;
	Wire__Body body = WIRE__BODY__INIT;
	Wire__Snapshot snap = WIRE__SNAPSHOT__INIT;
	size_t records = n->enc == NULL ? 0 : batch_enc_events(n->enc);

	if (records == 0 && !n->snap.last)
		return;
	pace_left(&n->pace, now);
	n->next_tick = 0;
	if (batch_enc_finish(n->enc, (int) n->cfg.opt->compression, &n->data, &body) < 0)
		return; /* the events stay gathered: the next flush tries again */
	node_gather_drops(n);
	clock_pair(&b.boot_ns, &b.real_ns);
	b.real_ns += (uint64_t) n->cfg.skew_ns;
	b.events = (uint32_t) records - n->snap.rows;
	b.body = &body;
	b.n_drops = n->drops.n;
	b.drops = n->drops.p;
	if (n->snap.rows > 0 || n->snap.last) {
		snap.id = n->snap.id;
		snap.part = n->snap.part++;
		snap.last = n->snap.last;
		snap.began_ns = n->snap.began;
		b.snapshot = &snap;
	}
	n->snap.rows = 0;
	n->snap.last = false;
	if (node_put_batch(n, &b) < 0)
		n->lost += b.events;
}

static int
gather(struct node *n, const struct ev_hdr *rec, bool row)
{
	int r;

	if (batch_enc_bytes(n->enc) + rec->len > n->cfg.opt->batch_max)
		node_flush(n, clock_mono());
	r = batch_enc_add(n->enc, rec);
	if (r == -ENOSPC) {
		node_flush(n, clock_mono());
		r = batch_enc_add(n->enc, rec);
	}
	n->snap.rows += row && r == 0;
	if (r == 0 && batch_enc_bytes(n->enc) >= n->pace.bytes)
		node_flush(n, clock_mono());
	return r;
}

int
node_emit(struct node *n, const struct ev_hdr *rec)
{
	return gather(n, rec, false);
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
	return gather(n, rec, true);
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
	return l->state == LINK_UP && spool_next(&n->spool) <= l->received + 1 + ROWS_BATCHES &&
	       n->spool.bytes <= n->spool.max_bytes / ROWS_SPOOL;
}

void
node_tick(struct node *n, uint64_t now)
{
	uint64_t due = PACE_NEVER;

	if (n->enc != NULL)
		due = pace_due(&n->pace, batch_enc_events(n->enc), batch_enc_bytes(n->enc),
		    n->cfg.xport == NULL || link_can_send(&n->link));
	if (due <= now) {
		node_flush(n, now);
		due = PACE_NEVER;
	}
	n->next_tick = n->cfg.xport == NULL ? PACE_NEVER : link_tick(&n->link, now);
	n->next_tick = MIN(n->next_tick, due);
}
