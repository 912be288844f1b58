/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route.h - which alerts an output gets: from a priority up, and by a condition.
 *
 * The condition is in the language of rules. It reads an alert, not an event: alert.rule,
 * alert.priority and others (route.c, 'own'), and the fields in the alert's output_fields, with the
 * types that they have in rules. A field that the alert does not have is null, as in rules. What an
 * earlier route of a list takes is not for the later ones.
 *
 * Belongs to one thread.
 */
#ifndef MEWS_COLLECTOR_OUTPUT_ROUTE_H
#define MEWS_COLLECTOR_OUTPUT_ROUTE_H

#include "collector/alert/alert.h"
#include "common/diag.h"
#include "common/macros.h"
#include <stdbool.h>

struct route;

/* 'minimum': the name of a priority. 'condition': NULL or "": any alert. -EINVAL and *d, whose
 * place is in the condition; line 0: it is the priority. -ENOMEM. */
int route_new(
    const char *minimum, const char *condition, struct route **ret, struct diag *d) MUST_CHECK;
void route_free(struct route *r); /* NULL is nothing */

/* From now on what 'earlier' takes is not for 'r', which owns it. Call it for each earlier one. */
void route_after(struct route *r, struct route *earlier);

/* Is the alert for this output? True also if that cannot be found out, for lack of memory. */
bool route_takes(struct route *r, const struct alert *a);

#endif
