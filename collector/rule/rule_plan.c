/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/rule_int.h"
#include <errno.h>
#include <stdlib.h>

/* Does the rule name events? Others are evaluated after those that do. */
static bool
is_typed(const struct rule *r)
{
	for (size_t i = 0; i < schema_nevents; i++) {
		if (!event_set_has(&r->events, schema_events[i].num))
			return true;
	}
	return false;
}

static void
ask(struct ruleset *s, struct plan_item *items, bool typed)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct rule *r = s->order[i];

		if (!r->loaded || is_typed(r) != typed)
			continue;
		s->asked[s->nasked] = r;
		items[s->nasked++] = (struct plan_item){ r->filter, &r->events };
		event_set_join(&s->events, &r->events);
	}
}

/* Remove numbers without an event. */
static void
only_events(struct event_set *s)
{
	struct event_set all = { 0 };

	for (size_t i = 0; i < schema_nevents; i++)
		event_set_add(&all, schema_events[i].num);
	for (size_t w = 0; w < ARRAY_SIZE(s->w); w++)
		s->w[w] &= all.w[w];
}

int
plan_rules(struct ruleset *s)
{
	struct plan_item *items = calloc(s->n + 1, sizeof(*items));
	int r = -ENOMEM;

	s->asked = arena_alloc(&s->a, (s->n + 1) * sizeof(struct rule *));
	s->past = arena_alloc(&s->a, (s->n + 1) * sizeof(*s->past));
	s->force = arena_alloc(&s->a, (s->n + 1) * sizeof(*s->force));
	if (items != NULL && s->asked != NULL && s->past != NULL && s->force != NULL) {
		ask(s, items, true);
		s->ntyped = s->nasked;
		ask(s, items, false);
		only_events(&s->events);
		r = plan_new(items, s->nasked, &s->a, &s->plan);
	}
	free(items);
	return r;
}
