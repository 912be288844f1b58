/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_http.h"
#include "common/clock.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { POLL_US = 300 * 1000, PART_MAX = 10000 };

struct opts {
	uint64_t limit;
	struct ctl_target target;
	const char *rule, *node, *cluster, *priority, *since, *id;
	bool follow, all;
	char since_buf[24];
};

static const char *
colour_of(const char *priority)
{
	static const struct {
		const char *priority, *colour;
	} colours[] = {
		{ "Emergency", "\033[1;31m" },
		{ "Alert", "\033[1;31m" },
		{ "Critical", "\033[1;31m" },
		{ "Error", "\033[31m" },
		{ "Warning", "\033[33m" },
		{ "Notice", "\033[36m" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(colours); i++) {
		if (strcmp(colours[i].priority, priority) == 0)
			return colours[i].colour;
	}
	return "";
}

static void
print_alert(const json_t *a, bool as_json)
{
	bool colour = isatty(STDOUT_FILENO);
	const char *priority = ctl_str(a, "priority");

	if (as_json) {
		ctl_dump(a, JSON_COMPACT);
		return;
	}
	printf("%.19s  %s%-13s%s %s  %s\n    %s\n", ctl_str(a, "time"),
	    colour ? colour_of(priority) : "", priority, colour ? "\033[0m" : "",
	    ctl_str(a, "hostname"), ctl_str(a, "rule"), ctl_str(a, "output"));
}

static void
add_number(struct buf *path, const char *key, uint64_t n)
{
	char text[24];

	(void) snprintf(text, sizeof(text), "%lu", (unsigned long) n);
	ctl_query(path, key, text);
}

/* A part of the history: one answer of the API. */
struct part {
	bool newest;            /* newest first */
	uint64_t after, before; /* rows; 0: any */
	uint64_t limit;         /* 0: as many as one answer has */
};

static json_t *
ask(struct opts *o, const struct part *p)
{
	CLEANUP(buf_fini) struct buf path = BUF_INIT;

	buf_str(&path, "/api/v1/alerts");
	ctl_query(&path, "rule", o->rule);
	ctl_query(&path, "node", o->node);
	ctl_query(&path, "cluster", o->cluster);
	ctl_query(&path, "priority", o->priority);
	ctl_query(&path, "id", o->id);
	ctl_query(&path, "since", o->since);
	ctl_query(&path, "order", p->newest ? "newest" : NULL);
	add_number(&path, "limit", MIN(p->limit, PART_MAX));
	if (p->after > 0)
		add_number(&path, "after", p->after);
	if (p->before > 0)
		add_number(&path, "before", p->before);
	return buf_ok(&path) < 0 ? NULL : ctl_get(&o->target, path.p);
}

static bool
more(const json_t *answer)
{
	return json_is_true(json_object_get(answer, "more"));
}

static void
print_list(const struct opts *o, const json_t *list, bool backwards)
{
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n; i++)
		print_alert(json_array_get(list, backwards ? n - 1 - i : i), o->target.json);
	(void) fflush(stdout);
}

/* Print all alerts after '*last', and advance it. */
static int
show_from(struct opts *o, uint64_t *last)
{
	bool go_on = true;

	while (go_on) {
		json_t *j = ask(o, &(struct part){ .after = *last });

		if (j == NULL)
			return CTL_FAIL;
		print_list(o, json_object_get(j, "alerts"), false);
		*last = MAX(*last, ctl_num(j, "last"));
		go_on = more(j);
		json_decref(j);
	}
	return CTL_OK;
}

