/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - format an alert for people or programs, or cut it to fit.
 *
 * The watched programs wrote the text of an alert: no control character of it reaches a terminal.
 */
#ifndef MEWS_COLLECTOR_OUTPUT_TEXT_H
#define MEWS_COLLECTOR_OUTPUT_TEXT_H

#include "collector/outbox/outbox.h"
#include "common/buf.h"
#include "common/macros.h"
#include <stdio.h>

enum text_format {
	TEXT_JSON,      /* the body unchanged */
	TEXT_JSON_SAFE, /* for a terminal: the same object, control characters escaped */
	TEXT_PLAIN,     /* date, time, priority, node, output */
	TEXT_BARE,      /* rule and output only, without a newline */
	TEXT_COLOURED,  /* for a terminal: the same with colours, and without the date */
};

/* Parse "json" or "text"; 'terminal' selects the variant. -EINVAL. */
int text_format_of(const char *name, bool terminal, enum text_format *ret) MUST_CHECK;

/* Append one line, with its newline unless it is TEXT_BARE; check buf_ok(). */
void text_alert(struct buf *b, const struct alert *a, enum text_format format);

/* An alert's output without the time and priority that Falco puts before it; borrowed from it. */
struct slice text_body(struct slice output, enum priority p);

/* Write an RFC 3339 time in UTC with nanoseconds. */
void text_time(uint64_t realtime_ns, char ret[40]);

/*
 * Cut the body's longest texts, so that it has at most 'limit' bytes; output_fields then has
 * "mews.truncated": true and "mews.untruncated_size". -EMSGSIZE: too long even so. -EBADMSG: not
 * JSON. -ENOMEM.
 */
int text_cut(struct slice json, size_t limit, struct buf *ret) MUST_CHECK;

#endif
