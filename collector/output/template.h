/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template.h - a body of JSON with fields of an alert: '{"text": "%alert.rule: %proc.name"}'.
 *
 * %NAME or %[NAME] is a field: of the alert (template.c, 'builtins'), a parameter of the
 * configuration (param.NAME), or else one of the alert's output_fields, %proc.aname[2] too. Within
 * a string of the template its text is inserted, elsewhere a JSON value (null if there is none). %%
 * is a percent sign. Values are always escaped: whatever an event contains, the result has the
 * template's structure. A line is the same as plain text, without parameters. Immutable once made.
 */
#ifndef MEWS_COLLECTOR_OUTPUT_TEMPLATE_H
#define MEWS_COLLECTOR_OUTPUT_TEMPLATE_H

#include "collector/alert/alert.h"
#include "collector/output/repeats.h"
#include "common/buf.h"
#include "common/config.h"
#include "common/diag.h"
#include "common/macros.h"

/* What texts of events need besides JSON's own escapes. */
enum template_escape {
	TEMPLATE_PLAIN,    /* nothing: the reader shows text as it is */
	TEMPLATE_SLACK,    /* & < > as entities: no link, no mention */
	TEMPLATE_MARKDOWN, /* backslashes before marks; no '@' begins a mention */
	TEMPLATE_HTML,     /* & < > " ' as entities; no '@' begins a mention */
};

/* "plain", "slack", "markdown", "html"; or -EINVAL. */
int template_escape_of(const char *name, enum template_escape *ret) MUST_CHECK;

/* The value of a parameter, or NULL; it lives as long as the template. */
typedef const char *template_param_fn(void *arg, const char *name);

struct template;

/* Compile. 'what' names the template in messages. -EINVAL and *d: not JSON, or an unknown field of
 * the alert or parameter. -ENOMEM. */
int template_new(const char *text, const char *what, enum template_escape escape,
    template_param_fn *param, void *arg, struct template **ret, struct diag *d) MUST_CHECK;
void template_free(struct template *t);

/* Append the body of an alert, whose JSON is 'json' (perhaps cut); 'repeats': what it stands for,
 * or NULL: for itself. -EBADMSG: it is not JSON. -ENOMEM. */
int template_fill(const struct template *t, const struct alert *a, struct slice json,
    const struct repeats *repeats, struct buf *ret) MUST_CHECK;

/* Compile a line. -EINVAL and *d: an unknown field of the alert, or it has line breaks. -ENOMEM. */
int template_line_new(
    const char *text, const char *what, struct template **ret, struct diag *d) MUST_CHECK;
/* A template as the value of an option, of a line or of JSON without parameters; messages have its
 * place. NULL or "": none, *ret is untouched. -EINVAL and *d. -ENOMEM. */
int template_option(const char *key, const char *text, bool line, struct cfg *cfg,
    struct template **ret, struct diag *d) MUST_CHECK;
/* Append an alert's line, in which no value makes a control character. *lacks: one of its
 * output_fields is absent or empty. -EBADMSG: the alert is not JSON. -ENOMEM. */
int template_line(
    const struct template *t, const struct alert *a, bool *lacks, struct buf *ret) MUST_CHECK;

/* The same in at most 'limit' bytes, cut between characters. */
int template_line_cut(
    const struct template *t, const struct alert *a, size_t limit, struct buf *ret) MUST_CHECK;
/* Append an alert's JSON in at most 'limit' bytes; if it would be longer, the alert's longest texts
 * are cut. -EMSGSIZE: too long even so; -EBADMSG, -ENOMEM. On an error 'ret' is as before. */
int template_fit(
    const struct template *t, const struct alert *a, size_t limit, struct buf *ret) MUST_CHECK;

/* Has it no field? */
bool template_is_fixed(const struct template *t);
/* The first field that an event decides, or NULL; it lives as long as the template. */
const char *template_event_field(const struct template *t);

#endif
