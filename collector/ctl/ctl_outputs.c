/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_outputs.c - 'mewsctl outputs': its commands, and those that ask a collector. */
#include "collector/ctl/ctl_outputs.h"
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_http.h"
#include "common/clock.h"

static const struct ctl_command commands[] = {
#define COMMAND(name, text, help) { text, help, ctl_outputs_##name },
#include "collector/ctl/outputs_commands.def"
};

static const struct ctl_group group = {
	"outputs",
	"Shows where a collector's alerts go, and tries it.\n",
	" An output is named as 'mewsctl outputs\n"
	"list' shows it: its kind, and in a list of several its own name: 'kafka', "
	"'webhook.slack'.\n"
	"\n"
	"Exit status: 0 done, 1 it failed or the answer is no, 2 usage error.\n",
	commands,
	ARRAY_SIZE(commands),
};

int
ctl_outputs(int argc, char **argv)
{
	return ctl_group_run(&group, argc, argv);
}

static const struct ctl_option options[] = {
	{ "json", 'j', NULL, "the API's answer, unchanged", ctl_set_flag,
	    offsetof(struct ctl_target, json) },
	CTL_TARGET_OPTIONS(0),
};

/* The one argument that all but 'list' take. CTL_USAGE, reported. */
static int
take_name(const char *command, int argc, int most)
{
	if (optind == argc)
		return ctl_usage(command, "name an output, as 'mewsctl outputs list' shows it");
	if (argc - optind > most)
		return ctl_usage(command, "too many arguments");
	return CTL_OK;
}

/* ---- list ---- */

static void
print_output(const json_t *o, uint64_t now)
{
	const char *last = ctl_str(o, "last_error");
	uint64_t at = ctl_num(o, "last_error_at");
	char sent[16], waiting[16], oldest[16] = "-", age[16];

	if (ctl_num(o, "waiting") > 0)
		(void) ctl_age(ctl_num(o, "oldest_ms") / 1000, oldest);
	printf("%-20s %-8s %-8s %9s %7lu %7lu %9s %7s %5lu\n", ctl_str(o, "name"),
	    ctl_str(o, "kind"), ctl_str(o, "state"), ctl_count(ctl_num(o, "delivered"), sent),
	    (unsigned long) ctl_num(o, "refused"), (unsigned long) ctl_num(o, "retries"),
	    ctl_count(ctl_num(o, "waiting"), waiting), oldest,
	    (unsigned long) ctl_num(o, "dead_letters"));
	if (json_is_true(json_object_get(o, "retrying")))
		puts("    its dead letters are sent again");
	if (last[0] != '\0')
		printf(
		    "    %s ago: %s\n", ctl_age(now > at ? (now - at) / NS_PER_S : 0, age), last);
}

static const struct ctl_syntax list_syntax = { "outputs list", options, ARRAY_SIZE(options),
	"Usage: mewsctl outputs list [OPTIONS]\n"
	"\n"
	"Lists the enabled outputs of a collector. STATE is ok, sending (alerts wait and go out) "
	"or\n"
	"failing; REFUSED counts alerts that the destination refused for good since the start, "
	"RETRIES\n"
	"those that were to be sent again; OLDEST is how long the oldest of those that wait has "
	"waited; DEAD "
	"the\n"
	"number of dead letters. The last error of each stays, with its age, after it is over.\n"
	"\n",
	"\n"
	"Exit status: 0 no output is failing, 1 one is, or the collector is not reachable, 2 usage "
	"error.\n" };

int
ctl_outputs_list(int argc, char **argv)
{
	struct ctl_target t = ctl_target();
	size_t i, failing = 0;
	json_t *j, *o;
	int code;

	if (!ctl_args(argc, argv, &list_syntax, &t, &code))
		return code;
	if (optind < argc)
		return ctl_usage("outputs list", "unexpected argument '%s'", argv[optind]);
	j = ctl_get(&t, "/api/v1/outputs");
	if (j == NULL)
		return CTL_FAIL;
	if (t.json)
		ctl_dump(j, JSON_INDENT(2));
	else
		printf("%-20s %-8s %-8s %9s %7s %7s %9s %7s %5s\n", "OUTPUT", "KIND", "STATE",
		    "DELIVERED", "REFUSED", "RETRIES", "WAITING", "OLDEST", "DEAD");
	json_array_foreach(j, i, o)
	{
		failing += strcmp(ctl_str(o, "state"), "failing") == 0;
		if (!t.json)
			print_output(o, clock_real());
	}
	json_decref(j);
	return failing > 0 ? CTL_FAIL : CTL_OK;
}

