/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_absence.c - "did it happen?", answered with no only if it would have been seen.
 *
 * First the coverage, then the alerts: what happened before the coverage's 'until' is in the outbox
 * by then.
 */
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_http.h"
#include "common/clock.h"
#include <stdlib.h>

enum { IDS_MAX = 100, GAPS_SHOWN = 20 };

struct opts {
	struct ctl_target target;
	const char *rule, *event, *node, *cluster;
	char since[CTL_SINCE];
};

static const char *const answers[] = {
	[CTL_OK] = "no",
	[CTL_HAPPENED] = "yes",
	[CTL_UNKNOWN] = "unknown",
	[CTL_NOT_WATCHED] = "not watched",
};

/* ---- questions ---- */

static json_t *
ask_coverage(struct opts *o)
{
	CLEANUP(buf_fini) struct buf path = BUF_INIT;

	buf_str(&path, "/api/v1/coverage");
	ctl_query(&path, "rule", o->rule);
	ctl_query(&path, "event", o->event);
	ctl_query(&path, "node", o->node);
	ctl_query(&path, "cluster", o->cluster);
	ctl_query(&path, "since", o->since);
	return buf_ok(&path) < 0 ? NULL : ctl_get(&o->target, path.p);
}

/* The newest alerts of the rule in that time. */
static json_t *
ask_alerts(struct opts *o)
{
	CLEANUP(buf_fini) struct buf path = BUF_INIT;

	buf_str(&path, "/api/v1/alerts");
	ctl_query(&path, "rule", o->rule);
	ctl_query(&path, "node", o->node);
	ctl_query(&path, "cluster", o->cluster);
	ctl_query(&path, "since", o->since);
	ctl_query(&path, "order", "newest");
	ctl_query(&path, "limit", "100");
	return buf_ok(&path) < 0 ? NULL : ctl_get(&o->target, path.p);
}

/* Does the outbox reach back to that time? 1, 0, or -1: reported. */
static int
reaches_back(struct opts *o)
{
	CLEANUP(buf_fini) struct buf path = BUF_INIT;
	json_t *j = NULL;
	int r;

	buf_str(&path, "/api/v1/alerts");
	ctl_query(&path, "until", o->since);
	ctl_query(&path, "limit", "1");
	if (buf_ok(&path) == 0)
		j = ctl_get(&o->target, path.p);
	r = j == NULL ? -1 : json_array_size(json_object_get(j, "alerts")) > 0;
	json_decref(j);
	return r;
}

/* ---- the answer ---- */

struct found {
	json_t *coverage, *alerts; /* alerts NULL: an event was asked for */
	json_t *ids;
};

static void
found_fini(struct found *f)
{
	json_decref(f->coverage);
	json_decref(f->alerts);
	json_decref(f->ids);
}

static void
collect_ids(struct found *f)
{
	json_t *list = json_object_get(f->alerts, "alerts"), *a;
	size_t i;

	f->ids = json_array();
	json_array_foreach(list, i, a)
	{
		json_t *id = json_object_get(json_object_get(a, "output_fields"), "uuid");

		if (id == NULL)
			id = json_object_get(a, "uuid");
		(void) json_array_append(f->ids, id);
	}
}

static void
add_history_gap(json_t *gaps)
{
	json_t *g = json_object();

	(void) json_object_set_new(g, "gap", json_string("history"));
	(void) json_object_set_new(
	    g, "text", json_string("alerts of that time may have been deleted from the outbox"));
	(void) json_object_set_new(g, "since", json_integer(0));
	(void) json_object_set_new(g, "until", json_integer(-1));
	(void) json_array_append_new(gaps, g);
}

/* An enum ctl_exit. */
static int
judge(struct opts *o, struct found *f)
{
	json_t *gaps = json_object_get(f->coverage, "gaps");

	if (json_array_size(f->ids) > 0 ||
	    json_array_size(json_object_get(f->coverage, "seen")) > 0)
		return CTL_HAPPENED;
	if (!json_is_true(json_object_get(f->coverage, "watched")))
		return CTL_NOT_WATCHED;
	if (o->rule != NULL && json_is_true(json_object_get(f->coverage, "pruned"))) {
		int r = reaches_back(o);

		if (r < 0)
			return CTL_FAIL;
		if (r == 0)
			add_history_gap(gaps);
	}
	return json_array_size(gaps) > 0 ? CTL_UNKNOWN : CTL_OK;
}