/* Print the newest o->limit alerts, oldest first; with limit 0 only find where new ones begin. */
static int
show_newest(struct opts *o, uint64_t *last)
{
	json_t *all = json_array();
	uint64_t before = 0;
	int r = all == NULL ? CTL_FAIL : CTL_OK;
	bool go_on = r == CTL_OK;

	while (go_on) {
		const uint64_t left = MAX(o->limit, (uint64_t) 1) - json_array_size(all);
		json_t *j = ask(o, &(struct part){ true, 0, before, left });

		if (j == NULL || json_array_extend(all, json_object_get(j, "alerts")) < 0)
			r = CTL_FAIL;
		*last = MAX(*last, ctl_num(j, "last"));
		before = ctl_num(j, "first");
		go_on = r == CTL_OK && more(j) && json_array_size(all) < o->limit;
		json_decref(j);
	}
	if (r == CTL_OK && o->limit > 0)
		print_list(o, all, true);
	json_decref(all);
	return r;
}

static int
alerts(struct opts *o)
{
	uint64_t last = 0;
	int r = o->all ? show_from(o, &last) : show_newest(o, &last);

	while (r == CTL_OK && o->follow) {
		(void) usleep(POLL_US);
		r = show_from(o, &last);
	}
	return r;
}

static int
set_limit(const char *command, const char *value, void *opts)
{
	struct opts *o = opts;
	char *end;

	errno = 0;
	o->limit = strtoull(value, &end, 10);
	o->all = strcmp(value, "all") == 0;
	if (o->all || (errno == 0 && *end == '\0' && value[0] >= '0' && value[0] <= '9'))
		return CTL_OK;
	return ctl_usage(command, "--limit takes a number or 'all', not '%s'", value);
}

static int
set_since(const char *command, const char *value, void *opts)
{
	struct opts *o = opts;

	if (ctl_since(value, o->since_buf) < 0)
		return ctl_usage(
		    command, "--since '%s': expected an age such as 90s, 10m, 2h or 7d", value);
	o->since = o->since_buf;
	return CTL_OK;
}

static const struct ctl_option options[] = {
	{ "limit", 'n', "N", "at most the newest N (default 20), or 'all'; 0: none, for --follow",
	    set_limit, 0 },
	{ "follow", 'f', NULL, "continue with new alerts, until interrupted", ctl_set_flag,
	    offsetof(struct opts, follow) },
	{ "rule", 0, "NAME", "only alerts of this rule", ctl_set_text,
	    offsetof(struct opts, rule) },
	{ "node", 0, "NAME", "only alerts of this node", ctl_set_text,
	    offsetof(struct opts, node) },
	{ "cluster", 0, "NAME", "only alerts of this cluster", ctl_set_text,
	    offsetof(struct opts, cluster) },
	{ "priority", 0, "P",
	    "only alerts of this priority or higher: emergency, alert,\ncritical, error, warning, "
	    "notice, informational, debug",
	    ctl_set_text, offsetof(struct opts, priority) },
	{ "since", 0, "AGE", "only alerts younger than AGE: 90s, 10m, 2h, 7d", set_since, 0 },
	{ "id", 0, "ID", "only the alert with this id", ctl_set_text, offsetof(struct opts, id) },
	{ "json", 0, NULL, "one JSON object per line, as the outputs send it", ctl_set_flag,
	    offsetof(struct opts, target.json) },
	CTL_TARGET_OPTIONS(offsetof(struct opts, target)),
};

static const struct ctl_syntax syntax = { "alerts", options, ARRAY_SIZE(options),
	"Usage: mewsctl alerts [OPTIONS]\n"
	"\n"
	"Shows the alerts that a collector has stored, oldest first.\n"
	"\n",
	"\n"
	"All serious alerts of the last day, and then new ones:\n"
	"  mewsctl alerts -n all --since 1d --priority error --follow\n"
	"\n"
	"Exit status: 0 done, 1 not reachable or refused, 2 usage error.\n" };

int
ctl_alerts(int argc, char **argv)
{
	struct opts o = { .target = ctl_target(), .limit = 20 };
	int code;

	if (!ctl_args(argc, argv, &syntax, &o, &code))
		return code;
	if (optind < argc)
		return ctl_usage("alerts", "unexpected argument '%s'", argv[optind]);
	return alerts(&o);
}
