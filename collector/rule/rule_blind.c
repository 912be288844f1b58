/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_blind.c - what a rule cannot see today.
 *
 * An enter and an exit event share a name; a rule that names it needs one of them.
 */
#include "collector/rule/rule_int.h"
#include <errno.h>
#include <string.h>

enum { NAMES_SHOWN = 6 };

/* Is this the first event of its name in the set? */
static bool
is_first(const struct event_set *set, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (event_set_has(set, schema_events[k].num) &&
		    strcmp(schema_events[k].name, schema_events[i].name) == 0)
			return false;
	}
	return true;
}

/* Is any event of this name captured? */
static bool
is_seen(const struct event_set *set, const char *name)
{
	for (size_t i = 0; i < schema_nevents; i++) {
		if (schema_events[i].capture != CAP_NOT &&
		    event_set_has(set, schema_events[i].num) &&
		    strcmp(schema_events[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Appends the names that are not captured; *seen and *missing are how many of either there are. */
static void
names(const struct event_set *set, struct buf *out, unsigned *seen, unsigned *missing)
{
	for (size_t i = 0; i < schema_nevents; i++) {
		if (!event_set_has(set, schema_events[i].num) || !is_first(set, i))
			continue;
		if (is_seen(set, schema_events[i].name)) {
			(*seen)++;
			continue;
		}
		if ((*missing)++ < NAMES_SHOWN)
			buf_printf(out, "%s%s", *missing == 1 ? "" : ", ", schema_events[i].name);
	}
	if (*missing > NAMES_SHOWN)
		buf_printf(out, " and %u more", *missing - NAMES_SHOWN);
}

int
find_blind(struct collection *c, struct ruleset *s, struct rule *r, const struct expr *e)
{
	struct buf list CLEANUP(buf_fini) = BUF_INIT, b CLEANUP(buf_fini) = BUF_INIT;
	unsigned seen = 0, missing = 0;
	struct slice field;
	const char *text;

	names(&r->events, &list, &seen, &missing);
	if (seen == 0 && missing == 0)
		buf_str(&b, "its condition is true on no event");
	else if (seen == 0)
		buf_printf(&b, "needs %s, not captured yet", list.p);
	else if (expr_unfilled(e, c->a, &field))
		buf_printf(&b, "needs %.*s, which is not filled yet", SLICE_ARG(field));
	else if (missing > 0)
		buf_printf(&b, "%s not captured yet", list.p);
	else
		return 0;
	if (buf_ok(&list) < 0 || buf_ok(&b) < 0 ||
	    (text = arena_strdup(&s->a, buf_get(&b))) == NULL)
		return -ENOMEM;
	if (seen > 0 && slice_ends(buf_get(&b), SLICE("not captured yet")))
		r->partly = text;
	else
		r->blind = text;
	return 0;
}
