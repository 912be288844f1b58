/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - format an alert for people or programs, or cut it to fit.
 *
 * The watched programs wrote the text of an alert: no control character of it reaches a terminal.
 */
#ifndef MEWS_COLLECTOR_OUTPUT_TEXT_H
#define MEWS_COLLECTOR_OUTPUT_TEXT_H

#include "collector/outbox/outbox.h"
#include "collector/output/text_part.h"
#include "common/buf.h"
#include "common/macros.h"
#include <stdio.h>

enum text_format {
	TEXT_JSON,      /* the body unchanged */
	TEXT_JSON_SAFE, /* for a terminal: the same object, control characters escaped */
	TEXT_PLAIN,     /* date, time, priority, node, output */
	TEXT_BARE,      /* rule and output only, without a newline */
	TEXT_COLOURED,  /* for a terminal: the same with colours, and without the date */
	TEXT_OCSF,      /* shape.h */
	TEXT_ECS,
	TEXT_CLOUDEVENTS,
	TEXT_CEF,
	TEXT_LEEF,
};

/* The names of text_formats.def, for messages. */
#define TEXT_FORMATS "json, text, ocsf, ecs, cloudevents, cef or leef"

/* Parse one of them; 'terminal' selects the variant. -EINVAL. */
int text_format_of(const char *name, bool terminal, enum text_format *ret) MUST_CHECK;

/* The content type of a format that has a name. */
const char *text_content_type(enum text_format format);

/* The URI of its schema, or NULL. */
const char *text_schema(enum text_format format);

/* Append an alert as one line, without a newline; check buf_ok(). */
void text_shape(struct buf *b, const struct alert *a, enum text_format format);
/* The same with a newline. */
void text_alert(struct buf *b, const struct alert *a, enum text_format format);

/* The same as text_shape(), with the alert's longest texts cut so that it has at most 'limit'
 * bytes. -EMSGSIZE: too long even so; 'b' is as before. -ENOMEM. */
int text_fit(
    struct buf *b, const struct alert *a, enum text_format format, size_t limit) MUST_CHECK;

/* Write a time, or a span, for people: "2026-11-28 10:31:07 to 10:35:00 UTC". */
enum { TEXT_SPAN = 64 };
const char *text_span(uint64_t first, uint64_t last, char out[TEXT_SPAN]);

/* Append an alert, as text_fit() does with a format; 0, or an error that ends it. */
typedef int text_fill_fn(void *arg, const struct alert *a, struct buf *ret);
int text_fit_by(
    struct buf *b, const struct alert *a, size_t limit, text_fill_fn *fill, void *arg) MUST_CHECK;

/* Cut what was appended since 'before' to 'limit' bytes, between characters, with "..." at its end.
 * -ENOMEM. */
int text_shorten(struct buf *b, size_t before, size_t limit) MUST_CHECK;

/*
 * Cut the body's longest texts, so that it has at most 'limit' bytes; output_fields then has
 * "mews.truncated": true and "mews.untruncated_size". -EMSGSIZE: too long even so. -EBADMSG: not
 * JSON. -ENOMEM.
 */
int text_cut(struct slice json, size_t limit, struct buf *ret) MUST_CHECK;

#endif
