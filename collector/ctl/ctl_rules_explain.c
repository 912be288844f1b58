/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_rules.h"
#include "collector/ctl/offline.h"
#include "collector/filter/explain.h"
#include "collector/output/text.h"
#include "common/escape.h"
#include <errno.h>
#include <stdlib.h>

struct explaining {
	struct rule_paths paths;
	const char *name, *recording;
	uint64_t only; /* evt.num; 0: all */
	bool summary, all;
	/* during a replay */
	const struct rule *rule;
	struct explain *x;
	const struct view *v;
	struct fscratch *fs;
	uint64_t looked, matched, shadowed;
	struct rule_run *run;            /* of all rules */
	const struct rule *first;        /* the rule for which this event raises an alert */
	const struct rule *const *rules; /* all, by id, ... */
	uint64_t *times;                 /* ... and how often each matched first */
	size_t nrules;
};

static void
print_value(void *arg, const struct field_ref *f)
{
	const struct explaining *e = arg;
	struct slice s = SLICE("<NA>");

	(void) field_text(f, e->v, e->fs, &s);
	printf("  %.*s=", SLICE_ARG(f->text));
	escape_print(stdout, s);
}

static void
on_part(void *arg, struct explain_part *p, bool is)
{
	struct explaining *e = arg;

	if (e->summary)
		return;
	printf("    %s: ", is ? "true " : "false");
	escape_print(stdout, slice_str(p->text));
	filter_fields(p->filter, print_value, e);
	putchar('\n');
}

static void
print_event(const struct view *v)
{
	struct slice comm = intern_get(state_pool(v->state), v->thread->comm);
	char time[40];

	text_time(v->time, time);
	printf("#%lu %s %s by ", (unsigned long) v->num, time, v->ev->schema->name);
	escape_print(stdout, comm);
	printf(" (%u)\n", v->ev->tid);
}

static void
on_first(void *arg, const struct rule *rule, const struct view *v UNUSED)
{
	struct explaining *e = arg;

	e->first = rule;
}

/* The event matches: does another rule, evaluated before this one, match too? */
static void
on_match(struct explaining *e, const struct view *v)
{
	e->matched++;
	e->first = e->rule;
	if (!e->all && e->rule->loaded)
		rule_run_event(e->run, v, on_first, e);
	if (e->first != e->rule) {
		e->shadowed++;
		e->times[e->first->id]++;
	}
	if (e->summary)
		return;
	fputs("    it matches", stdout);
	if (e->first != e->rule) {
		fputs(", but raises no alert: another rule matches first: ", stdout);
		escape_print(stdout, slice_str(e->first->name));
	}
	putchar('\n');
}

static int
on_event(void *arg, const struct view *v, const struct alert_origin *o UNUSED, struct fscratch *fs)
{
	struct explaining *e = arg;

	if (!event_set_has(&e->rule->events, v->ev->schema->num) ||
	    (e->only != 0 && v->num != e->only))
		return 0;
	e->v = v;
	e->fs = fs;
	e->looked++;
	if (!e->summary)
		print_event(v);
	if (explain_event(e->x, v, fs, on_part, e))
		on_match(e, v);
	return 0;
}

static void
print_part(void *arg UNUSED, struct explain_part *p)
{
	if (p->decided == 0)
		return;
	printf("%9lu  ", (unsigned long) p->decided);
	escape_print(stdout, slice_str(p->text));
	putchar('\n');
}

static int
play(struct explaining *e)
{
	struct offline *o = NULL;
	struct diag d = { .line = 0 };
	int r = offline_new(on_event, e, &o);

	if (r == 0)
		r = offline_recording(o, e->recording, &d);
	offline_free(o);
	if (r < 0)
		return ctl_fail("%s", d.code == DIAG_NONE ? "no memory" : d.msg);
	printf("%lu events that the rule looks at, %lu match%s\n", (unsigned long) e->looked,
	    (unsigned long) e->matched, e->looked > e->matched ? "; what decided the others:" : "");
	explain_each(e->x, print_part, NULL);
	if (e->shadowed > 0)
		printf("%lu of the matches raise an alert of another rule that matches first:\n",
		    (unsigned long) e->shadowed);
	for (size_t i = 0; e->shadowed > 0 && i < e->nrules; i++) {
		if (e->times[i] == 0)
			continue;
		printf("%9lu  ", (unsigned long) e->times[i]);
		escape_print(stdout, slice_str(e->rules[i]->name));
		putchar('\n');
	}
	return CTL_OK;
}

