/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_rules.h"
#include "common/clock.h"
#include "common/config.h"
#include "proto/redact.h"
#include <stddef.h>
#include <sys/resource.h>

struct check_args {
	struct rule_paths paths;
	const char *sensor; /* the sensors' configuration; NULL: none is known */
	bool json, verbose;
	enum priority min_priority;
};

/* ---- for people ---- */

static void
print_blind(const struct ruleset *s)
{
	const struct rule *const *rules;
	size_t n = ruleset_rules(s, &rules);

	for (size_t i = 0; i < n; i++) {
		const struct rule *r = rules[i];
		const char *why = r->blind != NULL ? r->blind : r->partly;
		char name[CTL_SAFE], file[CTL_SAFE], shown[CTL_SAFE];

		if (r->loaded && why != NULL)
			printf("%s: '%s' (%s:%u): %s\n",
			    r->blind != NULL ? "blind" : "partly blind", ctl_safe(r->name, name),
			    ctl_safe(r->file, file), r->line, ctl_safe(why, shown));
	}
}

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void
print_summary(const struct ruleset *s, const struct rule_log *l)
{
	struct ruleset_counts c;

	if (s != NULL) {
		print_blind(s);
		ruleset_counts(s, &c);
		printf(
		    "%zu rule%s (%zu in force, %zu blind, %zu in part), %zu macro%s, %zu list%s; ",
		    c.rules, plural(c.rules), c.in_force, c.blind, c.partly, c.macros,
		    plural(c.macros), c.lists, plural(c.lists));
	}
	printf("%zu error%s, %zu warning%s\n", l->errors, plural(l->errors), l->warnings,
	    plural(l->warnings));
}

/* ---- for programs ---- */

static void
text(struct buf *b, const char *key, struct slice s)
{
	buf_str(b, key);
	buf_json(b, s);
}

static void
location(struct buf *b, struct slice type, struct slice name, const char *file, unsigned line,
    unsigned col, size_t offset)
{
	text(b, "{\"item_type\":", type);
	text(b, ",\"item_name\":", name);
	text(b, ",\"position\":{\"name\":", slice_str(file));
	buf_printf(b, ",\"line\":%u,\"column\":%u,\"offset\":%zu}}", line, col, offset);
}

/* Print the location as file, then item, then position: lines and columns start at 0 here. */
static void
locations(struct buf *b, const struct rule_msg *m)
{
	unsigned line = m->diag.line - (m->diag.line > 0), col = m->diag.col - (m->diag.col > 0);
	bool whole = m->item_type == NULL;

	location(b, SLICE("rules content"), SLICE(""), m->diag.file, whole ? line : 0,
	    whole ? col : 0, whole ? m->offset : 0);
	if (whole)
		return;
	buf_char(b, ',');
	location(b, slice_str(m->item_type), slice_str(m->item_name), m->diag.file, line, col,
	    m->offset);
}

static void
message(struct buf *b, const struct rule_msg *m)
{
	CLEANUP(buf_fini) struct buf snippet = BUF_INIT;

	text(b, "{\"code\":", slice_str(m->code->name));
	text(b, ",\"codedesc\":", slice_str(m->code->text));
	text(b, ",\"message\":", slice_str(m->diag.msg));
	buf_str(b, ",\"context\":{\"locations\":[");
	locations(b, m);
	buf_printf(&snippet, "%s\n", m->diag.text);
	for (unsigned i = 1; i < m->diag.col; i++)
		buf_char(&snippet, ' ');
	buf_str(&snippet, "^\n");
	text(b, "],\"snippet\":", m->diag.text[0] == '\0' ? SLICE("") : buf_get(&snippet));
	buf_char(b, '}');
	if (m->field != NULL)
		text(b, ",\"deprecated_field\":", slice_str(m->field->name));
	buf_char(b, '}');
}

/* Print the errors, or the warnings, of a file. Returns their number. */
static size_t
messages(struct buf *b, const char *key, const struct rule_log *l, const char *file, bool errors)
{
	size_t n = 0;

	buf_str(b, key);
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].error != errors || strcmp(l->v[i].diag.file, file) != 0)
			continue;
		buf_str(b, n++ > 0 ? "," : "");
		message(b, &l->v[i]);
	}
	buf_char(b, ']');
	return n;
}

static void
file_result(struct buf *b, const struct rule_log *l, const struct rule_file *f)
{
	size_t errors;

	text(b, "{\"name\":", slice_str(f->name));
	errors = messages(b, ",\"errors\":[", l, f->name, true);
	(void) messages(b, ",\"warnings\":[", l, f->name, false);
	buf_printf(b, ",\"successful\":%s,\"schema_valid\":%s,\"schema_warnings\":[",
	    errors == 0 ? "true" : "false",
	    f->schema == SCHEMA_NONE    ? "null"
	    : f->schema == SCHEMA_VALID ? "true"
					: "false");
	for (size_t i = 0; i < f->nfindings; i++)
		text(b, i > 0 ? "," : "", slice_str(f->findings[i]));
	buf_str(b, "]}");
}

static void
blind_rules(struct buf *b, const struct ruleset *s)
{
	const struct rule *const *rules;
	size_t n = ruleset_rules(s, &rules);
	bool first = true;

	for (size_t i = 0; i < n; i++) {
		const char *why = rules[i]->blind != NULL ? rules[i]->blind : rules[i]->partly;

		if (!rules[i]->loaded || why == NULL)
			continue;
		text(b, first ? "{\"rule\":" : ",{\"rule\":", slice_str(rules[i]->name));
		text(b, ",\"cause\":", slice_str(why));
		buf_printf(b, ",\"in_part\":%s}", rules[i]->blind == NULL ? "true" : "false");
		first = false;
	}
}

