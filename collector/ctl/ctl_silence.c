/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_silence.c - alerts that outputs for people leave out for a while: begin, list, end. */
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_http.h"
#include "common/clock.h"

struct silence_args {
	struct ctl_target target;
	const char *rule, *node, *cluster, *condition, *time, *why;
};

/* Ask for a change. CTL_OK: *ret is the answer, to be released; CTL_FAIL: reported. */
static int
change(struct ctl_target *t, const struct buf *url, json_t **ret)
{
	long status = 0;
	json_t *j;

	if (buf_ok(url) < 0)
		return ctl_fail("no memory");
	j = ctl_post(t, url->p, &status);
	if (j != NULL && status == 200) {
		*ret = j;
		return CTL_OK;
	}
	if (j != NULL)
		(void) ctl_fail("%s", ctl_str(j, "error"));
	json_decref(j);
	return CTL_FAIL;
}

/* ---- add ---- */

#define AT(f) offsetof(struct silence_args, f)
static const struct ctl_option add_options[] = {
	{ "rule", 'r', "NAME", "alerts of this rule; '*' stands for any characters", ctl_set_text,
	    AT(rule) },
	{ "node", 'n', "NAME", "alerts of this node; '*' stands for any characters", ctl_set_text,
	    AT(node) },
	{ "cluster", 0, "NAME", "alerts of this cluster", ctl_set_text, AT(cluster) },
	{ "condition", 0, "TEXT",
	    "alerts for which it is true: the language of\noutputs.NAME.condition", ctl_set_text,
	    AT(condition) },
	{ "for", 'f', "TIME", "for how long: 30m, 2h, 3d", ctl_set_text, AT(time) },
	{ "why", 'w', "TEXT", "the reason, for those who list it", ctl_set_text, AT(why) },
	{ "json", 'j', NULL, "the API's answer, unchanged", ctl_set_flag, AT(target.json) },
	CTL_TARGET_OPTIONS(AT(target)),
};

static const struct ctl_syntax add_syntax = { "silence add", add_options, ARRAY_SIZE(add_options),
	"Usage: mewsctl silence add [OPTIONS] --for TIME --why TEXT\n"
	"\n"
	"Lets outputs that people read (outputs.NAME.silences) leave out the alerts that meet all "
	"of the\n"
	"conditions given, for a while. The alerts are in the history, and go to all other "
	"outputs; "
	"what\n"
	"is left out is counted. The silence outlives restarts of the collector, and is in its "
	"audit log.\n"
	"\n",
	"\n"
	"  mewsctl silence add --rule 'Package*' --node web-1 --for 2h --why 'upgrade, ticket 42'\n"
	"\n"
	"Exit status: 0 in force, 1 not, or the collector is not reachable, 2 usage error.\n" };

static int
silence_add(int argc, char **argv)
{
	struct silence_args args = { .target = ctl_target() };
	CLEANUP(buf_fini) struct buf url = BUF_INIT;
	char seconds[24];
	uint64_t n = 0;
	json_t *j = NULL;
	int code;

	if (!ctl_args(argc, argv, &add_syntax, &args, &code))
		return code;
	if (optind < argc)
		return ctl_usage("silence add", "unexpected argument '%s'", argv[optind]);
	if (args.time == NULL || args.why == NULL)
		return ctl_usage("silence add", "give --for and --why");
	if (args.rule == NULL && args.node == NULL && args.cluster == NULL &&
	    args.condition == NULL)
		return ctl_usage("silence add", "give --rule, --node, --cluster or --condition");
	if (ctl_seconds(args.time, &n) < 0)
		return ctl_usage("silence add",
		    "--for must be a time such as 30m, 2h or 3d, not '%s'", args.time);
	(void) snprintf(seconds, sizeof(seconds), "%lu", (unsigned long) n);
	buf_str(&url, "/api/v1/silences/add");
	ctl_query(&url, "rule", args.rule);
	ctl_query(&url, "node", args.node);
	ctl_query(&url, "cluster", args.cluster);
	ctl_query(&url, "condition", args.condition);
	ctl_query(&url, "seconds", seconds);
	ctl_query(&url, "why", args.why);
	code = change(&args.target, &url, &j);
	if (code == CTL_OK && args.target.json)
		ctl_dump(j, JSON_INDENT(2));
	else if (code == CTL_OK)
		printf("silence %lu is in force; 'mewsctl silence end %lu' ends it\n",
		    (unsigned long) ctl_num(j, "number"), (unsigned long) ctl_num(j, "number"));
	json_decref(j);
	return code;
}

