/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/node.h"
#include "common/clock.h"
#include "sensor/message.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAVE_NS (500 * NS_PER_MS) /* a batch that is not durable by then is written to the disk */

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

/* The age of the oldest batch that is not durable. */
static uint64_t
oldest_ms(const struct node *n)
{
	int64_t now = (int64_t) clock_boot();
	int64_t since = MIN(spool_oldest(&n->spool), spool_oldest(&n->backlog.spool));

	return since < now ? (uint64_t) (now - since) / NS_PER_MS : 0;
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
	s.spool_bytes = n->spool.kept + n->backlog.spool.kept;
	s.spool_batches = n->spool.n + n->backlog.spool.n;
	s.reconnects = n->link.stats.connects > 0 ? n->link.stats.connects - 1 : 0;
	s.replies_timed_out = n->link.stats.timeouts;
	s.spool_disk_bytes = n->cfg.disk == NULL ? 0 : n->cfg.disk->bytes;
	s.spool_errors = n->cfg.disk_failed;
	s.spool_oldest_ms = oldest_ms(n);
	if (n->cfg.disk != NULL)
		s.spool_errors = n->cfg.disk->errors + n->cfg.disk->damaged;
	n->cfg.owner->stats(n->cfg.arg, &s);
	n->drops.n = 0;
	if (n->backlog.hello == NULL) /* the drops are of this process's stream */
		node_gather_drops(n, false);
	p.last_seq = spool_next(n->link.spool) - 1;
	p.interest = n->interest;
	p.skip_to = skip_to;
	p.real_ns = clock_real() + (uint64_t) n->cfg.skew_ns;
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
	b.last_seq = spool_next(n->link.spool) - 1;
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

	if (n->backlog.hello == NULL) /* else of a past that nobody can read any more */
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
	*n->due = 0;
}

static void
on_closed(void *arg, const char *why, bool absent)
{
	struct node *n = arg;

	link_closed(&n->link, clock_mono(), why, absent);
	*n->due = 0;
}

