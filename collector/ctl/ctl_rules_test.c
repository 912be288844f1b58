/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/case_file.h"
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_rules.h"
#include "collector/ctl/offline.h"
#include "common/escape.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

struct testing {
	struct rule_paths paths;
	struct rule_options options;
	bool verbose;
	size_t passed, total;
	/* of the current case */
	const char *file;
	const struct rule_case *c;
	struct rule_run *run;
	const struct case_alert *next; /* expected next; NULL: no more */
	struct fscratch *fs;
	bool failed;
};

static void PRINTF_LIKE(2, 3) differs(struct testing *t, const char *fmt, ...)
{
	char name[CTL_SAFE], file[CTL_SAFE], *text = NULL;
	va_list ap;

	if (!t->failed)
		printf("FAIL %s (%s:%u)\n", ctl_safe(t->c->name, name), ctl_safe(t->file, file),
		    t->c->line);
	t->failed = true;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	fputs("    ", stdout);
	escape_print(stdout, text == NULL ? SLICE("no memory") : slice_str(text));
	putchar('\n');
	free(text);
}

static void
compare_field(struct testing *t, const struct case_field *f, const struct view *v)
{
	CLEANUP(arena_fini) struct arena a;
	struct slice is = SLICE("<NA>");
	struct diag d = { .line = 0 };
	struct field_ref ref;
	size_t used;
	bool is_null;

	arena_init(&a, 0);
	if (field_lookup(slice_str(f->name), &a, &ref, &used, &d) < 0) {
		differs(t, "%s", d.msg);
		return;
	}
	is_null = !field_text(&ref, v, t->fs, &is);
	if (f->want == NULL && !is_null)
		differs(t, "%s is '%.*s', expected no value", f->name, SLICE_ARG(is));
	else if (f->want != NULL && !slice_eq(is, slice_str(f->want)))
		differs(t, "%s is '%.*s', expected '%s'", f->name, SLICE_ARG(is), f->want);
}

static void
on_hit(void *arg, const struct rule *rule, const struct view *v)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	struct testing *t = arg;
	const struct case_alert *want = t->next;

	if (want == NULL || strcmp(want->rule, rule->name) != 0) {
		differs(t, "event %lu (%s) raises '%s', expected %s%s%s", (unsigned long) v->num,
		    v->ev->schema->name, rule->name, want == NULL ? "nothing" : "'",
		    want == NULL ? "" : want->rule, want == NULL ? "" : "'");
		return;
	}
	t->next = want->next;
	for (const struct case_field *f = want->fields; f != NULL; f = f->next)
		compare_field(t, f, v);
	if (want->output == NULL)
		return;
	format_text(rule->format, v, t->fs, &text);
	if (buf_ok(&text) < 0 || !slice_eq(buf_get(&text), slice_str(want->output)))
		differs(t, "the output is '%.*s', expected '%s'", SLICE_ARG(buf_get(&text)),
		    want->output);
}

static int
on_event(void *arg, const struct view *v, const struct alert_origin *o UNUSED, struct fscratch *fs)
{
	struct testing *t = arg;

	t->fs = fs;
	rule_run_event(t->run, v, on_hit, t);
	return 0;
}

static int
play(struct offline *o, const struct rule_case *c, const char **why)
{
	Wire__Hello hello = WIRE__HELLO__INIT;
	Wire__Snapshot snapshot = WIRE__SNAPSHOT__INIT;
	Wire__Batch rows = WIRE__BATCH__INIT, batch = WIRE__BATCH__INIT;
	Wire__Request hello_req = { PROTOBUF_C_MESSAGE_INIT(&wire__request__descriptor),
		WIRE__REQUEST__BODY_HELLO, { .hello = &hello } };
	Wire__Request rows_req = { PROTOBUF_C_MESSAGE_INIT(&wire__request__descriptor),
		WIRE__REQUEST__BODY_BATCH, { .batch = &rows } };
	Wire__Request batch_req = { PROTOBUF_C_MESSAGE_INIT(&wire__request__descriptor),
		WIRE__REQUEST__BODY_BATCH, { .batch = &batch } };
	int r;

	hello.node = (char *) "node";
	snapshot.id = snapshot.last = 1;
	rows.snapshot = &snapshot;
	rows.body = c->processes;
	batch.seq = 1;
	batch.body = c->events;
	r = offline_request(o, &hello_req, why);
	if (r == 0)
		r = offline_request(o, &rows_req, why);
	return r == 0 ? offline_request(o, &batch_req, why) : r;
}

