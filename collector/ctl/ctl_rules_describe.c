/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_rules.h"
#include "collector/rule/rule_config.h"
#include "common/escape.h"

enum { SPLIT_DEPTH = 2, INDENT = 4 };

struct describe_args {
	struct rule_paths paths;
	const char *name;
	const char *collector; /* its configuration; NULL: none */
	bool json;
};

/* Print a text of several lines, one below another, without trailing blanks. */
static void
print_line(const char *key, const char *text)
{
	struct slice left = slice_str(text);

	while (left.n > 0 && strchr(" \t\r\n", left.p[left.n - 1]) != NULL)
		left.n--;
	do {
		const char *end = memchr(left.p, '\n', left.n);
		struct slice line = { left.p, end == NULL ? left.n : (size_t) (end - left.p) };
		size_t step = MIN(line.n + 1, left.n);

		printf("%-13s", key);
		escape_print(stdout, line);
		putchar('\n');
		left = (struct slice){ left.p + step, left.n - step };
		key = "";
	} while (left.n > 0);
}

/* Length of "and " or "or " at p, between two sub-conditions; 0: neither. */
static size_t
junction(const char *p)
{
	return strncmp(p, " and ", 5) == 0 ? 5 : strncmp(p, " or ", 4) == 0 ? 4 : 0;
}

/* Print a canonical condition, one line for each sub-condition down to some depth. */
static void
print_condition(const char *text)
{
	const char *start = text;
	char quote = '\0';
	int depth = 0, line_depth = 0;

	for (const char *p = text;; p++) {
		if (*p == '\0' ||
		    (quote == '\0' && depth <= SPLIT_DEPTH && junction(p) > 0 && p > start)) {
			printf("%*s", INDENT * (line_depth + 1), "");
			escape_print(stdout, (struct slice){ start, (size_t) (p - start) });
			putchar('\n');
			if (*p == '\0')
				return;
			start = p + 1;
			line_depth = depth;
		}
		if (quote != '\0')
			quote = *p == quote && p[-1] != '\\' ? '\0' : quote;
		else if (*p == '"')
			quote = *p;
		else if (*p == '(' || *p == ')')
			depth += *p == '(' ? 1 : -1;
	}
}

static bool
is_captured(const struct rule *r, const char *name)
{
	int call = syscall_find(slice_str(name));

	if (call >= 0 && schema_by_name(slice_str(name), 0) == NULL)
		return syscalls[call].id != SYSCALL_ID_NONE &&
		       syscall_event((unsigned) call) == NULL;
	for (size_t i = 0; i < schema_nevents; i++) {
		if (schema_events[i].capture != CAP_NOT &&
		    event_set_has(&r->events, schema_events[i].num) &&
		    strcmp(schema_events[i].name, name) == 0)
			return true;
	}
	return false;
}

static void
print_events(const struct rule *r, bool captured)
{
	const char *name, *sep = "";
	size_t i = 0, n = 0;

	while ((name = rule_event_name(r, &i)) != NULL) {
		if (is_captured(r, name) != captured)
			continue;
		if (n++ == 0)
			printf("%-13s", captured ? "events" : "not captured");
		printf("%s%s", sep, name);
		sep = ", ";
	}
	if (n > 0)
		putchar('\n');
}

static void
print_field(void *arg, const struct field_ref *f)
{
	bool unfilled = field_waits(f->field) != NULL;

	printf("    %-28.*s ", SLICE_ARG(f->text));
	printf("%s%s\n", unfilled ? "(never filled yet) " : "", f->field->help);
	(void) arg;
}

static const char *
state_of(const struct rule *r)
{
	if (!r->enabled)
		return "off";
	return r->loaded ? "on" : "not loaded: its priority is too low, or its source unknown";
}