/* ---- show it ---- */

static const char *
when(uint64_t at, char text[CLOCK_TEXT])
{
	return at == 0 || at == UINT64_MAX ? "" : clock_text(at, text);
}

static void
print_gap(const json_t *g)
{
	char since[CLOCK_TEXT], until[CLOCK_TEXT];
	const char *from = when(ctl_num(g, "since"), since), *to = when(ctl_num(g, "until"), until);

	if (json_object_get(g, "node") != NULL)
		printf("  %s/%s: ", ctl_str(g, "cluster"), ctl_str(g, "node"));
	else
		printf("  all nodes: ");
	printf("%s", ctl_str(g, "text"));
	if (ctl_str(g, "causes")[0] != '\0')
		printf(" (%s)", ctl_str(g, "causes"));
	if (from[0] != '\0')
		printf(", from %s", from);
	if (to[0] != '\0')
		printf(", until %s", to);
	printf("\n");
}

static void
print_gaps(const json_t *coverage)
{
	json_t *gaps = json_object_get(coverage, "gaps"), *g;
	size_t i;

	json_array_foreach(gaps, i, g)
	{
		if (i < GAPS_SHOWN)
			print_gap(g);
	}
	if (json_array_size(gaps) > GAPS_SHOWN)
		printf("  and more: --json shows them\n");
}

static void
print_happened(const struct found *f)
{
	json_t *seen = json_object_get(f->coverage, "seen"), *v;
	char text[CLOCK_TEXT];
	size_t i;

	json_array_foreach(f->ids, i, v)
	{
		printf("  %s\n", json_string_value(v));
	}
	if (json_is_true(json_object_get(f->alerts, "more")))
		printf("  and earlier ones: mewsctl alerts -n all --rule ... lists them\n");
	json_array_foreach(seen, i, v)
	{
		printf("  %s/%s: last at %s\n", ctl_str(v, "cluster"), ctl_str(v, "node"),
		    when(ctl_num(v, "last"), text));
	}
}

static void
print_answer(const struct opts *o, const struct found *f, int code)
{
	char since[CLOCK_TEXT], until[CLOCK_TEXT];
	char name[CTL_SAFE];

	(void) ctl_safe(o->rule != NULL ? o->rule : o->event, name);
	(void) clock_text(strtoull(o->since, NULL, 10), since);
	switch (code) {
	case CTL_HAPPENED:
		printf("yes: %s since %s\n", name, since);
		print_happened(f);
		break;
	case CTL_NOT_WATCHED:
		printf("not watched: %s: %s\n", name, ctl_str(f->coverage, "why"));
		break;
	case CTL_UNKNOWN:
		printf("unknown: none was seen of %s since %s, but it could have been missed\n",
		    name, since);
		print_gaps(f->coverage);
		break;
	default:
		printf("no: %s did not happen on %lu nodes from %s until %s\n", name,
		    (unsigned long) ctl_num(f->coverage, "nodes"), since,
		    when(ctl_num(f->coverage, "until"), until));
	}
}

static void
print_json(const struct opts *o, const struct found *f, int code)
{
	static const char *const kept[] = { "until", "nodes", "why", "gaps", "seen" };
	json_t *out = json_object();

	(void) json_object_set_new(out, "answer", json_string(answers[code]));
	(void) json_object_set_new(out, o->rule != NULL ? "rule" : "event",
	    json_string(o->rule != NULL ? o->rule : o->event));
	(void) json_object_set_new(
	    out, "since", json_integer((json_int_t) strtoull(o->since, NULL, 10)));
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		(void) json_object_set(out, kept[i], json_object_get(f->coverage, kept[i]));
	(void) json_object_set(out, "ids", f->ids);
	(void) json_object_set_new(
	    out, "more", json_boolean(json_is_true(json_object_get(f->alerts, "more"))));
	ctl_dump(out, JSON_INDENT(2));
	json_decref(out);
}

