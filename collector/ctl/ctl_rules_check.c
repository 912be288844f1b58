/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_rules.h"
#include <getopt.h>

static const char help_text[] =
    "Usage: mewsctl rules check FILE...\n"
    "\n"
    "Says every error and warning with its file, line and column, how many rules there are, and\n"
    "which of them are blind, wholly or in part: they load, but need an event that is not\n"
    "captured yet, or a field that is never filled.\n"
    "\n"
    "Exit status: 0 the files load, 1 they do not, 2 asked wrongly.\n";

static void
print_blind(const struct ruleset *s)
{
	const struct rule *const *rules;
	size_t n = ruleset_rules(s, &rules);

	for (size_t i = 0; i < n; i++) {
		if (rules[i]->blind != NULL)
			printf("blind: '%s' (%s:%u): %s\n", rules[i]->name, rules[i]->file,
			    rules[i]->line, rules[i]->blind);
		else if (rules[i]->partly != NULL)
			printf("partly blind: '%s' (%s:%u): %s\n", rules[i]->name, rules[i]->file,
			    rules[i]->line, rules[i]->partly);
	}
}

static int
check(const struct rule_paths *paths)
{
	const struct rule_options o = { .min_priority = PRIO_DEBUG };
	struct ruleset *s = NULL;
	struct ruleset_counts c;
	struct rule_log log;
	int r = rule_paths_load(paths, &o, &s, &log);

	if (r == CTL_OK) {
		print_blind(s);
		ruleset_counts(s, &c);
		printf("%zu rules (%zu enabled, %zu blind, %zu in part), %zu macros, %zu lists; ",
		    c.rules, c.enabled, c.blind, c.partly, c.macros, c.lists);
		ruleset_unref(s);
	}
	printf("%zu error%s, %zu warning%s\n", log.errors, log.errors == 1 ? "" : "s", log.warnings,
	    log.warnings == 1 ? "" : "s");
	rule_log_fini(&log);
	return r;
}

int
rules_check(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct rule_paths paths = { .n = 0 };
	int c, r;

	opterr = 0;
	optind = 1;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c != 'h')
			return ctl_usage("rules check", "'%s' is no option", argv[optind - 1]);
		fputs(help_text, stdout);
		return CTL_OK;
	}
	for (; optind < argc; optind++) {
		r = rule_paths_add(&paths, argv[optind]);
		if (r != CTL_OK)
			return r;
	}
	if (paths.n == 0)
		return ctl_usage("rules check", "it wants the rule files");
	return check(&paths);
}
