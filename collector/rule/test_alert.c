/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/alert/loss.h"
#include "collector/rule/rule.h"
#include "collector/state/test_play.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A program, and the file that it opens: the subject of all tests here. */
static const struct row exec_row = { EV_EXECVE, "10/10@5",
	"res=0;exe=/bin/cat;args=a|b c|;comm=cat;trusted_exepath=/usr/bin/cat;ptid=1;cwd=/root;"
	"tty=34816;loginuid=1000;uid=0;gid=0;flags=1",
	"comm=cat" };
static const struct row open_row = { EV_OPENAT, "10/10@5",
	"fd=3;dirfd=-100;name=/etc/sh\"adow;flags=0x1001;mode=0;dev=64769", "fd.num=3" };

struct scene {
	struct play p;
	struct fscratch *fs;
	struct batch *batch;
	struct view v;
};

static void
scene_start(struct scene *s, const struct row *row)
{
	memset(s, 0, sizeof(*s));
	play_start(&s->p, NULL);
	play_row(&s->p, &exec_row);
	s->batch = play_event(&s->p, row, &s->v);
	state_apply(s->p.s, s->batch, &s->batch->ev[0], &s->v);
	assert_int_equal(0, fscratch_new(&s->fs));
}

static void
scene_stop(struct scene *s)
{
	batch_free(s->batch);
	fscratch_free(s->fs);
	play_stop(&s->p);
}

/* ---- formats ---- */

static const struct format_options plain;

#define TIME "\"evt.time\":1000000002000"

static const struct {
	const char *format, *text, *fields;
} formats[] = {
	{ "", "", TIME },
	{ "no fields", "no fields", TIME },
	{ "%proc.name", "cat", TIME ",\"proc.name\":\"cat\"" },
	{ "p=%proc.name, f=%fd.name.", "p=cat, f=/etc/sh\"adow.",
	    TIME ",\"fd.name\":\"/etc/sh\\\"adow\",\"proc.name\":\"cat\"" },
	{ "%proc.namefoo", "catfoo", TIME ",\"proc.name\":\"cat\"" },
	{ "%proc.name.foo", "cat.foo", TIME ",\"proc.name\":\"cat\"" },
	{ "*%proc.name", "*cat", TIME ",\"proc.name\":\"cat\"" },
	{ "%fd.num%fd.num", "33", TIME ",\"fd.num\":3" },
	{ "[%5proc.name] [%2proc.name]", "[cat  ] [ca]", TIME ",\"proc.name\":\"cat\"" },
	{ "%fd.name[1]", "/etc/sh\"adow[1]", TIME ",\"fd.name\":\"/etc/sh\\\"adow\"" },
	{ "%user.loginuid %proc.tty %user.uid", "1000 34816 0",
	    TIME ",\"proc.tty\":34816,\"user.loginuid\":1000,\"user.uid\":0" },
	{ "%proc.pname|%4proc.pname|%6proc.pname|%2proc.pname|%proc.aname[2]",
	    "<NA>|<NA>|<NA>  |<N|<NA>", TIME ",\"proc.aname[2]\":null,\"proc.pname\":null" },
	{ "%evt.is_open_read", "true", "\"evt.is_open_read\":true," TIME },
	{ "%evt.type %evt.arg.flags", "openat O_RDONLY|O_CLOEXEC",
	    "\"evt.arg.flags\":\"O_RDONLY|O_CLOEXEC\"," TIME ",\"evt.type\":\"openat\"" },
	{ "%evt.rawtime", "1000000002000", "\"evt.rawtime\":1000000002000," TIME },
	{ "%evt.rawarg.flags %evt.rawarg.fd", "1001 3",
	    "\"evt.rawarg.fd\":3,\"evt.rawarg.flags\":\"1001\"," TIME },
	/* an index does not change a field's type */
	{ "%proc.apid[0] %proc.aname[0]", "10 cat",
	    TIME ",\"proc.aname[0]\":\"cat\",\"proc.apid[0]\":10" },
	{ "%proc.apid[1] %fd.types[3]", "<NA> (file)",
	    TIME ",\"fd.types[3]\":[\"file\"],\"proc.apid[1]\":null" },
	{ "%evt.type.is.openat %proc.args[0]", "1 a",
	    TIME ",\"evt.type.is.openat\":1,\"proc.args[0]\":\"a\"" },
	{ "%fd.dev", "FD01", TIME ",\"fd.dev\":\"FD01\"" },
	{ "%evt.rawres", "3", "\"evt.rawres\":3," TIME },
	{ "%evt.time.s %evt.num", "00:16:40 1",
	    "\"evt.num\":1," TIME ",\"evt.time.s\":1000000002000" },
	/* transformers print; the fields hold their inputs */
	{ "%toupper(proc.name)!", "CAT!", TIME ",\"proc.name\":\"cat\"" },
	{ "%5toupper(proc.name)|%2toupper(proc.name)|", "CAT  |CA|",
	    TIME ",\"proc.name\":\"cat\"" },
	{ "%basename(fd.name)", "sh\"adow", TIME ",\"fd.name\":\"/etc/sh\\\"adow\"" },
	{ "%concat(proc.name, \"-\", fd.name)", "cat-/etc/sh\"adow",
	    TIME ",\"fd.name\":\"/etc/sh\\\"adow\",\"proc.name\":\"cat\"" },
	{ "%tolower(proc.pname)", "<NA>", TIME ",\"proc.pname\":null" },
	{ "%getopt((\"-a\", \"-b\"), \"ab\")", "(a,b)", TIME },
	{ "%join(\"+\", fd.types)", "file", TIME ",\"fd.types\":[\"file\"]" },
	{ "%len(proc.name)", "<NA>", TIME ",\"proc.name\":\"cat\"" },
};

