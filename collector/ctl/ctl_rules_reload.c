/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_http.h"
#include "collector/ctl/ctl_rules.h"

static void
print_messages(const json_t *j, const char *key, const char *what)
{
	json_t *list = json_object_get(j, key), *m;
	size_t i;

	json_array_foreach(list, i, m)
	{
		const char *item = ctl_str(m, "item");

		fprintf(stderr, "%s:%lu:%lu: %s: %s%s%s [%s]\n", ctl_str(m, "file"),
		    (unsigned long) ctl_num(m, "line"), (unsigned long) ctl_num(m, "column"), what,
		    item, item[0] == '\0' ? "" : ": ", ctl_str(m, "message"), ctl_str(m, "code"));
	}
}

static int
reload(struct ctl_target *t)
{
	long status = 0;
	json_t *j = ctl_post(t, "/api/v1/rules/reload", &status);
	int code = CTL_OK;

	if (j == NULL)
		return CTL_FAIL;
	if (t->json) {
		ctl_dump(j, JSON_INDENT(2));
	} else {
		print_messages(j, "errors", "error");
		print_messages(j, "warnings", "warning");
	}
	if (status != 200)
		code = ctl_fail("%s", ctl_str(j, "error"));
	else if (!t->json)
		printf("rules in force: %lu, of them blind: %lu\n",
		    (unsigned long) ctl_num(j, "in_force"), (unsigned long) ctl_num(j, "blind"));
	json_decref(j);
	return code;
}

static const struct ctl_option options[] = {
	{ "json", 'j', NULL, "the API's answer, unchanged", ctl_set_flag,
	    offsetof(struct ctl_target, json) },
	CTL_TARGET_OPTIONS(0),
};

static const struct ctl_syntax syntax = { "rules reload", options, ARRAY_SIZE(options),
	"Usage: mewsctl rules reload [OPTIONS]\n"
	"\n"
	"Tells a collector to load its rules again, and waits until they are in force. If they do "
	"not\n"
	"load, the old ones stay in force, and the errors are printed.\n"
	"\n",
	"\n"
	"Exit status: 0 in force, 1 not reachable or not loaded, 2 usage error.\n" };

int
rules_reload(int argc, char **argv)
{
	struct ctl_target t = ctl_target();
	int code;

	if (!ctl_args(argc, argv, &syntax, &t, &code))
		return code;
	if (optind < argc)
		return ctl_usage("rules reload", "unexpected argument '%s'", argv[optind]);
	return reload(&t);
}
