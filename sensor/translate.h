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

/*
 * A checked record with all its values translated: itself, if they are what they were, or else a
 * copy of it in 'room', which takes EV_RECORD_MAX bytes.
 */
const struct ev_hdr *translate_record(const struct ev_hdr *rec, struct ev_hdr *room);

#endif
