/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_rules_args.c - resolve arguments: rule files, a rule, a priority. */
#include "collector/ctl/ctl_rules.h"
#include "common/near.h"
#include <errno.h>
#include <unistd.h>

/* Find the default rules of this machine: configured, installed, or in the tree that this program
 * was built in. */
static int
standard_path(char *buf, size_t size)
{
	static const char *const beside[] = { "/../share/mews/rules", "/../../../rules" };
	char exe[4096], *slash;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	(void) snprintf(buf, size, "/etc/mews/rules.d");
	if (access(buf, R_OK) == 0)
		return 0;
	if (n <= 0)
		return -ENOENT;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (slash == NULL)
		return -ENOENT;
	*slash = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(beside); i++) {
		(void) snprintf(buf, size, "%s%s", exe, beside[i]);
		if (access(buf, R_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

int
rule_paths_add(struct rule_paths *p, const char *path)
{
	if (p->n == RULE_PATHS_MAX)
		return ctl_usage("rules", "at most %d files", RULE_PATHS_MAX);
	p->v[p->n++] = path;
	return CTL_OK;
}

static int
default_paths(struct rule_paths *p)
{
	if (p->n > 0)
		return CTL_OK;
	if (standard_path(p->standard, sizeof(p->standard)) < 0)
		return ctl_fail(
		    "there is no /etc/mews/rules.d, and no default rules are "
		    "installed: name a file");
	p->v[p->n++] = p->standard;
	return CTL_OK;
}

int
rule_paths_load(const struct rule_paths *p, const struct rule_options *o, struct ruleset **ret,
    struct rule_log *log)
{
	int r = ruleset_load(p->v, p->n, o, ret, log);

	rule_log_print(stderr, log);
	if (r == -ENOMEM)
		return ctl_fail("no memory to load the rules");
	return r < 0 ? CTL_FAIL : CTL_OK;
}

int
rule_paths_open(struct rule_paths *p, const struct rule_options *o, struct ruleset **ret)
{
	struct rule_log log;
	int r = default_paths(p);

	if (r != CTL_OK)
		return r;
	r = rule_paths_load(p, o, ret, &log);
	rule_log_fini(&log);
	return r;
}

const struct rule *
rule_by_name(const struct ruleset *s, const char *name)
{
	const struct rule *const *rules;
	size_t n = ruleset_rules(s, &rules);
	struct near near = near_to(slice_str(name));
	const char *hint;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(rules[i]->name, name) == 0)
			return rules[i];
		near_try(&near, slice_str(rules[i]->name));
	}
	hint = near_hint(&near);
	(void) ctl_fail("there is no rule '%s'%s", name,
	    hint[0] != '\0' ? hint : "; 'mewsctl rules list' shows their names");
	return NULL;
}

int
rule_paths_set(const char *command UNUSED, const char *value, void *paths)
{
	return rule_paths_add(paths, value);
}

int
rule_matching_set(const char *command, const char *value, void *member)
{
	bool *all = member;

	*all = strcmp(value, "all") == 0;
	if (*all || strcmp(value, "first") == 0)
		return CTL_OK;
	return ctl_usage(command, "--matching is first or all, not '%s'", value);
}

int
rule_priority_set(const char *command, const char *value, void *member)
{
	int p = priority_of(value);

	if (p < 0)
		return ctl_usage(command,
		    "'%s' is not a priority: debug, info, notice, warning, error, critical, alert "
		    "or emergency",
		    value);
	*(enum priority *) member = (enum priority) p;
	return CTL_OK;
}

const char *
rule_event_name(const struct rule *r, size_t *i)
{
	bool all = event_set_has_call(&r->events, SC_UNNAMED);

	for (; *i < SC_MAX && !all; ++*i) { /* by their own names */
		if (event_set_has_call(&r->events, (unsigned) *i))
			return syscalls[(*i)++].name;
	}
	*i = MAX(*i, (size_t) SC_MAX);
	while (*i - SC_MAX < schema_nevents) {
		const struct ev_schema *e = &schema_events[(*i)++ - SC_MAX];
		bool seen = false;

		if (!event_set_has(&r->events, e->num) || (e->num == EV_SYSCALL && !all))
			continue;
		for (size_t k = 0; k + 1 < *i - SC_MAX && !seen; k++)
			seen = event_set_has(&r->events, schema_events[k].num) &&
			       strcmp(schema_events[k].name, e->name) == 0;
		if (!seen)
			return e->name;
	}
	return NULL;
}