static void
on_reply(void *arg, unsigned slot, const void *msg, size_t size)
{
	struct node *n = arg;

	link_reply(&n->link, clock_mono(), slot, msg, size);
	*n->due = 0;
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
	link_init(
	    &n->link, &link_ops, n, n->backlog.hello != NULL ? &n->backlog.spool : &n->spool, &lc);
	n->link.durable = n->link.spool->durable;
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

/* Deliver the next stream: the oldest that an earlier sensor left, at last our own. */
static void
next_stream(struct node *n)
{
	backlog_end(&n->backlog, &n->spool, n->link.unfit);
	if (backlog_begin(&n->backlog, n->name, n->cluster))
		log_info("batches that an earlier sensor left in %s (%llu KiB) are sent first",
		    n->cfg.disk->path, (unsigned long long) n->cfg.disk->bytes / 1024);
	link_fini(&n->link);
	set_link(n);
	*n->due = 0;
}

static int
use_disk(struct node *n)
{
	CLEANUP(buf_fini) struct buf hello = BUF_INIT;
	int r = node_hello(n, &hello);

	if (r == 0)
		r = spool_use_disk(&n->spool, n->cfg.disk, buf_get(&hello));
	n->backlog.disk = n->cfg.disk;
	if (r == 0 && n->cfg.past != NULL)
		r = node_go_on(n);
	if (r == 0)
		next_stream(n);
	return r;
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
	n->due = cfg->due;
	(void) snprintf(n->name, sizeof(n->name), "%s", cfg->name);
	(void) snprintf(n->cluster, sizeof(n->cluster), "%s", cfg->cluster);
	(void) snprintf(n->boot_id, sizeof(n->boot_id), "%s", cfg->boot_id);
	n->pace = (struct pace){ .bytes = cfg->opt->batch_bytes };
	n->pace.news.interval_ns = cfg->opt->interval * NS_PER_MS;
	n->pace.rest.interval_ns = MAX(cfg->opt->interval, cfg->opt->repeats) * NS_PER_MS;
	spool_init(&n->spool, cfg->opt->spool);
	spool_init(&n->backlog.spool, 0);
	drop_log_init(&n->drop_log, cfg->opt->log_drops);
	set_link(n);
	r = cfg->hello == NULL ? batch_enc_new(&n->enc) : 0;
	if (r == 0 && cfg->xport != NULL)
		r = open_end(n);
	if (r == 0 && cfg->disk != NULL)
		r = use_disk(n);
	if (r == 0 && cfg->past != NULL)
		r = node_go_on_counting(n);
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
	backlog_end(&n->backlog, &n->spool, false);
	spool_fini(&n->spool);
	batch_enc_free(n->enc);
	buf_fini(&n->data);
	drop_log_fini(&n->drop_log);
	account_free(n->account);
	identity_free(n->cfg.identity);
	free(n);
}

void
node_set_identity(struct node *n, struct identity *id, uint64_t now)
{
	const struct identity *old = n->cfg.identity;
	bool other = old != NULL && !slice_eq(buf_get(&old->der), buf_get(&id->der));

	identity_free(n->cfg.identity);
	n->cfg.identity = id;
	if (other)
		link_renew(&n->link, now);
	*n->due = 0;
}

void
node_check_peer(struct node *n, uint64_t now, bool all)
{
	char why[512];

	if (n->end == NULL || xport_trusts(n->end, all ? n->cfg.identity : NULL, why, sizeof(why)))
		return;
	link_closed(&n->link, now, why, false);
	*n->due = 0;
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
	*n->due = 0;
}

int
node_hello(struct node *n, struct buf *out)
{
	Wire__Hello h = n->cfg.env->hello;
	Wire__Request rq = WIRE__REQUEST__INIT;

	if (n->backlog.hello != NULL) {
		h = *n->backlog.hello->hello;
		h.ended = true;
	} else if (n->cfg.hello != NULL) {
		h = *n->cfg.hello;
		h.version = n->cfg.env->hello.version;
	} else {
		env_refresh(n->cfg.env);
		h = n->cfg.env->hello;
	}
	if (n->backlog.hello == NULL) {
		h.node = n->name;
		h.cluster = n->cluster;
		h.boot_id = n->boot_id;
		h.sensor_start = n->cfg.sensor_start;
	}
	h.protocol = WIRE_PROTOCOL;
	h.durable_seq = n->link.durable;
	h.oldest_seq = n->backlog.hello == NULL ? past_first(&n->spool.past) : 0;
	h.interest = n->backlog.hello == NULL ? n->interest : 0;
	rq.body_case = WIRE__REQUEST__BODY_HELLO;
	rq.hello = &h;
	return message_pack(&rq, out);
}

/* ---- time ---- */

/* At the end of an earlier sensor's stream begin the next one. */
static void
tick_backlog(struct node *n, uint64_t now)
{
	struct backlog *b = &n->backlog;
	struct link *l = &n->link;

	if (b->hello == NULL || n->stopping)
		return;
	backlog_more(b, l->send_next);
	if (!backlog_over(b) && !l->unfit)
		return;
	if (b->ended && l->state == LINK_UP && l->stop_at == 0)
		link_stop(l, now); /* Bye: it was stopped, it did not die */
	if (l->stop_at != 0 && l->state != LINK_STOPPED)
		return;
	link_end(l, now);
	next_stream(n);
}

/* Save batches that may stay for long: returns when to try again. */
static uint64_t
save(struct node *n, uint64_t now)
{
	int64_t since = spool_unsaved_since(&n->spool);
	uint64_t age = clock_boot() - (uint64_t) since;
	bool away = n->link.state != LINK_UP || n->backlog.hello != NULL;

	if (n->cfg.disk == NULL || since == INT64_MAX)
		return UINT64_MAX;
	if (!away && age < SAVE_NS)
		return now + SAVE_NS - age;
	return spool_save(&n->spool) < 0 ? now + SAVE_NS : UINT64_MAX;
}

void
node_tick(struct node *n, uint64_t now)
{
	struct pace_gathered g = { .news = n->news };
	uint64_t due = PACE_NEVER;

	tick_backlog(n, now);
	if (n->enc != NULL) {
		g.events = batch_enc_events(n->enc);
		g.bytes = batch_enc_bytes(n->enc);
		due = pace_due(&n->pace, &g,
		    n->cfg.xport == NULL || (n->backlog.hello == NULL && link_can_send(&n->link)));
	}
	if (due <= now) {
		node_flush(n, now);
		due = PACE_NEVER;
	}
	*n->due = n->cfg.xport == NULL ? PACE_NEVER : link_tick(&n->link, now);
	*n->due = MIN(*n->due, due);
	*n->due = MIN(*n->due, save(n, now));
}

void
node_stop(struct node *n, uint64_t now, uint64_t deadline)
{
	node_flush(n, now);
	n->stopping = true;
	if (n->backlog.hello != NULL)
		link_end(&n->link, now); /* the next start goes on */
	else
		link_stop(&n->link, deadline);
	*n->due = 0;
}

uint64_t
node_end(struct node *n)
{
	uint64_t all = spool_events(&n->spool, false), lost = all;

	if (n->cfg.disk != NULL) {
		(void) spool_end(&n->spool);
		lost = spool_events(&n->spool, true);
	}
	if (all > lost)
		log_info(
		    "%llu events that the collector has not committed are kept in %s for the "
		    "next start",
		    (unsigned long long) (all - lost), n->cfg.disk->path);
	return lost;
}
