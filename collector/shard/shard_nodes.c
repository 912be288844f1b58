/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/shard/shard_nodes.h"
#include "collector/rule/throttle.h"
#include "collector/shard/blind.h"
#include "collector/shard/shard_nodes_int.h"
#include "common/clock.h"
#include "common/log_peer.h"
#include <errno.h>
#include <stdlib.h>

enum {
	PUBLISH_MS = 200, /* maximum age of gauges under load */
};

#define STATE_KEEP_NS (3600 * NS_PER_S) /* of a disconnected node */

/* Context for one batch's hits. */
struct hit_ctx {
	struct nodes *nodes;
	struct node *node;
	struct alert_origin origin;
	struct alert **tail; /* where the next alert is linked: they keep the events' order */
};

int
nodes_new(const struct nodes_cfg *cfg, struct shard_counters *counters, struct nodes **ret)
{
	struct nodes *n = calloc(1, sizeof(*n));
	int r;

	if (n == NULL)
		return -ENOMEM;
	n->counters = counters;
	n->limits = cfg->state;
	n->throttle = cfg->throttle;
	n->json = cfg->json;
	n->log_drops = cfg->log_drops;
	n->image.to = cfg->checkpoint;
	n->image.every = cfg->checkpoint_ns;
	r = intern_new(cfg->intern_bytes, &n->pool);
	if (r == 0)
		r = fscratch_new(&n->scratch);
	if (r == 0)
		r = rule_run_new(cfg->rules, &n->rules);
	if (r < 0) {
		nodes_free(n);
		return r;
	}
	*ret = n;
	return 0;
}

static void
node_fini(struct nodes *n, struct node *p)
{
	node_image_drop(n, p);
	state_free(p->state);
	throttle_free(p->throttle);
	node_loss_fini(&p->loss);
	p->stream->node = NULL;
	stream_unref(p->stream);
}

void
nodes_free(struct nodes *n)
{
	if (n == NULL)
		return;
	while (n->head != NULL) {
		struct node *next = n->head->next;

		node_fini(n, n->head);
		free(n->head);
		n->head = next;
	}
	rule_run_free(n->rules);
	fscratch_free(n->scratch);
	intern_free(n->pool);
	alert_scratch_fini(&n->text);
	batch_free(n->batch);
	buf_fini(&n->image.data);
	buf_fini(&n->lost);
	free(n);
}

struct rule_run *
nodes_swap_rules(struct nodes *n, struct rule_run *rules)
{
	struct rule_run *old = n->rules;

	n->rules = rules;
	return old;
}

static struct node *
node_find(const struct nodes *n, const struct stream_id *id)
{
	struct node *p = n->head;

	while (p != NULL && (strcmp(p->stream->id.node, id->node) != 0 ||
				strcmp(p->stream->id.cluster, id->cluster) != 0))
		p = p->next;
	return p;
}

/* An empty state, and an empty throttle. */
static int
node_init(struct nodes *n, struct node *p)
{
	int r = state_new(n->pool, &n->limits, &p->state);

	if (r == 0)
		r = throttle_new(&n->throttle, &p->throttle);
	if (r < 0)
		state_free(p->state);
	return r;
}

/* Find the node of a stream, or create it, with the state of a checkpoint's data if there is any.
 * NULL: no memory. */
static struct node *
node_of(struct nodes *n, struct stream *stream, struct slice data)
{
	struct node made = { 0 }, *p;
	struct loss_past past = { .n = 0 };

	if (stream->node != NULL)
		return stream->node;
	p = node_find(n, &stream->id);
	if (node_init(n, &made) < 0)
		return NULL;
	if (p == NULL) {
		p = calloc(1, sizeof(*p));
		if (p == NULL) {
			throttle_free(made.throttle);
			state_free(made.state);
			return NULL;
		}
		made.next = n->head;
		n->head = p;
	} else { /* the sensor is new: discard the old one's state */
		made.next = p->next;
		past = p->loss.past;
		node_fini(n, p);
	}
	*p = made;
	p->stream = stream_ref(stream);
	stream->node = p;
	node_image_begin(n, p);
	if (node_resume(n, p, data))
		return p;
	if (stream->evaluated > 0) /* its state was forgotten */
		stream_want_snapshot(stream);
	node_loss_begin(&p->loss, n->counters, stream, n->log_drops, &past);
	return p;
}

void
node_hello(struct nodes *n, struct stream *stream, const Wire__Hello *hello, struct slice data)
{
	struct node *p = node_of(n, stream, data);

	if (p == NULL || state_set_interfaces(p->state, hello->interfaces, hello->n_interfaces) < 0)
		log_peer(LOG_ERROR, stream->id.node, "no memory for the state of node %s",
		    stream->id.node);
}

void
node_bye(struct nodes *n, struct stream *stream)
{
	struct node **at = &n->head;

	while (*at != NULL && (*at)->stream != stream)
		at = &(*at)->next;
	if (*at != NULL) {
		struct node *p = *at;

		*at = p->next;
		node_fini(n, p);
		free(p);
	}
}

struct state *
node_state(const struct stream *stream)
{
	return stream->node == NULL ? NULL : stream->node->state;
}

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
		.num = ++p->events,
		.time = ev->ts + node_clock_offset(&p->clock, ev->ts),
		.loss = buf_get(&n->lost),
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

void
node_batch(struct nodes *n, struct stream *stream, const Wire__Batch *batch, struct alert **alerts)
{
	struct node *p = node_of(n, stream, (struct slice){ NULL, 0 });
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
	events = node_events(n, p, b, again ? NULL : &c);
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

/* Free the state of nodes that do not come back; such a node sends a snapshot if it does. */
static void
forget_gone(struct nodes *n)
{
	uint64_t now = clock_real();
	struct node **at = &n->head;

	while (*at != NULL) {
		struct node *p = *at;

		if (p->stream->connected || p->stream->last_seen + STATE_KEEP_NS > now) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		node_fini(n, p);
		free(p);
	}
}

void
nodes_publish(struct nodes *n)
{
	struct shard_counters *c = n->counters;
	struct intern_stats texts;
	struct state_stats sum = { 0 };
	uint64_t nodes = 0, buckets = 0, now = clock_mono();

	if (now - n->published < PUBLISH_MS * NS_PER_MS)
		return;
	n->published = now;
	forget_gone(n);
	for (struct node *p = n->head; p != NULL; p = p->next) {
		struct state_stats one;

		state_stats(p->state, &one);
		sum.threads += one.threads;
		sum.fds += one.fds;
		sum.threads_evicted += one.threads_evicted;
		sum.fds_refused += one.fds_refused;
		sum.forgotten += one.forgotten;
		sum.bytes += one.bytes;
		sum.placeholders += one.placeholders;
		buckets += throttle_buckets(p->throttle);
		nodes++;
	}
	intern_stats(n->pool, &texts);
	c->nodes = nodes;
	c->throttle_buckets = buckets;
	c->threads = sum.threads;
	c->fds = sum.fds;
	c->threads_evicted = sum.threads_evicted;
	c->fds_refused = sum.fds_refused;
	c->forgotten = sum.forgotten;
	c->state_bytes = sum.bytes;
	c->placeholders = sum.placeholders;
	c->intern_texts = texts.texts;
	c->intern_bytes = texts.bytes;
	c->intern_evicted = texts.evicted;
}
