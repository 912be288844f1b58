/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch_int.h - shared by the decoder's files: the columns of a body, and their values.
 */
#ifndef MEWS_PROTO_BATCH_INT_H
#define MEWS_PROTO_BATCH_INT_H

#include "proto/batch.h"
#include <errno.h>

enum { BATCH_KEPT = 4 << 20 }; /* limit for memory kept for the next batch */

/* Field numbers of Columns. */
enum field {
	F_DICT = 1,
	F_TID,
	F_PID,
	F_START,
	F_TYPE,
	F_TIME,
	F_ORIGIN,
	F_CPU,
	F_FLAGS,
	F_ABSENT,
	F_PARAMS,
	F_TAILS, /* bytes, no values */
	F_SIZE,
	F_SHARED,
	F_LIKE,
	NFIELDS,
};

/* The position of the columns, and the number of values in each; of F_DICT only the number of
 * texts. */
struct columns {
	struct slice col[NFIELDS];
	size_t n[NFIELDS];
};

/* Refuse the body. */
#define bad(why, text) (*(why) = (text), -EBADMSG)

/* Find the columns, and check that they fit together. Unknown fields come from a newer peer, and
 * are ignored. -EBADMSG and *why. */
int columns_find(struct slice data, struct columns *c, const char **why) MUST_CHECK;

/* The number of texts, without the null one. */
static inline size_t
columns_texts(const struct columns *c)
{
	return c->n[F_DICT] + c->n[F_SIZE];
}

/*
 * Set the texts of 'b', for which there is room, from the columns in b->plain. Those with shared
 * bytes are put together in b->whole, WIRE_COLUMNS_MAX bytes at most. -EBADMSG and *why; -ENOMEM.
 */
int columns_texts_get(struct batch *b, const struct columns *c, const char **why) MUST_CHECK;

/* Read the rest of a value whose first byte was 'x'; ignore bits beyond 64. */
static inline uint64_t
column_next_long(const uint8_t **p, uint64_t x)
{
	uint64_t c;

	x &= 0x7f;
	for (unsigned shift = 7;; shift += 7) {
		c = *(*p)++;
		if (shift < 64)
			x |= (c & 0x7f) << shift;
		if (c < 0x80)
			return x;
	}
}

/* Read the next value of a column. It exists: values were counted, and the last one ends. */
static inline uint64_t
column_next(const uint8_t **p)
{
	uint64_t x = *(*p)++;

	return LIKELY(x < 0x80) ? x : column_next_long(p, x);
}

#endif
