/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_rules.h"
#include "collector/rule/rule_config.h"

enum { EVENTS_WIDTH = 38, EVENTS_MANY = 100 };

static const char help_text[] =
    "Usage: mewsctl rules list [--tag TAG] [--enable WHICH] [--disable WHICH] [--priority P]\n"
    "                          [--json] [FILE...]\n"
    "\n"
    "Shows each rule: priority, state, the events it matches on, why it is blind. Default:\n"
    "the rules of /etc/mews/rules.d, or else the default rules.\n"
    "\n"
    "  --tag TAG   only rules with this tag; may be repeated: rules with all of them\n"
    "  --enable, --disable WHICH\n"
    "              like rule.select in a collector's configuration, applied in order:\n"
    "              rule=NAME ('*' matches anything), tag=TAG, contains=TEXT\n"
    "  --priority P\n"
    "              like rule.priority there: leave out rules of a lower priority\n"
    "  --json      an array of objects instead of a table\n"
    "\n"
    "List the rules that detect a technique of MITRE ATT&CK:\n"
    "  mewsctl rules list --tag T1059.004\n"
    "\n"
    "Exit status: 0 the files load, 1 they do not, 2 usage error.\n";

struct list_args {
	struct rule_paths paths;
	const char *tags[16];
	size_t ntags;
	bool json, help;
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
select_rules(struct list_args *a, bool enable, char *which)
{
	char *eq = strchr(which, '=');
	struct diag d;

	if (eq == NULL)
		return ctl_usage("rules list", "'%s' is not rule=, tag= or contains=", which);
	*eq = '\0';
	if (rule_config_select(&a->config, enable, which, eq + 1, &d) < 0)
		return ctl_usage("rules list", "%s", d.msg);
	return CTL_OK;
}

static int
parse_args(int argc, char **argv, struct list_args *a)
{
	static const struct option options[] = {
		{ "tag", required_argument, NULL, 't' },
		{ "enable", required_argument, NULL, 'e' },
		{ "disable", required_argument, NULL, 'd' },
		{ "priority", required_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c, r = CTL_OK;

	optind = 1;
	while (r == CTL_OK && (c = cmdline_next(argc, argv, "h", options)) != -1) {
		if (c == 'e' || c == 'd')
			r = select_rules(a, c == 'e', optarg);
		else if (c == 'p')
			r = rule_priority_of("rules list", optarg, &a->config.options.min_priority);
		else if (c == 'h')
			a->help = true;
		else if (c == 'j')
			a->json = true;
		else if (c == 't' && a->ntags < ARRAY_SIZE(a->tags))
			a->tags[a->ntags++] = optarg;
		else if (c == 't')
			return ctl_usage("rules list", "at most %zu tags", ARRAY_SIZE(a->tags));
		else
			return ctl_usage("rules list", "%s", optarg);
	}
	for (; optind < argc && r == CTL_OK; optind++)
		r = rule_paths_add(&a->paths, argv[optind]);
	return r;
}

int
rules_list(int argc, char **argv)
{
	struct list_args a = { .config.options.min_priority = PRIO_DEBUG };
	int r = parse_args(argc, argv, &a);

	if (r != CTL_OK || !a.help)
		return r == CTL_OK ? list(&a) : r;
	fputs(help_text, stdout);
	return CTL_OK;
}
