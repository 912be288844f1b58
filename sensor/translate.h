/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate.h - the kernel's flags and enumerations in the numbers that events have.
 *
 * The kernel side stores a parameter whose table in names.def is FLAGS or ENUM as it found it: the
 * low 32 bits are the kernel's number. The high 32 bits are bits that the capture adds, which are
 * the event's already (O_F_CREATED).
 */
#ifndef MEWS_SENSOR_TRANSLATE_H
#define MEWS_SENSOR_TRANSLATE_H

#include "proto/schema.h"

/* One such value. */
uint64_t translate_value(const struct ev_names *names, uint64_t raw);

#define TRANSLATOR_MEMO 64 /* a power of two */

/* What one thread needs to translate records; all zero at first. */
struct translator {
	struct {
		const struct ev_names *names; /* NULL: free */
		uint64_t raw, value;
	} memo[TRANSLATOR_MEMO]; /* the same few flags come over and over */
	union {
		struct ev_hdr hdr;
		char bytes[EV_RECORD_MAX];
	} room; /* the copy of the last record that was changed */
};

/* A checked record with all its values translated: itself, if they are what they were, or else a
 * copy of it that is good until the next call. */
const struct ev_hdr *translate_record(struct translator *t, const struct ev_hdr *rec);

#endif
