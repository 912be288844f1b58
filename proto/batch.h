/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch.h - events as columns: the encoder of the sensor, the decoder of the collector.
 *
 * The encoder turns records into a Body; it reuses its memory, so that an event costs no
 * allocation. The decoder turns a Body into an array of events that borrow from the batch: it
 * validates everything once, everything of a batch is freed together, and its memory is reused for
 * the next batch.
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

/* Add a checked record. -ENOSPC: the batch is full (WIRE_EVENTS_MAX); -ENOMEM: nothing was
 * added. */
int batch_enc_add(struct batch_enc *e, const struct ev_hdr *rec) MUST_CHECK;

size_t batch_enc_events(const struct batch_enc *e);

/* Estimated current size of the Columns message, used for pacing. */
size_t batch_enc_bytes(const struct batch_enc *e);

/*
 * Close: serialize the columns into 'data' (cleared first), compressed with zstd at 'level' if that
 * helps (0: never), set *body to point at it (borrowed until 'data' changes), and empty the
 * encoder. -ENOMEM leaves the encoder unchanged.
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
	uint32_t *text_id;  /* per text: the collector's intern id; the decoder sets 0 */
	size_t ntext;
	struct event *ev;
	size_t nev;
	/* Owned by the decoder and reused for the next batch. */
	struct buf plain; /* the columns */
	struct buf whole; /* texts put together from columns */
	struct ZSTD_DCtx_s *zstd;
	char *memory; /* the arrays */
	size_t room;
};

/*
 * Decode a body from outside. -EBADMSG, and *why (static text) says in a few words what is wrong:
 * an unknown encoding, sizes past the WIRE_ limits, columns that the encoder would not produce (not
 * packed, or in several pieces) or of unequal length, an index outside its table, an unknown event
 * number. -ENOMEM. On error there is nothing to free. If 'peer' has more parameters for an event
 * than this program's schema, the others are skipped; if it has fewer, the rest is absent. 'peer'
 * NULL: the same schema on both sides. The batch borrows nothing from the body.
 */
struct peer_schema;
int batch_decode(const Wire__Body *body, const struct peer_schema *peer, struct batch **ret,
    const char **why) MUST_CHECK;

/* The same, reusing the memory of *b, an unused batch or NULL. After an error *b has no events (or
 * is still NULL), and remains the caller's. */
int batch_decode_again(const Wire__Body *body, const struct peer_schema *peer, struct batch **b,
    const char **why) MUST_CHECK;
void batch_free(struct batch *b);

/* Read the peer's schema from its Hello. -EBADMSG and *why: too many parameters, or a type that
 * differs from ours. */
int peer_schema_new(
    Wire__EventSchema *const *v, size_t n, struct peer_schema **ret, const char **why) MUST_CHECK;
void peer_schema_free(struct peer_schema *p);

static inline bool
ev_has(const struct event *ev, unsigned i)
{
	return i < ev->schema->nparams && (ev->present >> i & 1);
}

/* Parameter 'i', a number; 0 if absent. */
static inline int64_t
ev_num(const struct event *ev, unsigned i)
{
	return ev_has(ev, i) ? ev->v[i] : 0;
}

/* Parameter 'i', a text, borrowed from the batch; p is NULL if absent. */
static inline struct slice
ev_text(const struct batch *b, const struct event *ev, unsigned i)
{
	return ev_has(ev, i) ? b->text[ev->v[i]] : (struct slice){ NULL, 0 };
}

/* The same by role; absent if the event has no parameter with that role. */
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
