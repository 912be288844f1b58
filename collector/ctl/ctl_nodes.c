/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_http.h"
#include "common/clock.h"

size_t
ctl_unseen(const json_t *status)
{
	json_t *list = json_object_get(status, "sensors"), *s;
	size_t i, n = 0;

	json_array_foreach(list, i, s)
	{
		n += strcmp(ctl_str(s, "state"), "up") != 0;
	}
	return n;
}

/* Print "CLUSTER/NODE", as 'forget' takes it. */
static void
print_name(const json_t *s)
{
	char name[1024];

	(void) snprintf(name, sizeof(name), "%s/%s", ctl_str(s, "cluster"), ctl_str(s, "node"));
	printf("%-40s", name);
}

/* How far its clock is ahead of the collector's: "+0.002s"; "-" if that is not known. */
static const char *
skew_text(const json_t *s, char out[32])
{
	const json_t *skew = json_object_get(s, "clock_skew_ns");
	double seconds = (double) json_integer_value(skew) / (double) NS_PER_S;

	(void) snprintf(out, 32, json_is_integer(skew) ? "%+.3fs" : "-", seconds);
	return out;
}

static void
print_node(const json_t *s)
{
	uint64_t seen = ctl_num(s, "last_seen");
	time_t at = (time_t) (seen / NS_PER_S);
	char when[32] = "", age[16], skew[32];
	struct tm tm;

	(void) gmtime_r(&at, &tm);
	(void) strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	print_name(s);
	printf(" %-8s %10s  %-20s %s ago\n", ctl_str(s, "state"), skew_text(s, skew), when,
	    ctl_age(ctl_num(s, "unheard_ns") / NS_PER_S, age));
}

static void
print_json(const json_t *list)
{
	static const char *const keys[] = { "cluster", "node", "state", "clock_skew_ns",
		"last_seen", "unheard_ns", "boot_id", "sensor_start" };
	json_t *out = json_array(), *s;
	size_t i;

	json_array_foreach((json_t *) list, i, s)
	{
		json_t *o = json_object();

		for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
			(void) json_object_set(o, keys[k], json_object_get(s, keys[k]));
		(void) json_array_append_new(out, o);
	}
	ctl_dump(out, JSON_INDENT(2));
	json_decref(out);
}

static int
nodes_list(struct ctl_target *t)
{
	json_t *j = ctl_get(t, "/api/v1/status"), *s;
	const json_t *list = json_object_get(j, "sensors");
	size_t unseen = ctl_unseen(j), i;

	if (j == NULL)
		return CTL_FAIL;
	if (t->json) {
		print_json(list);
	} else {
		printf("%-40s %-8s %10s  %s\n", "CLUSTER/NODE", "STATE", "CLOCK", "LAST SEEN");
		json_array_foreach((json_t *) list, i, s) print_node(s);
	}
	json_decref(j);
	return unseen > 0 ? CTL_UNSEEN : CTL_OK;
}

int
ctl_node_query(const char *command, struct buf *path, const char *name)
{
	const char *slash = strchr(name, '/');
	char cluster[256];

	if (slash == NULL || slash - name >= (ptrdiff_t) sizeof(cluster))
		return ctl_usage(
		    command, "'%s' is not CLUSTER/NODE as 'mewsctl nodes' lists it", name);
	(void) snprintf(cluster, sizeof(cluster), "%.*s", (int) (slash - name), name);
	ctl_query(path, "cluster", cluster);
	ctl_query(path, "node", slash + 1);
	return CTL_OK;
}

static int
nodes_forget(struct ctl_target *t, const char *name)
{
	CLEANUP(buf_fini) struct buf path = BUF_INIT;
	char shown[CTL_SAFE];
	int code = CTL_OK;
	long status = 0;
	json_t *j;

	buf_str(&path, "/api/v1/nodes/forget");
	code = ctl_node_query("nodes", &path, name);
	if (code != CTL_OK)
		return code;
	if (buf_ok(&path) < 0)
		return ctl_fail("no memory");
	j = ctl_post(t, path.p, &status);
	if (j == NULL)
		return CTL_FAIL;
	if (status == 200)
		printf("%s is forgotten\n", ctl_safe(name, shown));
	else
		code = ctl_fail("%s: %s", name, ctl_str(j, "error"));
	json_decref(j);
	return code;
}

static int
forget_all(struct ctl_target *t, char **names, int n)
{
	int code = CTL_OK;

	if (n == 0)
		return ctl_usage("nodes", "name the node to forget: CLUSTER/NODE");
	for (int i = 0; i < n; i++) {
		int r = nodes_forget(t, names[i]);

		code = r > code ? r : code;
	}
	return code;
}

static const struct ctl_option options[] = {
	{ "json", 'j', NULL, "the list as JSON", ctl_set_flag, offsetof(struct ctl_target, json) },
	CTL_TARGET_OPTIONS(0),
};

static const struct ctl_syntax syntax = { "nodes", options, ARRAY_SIZE(options),
	"Usage: mewsctl nodes [OPTIONS]\n"
	"       mewsctl nodes forget [OPTIONS] CLUSTER/NODE...\n"
	"\n"
	"Lists the nodes that a collector knows, and whether each is seen. A node whose sensor is "
	"gone\n"
	"stays in the list, even after a restart of the collector, until it is forgotten: do that\n"
	"when the machine is gone for good. A node without a cluster is written /NODE.\n"
	"\n"
	"  up       its sensor is connected and answers\n"
	"  silent   connected, but nothing was heard for 3 seconds: it hangs, or the network is "
	"cut\n"
	"  down     its sensor was killed, crashed, was refused or cannot reach the collector\n"
	"  stopped  its sensor was stopped\n"
	"  missing  known before the collector started, and not connected since\n"
	"\n"
	"CLOCK is how far the node's clock is ahead of the collector's (negative: behind); the "
	"times\n"
	"of its alerts are by the node's.\n"
	"\n",
	"\n"
	"Exit status: 0 every node is seen, or all named ones are forgotten; 1 the collector "
	"cannot be\n"
	"reached, or did not forget; 2 usage error; 3 a node is not seen.\n" };

int
ctl_nodes(int argc, char **argv)
{
	static const struct ctl_command commands[] = { { "forget", NULL, NULL } };
	struct ctl_target t = ctl_target();
	int code;

	if (!ctl_args(argc, argv, &syntax, &t, &code))
		return code;
	if (optind < argc && strcmp(argv[optind], "forget") == 0)
		return forget_all(&t, argv + optind + 1, argc - optind - 1);
	if (optind < argc)
		return ctl_unknown("nodes", argv[optind], commands, ARRAY_SIZE(commands));
	return nodes_list(&t);
}
