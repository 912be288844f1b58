/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_rules.h"
#include "collector/ctl/offline.h"
#include "collector/output/text.h"
#include <errno.h>
#include <unistd.h>

struct replay {
	struct rule_paths paths;
	struct rule_options options;
	const char *recording;
	enum text_format format;
	/* during a replay */
	struct rule_run *run;
	struct alert_scratch scratch;
	struct fscratch *fs;
	const struct alert_origin *origin;
	uint64_t alerts;
	int error;
};

static void
on_hit(void *arg, const struct rule *rule, const struct view *v)
{
	CLEANUP(buf_fini) struct buf line = BUF_INIT;
	struct replay *p = arg;
	struct alert *a = NULL;

	if (alert_render(rule, v, p->origin, p->fs, &p->scratch, &a) < 0) {
		p->error = -ENOMEM;
		return;
	}
	text_alert(&line, a, p->format);
	alert_free(a);
	if (buf_ok(&line) < 0)
		p->error = -ENOMEM;
	else
		(void) fwrite(line.p, 1, line.n, stdout);
	p->alerts++;
}

static int
on_event(void *arg, const struct view *v, const struct alert_origin *o, struct fscratch *fs)
{
	struct replay *p = arg;

	p->origin = o;
	p->fs = fs;
	rule_run_event(p->run, v, on_hit, p);
	return p->error;
}

static int
play(struct replay *p)
{
	struct offline *o = NULL;
	struct diag d = { .line = 0 };
	int r = offline_new(on_event, p, &o);

	if (r == 0)
		r = offline_recording(o, p->recording, &d);
	if (r == 0)
		fprintf(stderr, "%lu events, %lu alerts\n", (unsigned long) offline_events(o),
		    (unsigned long) p->alerts);
	offline_free(o);
	if (r < 0)
		return ctl_fail("%s", d.code == DIAG_NONE ? "no memory" : d.msg);
	return fflush(stdout) == 0
		   ? CTL_OK
		   : ctl_fail("cannot write the alerts: %s", strerrordesc_np(errno));
}

static int
replay(struct replay *p)
{
	struct ruleset *s = NULL;
	int r = rule_paths_open(&p->paths, &p->options, &s);

	if (r != CTL_OK)
		return r;
	if (rule_run_new(s, &p->run) < 0)
		r = ctl_fail("no memory to evaluate the rules");
	else
		r = play(p);
	rule_run_free(p->run);
	alert_scratch_fini(&p->scratch);
	ruleset_unref(s);
	return r;
}

static int
set_json(const char *command UNUSED, const char *value UNUSED, void *format)
{
	*(enum text_format *) format = isatty(STDOUT_FILENO) ? TEXT_JSON_SAFE : TEXT_JSON;
	return CTL_OK;
}

static const struct ctl_option options[] = {
	{ "rules", 'r', "FILE",
	    "a rule file or folder; may be repeated, in order (default\n/etc/mews/rules.d, or else "
	    "the default rules)",
	    rule_paths_set, offsetof(struct replay, paths) },
	{ "matching", 0, "M",
	    "first: an event raises the first rule that matches (default);\nall: every one",
	    rule_matching_set, offsetof(struct replay, options.match_all) },
	{ "priority", 0, "P", "rules of this priority or higher", rule_priority_set,
	    offsetof(struct replay, options.min_priority) },
	{ "json", 0, NULL, "one JSON object per line, as the outputs send it", set_json,
	    offsetof(struct replay, format) },
};

static const struct ctl_syntax syntax = { "replay", options, ARRAY_SIZE(options),
	"Usage: mewsctl replay [OPTIONS] RECORDING\n"
	"\n"
	"Shows the alerts that rules raise on recorded events, without a collector. Make a "
	"recording\n"
	"on a node with mews-sensor --record FILE --seconds 60. It contains the data of the "
	"node's\n"
	"programs, including secrets.\n"
	"\n",
	"\n"
	"Which alerts would a new rule have raised last night?\n"
	"  mewsctl replay --rules new.yaml night.rec\n"
	"\n"
	"Exit status: 0 done, 1 the rules or the recording cannot be read, 2 usage error.\n" };

int
ctl_replay(int argc, char **argv)
{
	struct replay p = {
		.options = { .min_priority = PRIO_DEBUG },
		.format = isatty(STDOUT_FILENO) ? TEXT_COLOURED : TEXT_PLAIN,
	};
	int code;

	if (!ctl_args(argc, argv, &syntax, &p, &code))
		return code;
	if (argc - optind != 1)
		return ctl_usage("replay", "name one recording");
	p.recording = argv[optind];
	return replay(&p);
}
