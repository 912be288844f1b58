/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest/ingest_int.h"
#include "collector/stream/gap.h"
#include <errno.h>
#include <stdlib.h>

/* The op owns 'q' and holds the stream. NULL: no memory, 'q' is freed. */
static struct op *
op_make(enum op_type type, struct stream *st, Wire__Request *q)
{
	struct op *op = calloc(1, sizeof(*op));

	if (op == NULL) {
		wire__request__free_unpacked(q, NULL);
		return NULL;
	}
	*op = (struct op){ .type = type, .stream = stream_ref(st), .req = q };
	return op;
}

static const struct refusal no_memory = { WIRE__REJECT__CODE__BUSY, 0,
	"the collector is out of memory: try again later" };

/* A batch has arrived: how far does it cover the node? */
static void
note_arrival(struct stream *st, uint64_t seq, uint64_t captured)
{
	uint64_t now = clock_real();

	st->coverage.clock_off = (int64_t) (captured - now);
	coverage_mark(st, seq, MIN(captured, now));
}

int
flow_batch(struct ingest *i, struct conn *c, Wire__Request *q, size_t bytes, uint64_t now,
    struct refusal *why)
{
	struct stream *st = c->stream;
	uint64_t seq = q->batch->seq, captured = q->batch->real_ns;
	struct op *op;
	int r;

	if (q->batch->interest == i->interest) {
		st->interest = c->interest = q->batch->interest;
		coverage_confirm(st, c->interest, clock_real());
	}
	op = op_make(OP_BATCH, st, q);
	if (op == NULL) {
		*why = no_memory;
		return -EBADMSG;
	}
	r = window_put(&c->batches, st->received, seq, now, op);
	if (r == 0) {
		note_arrival(st, seq, captured);
		st->bytes += bytes;
		return 0;
	}
	op_free(op);
	if (r == -EALREADY) {
		st->duplicates++;
		i->duplicates++;
		return 0;
	}
	i->busy++;
	*why = (struct refusal){ WIRE__REJECT__CODE__BUSY, seq,
		"more batches than the collector gave credit for: try again later" };
	return -EBADMSG;
}

void
flow_bye(struct conn *c, Wire__Request *q)
{
	c->stream->said_bye = true;
	if (c->last != NULL)
		wire__request__free_unpacked(q, NULL);
	else
		c->last = op_make(OP_BYE, c->stream, q);
}

uint32_t
flow_credit(const struct conn *c)
{
	return c->stalled ? 0 : BATCHES_HELD;
}

/* ---- to the shard ---- */

/* On true the shard owns the op. */
static bool
hand_over(struct ingest *i, struct conn *c, struct op *op)
{
	c->stalled = shard_put(shards_of(i->cfg.shards, c->stream), op) < 0;
	return !c->stalled;
}

static bool
pump_first(struct ingest *i, struct conn *c)
{
	if (c->first != NULL && !hand_over(i, c, c->first))
		return false;
	c->first = NULL;
	return true;
}

/* Called before the next batch is passed on, so that the shard sees the loss with it. */
static void
accept_gap(struct ingest *i, struct conn *c, uint64_t upto)
{
	struct stream *st = c->stream;
	uint64_t n = upto - st->received;

	conn_log(c, LOG_WARN,
	    "sensor %s: %lu batches before number %lu never came; their events "
	    "are lost",
	    c->id.node, (unsigned long) n, (unsigned long) upto + 1);
	st->gaps += n;
	st->received = upto;
	i->gaps++;
}

static void
pump_skip(struct ingest *i, struct conn *c)
{
	if (c->skip_to > c->stream->received + 1 &&
	    (c->batches.n == 0 || c->batches.v[0].seq >= c->skip_to))
		accept_gap(i, c, c->skip_to - 1);
	if (c->skip_to <= c->stream->received + 1)
		c->skip_to = 0;
}

static bool
pump_batches(struct ingest *i, struct conn *c, uint64_t now)
{
	struct stream *st = c->stream;
	uint64_t seq, gap;
	struct op *op;

	for (;;) {
		pump_skip(i, c);
		op = window_next(
		    &c->batches, st->received, now, PATIENCE_NS, c->skip_to, &seq, &gap);
		if (op == NULL)
			return true;
		if (gap > 0)
			accept_gap(i, c, seq - 1);
		if (!hand_over(i, c, op))
			return false;
		(void) window_pop(&c->batches);
		st->received = seq;
	}
}

/* Pass on Bye, which removes the node's state, only after all batches. */
static void
pump_last(struct ingest *i, struct conn *c)
{
	if (c->last == NULL || c->batches.n > 0)
		return;
	if (c->last->req->bye->last_seq > c->stream->received)
		op_free(c->last);
	else if (!hand_over(i, c, c->last))
		return;
	c->last = NULL;
}

void
flow_pump(struct ingest *i, struct conn *c, uint64_t now)
{
	c->stalled = false;
	if (pump_first(i, c) && pump_batches(i, c, now))
		pump_last(i, c);
}
