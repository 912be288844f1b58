/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_http.h"
#include "collector/ctl/ctl_rules.h"
#include <stdlib.h>
#include <unistd.h>

enum { ROWS_DEFAULT = 20, ROWS_MAX = 100000 };

static const char help_text[] =
    "Usage: mewsctl rules top [OPTIONS]\n"
    "\n"
    "Shows the cost of each rule of a collector and how often it matched, highest first.\n"
    "EVALUATIONS are events on which a rule was evaluated, HITS those that it matched. Verdicts\n"
    "on values are remembered, so the cost is in CHECKS: those that had to be run for a rule,\n"
    "because the value was new or is not worth remembering.\n"
    "\n"
    "      --by WHAT          order: cost (checks, the default), hits or evaluations\n"
    "      --rows N           number of rules (default 20; 0: all)\n"
    "      --watch            refresh every second with that second's counts, until interrupted\n"
    "      --json             an array of objects instead of a table\n" CTL_TARGET_HELP
    "\n"
    "Exit status: 0, 1 not reachable, 2 usage error.\n";

struct top_args {
	struct ctl_target target;
	const char *by; /* a key of the API's objects */
	size_t rows;
	bool watch;
};

struct top_row {
	const char *rule;
	uint64_t evaluations, checks, hits, order;
};

static const json_t *
rule_of(const json_t *list, const char *name)
{
	json_t *r;
	size_t i;

	json_array_foreach(list, i, r)
	{
		if (strcmp(ctl_str(r, "rule"), name) == 0)
			return r;
	}
	return NULL;
}

/* The increase since the earlier answer; counters of a restarted collector begin at 0. */
static uint64_t
since(const json_t *r, const json_t *before, const char *key)
{
	uint64_t now = ctl_num(r, key), then = ctl_num(before, key);

	return now >= then ? now - then : now;
}

static int
by_order(const void *x, const void *y)
{
	const struct top_row *a = x, *b = y;

	if (a->order != b->order)
		return a->order > b->order ? -1 : 1;
	return strcmp(a->rule, b->rule);
}

/* Collect the rules in force, in order. The caller frees *ret, whose texts belong to j. */
static int
top_rows(const json_t *j, const json_t *before, const struct top_args *a, struct top_row **ret,
    size_t *n)
{
	struct top_row *v = calloc(json_array_size(j) + 1, sizeof(*v));
	json_t *r;
	size_t i;

	if (v == NULL)
		return ctl_fail("no memory");
	*n = 0;
	json_array_foreach(j, i, r)
	{
		const json_t *old = before == NULL ? NULL : rule_of(before, ctl_str(r, "rule"));

		if (!json_is_true(json_object_get(r, "loaded")))
			continue;
		v[*n] = (struct top_row){ ctl_str(r, "rule"), since(r, old, "evaluations"),
			since(r, old, "checks"), since(r, old, "hits"), since(r, old, a->by) };
		++*n;
	}
	qsort(v, *n, sizeof(*v), by_order);
	if (a->rows != 0)
		*n = MIN(*n, a->rows);
	*ret = v;
	return CTL_OK;
}

static void
print_table(const struct top_row *v, size_t n)
{
	char evaluations[16], checks[16], hits[16];

	printf("%-56s %12s %12s %12s\n", "RULE", "EVALUATIONS", "CHECKS", "HITS");
	for (size_t i = 0; i < n; i++)
		printf("%-56.56s %12s %12s %12s\n", v[i].rule,
		    ctl_count(v[i].evaluations, evaluations), ctl_count(v[i].checks, checks),
		    ctl_count(v[i].hits, hits));
}

static int
print_json(const struct top_row *v, size_t n)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;

	buf_char(&b, '[');
	for (size_t i = 0; i < n; i++) {
		buf_str(&b, i > 0 ? ",\n{\"rule\":" : "\n{\"rule\":");
		buf_json(&b, slice_str(v[i].rule));
		buf_printf(&b, ",\"evaluations\":%lu,\"checks\":%lu,\"hits\":%lu}",
		    (unsigned long) v[i].evaluations, (unsigned long) v[i].checks,
		    (unsigned long) v[i].hits);
	}
	buf_str(&b, "\n]");
	if (buf_ok(&b) < 0)
		return ctl_fail("no memory");
	return ctl_print_json(buf_get(&b));
}

static int
show(const json_t *j, const json_t *before, const struct top_args *a)
{
	struct top_row *v = NULL;
	size_t n = 0;
	int code = top_rows(j, before, a, &v, &n);

	if (code != CTL_OK)
		return code;
	if (a->target.json)
		code = print_json(v, n);
	else
		print_table(v, n);
	(void) fflush(stdout);
	free(v);
	return code;
}

static int
top(struct top_args *a)
{
	json_t *before = NULL, *j = ctl_get(&a->target, "/api/v1/rules");
	int code = j == NULL ? CTL_FAIL : CTL_OK;

	if (code == CTL_OK && !a->watch)
		code = show(j, NULL, a);
	while (code == CTL_OK && a->watch) {
		(void) sleep(1); /* NOLINT(concurrency-mt-unsafe): one thread */
		json_decref(before);
		before = j;
		j = ctl_get(&a->target, "/api/v1/rules");
		if (j != NULL && !a->target.json && isatty(STDOUT_FILENO))
			fputs("\033[H\033[2J", stdout);
		code = j == NULL ? CTL_FAIL : show(j, before, a);
	}
	json_decref(before);
	json_decref(j);
	return code;
}

/* The API's name of an order; NULL: unknown order. */
static const char *
order_key(const char *by)
{
	if (strcmp(by, "cost") == 0)
		return "checks";
	return strcmp(by, "hits") == 0 || strcmp(by, "evaluations") == 0 ? by : NULL;
}

static int
parse_rows(const char *text, size_t *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end != '\0' || end == text || text[0] == '-' || n > ROWS_MAX)
		return ctl_usage("rules top", "--rows must be a number, not '%s'", text);
	*ret = n;
	return CTL_OK;
}

int
rules_top(int argc, char **argv)
{
	static const struct option longs[] = {
		CTL_TARGET_OPTIONS,
		{ "by", required_argument, NULL, 'b' },
		{ "rows", required_argument, NULL, 'n' },
		{ "watch", no_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct top_args a = { .target = ctl_target(), .by = "checks", .rows = ROWS_DEFAULT };
	int c;

	while ((c = cmdline_next(argc, argv, "b:n:wjh", longs)) != -1) {
		switch (c) {
		case 'b':
			a.by = order_key(optarg);
			if (a.by == NULL)
				return ctl_usage(
				    "rules top", "'%s' is not cost, hits or evaluations", optarg);
			break;
		case 'n':
			if (parse_rows(optarg, &a.rows) != CTL_OK)
				return CTL_USAGE;
			break;
		case 'w':
			a.watch = true;
			break;
		case 'h':
			fputs(help_text, stdout);
			return CTL_OK;
		default:
			if (ctl_target_option(&a.target, c))
				break;
			return ctl_usage("rules top", "%s", optarg);
		}
	}
	if (optind < argc)
		return ctl_usage("rules top", "unexpected argument '%s'", argv[optind]);
	return top(&a);
}
