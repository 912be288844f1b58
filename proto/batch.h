/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch.h - events as columns: the encoder of the sensor, the decoder of the collector.
 *
 * Encoder: records in, a Body out; memory is kept and used again, so that an event costs no
 * allocation. Decoder: a Body in, an array of events out that borrows from the batch; everything
 * is checked here once, at the door, and everything of a batch dies together; its memory is kept
 * for the next batch.
 *
 * Neither is thread-safe: each belongs to the thread that uses it.
 */
#ifndef MEWS_PROTO_BATCH_H
#define MEWS_PROTO_BATCH_H

#include "common/buf.h"
#include "common/macros.h"
#include "common/slice.h"
#include "proto/schema.h"
#include "proto/wire.pb-c.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- encoder ---- */

struct batch_enc;

int batch_enc_new(struct batch_enc **ret) MUST_CHECK; /* -ENOMEM */
void batch_enc_free(struct batch_enc *e);

/* Add a checked record. -ENOSPC: the batch is full (WIRE_EVENTS_MAX); -ENOMEM: nothing is added. */
int batch_enc_add(struct batch_enc *e, const struct ev_hdr *rec) MUST_CHECK;

size_t batch_enc_events(const struct batch_enc *e);

/* An estimate of the Columns message's bytes as it stands: what pacing decides by. */
size_t batch_enc_bytes(const struct batch_enc *e);

/*
 * Close: serialize the columns, compressed with zstd at 'level' when that pays (0: never), into
 * 'data' (cleared first), set *body to point at it (borrowed until 'data' changes), and empty the
 * encoder. -ENOMEM leaves the encoder as it was.
 */
int batch_enc_finish(struct batch_enc *e, int level, struct buf *data, Wire__Body *body) MUST_CHECK;

/* ---- decoder ---- */

/* An event of a batch. Everything in it is borrowed from the batch. */
struct event {
	const struct ev_schema *schema;
	const int64_t *v; /* per parameter: the number, or the text's index in batch.text */
	uint64_t ts;      /* boot ns */
	uint64_t start;   /* of the thread, boot ns */
	uint64_t present; /* bit i: parameter i is filled */
	uint32_t tid, pid;
	uint32_t index; /* in its batch */
	uint32_t flags; /* EVF_* */
	uint16_t cpu;
};

struct batch {
	struct slice *text; /* text[0] is null */
	uint32_t *text_id; /* per text: room for the collector's intern id; zeroed by the decoder */
	size_t ntext;
	struct event *ev;
	size_t nev;
	/* The decoder's, for the next batch too. */
	struct buf plain; /* the columns, where texts are */
	struct ZSTD_DCtx_s *zstd;
	char *memory; /* the arrays */
	size_t room;
};

/*
 * Decode a body that came from outside. -EBADMSG, and *why says in a few words what is wrong
 * (static text): an unknown encoding, sizes past the WIRE_ limits, columns that are not as the
 * encoder makes them (packed, each in one piece) or of unequal length, an index outside its table,
 * an event number that is unknown. -ENOMEM. On error there is nothing to free. An event that this
 * program's schema knows with fewer parameters than 'peer' says is cut to what is known; one with
 * more has the rest absent. 'peer' NULL: the same schema on both sides. The batch borrows nothing
 * from the body.
 */
struct peer_schema;
int batch_decode(const Wire__Body *body, const struct peer_schema *peer, struct batch **ret,
    const char **why) MUST_CHECK;

/* The same in the memory of *b, a batch that nobody needs any more, or NULL. After an error *b is
 * without events, or NULL still, and the caller's as before. */
int batch_decode_again(const Wire__Body *body, const struct peer_schema *peer, struct batch **b,
    const char **why) MUST_CHECK;
void batch_free(struct batch *b);

/* The peer's schema, from its Hello. -EBADMSG and *why: a type that differs from ours, too many. */
int peer_schema_new(
    Wire__EventSchema *const *v, size_t n, struct peer_schema **ret, const char **why) MUST_CHECK;
void peer_schema_free(struct peer_schema *p);

static inline bool
ev_has(const struct event *ev, unsigned i)
{
	return i < ev->schema->nparams && (ev->present >> i & 1);
}

/* Parameter 'i', a number. 0 when it is not filled. */
static inline int64_t
ev_num(const struct event *ev, unsigned i)
{
	return ev_has(ev, i) ? ev->v[i] : 0;
}

/* Parameter 'i', a text, borrowed from the batch; p is NULL when it is not filled. */
static inline struct slice
ev_text(const struct batch *b, const struct event *ev, unsigned i)
{
	return ev_has(ev, i) ? b->text[ev->v[i]] : (struct slice){ NULL, 0 };
}

/* The same of the parameter that has a role: of none, if the event has no such parameter. */
static inline int64_t
ev_role_num(const struct event *ev, enum ev_role role)
{
	return ev_num(ev, ev->schema->role[role]);
}

static inline struct slice
ev_role_text(const struct batch *b, const struct event *ev, enum ev_role role)
{
	return ev_text(b, ev, ev->schema->role[role]);
}

#endif
