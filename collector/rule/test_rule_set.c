/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/rule.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>
#include <string.h>

#define RULE(name, condition) \
	"- rule: " name "\n  desc: d\n  condition: " condition "\n  output: x\n  priority: INFO\n"

static const struct rule_options all = { .min_priority = PRIO_DEBUG };

static int
parse(const char *yaml, struct ruleset **s, struct rule_log *l)
{
	return ruleset_parse("r.yaml", slice_str(yaml), &all, s, l);
}

/* ---- members of a rule ---- */

static void
test_attributes(void **state)
{
	static const char yaml[] =
	    "- rule: first\n  desc: what it is\n  condition: evt.type=open\n  output: '  a "
	    "%proc.name '\n"
	    "  priority: warning\n  tags: [b, a, b]\n"
	    "- rule: second\n  desc: d\n  condition: evt.type=close\n  output: x\n  priority: "
	    "Debug\n"
	    "  enabled: no\n"
	    "- rule: first\n  tags: [c]\n  output: more\n  priority: ERROR\n"
	    "  override: {tags: append, output: append, priority: replace}\n";
	const struct rule_options o = { .min_priority = PRIO_NOTICE };
	const struct rule *const *rules;
	struct ruleset_counts c;
	struct event_set set;
	struct ruleset *s = NULL;
	struct rule_log l;

	(void) state;
	assert_int_equal(0, ruleset_parse("r.yaml", slice_str(yaml), &o, &s, &l));
	assert_int_equal(2, ruleset_rules(s, &rules));
	assert_string_equal("first", rules[0]->name);
	assert_string_equal("what it is", rules[0]->desc);
	assert_string_equal("a %proc.name  more", rules[0]->output);
	assert_string_equal("syscall", rules[0]->source);
	assert_string_equal("r.yaml", rules[0]->file);
	assert_int_equal(1, rules[0]->line);
	assert_int_equal(PRIO_ERROR, rules[0]->priority);
	assert_int_equal(3, rules[0]->ntags);
	assert_string_equal("a", rules[0]->tags[0]);
	assert_string_equal("c", rules[0]->tags[2]);
	assert_true(rules[0]->enabled && rules[0]->loaded);
	assert_false(rules[1]->enabled || rules[1]->loaded);
	ruleset_counts(s, &c);
	assert_int_equal(2, c.rules);
	assert_int_equal(1, c.in_force);
	ruleset_events(s, &set);
	assert_true(event_set_has(&set, EV_OPEN));
	assert_false(event_set_has(&set, EV_CLOSE));
	rule_log_fini(&l);
	ruleset_unref(s);
}