/* ---- test ---- */

static int
print_test(struct ctl_target *t, const json_t *j)
{
	const char *result = ctl_str(j, "result");

	if (t->json)
		ctl_dump(j, JSON_INDENT(2));
	else
		printf("%s: %s: %s\nalert: %s\n", ctl_str(j, "output"), result, ctl_str(j, "said"),
		    ctl_str(j, "uuid"));
	return strcmp(result, "delivered") == 0 ? CTL_OK : CTL_FAIL;
}

/* POST for an output; *ret is the answer, to be released. CTL_FAIL: reported. */
static int
post(struct ctl_target *t, const char *path, const char *output, const char *n, json_t **ret)
{
	CLEANUP(buf_fini) struct buf url = BUF_INIT;
	char shown[CTL_SAFE];
	long status = 0;
	json_t *j;

	buf_str(&url, path);
	ctl_query(&url, "output", output);
	ctl_query(&url, "number", n);
	if (buf_ok(&url) < 0)
		return ctl_fail("no memory");
	j = ctl_post(t, url.p, &status);
	if (j != NULL && status == 200) {
		*ret = j;
		return CTL_OK;
	}
	if (j != NULL)
		(void) ctl_fail("%s: %s", ctl_safe(output, shown), ctl_str(j, "error"));
	json_decref(j);
	return CTL_FAIL;
}

static const struct ctl_syntax test_syntax = { "outputs test", options, ARRAY_SIZE(options),
	"Usage: mewsctl outputs test [OPTIONS] OUTPUT\n"
	"\n"
	"Sends an alert \"Mews test\" through an output, on the way of all its alerts, and waits "
	"at "
	"most\n"
	"15 seconds for what the destination answers. minimum_priority and condition do not apply; "
	"the\n"
	"alert is not in the history, and is sent once. The result is delivered, refused (for "
	"good),\n"
	"failed (a real alert would be sent again) or unanswered.\n"
	"\n",
	"\n"
	"Exit status: 0 delivered, 1 not, or the collector is not reachable, 2 usage error.\n" };

int
ctl_outputs_test(int argc, char **argv)
{
	struct ctl_target t = ctl_target();
	json_t *j = NULL;
	int code;

	if (!ctl_args(argc, argv, &test_syntax, &t, &code))
		return code;
	code = take_name("outputs test", argc, 1);
	if (code == CTL_OK)
		code = post(&t, "/api/v1/outputs/test", argv[optind], NULL, &j);
	if (code == CTL_OK)
		code = print_test(&t, j);
	json_decref(j);
	return code;
}

/* ---- reload ---- */

static const struct ctl_syntax reload_syntax = { "outputs reload", options, ARRAY_SIZE(options),
	"Usage: mewsctl outputs reload [OPTIONS]\n"
	"\n"
	"Tells a collector to read its configuration again, and to take over the outputs in it, "
	"with their\n"
	"secrets, certificates and presets. Those that have not changed are not disturbed. If "
	"anything in\n"
	"the configuration is wrong, all outputs stay, and the error is printed. SIGHUP does the "
	"same, and\n"
	"reloads rules, tokens and certificates too.\n"
	"\n",
	"\n"
	"Exit status: 0 in force, 1 not reachable or not reloaded, 2 usage error.\n" };

int
ctl_outputs_reload(int argc, char **argv)
{
	struct ctl_target t = ctl_target();
	long status = 0;
	json_t *j;
	int code;

	if (!ctl_args(argc, argv, &reload_syntax, &t, &code))
		return code;
	if (optind < argc)
		return ctl_usage("outputs reload", "unexpected argument '%s'", argv[optind]);
	j = ctl_post(&t, "/api/v1/outputs/reload", &status);
	if (j == NULL)
		return CTL_FAIL;
	if (t.json)
		ctl_dump(j, JSON_INDENT(2));
	if (status != 200)
		code = ctl_fail("%s", ctl_str(j, "error"));
	else if (!t.json)
		printf("outputs: %lu changed, %lu added, %lu removed\n",
		    (unsigned long) ctl_num(j, "changed"), (unsigned long) ctl_num(j, "added"),
		    (unsigned long) ctl_num(j, "removed"));
	json_decref(j);
	return code;
}

