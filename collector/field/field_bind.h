/* SPDX-License-Identifier: Apache-2.0 */
/* field_bind.h - resolve a name and its argument to a field, for the compiler. */
#ifndef MEWS_COLLECTOR_FIELD_FIELD_BIND_H
#define MEWS_COLLECTOR_FIELD_FIELD_BIND_H

#include "collector/field/field.h"

struct place {
	unsigned line, col;
};

/* 'arg': the text in brackets, unescaped; p == NULL: none. -EINVAL and *d, at 'at'. 'a' takes
 * copies. */
int field_bind(struct slice name, struct slice arg, struct place at, struct arena *a,
    struct field_ref *ret, struct diag *d) MUST_CHECK;

/* The field of exactly this name; NULL: there is none. */
const struct field *field_by_name(struct slice name);

/* Is it the name of a field, also with an argument after a dot? Cheaper than field_bind(), which
 * reports other mistakes and searches for a similar name. */
bool field_is_named(struct slice name);

/* The type of evt.rawarg for a parameter. */
enum ftype param_ftype(const struct ev_param *p);

#endif
