/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/rule_config.h"
#include "tests/support/test.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RULE(name, tags)                            \
	"- rule: " name                             \
	"\n  desc: d\n  condition: evt.type=open\n" \
	"  output: out %proc.name\n  priority: INFO\n  tags: " tags "\n"

static const char rules_yaml[] = RULE("Shell in container", "[shell, container]")
    RULE("Shell outside", "[shell]") RULE("Read keys", "[file]");

static struct cfg *
parse(const char *yaml, struct rule_config *rc, int want, struct diag *d)
{
	struct cfg *cfg = NULL;

	memset(rc, 0, sizeof(*rc));
	rc->options.min_priority = PRIO_DEBUG;
	assert_int_equal(0, cfg_parse("c.yaml", slice_str(yaml), &cfg, d));
	if (rule_config_read(rc, cfg, d) != want)
		fail_msg("%s: %s", yaml, d->msg);
	return cfg;
}

static struct ruleset *
load(const struct rule_config *rc)
{
	struct ruleset *set = NULL;
	struct rule_log l;

	assert_int_equal(0, ruleset_parse("r.yaml", SLICE(rules_yaml), &rc->options, &set, &l));
	rule_log_fini(&l);
	return set;
}

static const struct {
	const char *yaml, *on; /* one letter per rule */
} selections[] = {
	{ "", "111" }, { "rule: {select: []}", "111" },
	{ "rule: {select: [{disable: {rule: Shell outside}}]}", "101" },
	{ "rule: {select: [{disable: {rule: Shell}}]}", "111" },
	{ "rule: {select: [{disable: {rule: Shell*}}]}", "001" },
	{ "rule: {select: [{disable: {rule: '*'}}]}", "000" },
	{ "rule: {select: [{disable: {rule: '*e*i*e*'}}]}", "001" },
	{ "rule: {select: [{disable: {rule: '*out*'}}]}", "101" },
	{ "rule: {select: [{disable: {tag: shell}}]}", "001" },
	{ "rule: {select: [{disable: {tag: shel}}]}", "111" },
	{ "rule: {select: [{disable: {contains: ea}}]}", "110" },
	{ "rule:\n  select:\n    - disable: {rule: '*'}\n    - enable: {tag: shell}\n"
	  "    - disable: {contains: outside}\n",
	    "100" },
	{ "rule:\n  select:\n    - enable: {tag: shell}\n    - disable: {rule: '*'}\n", "000" },
	{ "rule: {select: {disable: {tag: file}}}", "110" }, /* as spelled on the command line */
};

static void
test_select(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(selections); i++) {
		const struct rule *const *rules;
		struct rule_config rc;
		struct ruleset *set;
		struct diag d;
		struct cfg *cfg = parse(selections[i].yaml, &rc, 0, &d);
		char on[4] = "";

		assert_int_equal(0, cfg_check_unknown(cfg, &d));
		set = load(&rc);
		assert_int_equal(3, ruleset_rules(set, &rules));
		for (int k = 0; k < 3; k++)
			on[k] = rules[k]->enabled && rules[k]->loaded ? '1' : '0';
		if (strcmp(on, selections[i].on) != 0)
			fail_msg("%s: %s", selections[i].yaml, on);
		ruleset_unref(set);
		cfg_free(cfg);
	}
}

#define SUGGESTED                                                                                \
	" container_id=%container.id container_name=%container.name container_image_repository=" \
	"%container.image.repository container_image_tag=%container.image.tag "                  \
	"k8s_pod_name=%k8s.pod.name k8s_ns_name=%k8s.ns.name"

static const struct {
	const char *yaml, *first, *last; /* outputs of the first and the last rule */
} appends[] = {
	{ "", "out %proc.name" SUGGESTED, "out %proc.name" SUGGESTED },
	{ "append_output: []", "out %proc.name", "out %proc.name" },
	{ "append_output: [{suggested_output: false}]", "out %proc.name", "out %proc.name" },
	{ "append_output: [{extra_output: 'n=%evt.num'}]", "out %proc.name n=%evt.num",
	    "out %proc.name n=%evt.num" },
	{ "append_output:\n- match: {tags: [shell, container]}\n  extra_output: a\n"
	  "- match: {rule: Read keys}\n  extra_output: b\n  suggested_output: true\n"
	  "- extra_output: c\n",
	    "out %proc.name a c", "out %proc.name b" SUGGESTED " c" },
	{ "append_output:\n- match: {source: syscall}\n  extra_output: a\n"
	  "- match: {source: k8s_audit}\n  extra_output: b\n",
	    "out %proc.name a", "out %proc.name a" },
};

