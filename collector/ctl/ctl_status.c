/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_status.h"
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_http.h"
#include <unistd.h>

static int
code_of(const json_t *j)
{
	if (!json_is_true(json_object_get(json_object_get(j, "collector"), "ready")))
		return CTL_FAIL;
	return ctl_unseen(j) > 0 ? CTL_UNSEEN : CTL_OK;
}

static int
status_json(struct ctl_target *t)
{
	json_t *j = ctl_get(t, "/api/v1/status");
	int code = j != NULL ? code_of(j) : CTL_FAIL;

	if (j != NULL) {
		ctl_dump(j, JSON_INDENT(2));
	}
	json_decref(j);
	return code;
}

/* Rates need two answers: take one a second before the first that is shown. */
static int
status(struct ctl_target *t, bool watch)
{
	json_t *before = ctl_get(t, "/api/v1/status"), *j = before;
	int code = CTL_FAIL;

	while (j != NULL) {
		(void) sleep(1); /* NOLINT(concurrency-mt-unsafe): one thread */
		j = ctl_get(t, "/api/v1/status");
		if (j == NULL) {
			code = CTL_FAIL;
			break;
		}
		if (watch && isatty(STDOUT_FILENO))
			fputs("\033[H\033[2J", stdout);
		status_print(j, before);
		(void) fflush(stdout);
		code = code_of(j);
		json_decref(before);
		before = j;
		if (!watch)
			break;
	}
	json_decref(before);
	return code;
}

struct status_args {
	struct ctl_target target;
	bool watch;
};

static const struct ctl_option options[] = {
	{ "json", 'j', NULL, "the API's answer, unchanged", ctl_set_flag,
	    offsetof(struct status_args, target.json) },
	{ "watch", 'w', NULL, "refresh every second, until interrupted", ctl_set_flag,
	    offsetof(struct status_args, watch) },
	CTL_TARGET_OPTIONS(offsetof(struct status_args, target)),
};

static const struct ctl_syntax syntax = { "status", options, ARRAY_SIZE(options),
	"Usage: mewsctl status [OPTIONS]\n"
	"\n"
	"Shows a collector, its sensors (rates, lag, drops) and its outputs, in 80 columns; warns "
	"of\n"
	"certificates that expire within 30 days, and tells of those of the last day.\n"
	"\n",
	"\n"
	"The state of a sensor is that of 'mewsctl nodes', or 'part' while not all processes of "
	"its\n"
	"node are known yet.\n"
	"\n"
	"Exit status: 0 ready, and every known node is up; 1 not reachable or not ready; 2 usage\n"
	"error; 3 a node is not up.\n" };

int
ctl_status(int argc, char **argv)
{
	struct status_args a = { .target = ctl_target() };
	int code;

	if (!ctl_args(argc, argv, &syntax, &a, &code))
		return code;
	if (optind < argc)
		return ctl_usage("status", "unexpected argument '%s'", argv[optind]);
	return a.target.json ? status_json(&a.target) : status(&a.target, a.watch);
}
