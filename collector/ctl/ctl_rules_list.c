/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_rules.h"
#include "collector/rule/rule_config.h"

enum { EVENTS_WIDTH = 38, EVENTS_MANY = 100 };

struct list_args {
	struct rule_paths paths;
	const char *tags[16];
	size_t ntags;
	bool json;
	struct rule_config config;
};

static bool
has_tags(const struct rule *r, const struct list_args *a)
{
	for (size_t i = 0; i < a->ntags; i++) {
		size_t k = 0;

		while (k < r->ntags && strcmp(r->tags[k], a->tags[i]) != 0)
			k++;
		if (k == r->ntags)
			return false;
	}
	return true;
}

static void
print_events(const struct rule *r)
{
	char text[EVENTS_WIDTH + 1] = "";
	size_t i = 0, n = 0, shown = 0, len = 0, count;
	const char *name;

	while ((name = rule_event_name(r, &i)) != NULL) {
		n++;
		count = strlen(name) + (len > 0);
		if (shown + 1 < n || len + count > EVENTS_WIDTH - 6)
			continue;
		len += (size_t) snprintf(
		    text + len, sizeof(text) - len, "%s%s", len > 0 ? "," : "", name);
		shown++;
	}
	if (n > EVENTS_MANY)
		(void) snprintf(text, sizeof(text), "any (%zu)", n);
	else if (shown < n)
		(void) snprintf(text + len, sizeof(text) - len, ",+%zu", n - shown);
	printf(" %-*s", EVENTS_WIDTH, text);
}

static void
print_row(const struct rule *r, int width)
{
	char name[CTL_SAFE], why[CTL_SAFE];

	printf("%-*s %-13s %-8s", width, ctl_safe(r->name, name), priority_name(r->priority),
	    !r->enabled        ? "off"
	    : !r->loaded       ? "left out"
	    : r->blind != NULL ? "blind"
			       : "on");
	print_events(r);
	if (r->blind != NULL)
		printf(" %s", ctl_safe(r->blind, why));
	else if (r->partly != NULL)
		printf(" partly blind: %s", ctl_safe(r->partly, why));
	putchar('\n');
}

static void
json_row(const struct rule *r, struct buf *b)
{
	const char *name;
	size_t i = 0;

	ctl_key(b, "{\"rule\":", r->name);
	ctl_key(b, ",\"priority\":", priority_name(r->priority));
	ctl_key(b, ",\"source\":", r->source);
	buf_printf(b, ",\"enabled\":%s,\"loaded\":%s", r->enabled ? "true" : "false",
	    r->loaded ? "true" : "false");
	ctl_key(b, ",\"blind\":", r->blind);
	ctl_key(b, ",\"partly_blind\":", r->partly);
	ctl_key(b, ",\"file\":", r->file);
	buf_printf(b, ",\"line\":%u", r->line);
	ctl_key(b, ",\"desc\":", r->desc);
	ctl_key(b, ",\"output\":", r->output);
	ctl_key(b, ",\"condition\":", r->condition);
	ctl_key(b, ",\"resolved\":", r->resolved);
	buf_str(b, ",\"tags\":[");
	for (size_t k = 0; k < r->ntags; k++)
		ctl_key(b, k > 0 ? "," : "", r->tags[k]);
	buf_str(b, "],\"events\":[");
	for (bool first = true; (name = rule_event_name(r, &i)) != NULL; first = false)
		ctl_key(b, first ? "" : ",", name);
	buf_str(b, "]}");
}

static int
print_json(const struct rule *const *rules, size_t n, const struct list_args *a)
{
	struct buf b CLEANUP(buf_fini) = BUF_INIT;
	bool first = true;

	buf_char(&b, '[');
	for (size_t i = 0; i < n; i++) {
		if (!has_tags(rules[i], a))
			continue;
		buf_str(&b, first ? "\n" : ",\n");
		json_row(rules[i], &b);
		first = false;
	}
	buf_str(&b, "\n]");
	if (buf_ok(&b) < 0)
		return ctl_fail("no memory to print the rules");
	return ctl_print_json(buf_get(&b));
}