/* Replay with all rules. */
static int
play_beside(struct explaining *e, struct ruleset *s)
{
	int r = CTL_FAIL;

	e->nrules = ruleset_rules(s, &e->rules);
	e->times = calloc(e->nrules + 1, sizeof(*e->times));
	if (e->times == NULL || rule_run_new(s, &e->run) < 0)
		(void) ctl_fail("no memory");
	else
		r = play(e);
	rule_run_free(e->run);
	free(e->times);
	return r;
}

static int
explain_rule(struct explaining *e, struct ruleset *s)
{
	CLEANUP(arena_fini) struct arena a;
	struct diag d = { .line = 0 };
	struct expr *tree = NULL;

	arena_init(&a, 0);
	e->rule = rule_by_name(s, e->name);
	if (e->rule == NULL)
		return CTL_FAIL;
	if (e->rule->exact == NULL)
		return ctl_fail(
		    "rule '%s' is not loaded: it is disabled, or of another source", e->name);
	if (expr_parse(slice_str(e->rule->exact), &a, &tree, &d) < 0 ||
	    explain_new(tree, &a, &e->x, &d) < 0)
		return ctl_fail("%s", d.code == DIAG_NONE ? "no memory" : d.msg);
	return play_beside(e, s);
}

static int
explain(struct explaining *e)
{
	const struct rule_options o = { .min_priority = PRIO_DEBUG };
	struct ruleset *s = NULL;
	int r = rule_paths_open(&e->paths, &o, &s);

	if (r != CTL_OK)
		return r;
	r = explain_rule(e, s);
	ruleset_unref(s);
	return r;
}

static int
set_event(const char *command, const char *value, void *member)
{
	uint64_t *only = member;
	char *end = NULL;

	*only = strtoull(value, &end, 10);
	return *only > 0 && *end == '\0' ? CTL_OK
					 : ctl_usage(command, "'%s' is not an event number", value);
}

static const struct ctl_option options[] = {
	{ "replay", 0, "FILE", "the recording (mews-sensor --record FILE --seconds 60)",
	    ctl_set_text, offsetof(struct explaining, recording) },
	{ "rules", 'r', "FILE",
	    "a rule file or folder; may be repeated, in order (default\n/etc/mews/rules.d, or else "
	    "the default rules)",
	    rule_paths_set, offsetof(struct explaining, paths) },
	{ "matching", 0, "M", "first (default) or all, like rule.matching of the collector",
	    rule_matching_set, offsetof(struct explaining, all) },
	{ "event", 0, "N", "only the event with this number (evt.num)", set_event,
	    offsetof(struct explaining, only) },
	{ "summary", 0, NULL, "only the counts", ctl_set_flag,
	    offsetof(struct explaining, summary) },
};

static const struct ctl_syntax syntax = { "rules explain", options, ARRAY_SIZE(options),
	"Usage: mewsctl rules explain RULE --replay RECORDING [--rules FILE]... [OPTIONS]\n"
	"\n"
	"Shows for each recorded event of the rule's types whether the rule matches, and if not,\n"
	"which sub-condition decided, with the values of its fields; then the number of events "
	"that\n"
	"each one decided. If any one of several would have been enough, all of them are shown. "
	"If\n"
	"another rule matches first, so that this one raises no alert (rule.matching: first), "
	"that\n"
	"rule is named.\n"
	"\n",
	"\n"
	"Why did a rule raise no alert?\n"
	"  mewsctl rules explain 'Shell spawned by a server' --replay incident.rec\n"
	"\n"
	"Exit status: 0 done, 1 no such rule, or rules or recording cannot be read, 2 usage "
	"error.\n" };

int
rules_explain(int argc, char **argv)
{
	struct explaining e = { .only = 0 };
	int code;

	if (!ctl_args(argc, argv, &syntax, &e, &code))
		return code;
	if (argc - optind != 1)
		return ctl_usage("rules explain", "name one rule");
	if (e.recording == NULL)
		return ctl_usage(
		    "rules explain", "name the recording to explain with --replay RECORDING");
	e.name = argv[optind];
	return explain(&e);
}
