/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_rules_interest.c - what sensors capture while rules are in force, and what wants it. */
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_rules.h"
#include "collector/rule/rule_config.h"

enum { RULES_SHOWN = 3 };

struct interest_args {
	struct rule_paths paths;
	bool json;
	struct rule_config config;
};

/* A line: a captured event, or a call by name. */
struct row {
	const char *name;
	unsigned num;            /* EV_* */
	int call;                /* SC_* of a call by name; -1 */
	bool captured;           /* any of it leaves the kernel */
	const char *part, *need; /* of state; NULL: state does not want it */
};

static bool
wants(const struct rule *r, const struct row *row)
{
	return r->loaded && (row->call < 0 ? event_set_has(&r->events, row->num)
					   : event_set_has_call(&r->events, (unsigned) row->call));
}

/* Does the rule look at every event? Then it is told once, not on each line. */
static bool
wants_all(const struct rule *r)
{
	for (size_t i = 0; i < schema_nevents; i++) {
		if (!event_set_has(&r->events, schema_events[i].num))
			return false;
	}
	return r->loaded && event_set_has_call(&r->events, SC_UNNAMED);
}

static const char *
need_name(unsigned num)
{
	static const char *const names[] = {
		[STATE_NEEDS_NOT] = NULL,
		[STATE_NEEDS_PEERS] = "new peers",
		[STATE_NEEDS_ERROR] = "connect's result",
		[STATE_NEEDS_CHILD] = "child's side",
		[STATE_NEEDS_ALL] = "all",
	};

	return names[state_needs(num)];
}

static void
print_rules(const struct rule *const *rules, size_t n, const struct row *row)
{
	char safe[CTL_SAFE];
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		if (!wants(rules[i], row) || wants_all(rules[i]))
			continue;
		if (found++ < RULES_SHOWN)
			printf("%s%s", found > 1 ? ", " : "", ctl_safe(rules[i]->name, safe));
	}
	if (found > RULES_SHOWN)
		printf(" and %zu more", found - RULES_SHOWN);
	puts(found == 0 ? "-" : "");
}

static void
print_row(const struct rule *const *rules, size_t n, const struct row *row)
{
	char state[64] = "-";

	if (row->need != NULL)
		(void) snprintf(state, sizeof(state), "%s%s%s", row->part,
		    strcmp(row->need, "all") == 0 ? "" : ": ",
		    strcmp(row->need, "all") == 0 ? "" : row->need);
	printf("%-24s %-8s %-26s ", row->name,
	    row->call >= 0  ? "by name"
	    : row->captured ? "yes"
			    : "no",
	    state);
	print_rules(rules, n, row);
}

static void
json_row(const struct rule *const *rules, size_t n, const struct row *row, struct buf *b)
{
	const char *sep = "";

	ctl_key(b, b->n > 1 ? ",\n{\"event\":" : "\n{\"event\":", row->name);
	buf_printf(b, ",\"by_name\":%s,\"captured\":%s", row->call >= 0 ? "true" : "false",
	    row->captured ? "true" : "false");
	ctl_key(b, ",\"state\":", row->need == NULL ? NULL : row->part);
	ctl_key(b, ",\"state_needs\":", row->need);
	buf_str(b, ",\"rules\":[");
	for (size_t i = 0; i < n; i++) {
		if (!wants(rules[i], row))
			continue;
		ctl_key(b, sep, rules[i]->name);
		sep = ",";
	}
	buf_str(b, "]}");
}

typedef void row_fn(const struct rule *const *rules, size_t n, const struct row *row, void *arg);

