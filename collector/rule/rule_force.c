/* SPDX-License-Identifier: Apache-2.0 */
/* rule_force.c - since when each rule is in force as it is now, over reloads. */
#include "collector/rule/rule_int.h"
#include <string.h>

static const struct rule *
rule_named(const struct ruleset *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->order[i]->name, name) == 0)
			return s->order[i];
	}
	return NULL;
}

/* Does it match the same events? Both are loaded. */
static bool
same_rule(const struct rule *a, const struct rule *b)
{
	return a->exact != NULL && b->exact != NULL && strcmp(a->exact, b->exact) == 0 &&
	       strcmp(a->resolved, b->resolved) == 0 &&
	       memcmp(&a->events, &b->events, sizeof(a->events)) == 0;
}

static struct rule_force
force_of(const struct rule *rule, struct ruleset *before, struct rule_force now)
{
	const struct rule *old = before == NULL ? NULL : rule_named(before, rule->name);
	struct rule_force ret;

	if (!rule->loaded || old == NULL || !old->loaded || !same_rule(rule, old))
		return now;
	ruleset_force(before, rule->name, &ret);
	return ret.since == 0 ? now : ret;
}

static struct rule_force
began_of(struct ruleset *s)
{
	struct rule_force ret;

	pthread_mutex_lock(&s->lock);
	ret = s->began;
	pthread_mutex_unlock(&s->lock);
	return ret;
}

void
ruleset_in_force(struct ruleset *s, struct ruleset *before, uint64_t now, uint32_t interest)
{
	struct rule_force began =
	    before != NULL ? began_of(before) : (struct rule_force){ now, interest };

	pthread_mutex_lock(&s->lock);
	s->began = began;
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < s->n; i++) {
		struct rule_force f =
		    force_of(s->order[i], before, (struct rule_force){ now, interest });

		pthread_mutex_lock(&s->lock);
		s->force[i] = f;
		pthread_mutex_unlock(&s->lock);
	}
}

const struct rule *
ruleset_force(struct ruleset *s, const char *name, struct rule_force *ret)
{
	const struct rule *rule = rule_named(s, name);

	*ret = (struct rule_force){ 0 };
	if (rule == NULL)
		return NULL;
	pthread_mutex_lock(&s->lock);
	*ret = s->force[rule->id];
	pthread_mutex_unlock(&s->lock);
	return rule;
}

bool
ruleset_event_force(struct ruleset *s, unsigned num, struct rule_force *ret)
{
	struct interest in;
	struct rule_force first = { 0 };

	*ret = (struct rule_force){ 0 };
	ruleset_interest(s, NULL, &in);
	if (!event_set_has(&in.events, num) || (in.lean[num / 64] >> (num % 64) & 1) != 0)
		return false;
	if ((in.quiet[num / 64] >> (num % 64) & 1) != 0) {
		*ret = began_of(s); /* state needs it, whatever the rules are */
		return true;
	}
	for (size_t i = 0; i < s->n; i++) {
		const struct rule *r = s->order[i];

		if (!r->loaded || !event_set_has(&r->events, num))
			continue;
		(void) ruleset_force(s, r->name, &first);
		if (ret->since == 0 || (first.since != 0 && first.since < ret->since))
			*ret = first;
	}
	return true;
}
