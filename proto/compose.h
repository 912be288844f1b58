/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose.h - build a record from its parameters, without a kernel: for written cases and tests.
 *
 * Not thread-safe: a composer belongs to the thread that uses it.
 */
#ifndef MEWS_PROTO_COMPOSE_H
#define MEWS_PROTO_COMPOSE_H

#include "common/macros.h"
#include "common/slice.h"
#include "proto/batch.h"
#include <stdint.h>

struct composer {
	const struct ev_schema *schema;
	struct ev_hdr hdr; /* the functions set 'present' and 'len', the caller the rest */
	int64_t num[EV_PARAM_MAX];
	struct slice text[EV_PARAM_MAX]; /* borrowed until compose_end() */
};

/* Room for one record. */
union ev_record {
	struct ev_hdr hdr;
	char bytes[EV_RECORD_MAX];
};

/* Begin an event of this type, with all parameters absent and a zero header. */
void compose_begin(struct composer *c, const struct ev_schema *s);

/* Copy a decoded event into the composer; its texts are borrowed. */
void compose_event(struct composer *c, const struct batch *b, const struct event *ev);

/* Set parameter 'i', a number or a text according to its type. */
void compose_num(struct composer *c, unsigned i, int64_t v);
void compose_text(struct composer *c, unsigned i, struct slice v);

/* Write the record. -EMSGSIZE: it would be longer than EV_RECORD_MAX. */
int compose_end(const struct composer *c, union ev_record *ret) MUST_CHECK;

#endif
