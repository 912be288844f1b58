/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ruleset.c - any text as a rule file: a refused one has a location; a loaded one prints and
 * loads again. */
#include "collector/rule/rule.h"
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(struct ruleset *s)
{
	const struct rule *const *rules;
	size_t n = ruleset_rules(s, &rules);
	struct rule_run *run = NULL;

	for (size_t i = 0; i < n; i++) {
		if (rules[i]->id != i || rules[i]->name[0] == '\0' || rules[i]->line == 0)
			abort();
		if (rules[i]->loaded && (rules[i]->filter == NULL || rules[i]->format == NULL))
			abort();
	}
	if (rule_run_new(s, &run) == 0)
		rule_run_free(run);
	ruleset_unref(s);
}

/* A refused file has errors, and the log holds as many of each kind as it counts. */
static void
look_at_log(const struct rule_log *l, bool refused)
{
	size_t errors = 0;

	for (size_t i = 0; i < l->n; i++) {
		errors += l->v[i].error;
		if (l->v[i].diag.msg[0] == '\0')
			abort();
	}
	if (errors != l->errors || l->n != l->errors + l->warnings || (errors > 0) != refused)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rule_options o = { .min_priority = PRIO_NOTICE };
	struct slice text = { (const char *) data, size };
	struct ruleset *s = NULL;
	struct rule_log l;
	int r = ruleset_parse("f", text, &o, &s, &l);

	look_at_log(&l, r == -EINVAL);
	if (r == 0)
		look(s);
	else if (r != -EINVAL)
		abort();
	rule_log_fini(&l);
	return 0;
}
