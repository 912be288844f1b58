/* SPDX-License-Identifier: Apache-2.0 */
/* hello.c - the stream of a Hello: where it continues, and what is known of it. */
#include "collector/checkpoint/checkpoint.h"
#include "collector/ingest/ingest_int.h"
#include "collector/stream/coverage_kept.h"
#include <errno.h>
#include <string.h>

/* The oldest batch that the sensor can still send. */
static uint64_t
oldest_seq(const Wire__Hello *h)
{
	return h->oldest_seq != 0 ? MIN(h->oldest_seq, h->durable_seq + 1) : h->durable_seq + 1;
}

/* Has this collector given out that version of the interest, or an earlier one with its
 * checkpoint? */
static bool
is_ours(const struct ingest *i, uint32_t version)
{
	bool ours = version >= i->first && version <= i->interest;

	for (size_t k = 0; k < COVERAGE_VERSIONS && version != 0; k++)
		ours = ours || i->cfg.versions.v[k] == version;
	return ours;
}

/* What is known of the versions that the sensor had in force: 'k' is of the checkpoint, or NULL. */
static void
find_versions(const struct ingest *i, struct conn *c, const struct coverage_kept *k)
{
	uint32_t version = c->hello->hello->interest;

	if (version != 0 && !is_ours(i, version))
		coverage_foreign(c->stream);
	else if (version != 0 && k != NULL)
		coverage_resume_versions(c->stream, k);
}

/* The state of a new stream's node from the checkpoint, if the sensor still has the batches since:
 * the number of the last one in it, *data, and 'k'. 0: none. */
static uint64_t
find_state(struct ingest *i, const struct conn *c, struct buf *data, struct coverage_kept *k)
{
	const Wire__Hello *h = c->hello->hello;
	struct checkpoint_mark mark;

	if (i->cfg.checkpoint == NULL || h->ended || streams_know(i->cfg.streams, &c->id) ||
	    checkpoint_read(i->cfg.checkpoint, &c->id, data) < 0)
		return 0;
	memcpy(&mark, data->p, sizeof(mark));
	*k = mark.coverage;
	if (mark.seq + 1 >= oldest_seq(h))
		return mark.seq;
	conn_log(c, LOG_INFO,
	    "sensor %s: its checkpoint is of no use, since batches after it are gone: a snapshot "
	    "serves",
	    c->id.node);
	buf_clear(data);
	return 0;
}

int
hello_stream(struct ingest *i, struct conn *c, struct buf *data, struct refusal *why)
{
	const Wire__Hello *h = c->hello->hello;
	struct peer_schema *schema = NULL;
	uint64_t durable = 0, from, state;
	struct coverage_kept kept;

	why->code = WIRE__REJECT__CODE__PROTOCOL;
	why->text = "the sensor's events do not fit this collector's";
	if (h->n_schema > 0 && peer_schema_new(h->schema, h->n_schema, &schema, &why->text) < 0)
		return -EBADMSG;
	why->code = WIRE__REJECT__CODE__BUSY;
	why->text = "the collector cannot read its outbox, or is out of memory: try again later";
	if (outbox_stream_seq(i->cfg.outbox, &c->id, &durable) < 0)
		goto fail;
	/* The outbox may lag behind what was acknowledged, by batches without alerts; the sensor
	 * has freed them, and nothing is lost. */
	state = find_state(i, c, data, &kept);
	from = MAX(MAX(durable, h->durable_seq), state); /* a state on disk is durable, too */
	if (stream_get(i->cfg.streams, &c->id, from, h->ended, schema, &c->stream) < 0)
		goto fail;
	find_versions(i, c, state != 0 ? &kept : NULL);
	if (state != 0)
		stream_resume(c->stream, state);
	else if (from > c->stream->received && c->stream->received + 1 < oldest_seq(h))
		c->stream->received = from;
	return 0;
fail:
	peer_schema_free(schema);
	return -EBADMSG;
}