static int
print_json(const struct ruleset *s, const struct rule_log *l, const struct buf *description)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;

	buf_str(&b, "{\"falco_load_results\":[");
	for (size_t i = 0; i < l->nfiles; i++) {
		buf_str(&b, i > 0 ? "," : "");
		file_result(&b, l, &l->files[i]);
	}
	buf_str(&b, "],\"falco_describe_results\":");
	if (s == NULL)
		buf_str(&b, "null");
	else
		buf_slice(&b, buf_get(description));
	buf_str(&b, ",\"mews_blind_rules\":[");
	if (s != NULL)
		blind_rules(&b, s);
	buf_str(&b, "]}");
	if (buf_ok(&b) < 0)
		return ctl_fail("no memory to print the result");
	return ctl_print_json(buf_get(&b));
}

/* ---- */

/* Print the cost of loading: large lists take time and memory. */
static void
print_cost(uint64_t ns)
{
	struct rusage u;

	if (getrusage(RUSAGE_SELF, &u) == 0)
		fprintf(stderr, "loaded in %.2f s, %.0f MB of memory at most\n",
		    (double) ns / NS_PER_S, (double) u.ru_maxrss / 1024);
}

/* ---- what sensors replace ---- */

struct sensor_secrets {
	struct filter_secrets secrets;
	struct redact *patterns;
};

struct sensor_options {
	bool secrets;
	struct opt_list patterns;
};

static const struct opt sensor_options[] = {
	{ "redact.secrets", "true", "", OPT_BOOL, offsetof(struct sensor_options, secrets), 0, 0 },
	{ "redact.patterns", "", "", OPT_LIST, offsetof(struct sensor_options, patterns), 0, 0 },
};

/* Read them from a sensor's configuration; its other options are the sensor's. */
static int
read_secrets(const char *path, struct sensor_secrets *ret)
{
	struct sensor_options o = { 0 };
	struct cfg *cfg = NULL;
	struct diag d = { 0 };
	int r = cfg_open(path, NULL, &cfg, &d);

	if (r == 0)
		r = cfg_bind(cfg, sensor_options, ARRAY_SIZE(sensor_options), &o, &d);
	if (r == 0 && o.secrets)
		r = redact_new(
		    (const char *const *) o.patterns.v, o.patterns.n, &ret->patterns, &d);
	ret->secrets = (struct filter_secrets){ .kept = !o.secrets, .patterns = ret->patterns };
	cfg_free(cfg);
	if (r < 0)
		diag_print(stderr, &d, "error");
	return r;
}

static int
check(const struct check_args *a)
{
	struct sensor_secrets sensor = { 0 };
	struct buf description CLEANUP(buf_fini) = BUF_INIT;
	const struct rule_options o = { .min_priority = a->min_priority,
		.secrets = a->sensor != NULL ? &sensor.secrets : NULL,
		.describe = a->json ? &description : NULL };
	struct ruleset *s = NULL;
	struct rule_log log;
	uint64_t began = clock_mono();
	int r, shown = CTL_OK;

	if (a->sensor != NULL && read_secrets(a->sensor, &sensor) < 0)
		return CTL_FAIL;
	r = rule_paths_load(&a->paths, &o, &s, &log);
	if (a->verbose)
		print_cost(clock_mono() - began);
	if (a->json)
		shown = print_json(s, &log, &description);
	else
		print_summary(s, &log);
	ruleset_unref(s);
	rule_log_fini(&log);
	redact_free(sensor.patterns);
	return r == CTL_OK ? shown : r;
}

static const struct ctl_option options[] = {
	{ "priority", 0, "P",
	    "as a collector with rule.priority: P: rules of a lower\npriority are not in force",
	    rule_priority_set, offsetof(struct check_args, min_priority) },
	{ "sensor-config", 0, "FILE",
	    "a sensor's configuration: warn of comparisons with what its\nredact.patterns replace",
	    ctl_set_text, offsetof(struct check_args, sensor) },
	{ "json", 0, NULL,
	    "one object in the format of Falco's validation, with the blind rules "
	    "as\n'mews_blind_rules'",
	    ctl_set_flag, offsetof(struct check_args, json) },
	{ "verbose", 'v', NULL, "also the time and memory of loading", ctl_set_flag,
	    offsetof(struct check_args, verbose) },
};

static const struct ctl_syntax syntax = { "rules check", options, ARRAY_SIZE(options),
	"Usage: mewsctl rules check [--priority P] [--sensor-config FILE] [--json] [-v] FILE...\n"
	"\n"
	"Prints every error and warning of all files with its location, the number of rules, and\n"
	"those that are blind, wholly or in part: such a rule loads, but needs an event that is "
	"not\n"
	"captured yet or a field that is never filled, or has an exception on such a field.\n"
	"\n",
	"\n"
	"Exit status: 0 the files load, 1 they do not, 2 usage error.\n" };

int
rules_check(int argc, char **argv)
{
	struct check_args a = { .min_priority = PRIO_DEBUG };
	int code;

	if (!ctl_args(argc, argv, &syntax, &a, &code))
		return code;
	for (; optind < argc && code == CTL_OK; optind++)
		code = rule_paths_add(&a.paths, argv[optind]);
	if (code != CTL_OK)
		return code;
	if (a.paths.n == 0)
		return ctl_usage("rules check", "name at least one rule file or folder");
	return check(&a);
}