/* ---- dead letters ---- */

static void
print_letter(const json_t *o)
{
	char when[CLOCK_TEXT];

	(void) clock_text(ctl_num(o, "time"), when);
	printf("%8lu  %s  %s/%s  %s\n          %s\n          %s\n",
	    (unsigned long) ctl_num(o, "number"), when, ctl_str(o, "cluster"), ctl_str(o, "node"),
	    ctl_str(o, "rule"), ctl_str(o, "uuid"), ctl_str(o, "why"));
}

/* Get all pages. NULL: reported. */
static json_t *
all_letters(struct ctl_target *t, const char *output)
{
	json_t *all = json_array(), *page;
	uint64_t after = 0;
	size_t n = 1;

	while (n > 0) {
		CLEANUP(buf_fini) struct buf url = BUF_INIT;
		char text[24];

		(void) snprintf(text, sizeof(text), "%lu", (unsigned long) after);
		buf_str(&url, "/api/v1/outputs/dead-letters?limit=1000");
		ctl_query(&url, "output", output);
		ctl_query(&url, "after", text);
		page = buf_ok(&url) < 0 ? NULL : ctl_get(t, url.p);
		if (page == NULL) {
			json_decref(all);
			return NULL;
		}
		n = json_array_size(page);
		if (n > 0)
			after = ctl_num(json_array_get(page, n - 1), "number");
		(void) json_array_extend(all, page);
		json_decref(page);
	}
	return all;
}

static const struct ctl_syntax letters_syntax = { "outputs dead-letters", options,
	ARRAY_SIZE(options),
	"Usage: mewsctl outputs dead-letters [OPTIONS] OUTPUT\n"
	"\n"
	"Lists the alerts that an output's destination refused for good, oldest first, with the "
	"reason.\n"
	"They stay in the history ('mewsctl alerts --id ID'), and are no longer listed when they "
	"are\n"
	"pruned from it, or delivered by 'mewsctl outputs retry'.\n"
	"\n",
	"\n"
	"Exit status: 0 there are none, 1 there are some, or the collector is not reachable, 2 "
	"usage\n"
	"error.\n" };

int
ctl_outputs_dead_letters(int argc, char **argv)
{
	struct ctl_target t = ctl_target();
	json_t *j, *o;
	size_t i, n;
	int code;

	if (!ctl_args(argc, argv, &letters_syntax, &t, &code))
		return code;
	code = take_name("outputs dead-letters", argc, 1);
	if (code != CTL_OK)
		return code;
	j = all_letters(&t, argv[optind]);
	if (j == NULL)
		return CTL_FAIL;
	if (t.json)
		ctl_dump(j, JSON_INDENT(2));
	else
		json_array_foreach(j, i, o) print_letter(o);
	n = json_array_size(j);
	json_decref(j);
	return n > 0 ? CTL_FAIL : CTL_OK;
}

static const struct ctl_syntax retry_syntax = { "outputs retry", options, ARRAY_SIZE(options),
	"Usage: mewsctl outputs retry [OPTIONS] OUTPUT [NUMBER]\n"
	"\n"
	"Sends dead letters again: the one with this number in 'mewsctl outputs dead-letters', or "
	"all of\n"
	"them, oldest first, beside new alerts. The command does not wait for that: what is "
	"delivered\n"
	"disappears from the list, and what is refused stays, with its new reason. If the "
	"collector "
	"stops\n"
	"meanwhile, the rest remain dead letters.\n"
	"\n",
	"\n"
	"Exit status: 0 begun, 1 not, or the collector is not reachable, 2 usage error.\n" };

int
ctl_outputs_retry(int argc, char **argv)
{
	struct ctl_target t = ctl_target();
	json_t *j = NULL;
	int code;

	if (!ctl_args(argc, argv, &retry_syntax, &t, &code))
		return code;
	code = take_name("outputs retry", argc, 2);
	if (code == CTL_OK)
		code = post(&t, "/api/v1/outputs/retry", argv[optind],
		    optind + 1 < argc ? argv[optind + 1] : NULL, &j);
	if (code == CTL_OK && t.json)
		ctl_dump(j, JSON_INDENT(2));
	json_decref(j);
	return code;
}
