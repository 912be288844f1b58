/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - an alert for eyes, for machines, and cut to fit.
 *
 * What an alert says was written by whoever is watched: nothing of it reaches a terminal as a
 * control character.
 */
#ifndef MEWS_COLLECTOR_OUTPUT_TEXT_H
#define MEWS_COLLECTOR_OUTPUT_TEXT_H

#include "collector/outbox/outbox.h"
#include "common/buf.h"
#include "common/macros.h"
#include <stdio.h>

enum text_format {
	TEXT_JSON,      /* the body as it is */
	TEXT_JSON_SAFE, /* for a terminal: the same object, with nothing in it that moves a cursor
			 */
	TEXT_PLAIN,     /* date, time, priority, node, output */
	TEXT_COLOURED,  /* for a terminal: the same with colours, and without the date */
};

/* "json" or "text"; 'terminal' chooses how text looks. -EINVAL. */
int text_format_of(const char *name, bool terminal, enum text_format *ret) MUST_CHECK;

/* Appends one line with its newline; buf_ok() tells. */
void text_alert(struct buf *b, const struct alert *a, enum text_format format);

/* An RFC 3339 time in UTC with nanoseconds. */
void text_time(uint64_t realtime_ns, char ret[40]);

/*
 * The body with its longest texts cut, so that it has at most 'limit' bytes; output_fields says so:
 * "mews.truncated": true and "mews.untruncated_size". -EMSGSIZE: even the rest is longer. -EBADMSG:
 * not JSON. -ENOMEM.
 */
int text_cut(struct slice json, size_t limit, struct buf *ret) MUST_CHECK;

#endif