static int
absence(struct opts *o)
{
	CLEANUP(found_fini) struct found f = { .coverage = ask_coverage(o) };
	int code;

	if (f.coverage == NULL)
		return CTL_FAIL;
	if (o->rule != NULL && (f.alerts = ask_alerts(o)) == NULL)
		return CTL_FAIL;
	collect_ids(&f);
	code = judge(o, &f);
	if (code == CTL_FAIL)
		return code;
	if (o->target.json)
		print_json(o, &f, code);
	else
		print_answer(o, &f, code);
	return code;
}

/* ---- the command line ---- */

static int
set_since(const char *command, const char *value, void *member)
{
	if (ctl_since(value, member) < 0)
		return ctl_usage(
		    command, "--since '%s': expected an age such as 90s, 10m, 2h or 7d", value);
	return CTL_OK;
}

static const struct ctl_option options[] = {
	{ "rule", 0, "NAME", "did this rule match?", ctl_set_text, offsetof(struct opts, rule) },
	{ "event", 0, "NAME", "did this event occur, a system call or another, such as ptrace?",
	    ctl_set_text, offsetof(struct opts, event) },
	{ "since", 0, "AGE", "in the time from AGE ago until now: 90s, 10m, 2h, 7d", set_since,
	    offsetof(struct opts, since) },
	{ "node", 0, "NAME", "only on nodes of this name", ctl_set_text,
	    offsetof(struct opts, node) },
	{ "cluster", 0, "NAME", "only on nodes of this cluster", ctl_set_text,
	    offsetof(struct opts, cluster) },
	{ "json", 'j', NULL, "the answer as JSON", ctl_set_flag,
	    offsetof(struct opts, target.json) },
	CTL_TARGET_OPTIONS(offsetof(struct opts, target)),
};

static const struct ctl_syntax syntax = { "absence", options, ARRAY_SIZE(options),
	"Usage: mewsctl absence --rule NAME|--event NAME --since AGE [OPTIONS]\n"
	"\n"
	"Answers whether something did not happen, on all nodes or on one.\n"
	"\n"
	"  yes          it happened: the ids of the newest 100 alerts, or when the event was last "
	"seen\n"
	"  no           it did not: every node asked about captured the events and delivered all "
	"of\n"
	"               them, and the rule was in force, unchanged, until the time that is "
	"printed,\n"
	"               a few seconds ago\n"
	"  unknown      nothing was seen, but something could have been missed: on which nodes, "
	"and why\n"
	"  not watched  the rule is not in force or cannot match, or sensors do not send these "
	"events\n"
	"\n",
	"\n"
	"A collector with a checkpoint (checkpoint.path) knows of the time before its own start, "
	"too,\n"
	"unless the checkpoint was lost or damaged; otherwise it does not. Nothing is known of a "
	"node\n"
	"before its sensor's start. What an earlier rule has taken ('rule_matching: first') is no "
	"match "
	"of\n"
	"this one. Times are those of the nodes' clocks, which may differ from the collector's by "
	"2 s.\n"
	"\n"
	"  mewsctl absence --rule 'Sensitive file read' --since 1h || echo look at it\n"
	"\n"
	"Exit status: 0 no, 4 yes, 5 unknown, 6 not watched; 1 the collector cannot be reached or\n"
	"refused, 2 usage error.\n" };

int
ctl_absence(int argc, char **argv)
{
	struct opts o = { .target = ctl_target() };
	int code;

	if (!ctl_args(argc, argv, &syntax, &o, &code))
		return code;
	if (optind < argc)
		return ctl_usage("absence", "unexpected argument '%s'", argv[optind]);
	if ((o.rule == NULL) == (o.event == NULL))
		return ctl_usage("absence", "name what is absent: --rule NAME or --event NAME");
	if (o.since[0] == '\0')
		return ctl_usage("absence", "--since is missing: since when is it absent?");
	return absence(&o);
}
