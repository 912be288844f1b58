/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h - conditions: compile, match, print.
 *
 * A filter is immutable once compiled, so threads share it; it lives in the arena that it was
 * compiled into. Grammar and semantics are Falco's filter language.
 */
#ifndef MEWS_COLLECTOR_FILTER_FILTER_H
#define MEWS_COLLECTOR_FILTER_FILTER_H

#include "collector/field/field.h"
#include "collector/state/state.h"
#include "common/arena.h"
#include "common/diag.h"
#include "common/macros.h"
#include "common/slice.h"
#include "proto/event_set.h"

struct filter;
struct expr; /* a parsed condition */

#define FILTER_DEPTH_MAX 1000

/* Text to tree. *ret lives in 'a'. -EINVAL and *d (line and column within the text), -ENOMEM. */
int expr_parse(struct slice text, struct arena *a, struct expr **ret, struct diag *d) MUST_CHECK;

/*
 * Replace macro references by their trees: 'macro' returns the tree of a name, or NULL (an error at
 * the reference's location). The tree is changed in place, macros' trees are shared, not copied.
 */
typedef const struct expr *expr_macro_fn(void *arg, struct slice name);
int expr_resolve(
    struct expr *e, expr_macro_fn *macro, void *arg, struct arena *a, struct diag *d) MUST_CHECK;

/* Canonical text: "(evt.type = open and fd.name startswith /etc)". */
void expr_print(const struct expr *e, struct buf *out);

/* Print a text that parses to the same tree, which expr_print() does not guarantee. */
void expr_print_exact(const struct expr *e, struct buf *out);

/* Call fn for each name in the condition, once per occurrence; the text is borrowed. Only direct
 * references to macros, but operators and fields also of the macros' conditions. No memory: the
 * text's p is NULL. */
enum expr_name { NAME_MACRO, NAME_OPERATOR, NAME_FIELD };
void expr_names(
    const struct expr *e, enum expr_name what, void (*fn)(void *arg, struct slice name), void *arg);

/* 0; -EINVAL and *d: a resolved condition checks the type of the event against another field, so
 * that no index can tell its events. */
int expr_check_types(const struct expr *e, struct diag *d) MUST_CHECK;

/*
 * Find the effect of fields that never have a value today on a resolved condition: those of
 * field_waits(), and parameters that no captured event of 'events' has. Calls fn for each check of
 * one, which is always false; 'inverted': it is below 'not', so that, as an exception, it never
 * applies. true: the condition is never true, because of *ret. 'a' is for scratch.
 */
typedef void unfilled_fn(void *arg, struct slice field, bool inverted);
bool expr_unfilled(const struct expr *e, const struct event_set *events, struct arena *a,
    unfilled_fn *fn, void *arg, struct slice *ret);

/* Resolved tree to checks: fields looked up, operators fitted to types, values parsed. -EINVAL;
 * d->origin is the tree of the macro that the mistake is in. */
int filter_compile(
    const struct expr *e, struct arena *a, struct filter **ret, struct diag *d) MUST_CHECK;

/* What sensors replace in arguments and environments (proto/redact.h), for warnings. */
struct filter_secrets {
	bool kept;                     /* nothing is replaced */
	const struct redact *patterns; /* NULL: the built-in ones */
};
/* The same, for sensors of this kind; NULL: those without a configuration of it. */
int filter_compile_for(const struct filter_secrets *secrets, const struct expr *e, struct arena *a,
    struct filter **ret, struct diag *d) MUST_CHECK;

/*
 * Evaluate one condition on one event by a plain walk: slow, and the reference for plans (plan.h).
 * For explanations and tests. No allocation but in 'fs'.
 */
bool filter_match(const struct filter *f, const struct view *v, struct fscratch *fs);

/* The events on which it can be true (only for an index: a superset). */
void filter_events(const struct filter *f, struct event_set *ret);

/* Call fn for each field that it reads, once. */
void filter_fields(
    const struct filter *f, void (*fn)(void *arg, const struct field_ref *f), void *arg);

/* Warnings of the compilation: a location, its origin and a sentence each. */
void filter_warnings(
    const struct filter *f, void (*fn)(void *arg, const struct diag *d), void *arg);

/* ---- conditions on named values, such as an alert's: filter_named.c ---- */

/* What a name in a condition is. */
struct named {
	struct slice text; /* as written: "proc.aname[2]" */
	struct slice key;  /* the argument; p == NULL: none */
	enum ftype type;
	bool list;
	int own;                   /* the caller's number for it; -1: a field of fields.def */
	const char *const *values; /* the only ones it can have, in any case; NULL: any */
	size_t nvalues;
};

/* Find a name of the caller's own: true, and 'type', 'list', 'own' and 'values' of *ret are set.
 * Any other name must be a field. */
typedef bool named_find_fn(struct slice name, struct slice key, struct named *ret);
/* Like field_get(): at most 'max' values of n->type. Texts are borrowed until the match returns. */
typedef int named_get_fn(
    void *arg, const struct named *n, struct fscratch *fs, struct fval *ret, int max);

/* Parse and compile; lives in 'a'. -EINVAL and *d (line and column within the text), -ENOMEM. */
int filter_compile_named(struct slice text, named_find_fn *find, struct arena *a,
    struct filter **ret, struct diag *d) MUST_CHECK;
bool filter_match_named(const struct filter *f, named_get_fn *get, void *arg, struct fscratch *fs);

/* ---- values in outputs: filter_output.c ---- */

struct out_value;

/*
 * Find the longest field or the transformer at the start of 'text': "toupper(proc.name)",
 * "proc.aname[2]". Sets *used to its length. Lives in 'a'. -EINVAL and *d (line 1, col from 1
 * within text); -ENOMEM.
 */
int out_value_new(struct slice text, struct arena *a, struct out_value **ret, size_t *used,
    struct diag *d) MUST_CHECK;
/* Like field_text(). */
bool out_value_text(
    const struct out_value *o, const struct view *v, struct fscratch *fs, struct slice *ret);
/* The field, or those read by the transformer. */
void out_value_fields(
    const struct out_value *o, void (*fn)(void *arg, const struct field_ref *f), void *arg);

#endif
