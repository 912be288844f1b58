/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/shard/shard.h"
#include "collector/shard/ps.h"
#include "collector/shard/shard_nodes.h"
#include "collector/shard/shard_queue.h"
#include "common/clock.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { OUTBOX_RETRY_US = 1000, TELL_MS = 250 };

struct shard {
	pthread_t thread;
	bool started;
	struct shard_queue *ops;
	struct outbox *outbox;
	_Atomic(struct rule_run *) next; /* to switch to */
	_Atomic(struct rule_run *) left; /* switched from */
	bool settling;                   /* main thread only: waiting for 'left' */
	struct nodes *nodes;             /* this and the following: shard thread only */
	struct op *loading, *last;       /* Hellos whose states are being loaded, in order */
	struct stream *imaged;           /* held; of the image that is being taken; NULL: none */
	struct stream *quiet;            /* streams with progress not yet reported to the outbox */
	uint64_t told;                   /* monotonic ns: time of the last report */
	struct shard_counters counters;
};

struct shards {
	unsigned n;
	struct shard v[];
};

/* A batch's alerts in the outbox's queue. */
struct commit {
	struct outbox_txn txn;
	struct stream *stream; /* held */
};

static void
commit_free(struct commit *c)
{
	stream_unref(c->stream);
	free(c);
}

static void
commit_done(struct outbox_txn *t, int r)
{
	struct commit *c = CONTAINER_OF(t, struct commit, txn);

	if (r == 0)
		c->stream->durable = t->seq;
	commit_free(c);
}

