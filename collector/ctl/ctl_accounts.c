/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_accounts.c - what nodes generated, and where it is: of all nodes, or by type of one. */
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_http.h"
#include "common/clock.h"

static const char head[] = "%-24s %11s %11s %9s %11s %11s\n";

/* The sum of the causes; printed in full below the line. */
static uint64_t
dropped_of(const json_t *row)
{
	json_t *causes = json_object_get(row, "dropped"), *n;
	uint64_t sum = 0;
	const char *cause;

	json_object_foreach(causes, cause, n) sum += (uint64_t) json_integer_value(n);
	return sum;
}

static void
print_causes(const json_t *row)
{
	json_t *causes = json_object_get(row, "dropped"), *n;
	char safe[CTL_SAFE];
	const char *cause;

	json_object_foreach(causes, cause, n) printf(
	    "  dropped: %s %lld\n", ctl_safe(cause, safe), (long long) json_integer_value(n));
}

/* Exact numbers: they are there to be added. */
static void
print_row(const char *name, const json_t *row)
{
	printf("%-24s %11lu %11lu %9lu %11lu %11lu\n", name,
	    (unsigned long) ctl_num(row, "generated"), (unsigned long) ctl_num(row, "delivered"),
	    (unsigned long) dropped_of(row), (unsigned long) ctl_num(row, "undelivered"),
	    (unsigned long) ctl_num(row, "unaccounted"));
	print_causes(row);
}

static void
print_name(const json_t *node)
{
	char name[1024], at[CLOCK_TEXT];

	(void) snprintf(
	    name, sizeof(name), "%s/%s", ctl_str(node, "cluster"), ctl_str(node, "node"));
	if (ctl_num(node, "at") == 0)
		printf("%-24s no account yet: no event came, or the sensor is older\n", name);
	else if (json_object_get(node, "types") != NULL)
		printf("%s as of %s\n", name, clock_text(ctl_num(node, "at"), at));
	else
		print_row(name, node);
}

static void
print_node(const json_t *node)
{
	json_t *types = json_object_get(node, "types"), *row;
	size_t i;

	print_name(node);
	json_array_foreach(types, i, row) print_row(ctl_str(row, "type"), row);
	if (json_array_size(types) > 0)
		print_row("all", node);
}

static int
accounts(struct ctl_target *t, const char *name)
{
	CLEANUP(buf_fini) struct buf path = BUF_INIT;
	json_t *j, *nodes, *node;
	int code = CTL_OK;
	size_t i;

	buf_str(&path, "/api/v1/accounts");
	if (name != NULL)
		code = ctl_node_query("accounts", &path, name);
	if (code != CTL_OK)
		return code;
	if (buf_ok(&path) < 0)
		return ctl_fail("no memory");
	j = ctl_get(t, path.p);
	nodes = json_object_get(j, "nodes");
	if (j == NULL)
		return CTL_FAIL;
	if (name != NULL && json_array_size(nodes) == 0)
		code = ctl_fail("no such node is known: 'mewsctl nodes' lists them");
	else if (t->json)
		ctl_dump(nodes, JSON_INDENT(2));
	else
		printf(head, name == NULL ? "CLUSTER/NODE" : "TYPE", "GENERATED", "DELIVERED",
		    "DROPPED", "UNDELIVERED", "UNACCOUNTED");
	if (code == CTL_OK && !t->json) {
		json_array_foreach(nodes, i, node) print_node(node);
	}
	json_decref(j);
	return code;
}

static const struct ctl_option options[] = {
	{ "json", 'j', NULL, "the accounts as JSON", ctl_set_flag,
	    offsetof(struct ctl_target, json) },
	CTL_TARGET_OPTIONS(0),
};

static const struct ctl_syntax syntax = { "accounts", options, ARRAY_SIZE(options),
	"Usage: mewsctl accounts [OPTIONS] [CLUSTER/NODE]\n"
	"\n"
	"Shows the exact account of each node's events, or of one node's by type: what was\n"
	"generated is the sum of the other columns.\n"
	"\n"
	"  GENERATED    events in the node's kernel that a rule, or the processes' state, wants\n"
	"  DELIVERED    of these, events that reached the collector\n"
	"  DROPPED      events that found no place in the kernel's rings, by cause\n"
	"  UNDELIVERED  events in batches that the sensor had to give up, or that do not decode\n"
	"  UNACCOUNTED  events that are missing, and nobody knows why: this opens a loss window\n"
	"\n",
	"\n"
	"An account is that of the sensor's run, as of its newest batch that has one: each\n"
	"second of events does. A collector without a checkpoint counts what was sent before its\n"
	"own start as delivered.\n"
	"\n"
	"Exit status: 0 shown; 1 the collector cannot be reached, or does not know the node; 2\n"
	"usage error.\n" };

int
ctl_accounts(int argc, char **argv)
{
	struct ctl_target t = ctl_target();
	int code;

	if (!ctl_args(argc, argv, &syntax, &t, &code))
		return code;
	if (argc - optind > 1)
		return ctl_usage("accounts", "unexpected argument '%s'", argv[optind + 1]);
	return accounts(&t, optind < argc ? argv[optind] : NULL);
}
