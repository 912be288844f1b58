/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_rules.h - shared by the commands of 'mewsctl rules': their rule files.
 */
#ifndef MEWS_COLLECTOR_CTL_CTL_RULES_H
#define MEWS_COLLECTOR_CTL_CTL_RULES_H

#include "collector/ctl/ctl.h"
#include "collector/rule/rule.h"

#define COMMAND(name, help) int rules_##name(int argc, char **argv);
#include "collector/ctl/rules_commands.def"

/* ---- ctl_rules_args.c ---- */

enum { RULE_PATHS_MAX = 256 };

/* Rule files and folders, in order; the texts are borrowed. */
struct rule_paths {
	const char *v[RULE_PATHS_MAX];
	size_t n;
	char standard[4200]; /* buffer for the default path */
};

/* Add a path. CTL_USAGE, reported: too many. */
int rule_paths_add(struct rule_paths *p, const char *path) MUST_CHECK;

/* Load them; warnings and errors go to standard error and stay in *log (owned by the caller, also
 * after a failure). CTL_FAIL, reported. */
int rule_paths_load(const struct rule_paths *p, const struct rule_options *o, struct ruleset **ret,
    struct rule_log *log) MUST_CHECK;

/* The same without the log; if no file was named, load /etc/mews/rules.d, or else the rules
 * installed with the programs. CTL_FAIL, reported. */
int rule_paths_open(
    struct rule_paths *p, const struct rule_options *o, struct ruleset **ret) MUST_CHECK;

/* Find the rule with this name; NULL, reported: there is none. */
const struct rule *rule_by_name(const struct ruleset *s, const char *name);

/* Values for ctl_option.set: a path for struct rule_paths, "first" or "all" of --matching for a
 * bool that is true for all, a name for an enum priority. CTL_USAGE, reported. */
int rule_paths_set(const char *command, const char *value, void *paths);
int rule_matching_set(const char *command, const char *value, void *member);
int rule_priority_set(const char *command, const char *value, void *member);

/* Return the next name of the rule's events, each once, from *i (0 at the start); NULL: no more. */
const char *rule_event_name(const struct rule *r, size_t *i);

#endif