static void
print_rule(const struct rule *r)
{
	print_line("rule", r->name);
	print_line("description", r->desc);
	printf("%-13s%s:%u\n", "file", r->file, r->line);
	printf("%-13s%s\n", "priority", priority_name(r->priority));
	printf("%-13s%s\n", "source", r->source);
	for (size_t i = 0; i < r->ntags; i++) {
		if (i > 0)
			fputs(", ", stdout);
		else
			printf("%-13s", "tags");
		escape_print(stdout, slice_str(r->tags[i]));
	}
	printf("%s%-13s%s\n", r->ntags > 0 ? "\n" : "", "state", state_of(r));
	if (r->blind != NULL)
		print_line("blind", r->blind);
	if (r->partly != NULL)
		print_line("partly blind", r->partly);
	if (r->filter == NULL)
		return;
	printf("condition, macros and lists resolved\n");
	print_condition(r->resolved);
	print_events(r, true);
	print_events(r, false);
	printf("fields of the condition\n");
	filter_fields(r->filter, print_field, NULL);
	printf("fields of the output\n");
	format_each_field(r->format, print_field, NULL);
	print_line("output", r->output);
}

static int
describe_one(const struct ruleset *s, const char *name)
{
	const struct rule *r = rule_by_name(s, name);

	if (r == NULL)
		return CTL_FAIL;
	print_rule(r);
	return CTL_OK;
}

static int
describe_with(struct describe_args *a, const struct rule_options *options)
{
	struct buf json CLEANUP(buf_fini) = BUF_INIT;
	struct rule_options o = *options;
	struct ruleset *s = NULL;
	int r;

	o.min_priority = PRIO_DEBUG;
	o.describe = a->json ? &json : NULL;
	r = rule_paths_open(&a->paths, &o, &s);
	if (r != CTL_OK)
		return r;
	if (a->json)
		r = ctl_print_json(buf_get(&json));
	else
		r = describe_one(s, a->name);
	ruleset_unref(s);
	return r;
}

/* With the selections and scopes of a collector's configuration; its other options are the
 * collector's. */
static int
describe(struct describe_args *a)
{
	struct rule_config config = { .last = -1 };
	struct cfg *cfg = NULL;
	struct diag d = { 0 };
	int r;

	if (a->collector == NULL)
		return describe_with(a, &config.options);
	r = cfg_open(a->collector, NULL, &cfg, &d);
	if (r == 0)
		r = rule_config_read(&config, cfg, &d);
	field_has_kube(r == 0 && cfg_has(cfg, "kubernetes"));
	if (r < 0) {
		diag_print(stderr, &d, "error");
		r = CTL_FAIL;
	} else {
		r = describe_with(a, &config.options);
	}
	cfg_free(cfg);
	return r;
}

static const struct ctl_option options[] = {
	{ "rules", 'r', "FILE",
	    "a rule file or folder; may be repeated, in order (default\n/etc/mews/rules.d, or else "
	    "the default rules)",
	    rule_paths_set, offsetof(struct describe_args, paths) },
	{ "config", 'c', "FILE",
	    "a collector's configuration: apply its rule.scopes and rule.select", ctl_set_text,
	    offsetof(struct describe_args, collector) },
	{ "json", 0, NULL, "all rules, macros and lists of the files, in Falco's format",
	    ctl_set_flag, offsetof(struct describe_args, json) },
};

static const struct ctl_syntax syntax = { "rules describe", options, ARRAY_SIZE(options),
	"Usage: mewsctl rules describe RULE [-r FILE]... [-c FILE]\n"
	"       mewsctl rules describe --json FILE...\n"
	"\n"
	"Shows one rule as the collector sees it: its condition with macros and lists resolved, "
	"the\n"
	"events and fields that it uses, and which of them are missing, so that the rule is "
	"blind.\n"
	"\n",
	"\n"
	"Exit status: 0 done, 1 no such rule, or the files do not load, 2 usage error.\n" };

int
rules_describe(int argc, char **argv)
{
	struct describe_args a = { .json = false };
	int code;

	if (!ctl_args(argc, argv, &syntax, &a, &code))
		return code;
	if (!a.json) {
		if (optind + 1 != argc)
			return ctl_usage("rules describe", "name one rule");
		a.name = argv[optind++];
	}
	for (; optind < argc && code == CTL_OK; optind++)
		code = rule_paths_add(&a.paths, argv[optind]);
	return code == CTL_OK ? describe(&a) : code;
}
