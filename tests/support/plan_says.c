/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/plan_says.h"
#include "collector/plan/plan.h"
#include <stdio.h>
#include <stdlib.h>

static bool
on_hit(void *arg, uint32_t item UNUSED)
{
	*(bool *) arg = true;
	return true;
}

bool
plan_says(const struct filter *f, const struct view *v, struct fscratch *fs)
{
	CLEANUP(arena_fini) struct arena a;
	struct event_set all;
	const struct plan_item item = { f, &all };
	struct plan_run *run = NULL;
	struct plan *plan = NULL;
	bool fresh = false, remembered = false, plain;

	memset(&all, 0xff, sizeof(all));
	arena_init(&a, 0);
	if (plan_new(&item, 1, &a, &plan) < 0 || plan_run_new(plan, &run) < 0)
		abort();
	plan_event(run, v, fs, on_hit, &fresh);
	plan_event(run, v, fs, on_hit, &remembered);
	plan_run_free(run);
	fscratch_reset(fs);
	plain = filter_match(f, v, fs);
	if (fresh == remembered && fresh == plain)
		return fresh;
	fprintf(stderr, "a plan says %d, from memory %d; by itself the condition is %d\n", fresh,
	    remembered, plain);
	abort();
}