static const struct {
	const char *condition, *blind, *partly;
} blind[] = {
	{ "evt.type=open", NULL, NULL },
	{ "evt.type in (page_fault, switch)", "needs switch, page_fault, not captured yet", NULL },
	{ "evt.type in (open, page_fault)", NULL, "page_fault not captured yet" },
	{ "evt.type=open and k8s.ns.label[app] exists",
	    "needs k8s.ns.label, which is not filled yet", NULL },
	{ "evt.type=open and not thread.cpu=1", NULL,
	    "exceptions on thread.cpu never apply, since it has no value yet" },
	{ "evt.type in (open, page_fault) and not (fd.num=1 and (k8s.ns.labels in (a, b) or "
	  "thread.cpu=1)) and not k8s.ns.labels=c",
	    NULL,
	    "page_fault not captured yet; exceptions on k8s.ns.labels, "
	    "thread.cpu never "
	    "apply, since they have no value yet" },
	{ "evt.type=open and not (not thread.cpu=1)", "needs thread.cpu, which is not filled yet",
	    NULL },
	{ "evt.type=open and not (fd.num=1 or not k8s.ns.labels=x)",
	    "needs k8s.ns.labels, which is not filled yet", NULL },
	{ "evt.type=open and not (fd.num=1 and not k8s.ns.labels=x)", NULL,
	    "conditions on k8s.ns.labels never match, since it has no value yet" },
	{ "evt.type=open and (thread.cpu=1 or fd.num=1)", NULL,
	    "conditions on thread.cpu never match, since it has no value yet" },
	{ "evt.type=open and (thread.cpu=1 or k8s.ns.labels=x)",
	    "needs k8s.ns.labels, which is not filled yet", NULL },
	{ "evt.type=open and tolower(k8s.ns.labels)=x",
	    "needs k8s.ns.labels, which is not filled yet", NULL },
	{ "evt.type=open and proc.name=val(k8s.ns.labels)",
	    "needs k8s.ns.labels, which is not filled yet", NULL },
	{ "evt.type in (connect, page_fault) and fd.l4proto=tcp", NULL,
	    "page_fault not captured yet" },
	{ "evt.type in (open, page_fault) and evt.arg.ip=1",
	    "needs evt.arg.ip, which is not filled yet", NULL },
	{ "evt.type in (open, page_fault) and evt.arg.name=x", NULL,
	    "page_fault not captured yet" },
	{ "evt.type=open and (fd.num=1 or evt.plugininfo=x or evt.pluginname=x or fd.cip."
	  "name=x or fd.sip.name=x or fd.lip.name=x or fd.rip.name=x or k8smeta.pod.name=x or "
	  "k8smeta.pod.uid=x or k8smeta.ns.name=x or k8smeta.ns.uid=x or k8s.rc.name=x or "
	  "k8s.rc.id=x or k8s.rc.labels=x or "
	  "k8s.svc.name=x"
	  " or k8s.svc.id=x or k8s.svc.labels=x or k8s.rs.name=x or k8s.rs.id=x or k8s.rs"
	  ".labels=x or k8s.deployment.name=x or k8s.deployment.id=x or k8s.deployment.la"
	  "bels=x or k8s.ns.id=x or k8s.ns.labels=x or evt.infra.docker.name=x or evt.inf"
	  "ra.docker.container.id=x or evt.infra.docker.container.name=x or evt.infra.doc"
	  "ker.container.image=x or thread.exectime>1 or thread.totexectime>1 or thread.c"
	  "pu>1 or thread.cpu.user>1 or thread.cpu.system>1)",
	    NULL,
	    "conditions on evt.plugininfo, evt.pluginname, fd.cip.name, fd.sip.name, fd.lip.name, "
	    "fd.rip.name and more never match, since they have no value yet" },
	{ "evt.type=open and evt.type=close", "its condition is true on no event", NULL },
};

static void
test_blind(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(blind); i++) {
		const struct rule *const *rules;
		struct ruleset_counts c;
		struct ruleset *s = NULL;
		struct rule_log l;
		char yaml[2048];

		(void) snprintf(yaml, sizeof(yaml), RULE("r", "%s"), blind[i].condition);
		assert_int_equal(0, parse(yaml, &s, &l));
		assert_int_equal(1, ruleset_rules(s, &rules));
		assert_string_equal(blind[i].blind == NULL ? "-" : blind[i].blind,
		    rules[0]->blind == NULL ? "-" : rules[0]->blind);
		assert_string_equal(blind[i].partly == NULL ? "-" : blind[i].partly,
		    rules[0]->partly == NULL ? "-" : rules[0]->partly);
		ruleset_counts(s, &c);
		assert_int_equal(blind[i].blind != NULL, c.blind);
		rule_log_fini(&l);
		ruleset_unref(s);
	}
}

/* What is captured: for a rule, and for process state alone. */
static void
test_interest(void **state)
{
	static const struct {
		unsigned event;
		bool captured, quiet, lean;
	} rows[] = {
		{ EV_OPEN, true, false, false },
		{ EV_READ, false, false, false },
		{ EV_CLOSE, true, true, false },
		{ EV_SENDTO, true, true, true },
	};
	struct ruleset *s = NULL;
	struct interest in;
	struct rule_log l;

	(void) state;
	assert_int_equal(0, parse(RULE("r", "evt.type=open"), &s, &l));
	ruleset_interest(s, NULL, &in);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned n = rows[i].event;

		assert_int_equal(rows[i].captured, event_set_has(&in.events, n));
		assert_int_equal(rows[i].quiet, in.quiet[n / 64] >> (n % 64) & 1);
		assert_int_equal(rows[i].lean, in.lean[n / 64] >> (n % 64) & 1);
	}
	rule_log_fini(&l);
	ruleset_unref(s);
}

