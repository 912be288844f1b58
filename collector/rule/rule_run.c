/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/rule_int.h"
#include <errno.h>
#include <stdlib.h>

struct rule_run {
	struct ruleset *set;
	struct plan_run *plan;
	struct fscratch *fs;
	uint64_t *hits; /* per rule */
	uint32_t *item; /* per rule: its number in the plan, or NOT_ASKED */
};

#define NOT_ASKED UINT32_MAX

int
rule_run_new(struct ruleset *s, struct rule_run **ret)
{
	struct rule_run *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return -ENOMEM;
	r->set = ruleset_ref(s);
	r->hits = calloc(s->n + 1, sizeof(*r->hits));
	r->item = calloc(s->n + 1, sizeof(*r->item));
	if (r->hits == NULL || r->item == NULL || fscratch_new(&r->fs) < 0 ||
	    plan_run_new(s->plan, &r->plan) < 0) {
		rule_run_free(r);
		return -ENOMEM;
	}
	for (size_t i = 0; i < s->n; i++)
		r->item[i] = NOT_ASKED;
	for (uint32_t i = 0; i < s->nasked; i++)
		r->item[s->asked[i]->id] = i;
	*ret = r;
	return 0;
}

void
rule_run_free(struct rule_run *r)
{
	if (r == NULL)
		return;
	plan_run_free(r->plan);
	fscratch_free(r->fs);
	free(r->hits);
	free(r->item);
	ruleset_unref(r->set);
	free(r);
}

void
rule_run_counts(const struct rule_run *r, uint32_t rule, uint64_t *evals, uint64_t *hits)
{
	struct plan_counts c = { 0 };

	if (r->item[rule] != NOT_ASKED)
		plan_run_counts(r->plan, r->item[rule], &c);
	*evals = c.evals;
	*hits = r->hits[rule];
}

struct asking {
	struct rule_run *run;
	const struct view *v;
	rule_hit_fn *hit;
	void *arg;
	bool typed_matched;
};

/* Those that name no event are asked only when none of the others matched: Falco's order. */
static bool
on_hit(void *arg, uint32_t item)
{
	struct asking *a = arg;
	const struct rule *rule = a->run->set->asked[item];

	if (a->typed_matched && item >= a->run->set->ntyped)
		return false;
	a->typed_matched = a->typed_matched || item < a->run->set->ntyped;
	a->run->hits[rule->id]++;
	a->hit(a->arg, rule, a->v);
	return a->run->set->options.match_all;
}

void
rule_run_event(struct rule_run *r, const struct view *v, rule_hit_fn *hit, void *arg)
{
	struct asking a = { .run = r, .v = v, .hit = hit, .arg = arg };

	plan_event(r->plan, v, r->fs, on_hit, &a);
}
