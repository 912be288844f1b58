/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/shard.h"
#include "collector/node.h"
#include "common/clock.h"
#include "common/queue.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

enum { OPS_AT_ONCE = 16, OUTBOX_RETRY_US = 1000 };

struct shard {
	pthread_t thread;
	bool started;
	struct queue *ops;
	struct outbox *outbox;
	struct nodes *nodes; /* the thread's alone */
	struct shard_counters counters;
};

struct shards {
	unsigned n;
	struct shard v[];
};

/* A batch's alerts on their way through the outbox. */
struct commit {
	struct outbox_txn txn;
	struct stream *stream; /* held */
};

static void
commit_done(struct outbox_txn *t, int r)
{
	struct commit *c = CONTAINER_OF(t, struct commit, txn);

	if (r == 0)
		c->stream->durable = t->seq;
	stream_unref(c->stream);
	free(c);
}

static void
alerts_free(struct alert *a)
{
	while (a != NULL) {
		struct alert *next = a->next;

		alert_free(a);
		a = next;
	}
}

/*
 * Hand a batch's alerts to the outbox. Waits while its queue is full: the shard's own queue fills
 * up meanwhile, and ingest pushes back. Memory is waited for too: an alert is never given up.
 */
static void
commit_batch(struct shard *s, struct stream *stream, uint64_t seq, struct alert *alerts)
{
	struct commit *c;

	while ((c = calloc(1, sizeof(*c))) == NULL)
		(void) usleep(OUTBOX_RETRY_US);
	c->stream = stream_ref(stream);
	c->txn = (struct outbox_txn){
		.stream = &stream->id, .seq = seq, .alerts = alerts, .done = commit_done
	};
	for (;;) {
		int r = outbox_put(s->outbox, &c->txn);

		if (r == 0)
			return;
		if (r != -EAGAIN) { /* closed: not durable, so the sensor sends the batch again */
			alerts_free(alerts);
			commit_done(&c->txn, r);
			return;
		}
		(void) usleep(OUTBOX_RETRY_US);
	}
}

static void
op_batch(struct shard *s, struct op *op)
{
	struct alert *alerts = NULL;
	uint64_t seq = op->req->batch->seq;

	node_batch(s->nodes, op->stream, op->req->batch, &alerts);
	op->stream->evaluated = seq;
	commit_batch(s, op->stream, seq, alerts);
}

static void
op_run(struct shard *s, struct op *op)
{
	switch (op->type) {
	case OP_HELLO:
		node_hello(s->nodes, op->stream, op->req->hello);
		break;
	case OP_BATCH:
		op_batch(s, op);
		break;
	case OP_SNAPSHOT:
		node_snapshot(s->nodes, op->stream, op->req->snapshot);
		break;
	case OP_BYE:
		node_bye(s->nodes, op->stream);
		break;
	case OP_RULES:
		nodes_set_rules(s->nodes, op->rules);
		break;
	case OP_DRAIN:
		break;
	}
	if (op->done != NULL)
		op->done(op->arg);
	op_free(op);
}

void
op_free(struct op *op)
{
	if (op->req != NULL)
		wire__request__free_unpacked(op->req, NULL);
	if (op->rules != NULL)
		ruleset_unref(op->rules);
	if (op->stream != NULL)
		stream_unref(op->stream);
	free(op);
}

static void *
shard_main(void *arg)
{
	struct shard *s = arg;
	void *ops[OPS_AT_ONCE];
	int n;

	while ((n = queue_take(s->ops, ops, OPS_AT_ONCE, -1)) >= 0) {
		for (int i = 0; i < n; i++)
			op_run(s, ops[i]);
		nodes_publish(s->nodes);
	}
	return NULL;
}

static int
shard_start(struct shard *s, const struct shard_cfg *cfg)
{
	int r = queue_new(cfg->queue, &s->ops);

	if (r < 0)
		return r;
	s->outbox = cfg->outbox;
	r = nodes_new(cfg, &s->counters, &s->nodes);
	if (r < 0)
		return r;
	r = -pthread_create(&s->thread, NULL, shard_main, s);
	s->started = r == 0;
	return r;
}

int
shards_start(unsigned n, const struct shard_cfg *cfg, struct shards **ret)
{
	struct shards *s = calloc(1, sizeof(*s) + n * sizeof(s->v[0]));
	int r;

	if (s == NULL)
		return -ENOMEM;
	for (; s->n < n; s->n++) {
		r = shard_start(&s->v[s->n], cfg);
		if (r < 0) {
			s->n++; /* half a shard is stopped too */
			shards_stop(s);
			return r;
		}
	}
	*ret = s;
	return 0;
}

void
shards_stop(struct shards *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < s->n; i++) {
		struct shard *sh = &s->v[i];

		if (sh->ops != NULL)
			queue_close(sh->ops);
		if (sh->started)
			(void) pthread_join(sh->thread, NULL);
		nodes_free(sh->nodes);
		queue_free(sh->ops);
	}
	free(s);
}

struct shard *
shards_of(struct shards *s, const char *cluster, const char *node)
{
	uint64_t h =
	    XXH3_64bits_withSeed(node, strlen(node), XXH3_64bits(cluster, strlen(cluster)));

	return &s->v[h % s->n];
}

int
shard_put(struct shard *s, struct op *op)
{
	return queue_put(s->ops, op);
}

int
shards_set_rules(struct shards *s, struct ruleset *rules)
{
	for (unsigned i = 0; i < s->n; i++) {
		struct op *op = calloc(1, sizeof(*op));
		int r;

		if (op == NULL)
			return -ENOMEM;
		*op = (struct op){ .type = OP_RULES, .rules = ruleset_ref(rules) };
		while ((r = shard_put(&s->v[i], op)) == -EAGAIN)
			(void) usleep(OUTBOX_RETRY_US);
		if (r < 0) {
			op_free(op);
			return r;
		}
	}
	return 0;
}

void
shards_counters(struct shards *s, struct shard_stats *ret)
{
	*ret = (struct shard_stats){ .shards = s->n };
	for (unsigned i = 0; i < s->n; i++) {
		struct shard_counters *c = &s->v[i].counters;

#define STAT(name, kind, help) ret->name += c->name;
#include "collector/shard_stats.def"
		ret->queued += queue_len(s->v[i].ops);
	}
}

void
shards_types(struct shards *s, uint64_t v[EV_TYPE_MAX])
{
	for (unsigned i = 0; i < s->n; i++) {
		for (unsigned k = 0; k < EV_TYPE_MAX; k++)
			v[k] += s->v[i].counters.types[k];
	}
}
