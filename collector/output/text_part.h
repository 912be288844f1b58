/* SPDX-License-Identifier: Apache-2.0 */
/* text_part.h - pieces of an alert's text. Any thread. */
#ifndef MEWS_COLLECTOR_OUTPUT_TEXT_PART_H
#define MEWS_COLLECTOR_OUTPUT_TEXT_PART_H

#include "collector/alert/alert.h"
#include "common/slice.h"

/* An alert's output without the time and priority that Falco puts before it; borrowed from it. */
struct slice text_body(struct slice output, enum priority p);

/* Write an RFC 3339 time in UTC with nanoseconds. */
void text_time(uint64_t realtime_ns, char ret[40]);

#endif
