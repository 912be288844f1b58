/* SPDX-License-Identifier: Apache-2.0 */
/* node_events.c - a batch of a node: its state, its alerts, its losses. */
#include "collector/rule/throttle.h"
#include "collector/shard/blind.h"
#include "collector/shard/shard_nodes.h"
#include "collector/shard/shard_nodes_int.h"
#include "common/log_peer.h"

/* Context for one batch's hits. */
struct hit_ctx {
	struct nodes *nodes;
	struct node *node;
	struct alert_origin origin;
	struct alert **tail; /* where the next alert is linked: they keep the events' order */
};

static void
append(struct hit_ctx *c, struct alert *a)
{
	*c->tail = a;
	c->tail = &a->next;
}

static void
add_alert(struct hit_ctx *c, struct alert *a)
{
	append(c, a);
	c->nodes->counters->alerts++;
}

static void
on_hit(void *arg, const struct rule *rule, const struct view *v)
{
	struct hit_ctx *c = arg;
	struct nodes *n = c->nodes;
	struct alert *a = NULL;

	if (throttle_suppress(c->node->throttle, rule, v, &c->origin, n->scratch, &n->text.text)) {
		n->counters->suppressed++;
		c->node->stream->suppressed++;
		rule_run_suppressed(n->rules, rule);
		return;
	}
	if (alert_render(rule, v, &c->origin, n->scratch, &n->text, &a) < 0) {
		n->counters->alerts_lost_memory++;
		log_peer(LOG_ERROR, c->origin.node, "node %s: no memory for an alert of rule '%s'",
		    c->origin.node, rule->name);
		return;
	}
	add_alert(c, a);
}

/* Add the summaries of the batch's matches beyond the limits. */
static void
add_summaries(struct hit_ctx *c)
{
	struct shard_counters *counters = c->nodes->counters;
	struct alert *a = NULL;
	uint64_t matches = 0;
	int r;

	while ((r = throttle_next_summary(
		    c->node->throttle, &c->origin, &c->nodes->text, &a, &matches)) != 0) {
		if (r < 0) {
			counters->alerts_lost_memory += matches;
			log_peer(LOG_ERROR, c->origin.node,
			    "node %s: no memory for an alert of %lu matches", c->origin.node,
			    (unsigned long) matches);
			continue;
		}
		add_alert(c, a);
		counters->summaries++;
	}
}

/* Add alerts about loss windows that have opened, limited by cause. Without memory they are raised
 * with the next batch. */
static void
add_losses(struct hit_ctx *c)
{
	struct node *p = c->node;
	enum loss_cause cause;
	struct alert *a = NULL;
	uint64_t times, at;

	while (node_loss_owed(&p->loss, &cause, &times)) {
		/* a restarted collector is told again of what was alerted already */
		at = cause == LOSS_events_dropped ? p->stream->drops
		     : cause == LOSS_hook_silent  ? p->stream->silences
						  : c->origin.seq;
		if (blind_loss(p->stream, cause, times, at, c->nodes->json, &a) < 0)
			return;
		node_loss_told(&p->loss, cause);
		append(c, a); /* not a rule's alert */
	}
}

/* Open a loss window if the state had to forget entries for its bounds. */
static void
note_evicted(struct node *p)
{
	struct state_stats st;

	state_stats(p->state, &st);
	p->stream->state_bytes = st.bytes;
	node_loss_evicted(&p->loss, st.threads_evicted + st.fds_refused + st.forgotten);
}