/* With -o: alone, with a file, and in the form of Falco's own option. */
static const struct {
	const char *yaml, *set[3], *first;
} overrides[] = {
	{ "", { "append_output.extra_output=x=%evt.num" }, "out %proc.name x=%evt.num" },
	{ "", { "append_output[]={extra_output: 'x=%evt.num'}" }, "out %proc.name x=%evt.num" },
	{ "",
	    { "append_output[]={\"match\": {\"rule\": \"Shell in container\"}, \"extra_output\": "
	      "\"a\"}",
		"append_output[]={\"match\": {\"rule\": \"Read keys\"}, \"extra_output\": \"b\"}" },
	    "out %proc.name a" },
	{ "append_output: [{extra_output: a}, {match: {tags: [file]}, extra_output: b}]",
	    { "append_output[]={extra_output: c}", "append_output[]={extra_output: d}" },
	    "out %proc.name a c d" },
	{ "",
	    { "append_output[]={extra_output: '${HOME}'}",
		"append_output[]={suggested_output: true}" },
	    "out %proc.name /root" SUGGESTED },
};

static void
test_override(void **state)
{
	(void) state;
	assert_int_equal(0, setenv("HOME", "/root", 1));
	for (size_t i = 0; i < ARRAY_SIZE(overrides); i++) {
		const struct rule *const *rules;
		struct cfg *cfg = NULL;
		struct rule_config rc = { .options.min_priority = PRIO_DEBUG };
		struct ruleset *set;
		struct diag d;

		assert_int_equal(0, cfg_parse("c.yaml", slice_str(overrides[i].yaml), &cfg, &d));
		for (size_t k = 0; k < 3 && overrides[i].set[k] != NULL; k++)
			assert_int_equal(0, cfg_override(cfg, overrides[i].set[k], &d));
		assert_int_equal(0, rule_config_read(&rc, cfg, &d));
		assert_int_equal(0, cfg_check_unknown(cfg, &d));
		set = load(&rc);
		assert_int_equal(3, ruleset_rules(set, &rules));
		assert_string_equal(overrides[i].first, rules[0]->output);
		ruleset_unref(set);
		cfg_free(cfg);
	}
}

static void
test_append(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(appends); i++) {
		const struct rule *const *rules;
		struct rule_config rc;
		struct diag d;
		struct cfg *cfg = parse(appends[i].yaml, &rc, 0, &d);
		struct ruleset *set = load(&rc);

		assert_int_equal(0, cfg_check_unknown(cfg, &d));
		assert_int_equal(3, ruleset_rules(set, &rules));
		assert_string_equal(appends[i].first, rules[0]->output);
		assert_string_equal(appends[i].last, rules[2]->output);
		ruleset_unref(set);
		cfg_free(cfg);
	}
}

static const struct {
	const char *yaml;
	unsigned line, col;
	const char *msg;
} errors[] = {
	{ "rule:\n  select:\n    - remove: {tag: x}\n", 3, 21,
	    "'rule.select' knows enable and disable, not 'remove.tag'" },
	{ "rule:\n  select:\n    - disable: {priority: x}\n", 3, 27,
	    "rules are selected by 'rule', 'tag' or 'contains', not 'priority'" },
	{ "rule:\n  select:\n    - disable: {tag: ''}\n", 3, 22,
	    "rules are selected by a text: 'tag' has none" },
	{ "append_output: [x]\n", 1, 17, "'append_output' must hold 'key: value' lines" },
	{ "append_output:\n- match: {priority: INFO}\n", 2, 21,
	    "'append_output' does not know 'match.priority'" },
	{ "append_output:\n- suggested_output: maybe\n", 2, 21,
	    "'suggested_output' must be true or false, not 'maybe'" },
	{ "append_output:\n- extra_output: 'x %proc.nmae'\n", 2, 17,
	    "unknown filter: proc.nmae (unknown field 'proc.nmae'; did you mean 'proc.name'?)" },
	{ "append_output:\n- extra_fields: [evt.numb]\n", 2, 18, "unknown field 'evt.numb'" },
	{ "append_output:\n- extra_fields: [{a: '%'}]\n", 2, 22,
	    "invalid formatting token: a field must follow '%'" },
	{ "alert: {tags: maybe}\n", 1, 15, "'alert.tags' must be true or false, not 'maybe'" },
};

static void
test_errors(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		struct rule_config rc;
		struct diag d;
		struct cfg *cfg = parse(errors[i].yaml, &rc, -EINVAL, &d);

		assert_string_equal(errors[i].msg, d.msg);
		if (d.line != errors[i].line || d.col != errors[i].col)
			fail_msg("%s: %u:%u", errors[i].yaml, d.line, d.col);
		cfg_free(cfg);
	}
}

static void
test_many(void **state)
{
	struct rule_config rc;
	struct diag d;
	struct cfg *cfg = parse("", &rc, 0, &d);

	(void) state;
	for (unsigned i = 0; i < RULE_SELECT_MAX; i++)
		assert_int_equal(0, rule_config_select(&rc, true, "tag", "x", &d));
	assert_int_equal(-EINVAL, rule_config_select(&rc, true, "tag", "x", &d));
	cfg_free(cfg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_select),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_override),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
