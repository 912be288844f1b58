/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_build.h - records made in user space, parameter by parameter in the table's order.
 *
 * A text longer than EV_TEXT_MAX is cut, and the record says so. A record is good until the next
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

/* Parameter 'i', an EVP_*: a number; a text (not filled if p is NULL). Texts in the table's order.
 */
void rec_num(struct rec *r, unsigned i, int64_t v);
void rec_text(struct rec *r, unsigned i, struct slice s);

/* A list: strings, each with its NUL. One that is too long is cut by args_cut(): of whole strings
 * at its end; arguments, where the end of a string says something too. */
void rec_list(struct rec *r, unsigned i, struct slice s);
void rec_args(struct rec *r, unsigned i, struct slice s);

const struct ev_hdr *rec_end(struct rec *r);

#endif