/* ---- list ---- */

static const struct ctl_option options[] = {
	{ "json", 'j', NULL, "the API's answer, unchanged", ctl_set_flag, AT(target.json) },
	CTL_TARGET_OPTIONS(AT(target)),
};

static void
print_silence(const json_t *o, uint64_t now)
{
	static const char *const keys[] = { "rule", "node", "cluster", "condition" };
	uint64_t until = ctl_num(o, "until");
	char left[16], count[16];

	(void) ctl_age((until > now ? until - now : now - until) / NS_PER_S, left);
	printf("%6lu  %s %-5s  %7s alerts ", (unsigned long) ctl_num(o, "number"),
	    json_is_true(json_object_get(o, "in_force")) ? "ends in   " : "ended, ago", left,
	    ctl_count(ctl_num(o, "count"), count));
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *text = ctl_str(o, keys[i]);

		if (text[0] != '\0')
			printf(" %s: %s", keys[i], text);
	}
	printf("\n        %s: %s\n", ctl_str(o, "who"), ctl_str(o, "why"));
}

static const struct ctl_syntax list_syntax = { "silence list", options, ARRAY_SIZE(options),
	"Usage: mewsctl silence list [OPTIONS]\n"
	"\n"
	"Lists the silences in force, and those that ended within a day: when they end, how many "
	"alerts\n"
	"were left out so far (once for each output), which alerts they are about, who made them "
	"and why.\n"
	"\n",
	"\n"
	"Exit status: 0 listed, 1 the collector is not reachable, 2 usage error.\n" };

static int
silence_list(int argc, char **argv)
{
	struct silence_args args = { .target = ctl_target() };
	json_t *j, *o;
	size_t i;
	int code;

	if (!ctl_args(argc, argv, &list_syntax, &args, &code))
		return code;
	if (optind < argc)
		return ctl_usage("silence list", "unexpected argument '%s'", argv[optind]);
	j = ctl_get(&args.target, "/api/v1/silences");
	if (j == NULL)
		return CTL_FAIL;
	if (args.target.json)
		ctl_dump(j, JSON_INDENT(2));
	else if (json_array_size(j) == 0)
		puts("no silences");
	else
		json_array_foreach(j, i, o) print_silence(o, clock_real());
	json_decref(j);
	return CTL_OK;
}

/* ---- end ---- */

static const struct ctl_syntax end_syntax = { "silence end", options, ARRAY_SIZE(options),
	"Usage: mewsctl silence end [OPTIONS] NUMBER\n"
	"\n"
	"Ends the silence with this number in 'mewsctl silence list' now.\n"
	"\n",
	"\n"
	"Exit status: 0 ended, 1 not, or the collector is not reachable, 2 usage error.\n" };

static int
silence_end(int argc, char **argv)
{
	struct silence_args args = { .target = ctl_target() };
	CLEANUP(buf_fini) struct buf url = BUF_INIT;
	json_t *j = NULL;
	int code;

	if (!ctl_args(argc, argv, &end_syntax, &args, &code))
		return code;
	if (optind + 1 != argc)
		return ctl_usage("silence end", "name one silence, by its number");
	buf_str(&url, "/api/v1/silences/end");
	ctl_query(&url, "number", argv[optind]);
	code = change(&args.target, &url, &j);
	if (code == CTL_OK && args.target.json)
		ctl_dump(j, JSON_INDENT(2));
	json_decref(j);
	return code;
}

/* ---- the command ---- */

static const struct ctl_command commands[] = {
	{ "add", "leave out some alerts for a while", silence_add },
	{ "list", "list the silences, with what they left out", silence_list },
	{ "end", "end one now", silence_end },
};

static const struct ctl_group group = {
	"silence",
	"Lets outputs that people read leave out some alerts for a while.\n",
	"\n"
	"\n"
	"Exit status: 0 done, 1 it failed, 2 usage error.\n",
	commands,
	ARRAY_SIZE(commands),
};

int
ctl_silence(int argc, char **argv)
{
	return ctl_group_run(&group, argc, argv);
}
