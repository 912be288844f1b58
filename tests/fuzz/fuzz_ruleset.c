/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ruleset.c - any text as a rule file: what is refused says where; what loads says it again.
 */
#include "collector/rule/rule.h"
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(struct ruleset *s, const struct rule_log *l)
{
	const struct rule *const *rules;
	size_t n = ruleset_rules(s, &rules);
	struct rule_run *run = NULL;

	if (l->errors != 0)
		abort();
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rule_options o = { .min_priority = PRIO_NOTICE };
	struct slice text = { (const char *) data, size };
	struct ruleset *s = NULL;
	struct rule_log l;
	int r = ruleset_parse("f", text, &o, &s, &l);

	if (r == 0)
		look(s, &l);
	else if (r != -EINVAL || l.errors != 1 || l.v[l.n - 1].diag.msg[0] == '\0')
		abort();
	rule_log_fini(&l);
	return 0;
}
