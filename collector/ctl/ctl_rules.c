/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl.h"
#include "collector/rule/rule.h"
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATHS_MAX = 256, EVENTS_WIDTH = 38, EVENTS_MANY = 100 };

static const char help_text[] =
    "Usage: mewsctl rules check FILE...\n"
    "       mewsctl rules list [--tag TAG] [--json] [FILE...]\n"
    "\n"
    "Look at Falco rule files as a collector would load them: in the order given, a folder being "
    "its\n"
    "*.yaml and *.yml files by name; a later file may redefine, append to and override what an "
    "earlier\n"
    "one defined.\n"
    "\n"
    "check   says every error and warning with its file, line and column, how many rules there "
    "are,\n"
    "        and which of them are blind: they load, but need an event that is not captured yet\n"
    "list    shows each rule: priority, state, the events it looks at, why it is blind; without a\n"
    "        file those of /etc/mews/rules.d, or else the default rules\n"
    "\n"
    "  --tag TAG   only rules with this tag; may be repeated: all of them\n"
    "  --json      an array of objects instead of a table\n"
    "\n"
    "Before you put a changed rule in force:\n"
    "  mewsctl rules check /etc/mews/rules.d && systemctl reload mews-collector\n"
    "What would notice a technique of MITRE ATT&CK:\n"
    "  mewsctl rules list --tag T1059.004\n"
    "\n"
    "Exit status: 0 the files load, 1 they do not, 2 asked wrongly.\n";

struct rules_args {
	const char *paths[PATHS_MAX];
	const char *tags[16];
	size_t npaths, ntags;
	bool json;
};

/* 0, or an exit code; *help is asked for. */
static int
parse_args(int argc, char **argv, struct rules_args *a, bool *help)
{
	static const struct option options[] = {
		{ "tag", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	opterr = 0;
	optind = 1;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			*help = true;
		} else if (c == 'j') {
			a->json = true;
		} else if (c == 't' && a->ntags < ARRAY_SIZE(a->tags)) {
			a->tags[a->ntags++] = optarg;
		} else if (c == 't') {
			return ctl_usage("rules", "at most %zu tags", ARRAY_SIZE(a->tags));
		} else {
			return ctl_usage(
			    "rules", "'%s' is no option, or wants a value", argv[optind - 1]);
		}
	}
	for (; optind < argc; optind++) {
		if (a->npaths == PATHS_MAX)
			return ctl_usage("rules", "at most %d files", PATHS_MAX);
		a->paths[a->npaths++] = argv[optind];
	}
	return 0;
}

static bool
has_tags(const struct rule *r, const struct rules_args *a)
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

/* The rules of a machine where nobody has said which: configured, installed, or in the tree that
 * this program was built in. */
static int
default_path(char *buf, size_t size)
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

/* Load and say what is wrong. */
static int
load(const struct rules_args *a, struct ruleset **ret, struct rule_log *log)
{
	struct rule_options o = { .min_priority = PRIO_DEBUG };
	int r = ruleset_load(a->paths, a->npaths, &o, ret, log);

	rule_log_print(stderr, log);
	if (r == -ENOMEM)
		return ctl_fail("no memory to load the rules");
	return r < 0 ? CTL_FAIL : CTL_OK;
}

static int
check(const struct rules_args *a)
{
	const struct rule *const *rules;
	struct ruleset_counts c;
	struct ruleset *s = NULL;
	struct rule_log log;
	size_t n;
	int r;

	if (a->npaths == 0)
		return ctl_usage("rules", "check wants the rule files");
	r = load(a, &s, &log);
	if (r == CTL_OK) {
		n = ruleset_rules(s, &rules);
		for (size_t i = 0; i < n; i++) {
			if (rules[i]->blind != NULL)
				printf("blind: '%s' (%s:%u): %s\n", rules[i]->name, rules[i]->file,
				    rules[i]->line, rules[i]->blind);
		}
		ruleset_counts(s, &c);
		printf("%zu rules (%zu enabled, %zu blind), %zu macros, %zu lists; ", c.rules,
		    c.enabled, c.blind, c.macros, c.lists);
		ruleset_unref(s);
	}
	printf("%zu error%s, %zu warning%s\n", log.errors, log.errors == 1 ? "" : "s", log.warnings,
	    log.warnings == 1 ? "" : "s");
	rule_log_fini(&log);
	return r;
}