static void
print_table(const struct rule *const *rules, size_t n, const struct list_args *a)
{
	int width = 4;

	for (size_t i = 0; i < n; i++) {
		if (has_tags(rules[i], a))
			width = MAX(width, (int) MIN(strlen(rules[i]->name), 48u));
	}
	printf("%-*s %-13s %-8s %-*s %s\n", width, "RULE", "PRIORITY", "STATE", EVENTS_WIDTH,
	    "EVENTS", "WHY BLIND");
	for (size_t i = 0; i < n; i++) {
		if (has_tags(rules[i], a))
			print_row(rules[i], width);
	}
}

static int
list(struct list_args *a)
{
	const struct rule *const *rules;
	struct ruleset *s = NULL;
	size_t n;
	int r = rule_paths_open(&a->paths, &a->config.options, &s);

	if (r != CTL_OK)
		return r;
	n = ruleset_rules(s, &rules);
	if (a->json)
		r = print_json(rules, n, a);
	else
		print_table(rules, n, a);
	ruleset_unref(s);
	return r;
}

/* Apply one "tag=network". */
static int
select_rules(const char *command, const char *value, struct rule_config *c, bool on)
{
	char *eq = strchr(value, '='); /* of the command line, which is ours to write */
	struct diag d;

	if (eq == NULL)
		return ctl_usage(command, "'%s' is not rule=, tag= or contains=", value);
	*eq = '\0';
	if (rule_config_select(c, on, value, eq + 1, &d) < 0)
		return ctl_usage(command, "%s", d.msg);
	return CTL_OK;
}

static int
enable(const char *command, const char *value, void *config)
{
	return select_rules(command, value, config, true);
}

static int
disable(const char *command, const char *value, void *config)
{
	return select_rules(command, value, config, false);
}

static int
add_tag(const char *command, const char *value, void *args)
{
	struct list_args *a = args;

	if (a->ntags == ARRAY_SIZE(a->tags))
		return ctl_usage(command, "at most %zu tags", ARRAY_SIZE(a->tags));
	a->tags[a->ntags++] = value;
	return CTL_OK;
}

static const struct ctl_option options[] = {
	{ "tag", 0, "TAG", "only rules with this tag; may be repeated: rules with all of them",
	    add_tag, 0 },
	{ "enable", 0, "WHICH",
	    "enable rules, like rule.select in a collector's configuration, applied\nin order: "
	    "rule=NAME ('*' matches anything), tag=TAG, contains=TEXT",
	    enable, offsetof(struct list_args, config) },
	{ "disable", 0, "WHICH", "disable rules in the same way", disable,
	    offsetof(struct list_args, config) },
	{ "priority", 0, "P", "like rule.priority there: leave out rules of a lower priority",
	    rule_priority_set, offsetof(struct list_args, config.options.min_priority) },
	{ "json", 0, NULL, "an array of objects instead of a table", ctl_set_flag,
	    offsetof(struct list_args, json) },
};

static const struct ctl_syntax syntax = { "rules list", options, ARRAY_SIZE(options),
	"Usage: mewsctl rules list [--tag TAG] [--enable WHICH] [--disable WHICH] [--priority P]\n"
	"                          [--json] [FILE...]\n"
	"\n"
	"Shows each rule: priority, state, the events it matches on, why it is blind. Default:\n"
	"the rules of /etc/mews/rules.d, or else the default rules.\n"
	"\n",
	"\n"
	"List the rules that detect a technique of MITRE ATT&CK:\n"
	"  mewsctl rules list --tag T1059.004\n"
	"\n"
	"Exit status: 0 the files load, 1 they do not, 2 usage error.\n" };

int
rules_list(int argc, char **argv)
{
	struct list_args a = { .config.options.min_priority = PRIO_DEBUG };
	int code;

	if (!ctl_args(argc, argv, &syntax, &a, &code))
		return code;
	for (; optind < argc && code == CTL_OK; optind++)
		code = rule_paths_add(&a.paths, argv[optind]);
	return code == CTL_OK ? list(&a) : code;
}
