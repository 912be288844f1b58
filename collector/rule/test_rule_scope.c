/* SPDX-License-Identifier: Apache-2.0 */
/* test_rule_scope.c - rules limited by the configuration: which, where, and what is unknown. */
#include "collector/filter/test_ask.h"
#include "collector/rule/rule_config.h"
#include "tests/support/plan_says.h"
#include "tests/support/test.h"
#include <errno.h>

#define RULE(name, tag)                                              \
	"- rule: " name                                              \
	"\n  desc: d\n  condition: evt.type=close or evt.type=brk\n" \
	"  output: o\n  priority: INFO\n  tags: [" tag "]\n"

static const char rules_yaml[] = RULE("Shell", "a") RULE("Read", "b");

#define BOX "2233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define IN(who, n)                                                                                \
	{                                                                                         \
		EV_EXECVE, who, "res=0;exe=sh;comm=sh;cgroups=cpu=/kubepods/" n "111" BOX "|", "" \
	}
static const struct row begin[] = {
	IN("10", "1"),
	IN("20", "2"),
	IN("30", "3"), /* nothing is known of it */
	{ EV_EXECVE, "40", "res=0;exe=sh;comm=sh;cgroups=cpu=/init.scope|", "" },
	{ EV_CONTAINER_INFO, "0", "id=111122334455;pod_name=a;pod_namespace=shop;image=i;traits=1",
	    "" },
	{ EV_CONTAINER_INFO, "0", "id=211122334455;pod_name=b;pod_namespace=other;traits=0", "" },
};

/* Where each of the two rules matches: in shop, in another namespace, in an unknown container, on
 * the host. */
static const struct {
	const char *yaml, *shell, *read;
} cases[] = {
	{ "", "1111", "1111" },
	{ "- condition: k8s.ns.name = shop", "1010", "1010" },
	{ "- {condition: k8s.ns.name = shop, tag: a}", "1010", "1111" },
	{ "- {condition: k8s.ns.name = shop, rule: 'R*'}", "1111", "1010" },
	{ "- {condition: k8s.ns.name = shop, rule: None}", "1111", "1111" },
	{ "- condition: k8s.ns.name = shop or container.id = host", "1011", "1011" },
	{ "- condition: not k8s.ns.name in (shop)", "0111", "0111" },
	{ "- condition: k8s.ns.name = shop\n    - condition: k8s.pod.name = b", "0010", "0010" },
	{ "- {condition: k8s.ns.name = shop, tag: a}\n    - {condition: k8s.ns.name = other, tag: "
	  "b}",
	    "1010", "0110" },
	{ "- condition: container.image = i", "1110", "1110" }, /* that of the second is unknown */
	{ "- condition: evt.hostname = n", "0000", "0000" },
	{ "- condition: proc.name = sh", "1111", "1111" },
	{ "- condition: mews.cluster = paris", "1111", "1111" },
	{ "- condition: mews.cluster = oslo", "0000", "0000" },
};

static struct ruleset *
load(const char *scopes, struct rule_config *rc, struct cfg **cfg)
{
	struct buf yaml CLEANUP(buf_fini) = BUF_INIT;
	struct ruleset *set = NULL;
	struct rule_log l;
	struct diag d = { 0 };

	*rc = (struct rule_config){ .options.min_priority = PRIO_DEBUG };
	if (scopes[0] != '\0')
		buf_printf(&yaml, "rule:\n  scopes:\n    %s\n", scopes);
	assert_int_equal(0, cfg_parse("c.yaml", buf_get(&yaml), cfg, &d));
	if (rule_config_read(rc, *cfg, &d) < 0)
		fail_msg("%s: %s", scopes, d.msg);
	assert_int_equal(0, ruleset_parse("r.yaml", SLICE(rules_yaml), &rc->options, &set, &l));
	rule_log_fini(&l);
	return set;
}

/* Where the rule matches. */
static void
matches(struct ask *a, const struct rule *r, char ret[5])
{
	static const char *const who[] = { "10", "20", "30", "40" };

	for (size_t i = 0; i < ARRAY_SIZE(who); i++) {
		const struct row row = { EV_CLOSE, who[i], "res=0;fd=9", "" };
		struct view v;
		struct batch *b = play_event(&a->play, &row, &v);

		v.node = "m";
		v.cluster = "paris";
		state_apply(a->play.s, b, b->ev, &v);
		ret[i] = plan_says(r->filter, &v, a->fs) ? '1' : '0';
		fscratch_reset(a->fs);
		batch_free(b);
	}
	ret[4] = '\0';
}

static void
t_scopes(void **state)
{
	struct ask a;

	(void) state;
	ask_start(&a);
	for (size_t i = 0; i < ARRAY_SIZE(begin); i++)
		ask_fields(&a, &begin[i], NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct rule *const *rules;
		struct rule_config rc;
		struct cfg *cfg = NULL;
		struct ruleset *set = load(cases[i].yaml, &rc, &cfg);
		char shell[5], read[5];

		assert_int_equal(2, ruleset_rules(set, &rules));
		matches(&a, rules[0], shell);
		matches(&a, rules[1], read);
		if (strcmp(shell, cases[i].shell) != 0 || strcmp(read, cases[i].read) != 0)
			fail_msg("%s: %s %s", cases[i].yaml, shell, read);
		ruleset_unref(set);
		cfg_free(cfg);
	}
	ask_stop(&a);
}

static const struct {
	const char *yaml, *why;
} wrong[] = {
	{ "rule: {scopes: [{condition: 'k8s.ns.nmae = x'}]}", "unknown field 'k8s.ns.nmae'" },
	{ "rule: {scopes: [{condition: 'a_macro'}]}", "the scope 'a_macro': " },
	{ "rule: {scopes: [{condition: '(k8s.ns.name = x'}]}", "the scope '(k8s.ns.name = x': " },
	{ "rule: {scopes: [{condition: 'k8s.ns.name = x) or (evt.num > 0'}]}", "the scope 'k8s" },
	{ "rule: {scopes: [{tag: x}]}", "has no condition" },
	{ "rule: {scopes: [{tag: x, rule: y, condition: 'proc.name = x'}]}", "one 'rule'" },
	{ "rule: {scopes: [{name: x}]}", "not 'name'" },
};

static void
t_wrong(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct rule_config rc = { .options.min_priority = PRIO_DEBUG };
		struct cfg *cfg = NULL;
		struct diag d = { 0 };

		assert_int_equal(0, cfg_parse("c.yaml", slice_str(wrong[i].yaml), &cfg, &d));
		assert_int_equal(-EINVAL, rule_config_read(&rc, cfg, &d));
		if (strstr(d.msg, wrong[i].why) == NULL)
			fail_msg("%s: %s", wrong[i].yaml, d.msg);
		assert_true(d.line == 1 || strstr(wrong[i].why, "no condition") != NULL);
		cfg_free(cfg);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(t_scopes), cmocka_unit_test(t_wrong) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