static void
each_row(const struct ruleset *s, row_fn *fn, void *arg)
{
	const struct rule *const *rules;
	size_t n = ruleset_rules(s, &rules);
	struct interest in;

	ruleset_interest(s, NULL, &in);
	for (size_t i = 0; i < schema_nevents; i++) {
		const struct ev_schema *e = &schema_events[i];
		struct row row = { e->name, e->num, -1, event_set_has(&in.events, e->num),
			state_part_name(e->num), need_name(e->num) };

		if ((e->capture == CAP_EXIT || e->capture == CAP_TRACE) && e->num != EV_SYSCALL)
			fn(rules, n, &row, arg);
	}
	if (event_set_has_call(&in.events, SC_UNNAMED)) {
		struct row row = { "every other call", EV_SYSCALL, SC_UNNAMED, true, NULL, NULL };

		fn(rules, n, &row, arg);
	}
	for (unsigned c = 0; c < SC_MAX; c++) {
		struct row row = { syscalls[c].name, EV_SYSCALL, (int) c, true, NULL, NULL };

		if (event_set_has_call(&in.events, c) && syscall_event(c) == NULL &&
		    syscalls[c].id != SYSCALL_ID_NONE)
			fn(rules, n, &row, arg);
	}
}

static void
on_table(const struct rule *const *rules, size_t n, const struct row *row, void *arg)
{
	bool *named = arg, only_all = true;

	for (size_t i = 0; i < n; i++)
		only_all = only_all && (!wants(rules[i], row) || wants_all(rules[i]));
	if (row->call < 0 || row->call == SC_UNNAMED || !only_all)
		print_row(rules, n, row);
	*named = *named || row->call == SC_UNNAMED;
}

static void
on_json(const struct rule *const *rules, size_t n, const struct row *row, void *arg)
{
	json_row(rules, n, row, arg);
}

static void
print_table(const struct ruleset *s)
{
	const struct rule *const *rules;
	size_t n = ruleset_rules(s, &rules);
	char safe[CTL_SAFE];
	bool all = false;

	printf("%-24s %-8s %-26s %s\n", "EVENT", "CAPTURED", "FOR STATE", "FOR RULES");
	each_row(s, on_table, &all);
	for (size_t i = 0; i < n; i++) {
		if (wants_all(rules[i]))
			printf(
			    "Every event and call is captured for rule '%s', which names none.\n",
			    ctl_safe(rules[i]->name, safe));
	}
}

static int
interest(struct interest_args *a)
{
	struct buf b CLEANUP(buf_fini) = BUF_INIT;
	struct ruleset *s = NULL;
	int r = rule_paths_open(&a->paths, &a->config.options, &s);

	if (r != CTL_OK)
		return r;
	if (!a->json) {
		print_table(s);
	} else {
		buf_char(&b, '[');
		each_row(s, on_json, &b);
		buf_str(&b, "\n]");
		r = buf_ok(&b) < 0 ? ctl_fail("no memory to print what is captured")
				   : ctl_print_json(buf_get(&b));
	}
	ruleset_unref(s);
	return r;
}

static const struct ctl_option options[] = {
	{ "priority", 0, "P", "like rule.priority there: leave out rules of a lower priority",
	    rule_priority_set, offsetof(struct interest_args, config.options.min_priority) },
	{ "json", 0, NULL, "an array of objects instead of a table", ctl_set_flag,
	    offsetof(struct interest_args, json) },
};

static const struct ctl_syntax syntax = { "rules interest", options, ARRAY_SIZE(options),
	"Usage: mewsctl rules interest [--priority P] [--json] [FILE...]\n"
	"\n"
	"Shows what sensors capture while these rules are in force: each event, whether it leaves\n"
	"the kernel, the part of process state that needs it (\"new peers\": only messages that "
	"show\n"
	"another peer of a socket without a connection), and the rules that look at it. A system\n"
	"call without an event of its own is captured \"by name\", if a rule names it. Default: "
	"the\n"
	"rules of /etc/mews/rules.d, or else the default rules.\n"
	"\n",
	"\n"
	"Exit status: 0 the files load, 1 they do not, 2 usage error.\n" };

int
rules_interest(int argc, char **argv)
{
	struct interest_args a = { .config.options.min_priority = PRIO_DEBUG };
	int code;

	if (!ctl_args(argc, argv, &syntax, &a, &code))
		return code;
	for (; optind < argc && code == CTL_OK; optind++)
		code = rule_paths_add(&a.paths, argv[optind]);
	return code == CTL_OK ? interest(&a) : code;
}