/* A text that doubles with every list is stopped. */
static void
test_growth(void **state)
{
	char yaml[8192];
	size_t n = 0;
	struct ruleset *s = NULL;
	struct rule_log l;

	(void) state;
	for (int i = 0; i < 40; i++)
		n += (size_t) snprintf(yaml + n, sizeof(yaml) - n,
		    "- list: l%d\n  items: [l%d, l%d]\n", i, i + 1, i + 1);
	(void) snprintf(yaml + n, sizeof(yaml) - n, RULE("r", "proc.name in (l0)"));
	assert_int_equal(-EINVAL, parse(yaml, &s, &l));
	assert_non_null(strstr(l.v[0].diag.msg, "more than 100000 times"));
	rule_log_fini(&l);
}

static void
test_load_paths(void **state)
{
	static const char *const missing[] = { "/nonexistent/x.yaml" };
	static const char *const tree[] = { "rules" };
	struct ruleset_counts c;
	struct ruleset *s = NULL;
	struct rule_log l;

	(void) state;
	assert_int_equal(-EINVAL, ruleset_load(missing, 1, &all, &s, &l));
	assert_string_equal("LOAD_ERR_FILE_READ", l.v[0].code->name);
	assert_string_equal("/nonexistent/x.yaml", l.v[0].diag.file);
	rule_log_fini(&l);
	assert_int_equal(
	    0, ruleset_load(tree, 1, &all, &s, &l)); /* the default rules: no messages */
	rule_log_print(stdout, &l);
	assert_int_equal(0, l.n);
	ruleset_counts(s, &c);
	assert_true(c.rules >= 10);
	assert_int_equal(c.rules, c.in_force);
	assert_int_equal(0, c.blind);
	rule_log_fini(&l);
	ruleset_unref(s);
}

static void
test_oom(void **state)
{
	static const struct rule_append append[] = {
		{ .output = "u=%toupper(proc.name)",
		    .extra = { { "evt.num", NULL }, { "x", "%proc.pid" } },
		    .nextra = 2 },
		{ .suggested = true }
	};
	static const char yaml[] =
	    "- required_plugin_versions:\n  - name: a\n    version: 1.0.0\n"
	    "    alternatives: [{name: b, version: 1.0.0}]\n"
	    "- list: k\n  items: [c]\n- list: l\n  items: [open, a b, k]\n- macro: m\n  condition: "
	    "proc.name in (l)\n"
	    "- rule: r\n  desc: d\n  condition: evt.type=open and m\n  output: x %proc.name\n"
	    "  priority: INFO\n  tags: [a]\n  typo: x\n"
	    "  exceptions:\n  - name: e\n    fields: [fd.name]\n    values: [[b]]\n"
	    "- rule: r\n  condition: and fd.num>1\n  append: true\n";

	(void) state;
	for (unsigned n = 0;; n++) {
		struct buf text CLEANUP(buf_fini) = BUF_INIT;
		const struct rule_options o = { .min_priority = PRIO_DEBUG,
			.append = append,
			.nappend = ARRAY_SIZE(append),
			.describe = &text };
		struct ruleset *s = NULL;
		struct rule_log l;
		int r;

		fault_arm_nth(n);
		r = ruleset_parse("r.yaml", SLICE(yaml), &o, &s, &l);
		if (!fault_disarm()) {
			assert_int_equal(0, r);
			assert_non_null(strstr(text.p, "\"lists\":[{\"info\":"));
			rule_log_fini(&l);
			ruleset_unref(s);
			break;
		}
		assert_int_equal(-ENOMEM, r);
		assert_null(s);
		rule_log_fini(&l);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_blind),
		cmocka_unit_test(test_interest),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_load_paths),
		cmocka_unit_test(test_oom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
