/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl.h"
#include "collector/ctl/ctl_http.h"
#include "common/clock.h"
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

enum { POLL_US = 300 * 1000 };

static const char usage_text[] =
    "Usage: mewsctl alerts [OPTIONS]\n"
    "\n"
    "Shows alerts that a collector keeps, oldest first.\n"
    "\n"
    "  -n, --limit N        the newest N (default 20)\n"
    "  -f, --follow         go on showing new ones, until interrupted\n"
    "      --rule NAME      only of this rule\n"
    "      --node NAME      only of this node\n"
    "      --cluster NAME   only of this cluster\n"
    "      --priority P     of this priority or higher\n"
    "      --since AGE      not older than AGE: 90s, 10m, 2h, 7d\n"
    "      --id ID          the alert of this id\n"
    "      --json           one JSON object per line, as the outputs send it\n"
    "      --collector URL  where its http.listen is (default " CTL_COLLECTOR
    ")\n"
    "\n"
    "Exit status: 0 done, 1 not reachable or refused, 2 asked wrongly.\n";

struct opts {
	const char *base, *limit, *rule, *node, *cluster, *priority, *since, *id;
	bool follow, json;
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
		(void) json_dumpf(a, stdout, JSON_COMPACT);
		puts("");
		return;
	}
	printf("%.19s  %s%-13s%s %s  %s\n    %s\n", ctl_str(a, "time"),
	    colour ? colour_of(priority) : "", priority, colour ? "\033[0m" : "",
	    ctl_str(a, "hostname"), ctl_str(a, "rule"), ctl_str(a, "output"));
}

static void
add(struct buf *path, const char *key, const char *value)
{
	if (value != NULL)
		ctl_query(path, key, value);
}

/* since, limit: NULL for none. after: a row's number, 0 for none. */
static json_t *
ask(const struct opts *o, const char *since, const char *limit, uint64_t after, bool newest)
{
	CLEANUP(buf_fini) struct buf path = BUF_INIT;
	char number[24];

	buf_str(&path, "/api/v1/alerts");
	add(&path, "rule", o->rule);
	add(&path, "node", o->node);
	add(&path, "cluster", o->cluster);
	add(&path, "priority", o->priority);
	add(&path, "id", o->id);
	add(&path, "since", since);
	add(&path, "limit", limit);
	add(&path, "order", newest ? "newest" : NULL);
	if (after > 0) {
		(void) snprintf(number, sizeof(number), "%lu", (unsigned long) after);
		add(&path, "after", number);
	}
	return buf_ok(&path) < 0 ? NULL : ctl_get(o->base, path.p);
}

/* Print an answer, oldest first; returns the newest row's number. */
static uint64_t
print_answer(const struct opts *o, const json_t *j, bool newest_first)
{
	json_t *list = json_object_get(j, "alerts");
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n; i++)
		print_alert(json_array_get(list, newest_first ? n - 1 - i : i), o->json);
	(void) fflush(stdout);
	return ctl_num(j, "last");
}

/* "10m" -> realtime ns that long ago, as text. -EINVAL. */
static int
since_text(const char *age, char *ret, size_t n)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	char *end;
	uint64_t v;

	errno = 0;
	v = strtoull(age, &end, 10);
	for (size_t i = 0; errno == 0 && end != age && i < ARRAY_SIZE(units); i++) {
		if (*end == units[i].unit && end[1] == '\0' && v < 1000000) {
			uint64_t back = v * units[i].seconds * NS_PER_S, now = clock_real();

			(void) snprintf(
			    ret, n, "%lu", (unsigned long) (now > back ? now - back : 0));
			return 0;
		}
	}
	return -EINVAL;
}

static int
alerts(const struct opts *o)
{
	char since[24] = "";
	uint64_t last;
	json_t *j;

	if (o->since != NULL && since_text(o->since, since, sizeof(since)) < 0)
		return ctl_usage("alerts", "--since '%s': say it as 90s, 10m, 2h or 7d", o->since);
	j = ask(o, since[0] == '\0' ? NULL : since, o->limit, 0, true);
	if (j == NULL)
		return CTL_FAIL;
	last = print_answer(o, j, true);
	json_decref(j);
	while (o->follow) {
		uint64_t seen;

		(void) usleep(POLL_US);
		j = ask(o, NULL, "1000", last, false);
		if (j == NULL)
			return CTL_FAIL;
		seen = print_answer(o, j, false);
		last = MAX(last, seen);
		json_decref(j);
	}
	return CTL_OK;
}

static const struct option longs[] = {
	{ "collector", required_argument, NULL, 'c' },
	{ "limit", required_argument, NULL, 'n' },
	{ "rule", required_argument, NULL, 'r' },
	{ "node", required_argument, NULL, 'N' },
	{ "cluster", required_argument, NULL, 'C' },
	{ "priority", required_argument, NULL, 'p' },
	{ "since", required_argument, NULL, 's' },
	{ "id", required_argument, NULL, 'i' },
	{ "follow", no_argument, NULL, 'f' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

int
ctl_alerts(int argc, char **argv)
{
	struct opts o = { .base = CTL_COLLECTOR, .limit = "20" };
	const struct {
		const char **to;
		int c;
	} texts[] = { { &o.base, 'c' }, { &o.limit, 'n' }, { &o.rule, 'r' }, { &o.node, 'N' },
		{ &o.cluster, 'C' }, { &o.priority, 'p' }, { &o.since, 's' }, { &o.id, 'i' } };
	int c;

	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet */
	while ((c = getopt_long(argc, argv, "n:fh", longs, NULL)) != -1) {
		if (c == '?')
			return ctl_usage("alerts", "that is not how to ask");
		if (c == 'h') {
			fputs(usage_text, stdout);
			return CTL_OK;
		}
		o.follow |= c == 'f';
		o.json |= c == 'j';
		for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
			if (texts[i].c == c)
				*texts[i].to = optarg;
		}
	}
	if (optind < argc)
		return ctl_usage("alerts", "'%s' is not expected here", argv[optind]);
	return alerts(&o);
}
