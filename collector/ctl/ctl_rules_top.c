/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_http.h"
#include "collector/ctl/ctl_rules.h"
#include <stdlib.h>
#include <unistd.h>

enum { ROWS_DEFAULT = 20, ROWS_MAX = 100000 };

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

/* An order, as a key of the API's objects. */
static int
set_order(const char *command, const char *value, void *member)
{
	const char **by = member;

	*by = strcmp(value, "cost") == 0 ? "checks" : value;
	if (strcmp(value, "cost") == 0 || strcmp(value, "hits") == 0 ||
	    strcmp(value, "evaluations") == 0)
		return CTL_OK;
	return ctl_usage(command, "'%s' is not cost, hits or evaluations", value);
}

static int
set_rows(const char *command, const char *value, void *member)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*end != '\0' || end == value || value[0] == '-' || n > ROWS_MAX)
		return ctl_usage(command, "--rows must be a number, not '%s'", value);
	*(size_t *) member = n;
	return CTL_OK;
}

static const struct ctl_option options[] = {
	{ "by", 'b', "WHAT", "order: cost (checks, the default), hits or evaluations", set_order,
	    offsetof(struct top_args, by) },
	{ "rows", 'n', "N", "number of rules (default 20; 0: all)", set_rows,
	    offsetof(struct top_args, rows) },
	{ "watch", 'w', NULL, "refresh every second with that second's counts, until interrupted",
	    ctl_set_flag, offsetof(struct top_args, watch) },
	{ "json", 'j', NULL, "an array of objects instead of a table", ctl_set_flag,
	    offsetof(struct top_args, target.json) },
	CTL_TARGET_OPTIONS(offsetof(struct top_args, target)),
};

static const struct ctl_syntax syntax = { "rules top", options, ARRAY_SIZE(options),
	"Usage: mewsctl rules top [OPTIONS]\n"
	"\n"
	"Shows the cost of each rule of a collector and how often it matched, highest first.\n"
	"EVALUATIONS are events on which a rule was evaluated, HITS those that it matched. "
	"Verdicts\n"
	"on values are remembered, so the cost of a rule is its CHECKS: those that had to be run\n"
	"because a value was new or is not worth remembering.\n"
	"\n",
	"\n"
	"Exit status: 0 done, 1 not reachable, 2 usage error.\n" };

int
rules_top(int argc, char **argv)
{
	struct top_args a = { .target = ctl_target(), .by = "checks", .rows = ROWS_DEFAULT };
	int code;

	if (!ctl_args(argc, argv, &syntax, &a, &code))
		return code;
	if (optind < argc)
		return ctl_usage("rules top", "unexpected argument '%s'", argv[optind]);
	return top(&a);
}
