/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate.h - translate the kernel's flags and enumerations into the numbers of events.
 *
 * The kernel side stores a parameter whose table in names.def is FLAGS or ENUM untranslated: the
 * low 32 bits are the kernel's number. The high 32 bits are added by the capture and are already
 * the event's (O_F_CREATED).
 */
#ifndef MEWS_SENSOR_TRANSLATE_H
#define MEWS_SENSOR_TRANSLATE_H

#include "proto/schema.h"

/* Translate one value. */
uint64_t translate_value(const struct ev_names *names, uint64_t raw);

#define TRANSLATOR_MEMO 64 /* a power of two */

/* One thread's state for translating records; initially all zero. */
struct translator {
	struct {
		const struct ev_names *names; /* NULL: free */
		uint64_t raw, value;
	} memo[TRANSLATOR_MEMO]; /* the same few flags come again and again */
	union {
		struct ev_hdr hdr;
		char bytes[EV_RECORD_MAX];
	} room; /* copy of the last changed record */
};

/* Translate all values of a checked record. Returns the record itself if nothing changed; otherwise
 * a copy that is valid until the next call. */
const struct ev_hdr *translate_record(struct translator *t, const struct ev_hdr *rec);

#endif