static void
test_formats(void **state)
{
	struct scene s;

	(void) state;
	scene_start(&s, &open_row);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct buf b CLEANUP(buf_fini) = BUF_INIT;
		struct arena a CLEANUP(arena_fini);
		struct format *f = NULL;
		struct diag d;

		arena_init(&a, 0);
		if (format_compile(formats[i].format, &plain, &a, &f, &d) < 0)
			fail_msg("%s: %s", formats[i].format, d.msg);
		buf_str(&b, "");
		format_text(f, &s.v, s.fs, &b);
		assert_string_equal(formats[i].text, b.p);
		buf_clear(&b);
		format_fields(f, &s.v, s.fs, NULL, 0, &b);
		assert_string_equal(formats[i].fields, b.p);
	}
	scene_stop(&s);
}

static const struct {
	const char *format;
	unsigned col;
} format_errors[] = {
	{ "%", 1 },
	{ "100%", 4 },
	{ "a %%proc.name", 3 },
	{ "a %*proc.name", 3 },
	{ "%nope", 1 },
	{ "%99999proc.name", 1 },
	{ "%toupper (proc.name)", 1 },
	{ "x %toupper(proc.pid)", 3 },
	{ "%toupper(proc.name", 1 },
	{ "%val(proc.name)", 1 },
	{ "%proc.name %foo.bar", 12 },
};

static void
test_format_errors(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(format_errors); i++) {
		struct arena a CLEANUP(arena_fini);
		struct format *f = NULL;
		struct diag d;

		arena_init(&a, 0);
		assert_int_equal(
		    -EINVAL, format_compile(format_errors[i].format, &plain, &a, &f, &d));
		assert_int_equal(format_errors[i].col, d.col);
		assert_null(f);
	}
}

/* ---- alerts ---- */

static const char rules_yaml[] =
    "- rule: A file\n  desc: d\n  condition: evt.type=openat\n"
    "  output: file=%fd.name by %proc.name of %proc.pname\n  priority: WARNING\n  tags: [z, T1]\n";

static struct ruleset *
load(const char *yaml, bool match_all)
{
	struct rule_options o = { .min_priority = PRIO_DEBUG, .match_all = match_all };
	struct ruleset *set = NULL;
	struct rule_log l;

	assert_int_equal(0, ruleset_parse("r.yaml", slice_str(yaml), &o, &set, &l));
	rule_log_fini(&l);
	return set;
}

static const struct alert_origin origin = { .cluster = "prod",
	.node = "web-1",
	.boot_id = "0f",
	.sensor_start = 7,
	.seq = 9,
	.losses = 1 << LOSS_sensor_died | 1 << LOSS_events_dropped };