/* The k-th event of a rule, each name once; NULL: no more. */
static const char *
event_name(const struct rule *r, size_t *i)
{
	while (*i < schema_nevents) {
		const struct ev_schema *e = &schema_events[(*i)++];
		bool seen = false;

		if (!event_set_has(&r->events, e->num))
			continue;
		for (size_t k = 0; k + 1 < *i && !seen; k++)
			seen = event_set_has(&r->events, schema_events[k].num) &&
			       strcmp(schema_events[k].name, e->name) == 0;
		if (!seen)
			return e->name;
	}
	return NULL;
}

static void
print_events(const struct rule *r)
{
	char text[EVENTS_WIDTH + 1] = "";
	size_t i = 0, n = 0, shown = 0, len = 0, count;
	const char *name;

	while ((name = event_name(r, &i)) != NULL) {
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
	printf("%-*s %-13s %-8s", width, r->name, priority_name(r->priority),
	    !r->enabled        ? "off"
	    : r->blind != NULL ? "blind"
			       : "on");
	print_events(r);
	if (r->blind != NULL)
		printf(" %s", r->blind);
	else if (r->partly != NULL)
		printf(" partly blind: %s", r->partly);
	putchar('\n');
}

static void
key(struct buf *b, const char *name, const char *value)
{
	buf_str(b, name);
	if (value == NULL)
		buf_str(b, "null");
	else
		buf_json(b, slice_str(value));
}

static void
json_row(const struct rule *r, struct buf *b)
{
	const char *name;
	size_t i = 0;

	key(b, "{\"rule\":", r->name);
	key(b, ",\"priority\":", priority_name(r->priority));
	key(b, ",\"source\":", r->source);
	buf_printf(b, ",\"enabled\":%s", r->enabled ? "true" : "false");
	key(b, ",\"blind\":", r->blind);
	key(b, ",\"partly_blind\":", r->partly);
	key(b, ",\"file\":", r->file);
	buf_printf(b, ",\"line\":%u", r->line);
	key(b, ",\"desc\":", r->desc);
	key(b, ",\"output\":", r->output);
	key(b, ",\"condition\":", r->condition);
	key(b, ",\"resolved\":", r->resolved);
	buf_str(b, ",\"tags\":[");
	for (size_t k = 0; k < r->ntags; k++)
		key(b, k > 0 ? "," : "", r->tags[k]);
	buf_str(b, "],\"events\":[");
	for (bool first = true; (name = event_name(r, &i)) != NULL; first = false)
		key(b, first ? "" : ",", name);
	buf_str(b, "]}");
}

static int
print_json(const struct rule *const *rules, size_t n, const struct rules_args *a)
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
	if (buf_ok(&b) < 0)
		return ctl_fail("no memory to print the rules");
	printf("%s\n]\n", b.p);
	return CTL_OK;
}

static void
print_table(const struct rule *const *rules, size_t n, const struct rules_args *a)
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
list(struct rules_args *a)
{
	const struct rule *const *rules;
	struct ruleset *s = NULL;
	struct rule_log log;
	char path[4200];
	size_t n;
	int r;

	if (a->npaths == 0) {
		if (default_path(path, sizeof(path)) < 0)
			return ctl_fail(
			    "there is no /etc/mews/rules.d, and no default rules are "
			    "installed: name a file");
		a->paths[a->npaths++] = path;
	}
	r = load(a, &s, &log);
	rule_log_fini(&log);
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

int
ctl_rules(int argc, char **argv)
{
	struct rules_args *a;
	bool help = false;
	int r;

	if (argc < 2)
		return ctl_usage("rules", "rules wants check or list");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		fputs(help_text, stdout);
		return CTL_OK;
	}
	if (strcmp(argv[1], "check") != 0 && strcmp(argv[1], "list") != 0)
		return ctl_usage("rules", "unknown '%s': check or list", argv[1]);
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return ctl_fail("no memory");
	r = parse_args(argc - 1, argv + 1, a, &help);
	if (r == 0 && help)
		fputs(help_text, stdout);
	else if (r == 0)
		r = strcmp(argv[1], "check") == 0 ? check(a) : list(a);
	free(a);
	return r;
}
