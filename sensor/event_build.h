/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_build.h - build records in user space, parameter by parameter in the table's order.
 *
 * A text longer than EV_TEXT_MAX is cut and the record marked. A record is valid until the next
 * rec_begin(). Not thread-safe.
 */
#ifndef MEWS_SENSOR_EVENT_BUILD_H
#define MEWS_SENSOR_EVENT_BUILD_H

#include "common/slice.h"
#include "proto/schema.h"
#include <stdint.h>

struct rec {
	const struct ev_schema *schema;
	size_t n; /* bytes so far */
	union {
		struct ev_hdr hdr;
		char bytes[EV_RECORD_MAX];
	} u;
};

void rec_begin(
    struct rec *r, unsigned type, uint64_t ts, uint32_t pid, uint32_t tid, uint64_t start);

/* Set parameter 'i', an EVP_*: a number; a text (left out if p is NULL). Add texts in the table's
 * order. */
void rec_num(struct rec *r, unsigned i, int64_t v);
void rec_text(struct rec *r, unsigned i, struct slice s);

/* Add a list of strings, each with its NUL. args_cut() cuts a list that is too long: rec_list()
 * keeps only whole strings at its end; rec_args() also keeps the end of a cut argument. */
void rec_list(struct rec *r, unsigned i, struct slice s);
void rec_args(struct rec *r, unsigned i, struct slice s);

const struct ev_hdr *rec_end(struct rec *r);

#endif
