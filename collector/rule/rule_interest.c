/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_interest.c - what sensors capture: the events that a rule looks at, and what process state
 * needs of the others.
 */
#include "collector/rule/rule_int.h"

static bool
is_captured(const struct ev_schema *ev)
{
	return ev->capture == CAP_EXIT || ev->capture == CAP_TRACE ||
	       ev->num == EV_CONTAINER_INFO; /* an older collector does not know it */
}

void
ruleset_interest(const struct ruleset *a, const struct ruleset *b, struct interest *ret)
{
	*ret = (struct interest){ .lean = { 0 } };
	event_set_join(&ret->events, &a->events);
	if (b != NULL)
		event_set_join(&ret->events, &b->events);
	for (size_t i = 0; i < schema_nevents; i++) {
		const struct ev_schema *ev = &schema_events[i];
		enum state_need need = state_needs(ev->num);

		if (!is_captured(ev) || need == STATE_NEEDS_NOT ||
		    event_set_has(&ret->events, ev->num))
			continue;
		event_set_add(&ret->events, ev->num);
		ret->quiet[ev->num / 64] |= 1ULL << (ev->num % 64);
		if (need != STATE_NEEDS_ALL)
			ret->lean[ev->num / 64] |= 1ULL << (ev->num % 64);
	}
}