static void
told(struct outbox_txn *t, int r)
{
	(void) r;
	commit_free(CONTAINER_OF(t, struct commit, txn));
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
 * Pass a batch's alerts to the outbox. Waits while its queue is full: the shard's own queue fills
 * up meanwhile, and ingest pushes back. Waits for memory too: an alert is never given up.
 */
static void
commit_batch(struct shard *s, struct stream *stream, uint64_t seq, struct alert *alerts)
{
	struct commit *c;

	while ((c = calloc(1, sizeof(*c))) == NULL)
		(void) usleep(OUTBOX_RETRY_US);
	stream->put = seq;
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

/*
 * A batch without alerts is durable at once, if nothing before it is pending: there is nothing to
 * lose. The outbox is told later, so that its thread need not wake for each.
 */
static bool
durable_at_once(struct shard *s, struct stream *st, uint64_t seq)
{
	if (st->durable != st->put)
		return false;
	if (st->quiet == 0) {
		st->quiet_next = s->quiet;
		s->quiet = stream_ref(st);
	}
	st->put = st->quiet = seq;
	st->durable = seq;
	return true;
}

/* False: the outbox has no room, or out of memory. */
static bool
tell_outbox(struct shard *s, struct stream *st)
{
	struct commit *c;
	int r;

	if (st->quiet < st->put) /* a later batch with alerts reports it */
		return true;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return false;
	c->stream = stream_ref(st);
	c->txn = (struct outbox_txn){ .stream = &st->id, .seq = st->quiet, .done = told };
	r = outbox_put(s->outbox, &c->txn);
	if (r < 0)
		commit_free(c);
	return r != -EAGAIN;
}

/* Report what was durable at once; 'last': drop what the outbox cannot take. */
static void
tell_all(struct shard *s, bool last)
{
	struct stream *st;

	while ((st = s->quiet) != NULL && (tell_outbox(s, st) || last)) {
		s->quiet = st->quiet_next;
		st->quiet = 0;
		stream_unref(st);
	}
	s->told = clock_mono();
}

static void
op_batch(struct shard *s, struct op *op)
{
	struct alert *alerts = NULL;
	uint64_t seq = op->req->batch->seq;
	bool again = seq <= op->stream->durable;

	node_batch(s->nodes, op->stream, op->req->batch, &alerts);
	op->stream->evaluated = seq;
	if (again) /* it brought the state from a checkpoint up to date */
		return;
	if (alerts != NULL || !durable_at_once(s, op->stream, seq))
		commit_batch(s, op->stream, seq, alerts);
}

static void
op_end(struct op *op)
{
	if (op->done != NULL)
		op->done(op->arg);
	op_free(op);
}

/* The state is loaded in pieces; until it is complete the node's other ops wait. */
static void
load_later(struct shard *s, struct op *hello)
{
	shard_queue_hold(s->ops, hello->stream);
	hello->next = NULL;
	if (s->loading == NULL)
		s->loading = hello;
	else
		s->last->next = hello;
	s->last = hello;
}

static void
load_piece(struct shard *s)
{
	struct op *hello = s->loading;

	if (hello == NULL || !node_load(s->nodes, hello->stream, hello->req->hello))
		return;
	s->loading = hello->next;
	shard_queue_release(s->ops, hello->stream);
	op_end(hello);
}

static void
op_run(struct shard *s, struct op *op)
{
	switch (op->type) {
	case OP_HELLO:
		if (node_hello(s->nodes, op->stream, op->req->hello, buf_get(&op->data)))
			break;
		load_later(s, op);
		return;
	case OP_BATCH:
		op_batch(s, op);
		break;
	case OP_BYE:
		node_bye(s->nodes, op->stream);
		break;
	case OP_PS:
		ps_answer(node_state(op->stream), op->arg);
		break;
	case OP_WAKE:
		break;
	}
	op_end(op);
}

/* Take a piece of an image; the ops of its node wait until it is complete. */
static void
image_piece(struct shard *s)
{
	struct stream *st = nodes_image(s->nodes);

	if (st == s->imaged)
		return;
	if (s->imaged != NULL) {
		shard_queue_release(s->ops, s->imaged);
		stream_unref(s->imaged);
	}
	s->imaged = st == NULL ? NULL : stream_ref(st);
	if (st != NULL)
		shard_queue_hold(s->ops, st);
}

static void
take_rules(struct shard *s)
{
	struct rule_run *next;

	if (LIKELY(atomic_load_explicit(&s->next, memory_order_relaxed) == NULL))
		return;
	next = atomic_exchange(&s->next, NULL);
	atomic_store(&s->left, nodes_swap_rules(s->nodes, next));
}

/* How long to wait for an op: not at all while an image is being taken or loaded. */
static int
patience(const struct shard *s)
{
	if (s->imaged != NULL || s->loading != NULL)
		return 0;
	return s->quiet != NULL || nodes_unwritten(s->nodes) ? TELL_MS : -1;
}

static void *
shard_main(void *arg)
{
	struct shard *s = arg;
	struct op *op;
	int r;

	while ((r = shard_queue_take(s->ops, patience(s), &op)) >= 0) {
		if (r > 0) {
			take_rules(s);
			op_run(s, op);
		}
		nodes_publish(s->nodes);
		load_piece(s);
		image_piece(s);
		if (s->quiet != NULL && clock_mono() - s->told >= TELL_MS * NS_PER_MS)
			tell_all(s, false);
	}
	while (s->loading != NULL)
		load_piece(s);
	if (s->imaged != NULL)
		stream_unref(s->imaged);
	tell_all(s, true);
	return NULL;
}

static int
shard_start(struct shard *s, const struct shard_cfg *cfg)
{
	int r = shard_queue_new(cfg->queue, &s->ops);

	if (r < 0)
		return r;
	s->outbox = cfg->outbox;
	r = nodes_new(&cfg->nodes, &s->counters, &s->nodes);
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
			s->n++; /* a half-started shard is stopped too */
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
			shard_queue_close(sh->ops);
		if (sh->started)
			(void) pthread_join(sh->thread, NULL);
		rule_run_free(sh->next);
		rule_run_free(sh->left);
		nodes_free(sh->nodes);
		shard_queue_free(sh->ops);
	}
	free(s);
}

struct shard *
shards_of(struct shards *s, const struct stream *st)
{
	return &s->v[shard_number(st, s->n)];
}

int
shard_put(struct shard *s, struct op *op)
{
	return shard_queue_put(s->ops, op);
}

/* Make an idle shard look for new rules; a busy one does so anyway. */
static void
wake(struct shard *s)
{
	struct op *op = calloc(1, sizeof(*op));

	if (op == NULL)
		return; /* then at its next op */
	*op = (struct op){ .type = OP_WAKE };
	if (shard_put(s, op) < 0)
		op_free(op);
}

int
shards_offer_rules(struct shards *s, struct ruleset *rules)
{
	struct rule_run **runs = calloc(s->n, sizeof(struct rule_run *));
	int r = runs == NULL ? -ENOMEM : 0;

	for (unsigned i = 0; r == 0 && i < s->n; i++)
		r = rule_run_new(rules, &runs[i]);
	for (unsigned i = 0; runs != NULL && i < s->n; i++) {
		if (r < 0) {
			rule_run_free(runs[i]);
			continue;
		}
		s->v[i].settling = true;
		atomic_store(&s->v[i].next, runs[i]);
		wake(&s->v[i]);
	}
	free(runs);
	return r;
}

bool
shards_settled(struct shards *s)
{
	bool all = true;

	for (unsigned i = 0; i < s->n; i++) {
		struct shard *sh = &s->v[i];
		struct rule_run *left = sh->settling ? atomic_exchange(&sh->left, NULL) : NULL;

		if (left != NULL)
			sh->settling = false;
		rule_run_free(left);
		all = all && !sh->settling;
	}
	return all;
}

/* CPU time of the shard's thread; 0: it has ended. */
static uint64_t
cpu_ns(const struct shard *s)
{
	struct timespec t;
	clockid_t clock;

	if (!s->started || pthread_getcpuclockid(s->thread, &clock) != 0 ||
	    clock_gettime(clock, &t) < 0)
		return 0;
	return (uint64_t) t.tv_sec * NS_PER_S + (uint64_t) t.tv_nsec;
}

void
shards_counters(struct shards *s, struct shard_stats *ret)
{
	uint64_t cpu = 0, image_ns = 0, pause_ns = 0;

	*ret = (struct shard_stats){ .shards = s->n };
	for (unsigned i = 0; i < s->n; i++) {
		struct shard_counters *c = &s->v[i].counters;

#define STAT(name, kind, help) ret->name += c->name;
#include "collector/shard/shard_stats.def"
		for (unsigned k = 0; k < LOSS_MAX; k++)
			ret->losses[k] += c->losses[k];
		ret->queued += shard_queue_len(s->v[i].ops);
		cpu += cpu_ns(&s->v[i]);
		image_ns += c->image_ns;
		pause_ns = MAX(pause_ns, c->image_pause_ns);
	}
	ret->cpu_ms = cpu / NS_PER_MS;
	ret->image_ms = image_ns / NS_PER_MS;
	ret->image_pause_ms = (pause_ns + NS_PER_MS - 1) / NS_PER_MS;
}

void
shards_types(struct shards *s, uint64_t v[EV_TYPE_MAX])
{
	for (unsigned i = 0; i < s->n; i++) {
		for (unsigned k = 0; k < EV_TYPE_MAX; k++)
			v[k] += s->v[i].counters.types[k];
	}
}
