/* SPDX-License-Identifier: Apache-2.0 */
/* shard_nodes.c - the nodes of a shard: create, find, forget. */
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
	n->kubes = cfg->kubes;
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
	node_load_drop(p);
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

/* A node begins with its empty state, and waits for a snapshot. */
static void
begin_empty(struct nodes *n, struct node *p)
{
	struct loss_past past = p->loss.past;

	if (p->stream->evaluated > 0) /* its state was forgotten */
		stream_want_snapshot(p->stream);
	node_loss_begin(&p->loss, n->counters, p->stream, n->log_drops, &past);
}

/* Create the node of a new stream. Of its losses only those of the stream before are known. NULL:
 * no memory. */
static struct node *
node_new(struct nodes *n, struct stream *stream)
{
	struct node made = { 0 }, *p = node_find(n, &stream->id);

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
		made.loss.past = p->loss.past;
		node_fini(n, p);
	}
	*p = made;
	p->stream = stream_ref(stream);
	stream->node = p;
	node_image_begin(n, p);
	return p;
}

struct node *
node_for(struct nodes *n, struct stream *stream)
{
	struct node *p = stream->node;

	if (p != NULL)
		return p;
	p = node_new(n, stream);
	if (p != NULL)
		begin_empty(n, p);
	return p;
}

static void
log_no_memory(const struct stream *stream)
{
	log_peer(LOG_ERROR, stream->id.node, "no memory for the state of node %s", stream->id.node);
}

static void
set_interfaces(struct stream *stream, const Wire__Hello *hello)
{
	struct state *s = node_state(stream);

	if (s == NULL || state_set_interfaces(s, hello->interfaces, hello->n_interfaces) < 0)
		log_no_memory(stream);
}

bool
node_hello(struct nodes *n, struct stream *stream, const Wire__Hello *hello, struct slice data)
{
	struct node *p = stream->node;

	if (p == NULL) {
		p = node_new(n, stream);
		if (p != NULL && node_load_begin(n, p, data))
			return false;
		if (p != NULL)
			begin_empty(n, p);
	}
	set_interfaces(stream, hello);
	return true;
}

bool
node_load(struct nodes *n, struct stream *stream, const Wire__Hello *hello)
{
	int r = node_load_more(n, stream->node);

	if (r == 0)
		return false;
	if (r == -ENOMEM)
		node_bye(n, stream);
	else if (r < 0)
		begin_empty(n, stream->node);
	set_interfaces(stream, hello);
	return true;
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

/* Free the state of nodes that do not come back; such a node sends a snapshot if it does. */
static void
forget_gone(struct nodes *n)
{
	uint64_t now = clock_mono();
	struct node **at = &n->head;

	while (*at != NULL) {
		struct node *p = *at;

		if (p->stream->connected || stream_unheard_ns(p->stream, now) < STATE_KEEP_NS) {
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