static const char *
text(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static void
test_alert(void **state)
{
	struct alert_scratch scratch = { .text = BUF_INIT };
	const struct rule *const *rules;
	struct alert *a = NULL;
	struct ruleset *set = load(rules_yaml, false);
	struct scene s;
	json_t *j, *f;

	(void) state;
	assert_int_equal(0, setenv("TZ", "UTC", 1));
	tzset();
	assert_int_equal(1, ruleset_rules(set, &rules));
	scene_start(&s, &open_row);
	assert_int_equal(0, alert_render(rules[0], &s.v, &origin, s.fs, &scratch, &a));
	j = json_loadb(a->json, a->json_len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	assert_string_equal(
	    "00:16:40.000002000: Warning file=/etc/sh\"adow by cat of <NA>", text(j, "output"));
	assert_string_equal("1970-01-01T00:16:40.000002000Z", text(j, "time"));
	assert_string_equal("A file", text(j, "rule"));
	assert_string_equal("Warning", text(j, "priority"));
	assert_string_equal("syscall", text(j, "source"));
	assert_string_equal("web-1", text(j, "hostname"));
	assert_string_equal(a->id, text(j, "uuid"));
	assert_string_equal("T1", json_string_value(json_array_get(json_object_get(j, "tags"), 0)));
	assert_int_equal(2, json_array_size(json_object_get(j, "tags")));
	f = json_object_get(j, "output_fields");
	assert_int_equal(7, json_object_size(f));
	assert_int_equal(1000000002000, json_integer_value(json_object_get(f, "evt.time")));
	assert_string_equal("/etc/sh\"adow", text(f, "fd.name"));
	assert_true(json_is_null(json_object_get(f, "proc.pname")));
	assert_string_equal("prod", text(f, "mews.cluster"));
	assert_true(json_is_true(json_object_get(f, "mews.loss_window")));
	assert_string_equal("events_dropped,sensor_died", text(f, "mews.loss_cause"));
	assert_null(strchr(a->json, '\n'));
	/* members that the outbox and the outputs read instead of the JSON */
	assert_string_equal("A file", a->rule);
	assert_string_equal("prod", a->cluster);
	assert_string_equal("web-1", a->node);
	assert_int_equal(PRIO_WARNING, a->priority);
	assert_int_equal(1000000002000, a->time);
	assert_int_equal(strlen(a->json), a->json_len);
	json_decref(j);
	alert_free(a);
	alert_scratch_fini(&scratch);
	scene_stop(&s);
	ruleset_unref(set);
}

/* Configured additions to outputs and alerts, and omissions. */
static void
test_alert_options(void **state)
{
	static const struct rule_append append[] = {
		{ .output = "pid=%proc.pid",
		    .tags = { "T1", "z" },
		    .ntags = 2,
		    .extra = { { "evt.num", NULL }, { "a.who", "%proc.name of %user.uid" } },
		    .nextra = 2 },
		{ .output = "not this", .tags = { "T1", "absent" }, .ntags = 2 },
		{ .output = "nor this", .rule = "A fil" },
		{ .output = "nor this", .source = "k8s_audit" },
		{ .rule = "A file", .source = "syscall", .suggested = true },
	};
	struct rule_options o = { .min_priority = PRIO_DEBUG,
		.json = { .iso8601 = true, .message = true, .no_tags = true },
		.append = append,
		.nappend = ARRAY_SIZE(append) };
	struct alert_scratch scratch = { .text = BUF_INIT };
	const struct rule *const *rules;
	struct ruleset *set = NULL;
	struct alert *a = NULL;
	struct rule_log l;
	struct scene s;

	(void) state;
	assert_int_equal(0, ruleset_parse("r.yaml", SLICE(rules_yaml), &o, &set, &l));
	rule_log_fini(&l);
	assert_int_equal(1, ruleset_rules(set, &rules));
	scene_start(&s, &open_row);
	assert_int_equal(0, alert_render(rules[0], &s.v, &origin, s.fs, &scratch, &a));
	assert_non_null(strstr(a->json,
	    "{\"hostname\":\"web-1\",\"message\":\"file=/etc/sh\\\"adow by cat of <NA> pid=10 "
	    "container_id=host container_name="));
	assert_non_null(
	    strstr(a->json, "\"output\":\"1970-01-01T00:16:40.000002000+0000: Warning "));
	assert_non_null(strstr(
	    a->json, "\"output_fields\":{\"a.who\":\"cat of 0\",\"container.id\":\"host\","));
	assert_non_null(
	    strstr(a->json, ",\"evt.num\":1,\"evt.time.iso8601\":1000000002000,\"fd.name\":"));
	assert_non_null(strstr(a->json,
	    "\"k8s.pod.name\":null,\"mews.cluster\":\"prod\",\"mews.loss_cause\":\"events_dropped,"
	    "sensor_died\",\"mews.loss_window\":true,\"proc."
	    "name\""));
	assert_null(strstr(a->json, "\"tags\""));
	alert_free(a);
	alert_scratch_fini(&scratch);
	scene_stop(&s);
	ruleset_unref(set);
}

/* An id never changes between versions: consumers store them. Computed with sha256sum from the
 * bytes, with the version (8) and variant of a UUID set. */
static void
test_alert_id(void **state)
{
	struct ruleset *set = load(rules_yaml, false);
	struct buf b CLEANUP(buf_fini) = BUF_INIT;
	struct alert_origin o = origin;
	char id[ALERT_ID_SIZE], other[ALERT_ID_SIZE];
	const struct rule *const *rules;
	struct rule renamed;
	struct scene s;

	(void) state;
	assert_int_equal(1, ruleset_rules(set, &rules));
	scene_start(&s, &open_row);
	assert_int_equal(0, alert_id(rules[0], &s.v, &o, &b, id));
	assert_string_equal("f750c89b-4d31-86a6-9f66-05841c3c34c2", id);
#define DIFFERS(change)                                                       \
	do {                                                                  \
		o = origin;                                                   \
		change;                                                       \
		assert_int_equal(0, alert_id(rules[0], &s.v, &o, &b, other)); \
		assert_string_not_equal(id, other);                           \
	} while (0)
	DIFFERS(o.cluster = "test");
	DIFFERS(o.node = "web-2");
	DIFFERS((o.cluster = "pro", o.node = "dweb-1")); /* lengths keep texts apart */
	DIFFERS(o.boot_id = "10");
	DIFFERS(o.sensor_start = 8);
	DIFFERS(o.seq = 10);
	s.batch->ev[0].index++;
	DIFFERS((void) 0);
	s.batch->ev[0].index--;
	renamed = *rules[0];
	renamed.name = "Another";
	assert_int_equal(0, alert_id(&renamed, &s.v, &origin, &b, other));
	assert_string_not_equal(id, other);
	renamed = *rules[0];
	renamed.resolved = "evt.type = open";
	assert_int_equal(0, alert_id(&renamed, &s.v, &origin, &b, other));
	assert_string_not_equal(id, other);
	o = origin;
	o.losses = 0; /* not part of the id */
	assert_int_equal(0, alert_id(rules[0], &s.v, &o, &b, other));
	assert_string_equal(id, other);
	scene_stop(&s);
	ruleset_unref(set);
}

static void
test_alert_oom(void **state)
{
	struct ruleset *set = load(rules_yaml, false);
	const struct rule *const *rules;
	struct scene s;

	(void) state;
	assert_int_equal(1, ruleset_rules(set, &rules));
	scene_start(&s, &open_row);
	for (unsigned n = 0;; n++) {
		struct alert_scratch scratch = { .text = BUF_INIT };
		struct alert *a = NULL;
		int r;

		fault_arm_nth(n);
		r = alert_render(rules[0], &s.v, &origin, s.fs, &scratch, &a);
		alert_scratch_fini(&scratch);
		if (!fault_disarm()) {
			assert_int_equal(0, r);
			alert_free(a);
			break;
		}
		if (r == 0) { /* a field without memory prints as absent */
			alert_free(a);
			continue;
		}
		assert_int_equal(-ENOMEM, r);
		assert_null(a);
	}
	scene_stop(&s);
	ruleset_unref(set);
}

/* ---- matching ---- */

#define R(name, condition)                                     \
	"- rule: " name "\n  desc: d\n  condition: " condition \
	"\n  output: x\n  priority: INFO\n"                    \
	"  warn_evttypes: false\n"

static const struct {
	const char *yaml;
	bool all;
	const char *hits;
} matches[] = {
	{ R("a", "evt.type=openat") R("b", "evt.type=openat"), false, "a " },
	{ R("a", "evt.type=openat") R("b", "evt.type=openat"), true, "a b " },
	{ R("a", "evt.type=openat and proc.name=dog") R("b", "evt.type=openat"), false, "b " },
	{ R("a", "evt.type=close") R("b", "evt.type=dup"), true, "" },
	{ R("a", "evt.type=openat") "  enabled: false\n" R("b", "evt.type in (close, openat)"),
	    false, "b " },
	/* rules that name no event come last, and only if no other matched */
	{ R("any", "proc.name=cat") R("typed", "evt.type=openat"), false, "typed " },
	{ R("any", "proc.name=cat") R("typed", "evt.type=openat"), true, "typed " },
	{ R("any", "proc.name=cat") R("typed", "evt.type=openat and fd.num=99"), true, "any " },
	{ R("any", "proc.name=cat") R("more", "fd.num=3"), true, "any more " },
};

static void
on_hit(void *arg, const struct rule *rule, const struct view *v)
{
	struct buf *b = arg;

	assert_non_null(v->ev);
	buf_printf(b, "%s ", rule->name);
}

static void
test_matching(void **state)
{
	struct scene s;

	(void) state;
	scene_start(&s, &open_row);
	for (size_t i = 0; i < ARRAY_SIZE(matches); i++) {
		struct buf b CLEANUP(buf_fini) = BUF_INIT;
		struct ruleset *set = load(matches[i].yaml, matches[i].all);
		struct rule_run *run = NULL;

		assert_int_equal(0, rule_run_new(set, &run));
		ruleset_unref(set); /* the run has its own reference */
		buf_str(&b, "");
		rule_run_event(run, &s.v, on_hit, &b);
		assert_string_equal(matches[i].hits, b.p);
		rule_run_free(run);
	}
	scene_stop(&s);
}

static void
test_counts(void **state)
{
	struct ruleset *set = load(R("a", "evt.type=openat and proc.name=dog")
				       R("b", "evt.type=openat") R("c", "evt.type=openat"),
	    false);
	static const uint64_t evals[] = { 2, 2, 0 }, hits[] = { 0, 2, 0 };
	struct ruleset *next;
	struct rule_sum sum;
	struct buf b CLEANUP(buf_fini) = BUF_INIT;
	struct rule_run *run = NULL;
	struct scene s;

	(void) state;
	scene_start(&s, &open_row);
	assert_int_equal(0, rule_run_new(set, &run));
	rule_run_event(run, &s.v, on_hit, &b);
	rule_run_event(run, &s.v, on_hit, &b);
	for (uint32_t i = 0; i < 3; i++) {
		ruleset_sum(set, i, &sum);
		assert_int_equal(evals[i], sum.evals);
		assert_int_equal(hits[i], sum.hits);
		assert_int_equal(i == 0, sum.checks);
	}
	rule_run_free(run);
	next = load(R("b", "evt.type=openat"), false);
	ruleset_inherit(next, set);
	ruleset_sum(next, 0, &sum);
	assert_int_equal(2, sum.hits);
	ruleset_unref(next);
	ruleset_unref(set);
	scene_stop(&s);
}

static void
test_priorities(void **state)
{
	(void) state;
	for (int i = PRIO_EMERGENCY; i <= PRIO_DEBUG; i++)
		assert_int_equal(i, priority_of(priority_name((enum priority) i)));
	assert_int_equal(PRIO_INFORMATIONAL, priority_of("info"));
	assert_int_equal(PRIO_CRITICAL, priority_of("CRITICAL"));
	assert_int_equal(-EINVAL, priority_of("warn"));
	assert_int_equal(-EINVAL, priority_of(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_format_errors),
		cmocka_unit_test(test_alert),
		cmocka_unit_test(test_alert_options),
		cmocka_unit_test(test_alert_id),
		cmocka_unit_test(test_alert_oom),
		cmocka_unit_test(test_matching),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_priorities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
