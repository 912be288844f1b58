/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/rule_int.h"
#include <errno.h>
#include <stdlib.h>

struct rule_run {
	struct ruleset *set;
	struct fscratch *fs;
	uint64_t *evals, *hits; /* per rule */
};

int
rule_run_new(struct ruleset *s, struct rule_run **ret)
{
	struct rule_run *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return -ENOMEM;
	r->set = ruleset_ref(s);
	r->evals = calloc(s->n + 1, sizeof(*r->evals));
	r->hits = calloc(s->n + 1, sizeof(*r->hits));
	if (r->evals == NULL || r->hits == NULL || fscratch_new(&r->fs) < 0) {
		rule_run_free(r);
		return -ENOMEM;
	}
	*ret = r;
	return 0;
}

void
rule_run_free(struct rule_run *r)
{
	if (r == NULL)
		return;
	if (r->fs != NULL)
		fscratch_free(r->fs);
	free(r->evals);
	free(r->hits);
	ruleset_unref(r->set);
	free(r);
}

void
rule_run_counts(const struct rule_run *r, uint32_t rule, uint64_t *evals, uint64_t *hits)
{
	*evals = r->evals[rule];
	*hits = r->hits[rule];
}

/* Those that name no event are asked only when none of the others matched: Falco's order. */
void
rule_run_event(struct rule_run *r, const struct view *v, rule_hit_fn *hit, void *arg)
{
	const struct bucket *b = &r->set->index[v->ev->schema->num];
	bool matched = false;

	if (b->n > 0)
		fscratch_reset(r->fs);
	for (uint32_t i = 0; i < b->n; i++) {
		const struct rule *rule = b->v[i];

		if (i == b->ntyped && matched)
			return;
		r->evals[rule->id]++;
		if (!filter_match(rule->filter, v, r->fs))
			continue;
		r->hits[rule->id]++;
		matched = true;
		hit(arg, rule, v);
		if (!r->set->options.match_all)
			return;
	}
}
