/* SPDX-License-Identifier: Apache-2.0 */
/* format_int.h - a compiled output, and parts of an alert; format*.c and alert*.c only. */
#ifndef MEWS_COLLECTOR_RULE_FORMAT_INT_H
#define MEWS_COLLECTOR_RULE_FORMAT_INT_H

#include "collector/rule/rule.h"
#include "common/arena.h"

struct format_part {
	struct slice text; /* before the value */
	struct out_value *value;
	unsigned width; /* 0: no padding */
};

struct format_text {
	struct format_part *v;
	size_t n;
};

/* One of the output_fields. */
struct format_field {
	struct slice name;
	const struct field_ref *ref; /* NULL: the event's time, or 'text' */
	const struct format_text *text;
};

struct format {
	struct format_text text;
	struct format_field *fields; /* distinct, by name */
	size_t nfields;
	struct alert_json json;
};

/* format_parts.c */
int format_parts(
    const char *text, struct arena *a, struct format_text *ret, struct diag *d) MUST_CHECK;
void format_print(
    const struct format_text *t, const struct view *v, struct fscratch *fs, struct buf *out);

/* format_fields.c: set f->fields, from the parts and the options. */
int format_collect(
    struct format *f, const struct format_options *o, struct arena *a, struct diag *d) MUST_CHECK;

/* alert_json.c: append "15:24:25.353780313", or "2026-11-22T15:24:25.353780313+0000"; the same and
 * ": Warning "; "2026-11-22T15:24:25.353780313Z" in quotes. */
void alert_clock(uint64_t time, bool iso8601, struct buf *out);
void alert_line_head(uint64_t time, enum priority p, bool iso8601, struct buf *out);
void alert_time(uint64_t time, struct buf *out);

/* An alert's JSON in three steps. The keys before output_fields, for the line in s->text, in which
 * the message begins at 'message': -ENOMEM. The output_fields without their braces; returns where
 * in 'out' ours end. The rest, and the alert: -ENOMEM. */
int alert_json_begin(const struct alert *a, const struct alert_json *what, size_t message,
    struct alert_scratch *s) MUST_CHECK;
size_t alert_fields(const struct format *f, const struct view *v, const struct alert_origin *o,
    struct fscratch *fs, struct buf *out);
int alert_json_end(struct alert *a, const struct rule *rule, struct alert_scratch *s,
    struct alert **ret) MUST_CHECK;

/* alert_id.c: the id of a rule's alert for the event at 'index' of a batch; 'kind' distinguishes
 * another alert about that event, NULL: none. -ENOMEM. */
int alert_id_event(const struct rule *rule, uint32_t index, const struct alert_origin *o,
    const char *kind, struct buf *scratch, char ret[ALERT_ID_SIZE]) MUST_CHECK;

/* alert_id.c: append a text with its length before it; then make the id of all that 'b' holds.
 * -ENOMEM. */
void alert_id_text(struct buf *b, const char *s);
int alert_id_end(const struct buf *b, char ret[ALERT_ID_SIZE]) MUST_CHECK;

#endif
