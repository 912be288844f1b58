/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/rule_int.h"
#include "common/counter.h"
#include <errno.h>
#include <stdlib.h>

struct rule_run {
	struct ruleset *set;
	struct rule_run *next, **link; /* in the set's list */
	struct plan_run *plan;
	struct fscratch *fs;
	counter *hits; /* per rule */
	counter *suppressed;
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
	r->suppressed = calloc(s->n + 1, sizeof(*r->suppressed));
	r->item = calloc(s->n + 1, sizeof(*r->item));
	if (r->hits == NULL || r->suppressed == NULL || r->item == NULL ||
	    fscratch_new(&r->fs) < 0 || plan_run_new(s->plan, &r->plan) < 0) {
		rule_run_free(r);
		return -ENOMEM;
	}
	for (size_t i = 0; i < s->n; i++)
		r->item[i] = NOT_ASKED;
	for (uint32_t i = 0; i < s->nasked; i++)
		r->item[s->asked[i]->id] = i;
	pthread_mutex_lock(&s->lock);
	r->next = s->runs;
	r->link = &s->runs;
	if (r->next != NULL)
		r->next->link = &r->next;
	s->runs = r;
	pthread_mutex_unlock(&s->lock);
	*ret = r;
	return 0;
}

static void
add_sum(struct rule_sum *to, const struct rule_sum *x)
{
	to->evals += x->evals;
	to->hits += x->hits;
	to->checks += x->checks;
	to->suppressed += x->suppressed;
}

/* Remove it from the set's list, and keep its counts. */
static void
unlist(struct rule_run *r)
{
	struct ruleset *s = r->set;

	if (r->link == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	for (uint32_t i = 0; i < s->n; i++) {
		struct rule_sum sum;

		rule_run_sum(r, i, &sum);
		add_sum(&s->past[i], &sum);
	}
	*r->link = r->next;
	if (r->next != NULL)
		r->next->link = r->link;
	pthread_mutex_unlock(&s->lock);
}

void
rule_run_free(struct rule_run *r)
{
	if (r == NULL)
		return;
	unlist(r);
	plan_run_free(r->plan);
	fscratch_free(r->fs);
	free(r->hits);
	free(r->suppressed);
	free(r->item);
	ruleset_unref(r->set);
	free(r);
}

void
rule_run_suppressed(struct rule_run *r, const struct rule *rule)
{
	counter_add(&r->suppressed[rule->id], 1);
}

void
rule_run_sum(const struct rule_run *r, uint32_t rule, struct rule_sum *ret)
{
	struct plan_counts c = { 0 };

	if (r->item[rule] != NOT_ASKED)
		plan_run_counts(r->plan, r->item[rule], &c);
	*ret = (struct rule_sum){
		.evals = c.evals,
		.hits = counter_get(&r->hits[rule]),
		.checks = c.checks,
		.suppressed = counter_get(&r->suppressed[rule]),
	};
}

void
ruleset_sum(struct ruleset *s, uint32_t rule, struct rule_sum *ret)
{
	struct rule_sum one;

	pthread_mutex_lock(&s->lock);
	*ret = s->past[rule];
	for (const struct rule_run *r = s->runs; r != NULL; r = r->next) {
		rule_run_sum(r, rule, &one);
		add_sum(ret, &one);
	}
	pthread_mutex_unlock(&s->lock);
}

void
ruleset_inherit(struct ruleset *s, struct ruleset *from)
{
	for (uint32_t i = 0; i < s->n; i++) {
		struct rule_sum sum = { 0 };

		for (uint32_t k = 0; k < from->n; k++) {
			if (strcmp(s->order[i]->name, from->order[k]->name) == 0)
				ruleset_sum(from, k, &sum);
		}
		pthread_mutex_lock(&s->lock);
		add_sum(&s->past[i], &sum);
		pthread_mutex_unlock(&s->lock);
	}
}

struct asking {
	struct rule_run *run;
	const struct view *v;
	rule_hit_fn *hit;
	void *arg;
	bool typed_matched;
};

/* Rules that name no event are evaluated only if no other matched: Falco's order. */
static bool
on_hit(void *arg, uint32_t item)
{
	struct asking *a = arg;
	const struct rule *rule = a->run->set->asked[item];

	if (a->typed_matched && item >= a->run->set->ntyped)
		return false;
	a->typed_matched = a->typed_matched || item < a->run->set->ntyped;
	counter_add(&a->run->hits[rule->id], 1);
	a->hit(a->arg, rule, a->v);
	return a->run->set->options.match_all;
}

void
rule_run_event(struct rule_run *r, const struct view *v, rule_hit_fn *hit, void *arg)
{
	struct asking a = { .run = r, .v = v, .hit = hit, .arg = arg };

	plan_event(r->plan, v, r->fs, on_hit, &a);
}
