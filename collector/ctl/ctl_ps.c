/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_http.h"

struct opts {
	struct ctl_target target;
	const char *pid;
	bool files, threads;
};

static void
print_files(const json_t *list)
{
	const json_t *f;
	size_t i;

	json_array_foreach((json_t *) list, i, f)
	{
		const char *type = ctl_str(f, "type");

		printf("%17lu  %-10s %s\n", (unsigned long) ctl_num(f, "fd"),
		    type[0] == '\0' ? "?" : type, ctl_str(f, "name"));
	}
}

static void
print_process(const json_t *p, bool threads)
{
	const json_t *list = json_object_get(p, "args"), *arg;
	const char *user = ctl_str(p, "user"), *exe = ctl_str(p, "exe");
	char uid[24];
	size_t i;

	(void) snprintf(uid, sizeof(uid), "%lu", (unsigned long) ctl_num(p, "uid"));
	printf("%8lu ", (unsigned long) ctl_num(p, threads ? "tid" : "pid"));
	printf("%8lu %-12s %-12s", (unsigned long) ctl_num(p, "ppid"), user[0] == '\0' ? uid : user,
	    ctl_str(p, "container"));
	printf(" %s", exe[0] == '\0' ? ctl_str(p, "comm") : exe);
	json_array_foreach((json_t *) list, i, arg) printf(" %s", json_string_value(arg));
	putchar('\n');
	print_files(json_object_get(p, "files"));
	if (ctl_num(p, "files_left_out") > 0)
		printf("%17s  %lu more\n", "", (unsigned long) ctl_num(p, "files_left_out"));
}

static void
print_page(const struct opts *o, const json_t *list)
{
	const json_t *p;
	size_t i;

	json_array_foreach((json_t *) list, i, p)
	{
		if (o->target.json)
			ctl_dump(p, JSON_COMPACT);
		else
			print_process(p, o->threads);
	}
}

/* The pages of an answer can show different moments. */
static int
ps(struct opts *o, const char *node)
{
	uint64_t after = 0;

	if (!o->target.json)
		printf("%8s %8s %-12s %-12s %s\n", o->threads ? "TID" : "PID", "PPID", "USER",
		    "CONTAINER", "COMMAND");
	do {
		CLEANUP(buf_fini) struct buf path = BUF_INIT;
		char text[24];
		json_t *j;

		(void) snprintf(text, sizeof(text), "%lu", (unsigned long) after);
		buf_str(&path, "/api/v1/processes");
		if (ctl_node_query("ps", &path, node) != CTL_OK)
			return CTL_USAGE;
		ctl_query(&path, "after", text);
		ctl_query(&path, "pid", o->pid);
		ctl_query(&path, "files", o->files ? "1" : "0");
		ctl_query(&path, "threads", o->threads ? "1" : "0");
		if (buf_ok(&path) < 0)
			return ctl_fail("no memory");
		j = ctl_get(&o->target, path.p);
		if (j == NULL)
			return CTL_FAIL;
		print_page(o, json_object_get(j, "processes"));
		after = ctl_num(j, "next");
		json_decref(j);
	} while (after > 0);
	return CTL_OK;
}

static const struct ctl_option options[] = {
	{ "pid", 'p', "PID", "only this process, by its id on the node", ctl_set_text,
	    offsetof(struct opts, pid) },
	{ "files", 'f', NULL, "with the open files of each process", ctl_set_flag,
	    offsetof(struct opts, files) },
	{ "threads", 't', NULL, "each thread, not each process", ctl_set_flag,
	    offsetof(struct opts, threads) },
	{ "json", 'j', NULL, "one JSON object per line, with all that is known", ctl_set_flag,
	    offsetof(struct opts, target.json) },
	CTL_TARGET_OPTIONS(offsetof(struct opts, target)),
};

static const struct ctl_syntax syntax = { "ps", options, ARRAY_SIZE(options),
	"Usage: mewsctl ps [OPTIONS] CLUSTER/NODE\n"
	"\n"
	"Lists the processes of a node from the collector's state, which is what its rules see; "
	"the\n"
	"node is not contacted. The name of a file is the path by which it was opened.\n"
	"\n",
	"\n"
	"Exit status: 0 done, 1 not reachable, refused, or the node is unknown, 2 usage error.\n" };

int
ctl_ps(int argc, char **argv)
{
	struct opts o = { .target = ctl_target(), .pid = "0" };
	int code;

	if (!ctl_args(argc, argv, &syntax, &o, &code))
		return code;
	if (optind + 1 != argc)
		return ctl_usage("ps", "name one node: CLUSTER/NODE");
	return ps(&o, argv[optind]);
}