/* Only the shard's thread writes: no locked instruction per event. */
static void
count_type(struct nodes *n, const struct event *ev)
{
	_Atomic uint64_t *c = &n->counters->types[ev->schema->num];

	atomic_store_explicit(
	    c, atomic_load_explicit(c, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* A snapshot that lost a part never completes: ask for another one, if none was asked for yet. A
 * gap may contain one that was asked for. */
static void
snapshot_part(struct node *p, const Wire__Snapshot *part, bool gap)
{
	bool lost = part != NULL && !state_snapshot_part(p->state, part) &&
		    part->id == p->stream->snapshot_id;

	if (lost || (gap && p->stream->snapshot_id != 0))
		stream_want_snapshot(p->stream);
}

static void
snapshot_end(struct node *p, const Wire__Batch *batch)
{
	const Wire__Snapshot *part = batch->snapshot;
	uint64_t id = part == NULL ? 0 : part->id;

	if (part == NULL || !state_snapshot_end(p->state, part))
		return;
	node_loss_whole(&p->loss, batch->boot_ns);
	/* nobody waits for it any more */
	(void) atomic_compare_exchange_strong(&p->stream->snapshot_id, &id, 0);
}

static void
node_event(struct nodes *n, struct node *p, const struct batch *b, const struct event *ev,
    struct hit_ctx *c)
{
	struct view v = {
		.state = p->state,
		.batch = b,
		.ev = ev,
		.node = p->stream->id.node,
		.cluster = p->stream->id.cluster,
		.num = ++p->events,
		.time = ev->ts + node_clock_offset(&p->clock, ev->ts),
		.loss = buf_get(&n->lost),
		.kube = n->kube,
	};

	state_apply(p->state, b, ev, &v);
	if (c == NULL)
		return;
	c->origin.losses = loss_at(&p->loss.windows, ev->ts);
	rule_run_event(n->rules, &v, on_hit, c);
	fscratch_reset(n->scratch);
	count_type(n, ev);
}

/* c is NULL: change the state alone. Returns the number of events; the others are rows of a
 * snapshot. */
static size_t
node_events(struct nodes *n, struct node *p, const struct batch *b, struct hit_ctx *c)
{
	size_t rows = 0;

	for (size_t i = 0; i < b->nev; i++) {
		if (b->ev[i].schema->capture == CAP_SNAP) {
			state_snapshot(p->state, b, &b->ev[i]);
			rows++;
		} else {
			node_event(n, p, b, &b->ev[i], c);
		}
	}
	if (c != NULL)
		add_summaries(c);
	n->counters->snapshot_events += rows;
	return b->nev - rows;
}

/* Evaluate the batch with what is known of the cluster's pods now. */
static size_t
node_events_of_cluster(struct nodes *n, struct node *p, const struct batch *b, struct hit_ctx *c)
{
	struct kube *kube = kubes_of(n->kubes, p->stream->id.cluster);
	size_t events;

	if (kube == NULL)
		return node_events(n, p, b, c);
	n->kube = kube_enter(kube_objects(kube));
	if (c != NULL)
		c->origin.kube_stale = kube_stale(kube);
	events = node_events(n, p, b, c);
	kube_leave(kube_objects(kube), n->kube);
	n->kube = NULL;
	return events;
}

void
node_batch(struct nodes *n, struct stream *stream, const Wire__Batch *batch, struct alert **alerts)
{
	struct node *p = node_for(n, stream);
	struct batch *b;
	size_t events;
	bool gap, again;
	const char *why = batch->body == NULL ? "it has no body" : "no memory";
	struct hit_ctx c = {
		.nodes = n,
		.node = p,
		.origin = {
			.cluster = stream->id.cluster,
			.node = stream->id.node,
			.boot_id = stream->id.boot_id,
			.sensor_start = stream->id.sensor_start,
			.seq = batch->seq,
		},
		.tail = alerts,
	};

	if (p == NULL || batch->body == NULL ||
	    batch_decode_again(batch->body, stream->schema, &n->batch, &why) < 0) {
		n->counters->malformed++;
		stream->malformed++;
		if (p != NULL) {
			node_loss_undecodable(&p->loss, batch);
			add_losses(&c);
		}
		log_peer(LOG_WARN, stream->id.node, "node %s: batch %lu does not decode: %s",
		    stream->id.node, (unsigned long) batch->seq, why);
		return;
	}
	b = n->batch;
	n->counters->clock_steps += node_clock_set(&p->clock, batch->boot_ns, batch->real_ns);
	gap = node_loss_batch(&p->loss, batch);
	buf_clear(&n->lost);
	loss_past_json(&p->loss.past, &n->lost);
	intern_tick(n->pool);
	state_begin_batch(p->state);
	snapshot_part(p, batch->snapshot, gap);
	/* A batch that is durable already only changes the state: its alerts are in the outbox. */
	again = batch->seq <= stream->durable;
	events = node_events_of_cluster(n, p, b, again ? NULL : &c);
	stream_note_seen(stream, b, p->clock.offset);
	node_loss_account(&p->loss, batch);
	snapshot_end(p, batch);
	note_evicted(p);
	n->image.unwritten = true;
	if (again) {
		n->counters->batches_again++;
		return;
	}
	add_losses(&c);
	n->counters->batches++;
	n->counters->events += events;
	stream->events += events;
}