static int
test_case(struct testing *t, const struct rule_case *c, struct ruleset *rules)
{
	struct offline *o = NULL;
	const char *why = "no memory";
	char name[CTL_SAFE];
	int r = offline_new(on_event, t, &o);

	if (r == 0)
		r = rule_run_new(rules, &t->run); /* new for each case: it keeps texts */
	t->c = c;
	t->next = c->alerts;
	t->failed = false;
	if (r == 0)
		r = play(o, c, &why);
	rule_run_free(t->run);
	t->run = NULL;
	offline_free(o);
	if (r < 0)
		return ctl_fail("case '%s': %s", c->name, why);
	for (; t->next != NULL; t->next = t->next->next)
		differs(t, "'%s' was not raised", t->next->rule);
	t->total++;
	t->passed += !t->failed;
	if (t->verbose && !t->failed)
		printf("ok   %s\n", ctl_safe(c->name, name));
	return CTL_OK;
}

/* Load the rules that --rules names, or else those of the file, or else the default ones. */
static int
load_rules(const struct testing *t, const struct case_file *f, struct ruleset **ret)
{
	struct rule_paths paths = t->paths;
	int r = CTL_OK;

	for (size_t i = 0; t->paths.n == 0 && i < f->nrules && r == CTL_OK; i++)
		r = rule_paths_add(&paths, f->rules[i]);
	return r == CTL_OK ? rule_paths_open(&paths, &t->options, ret) : r;
}

static int
test_file(struct testing *t, const char *path)
{
	struct case_file f;
	struct diag d = { .line = 0 };
	struct ruleset *s = NULL;
	int r = case_file_read(path, &f, &d);

	if (r == -EINVAL) {
		diag_print(stderr, &d, "error");
		return CTL_FAIL;
	}
	if (r < 0)
		return ctl_fail("%s", r == -ENOMEM ? "no memory" : d.msg);
	t->file = path;
	r = load_rules(t, &f, &s);
	for (const struct rule_case *c = f.cases; c != NULL && r == CTL_OK; c = c->next)
		r = test_case(t, c, s);
	if (s != NULL)
		ruleset_unref(s);
	case_file_fini(&f);
	return r;
}

static int
test(struct testing *t, char **files, size_t n)
{
	int r = CTL_OK;

	for (size_t i = 0; i < n && r == CTL_OK; i++)
		r = test_file(t, files[i]);
	if (r != CTL_OK)
		return r;
	printf("%zu of %zu cases pass\n", t->passed, t->total);
	return t->passed == t->total ? CTL_OK : CTL_FAIL;
}

static const struct ctl_option options[] = {
	{ "rules", 'r', "FILE", "a rule file or folder, instead of those that the cases name",
	    rule_paths_set, offsetof(struct testing, paths) },
	{ "matching", 0, "M", "first (default) or all: like rule.matching of a collector",
	    rule_matching_set, offsetof(struct testing, options.match_all) },
	{ "verbose", 'v', NULL, "also list the cases that passed", ctl_set_flag,
	    offsetof(struct testing, verbose) },
};

static const struct ctl_syntax syntax = { "rules test", options, ARRAY_SIZE(options),
	"Usage: mewsctl rules test [--rules FILE]... [--matching first|all] [-v] CASES...\n"
	"\n"
	"Plays the events of each case through process state and rules, and compares the alerts.\n"
	"A file of cases:\n"
	"\n"
	"  rules: [my_rules.yaml]            # relative to this file; --rules overrides\n"
	"  cases:\n"
	"    - name: a password file is read by cat\n"
	"      processes:                    # running before: parameters of the event 'task', by "
	"pid\n"
	"        - {pid: 10, ppid: 1, comm: bash, exepath: /usr/bin/bash, argv: [bash], cwd: "
	"/root/}\n"
	"      events:                       # by name, their parameters by name\n"
	"        - openat: {fd: 3, dirfd: AT_FDCWD, name: /etc/shadow, flags: O_RDONLY}\n"
	"          by: 10                    # its thread; default: the last process\n"
	"      alerts:                       # in order; [] for none\n"
	"        - rule: Sensitive file read\n"
	"          fields: {fd.name: /etc/shadow}   # and 'output'; both are optional\n"
	"\n"
	"Values: numbers, names of flags (O_RDWR|O_CREAT), ENOENT for -2, AT_FDCWD, SIGKILL,\n"
	"lists ([sh, -c, id]), addresses (10.0.0.1:443), connections\n"
	"(10.0.0.2:40000->10.0.0.1:443), !hex bytes.\n"
	"\n",
	"\n"
	"Exit status: 0 all pass, 1 some do not, or a file cannot be read, 2 usage error.\n" };

int
rules_test(int argc, char **argv)
{
	struct testing t = { .options = { .min_priority = PRIO_DEBUG } };
	int code;

	if (!ctl_args(argc, argv, &syntax, &t, &code))
		return code;
	if (optind == argc)
		return ctl_usage("rules test", "name at least one file of cases");
	return test(&t, argv + optind, (size_t) (argc - optind));
}
