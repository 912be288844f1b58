/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_rules.h - what the commands of 'mewsctl rules' share: the rule files they are given.
 */
#ifndef MEWS_COLLECTOR_CTL_CTL_RULES_H
#define MEWS_COLLECTOR_CTL_CTL_RULES_H

#include "collector/ctl/ctl.h"
#include "collector/rule/rule.h"

#define COMMAND(name, help) int rules_##name(int argc, char **argv);
#include "collector/ctl/rules_commands.def"

enum { RULE_PATHS_MAX = 256 };

/* Rule files and folders, in order; the texts are borrowed. */
struct rule_paths {
	const char *v[RULE_PATHS_MAX];
	size_t n;
	char standard[4200]; /* room for the path that is taken when none is named */
};

/* Take one more, or say that there are too many and return CTL_USAGE. */
int rule_paths_add(struct rule_paths *p, const char *path) MUST_CHECK;

/* Load them; warnings and errors go to standard error and stay in *log (the caller's, also after a
 * failure). CTL_FAIL, said why. */
int rule_paths_load(const struct rule_paths *p, const struct rule_options *o, struct ruleset **ret,
    struct rule_log *log) MUST_CHECK;

/* The same where what loading said needs no second look; if no file was named, those of
 * /etc/mews/rules.d, or else the rules that came with the programs. CTL_FAIL, said why. */
int rule_paths_open(
    struct rule_paths *p, const struct rule_options *o, struct ruleset **ret) MUST_CHECK;

/* The rule of this name; NULL: there is none, said so. */
const struct rule *rule_by_name(const struct ruleset *s, const char *name);

/* "first" or "all" of --matching. CTL_USAGE, said why. */
int rule_matching_of(const char *command, const char *text, bool *all) MUST_CHECK;

/* A priority's name. CTL_USAGE, said why. */
int rule_priority_of(const char *command, const char *text, enum priority *ret) MUST_CHECK;

/* The next name of the rule's events, each once, from *i (0 at the start); NULL: no more. */
const char *rule_event_name(const struct rule *r, size_t *i);

#endif
