/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/rule.h"
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

/* ---- errors, and their locations ---- */

static const struct {
	const char *yaml, *code;
	unsigned line, col;
	const char *msg; /* a part of it */
} errors[] = {
	/* shapes */
	{ "a: [", "LOAD_ERR_YAML_PARSE", 2, 1, "YAML" },
	{ "a: b\n", "LOAD_ERR_YAML_VALIDATE", 1, 1, "not yaml array of objects" },
	{ "- rule\n", "LOAD_ERR_YAML_VALIDATE", 1, 3, "associative array" },
	{ "- list: l\n", "LOAD_ERR_YAML_VALIDATE", 1, 3, "no mapping for key 'items'" },
	{ "- list: l\n  items: [[a]]\n", "LOAD_ERR_YAML_VALIDATE", 2, 11, "not a scalar" },
	{ "- list: l\n  items: a\n", "LOAD_ERR_YAML_VALIDATE", 2, 10, "not a sequence" },
	{ "- macro: m\n  condition:\n", "LOAD_ERR_YAML_VALIDATE", 2, 13, "is empty" },
	{ "- macro: m\n  condition: ''\n", "LOAD_ERR_YAML_VALIDATE", 2, 14, "is empty" },
	{ "- rule: r\n  desc: d\n  condition: evt.type=open\n  priority: INFO\n",
	    "LOAD_ERR_YAML_VALIDATE", 1, 3, "no mapping for key 'output'" },
	{ "- rule: r\n  desc: d\n  condition: evt.type=open\n  output: x\n  priority: WARN\n",
	    "LOAD_ERR_YAML_VALIDATE", 5, 13, "Invalid priority 'WARN'" },
	{ RULE("r", "evt.type=open") "  tags: a\n", "LOAD_ERR_YAML_VALIDATE", 6, 9,
	    "not a sequence" },
	{ RULE("r", "evt.type=open") "  enabled: maybe\n", "LOAD_ERR_YAML_VALIDATE", 6, 12,
	    "true or false" },
	{ RULE("r", "evt.type=open") "  capture_duration: 1s\n", "LOAD_ERR_YAML_VALIDATE", 6, 21,
	    "milliseconds" },
	{ "- required_engine_version: seven\n", "LOAD_ERR_YAML_VALIDATE", 1, 28,
	    "as a semver string" },
	{ "- required_engine_version: 99\n", "LOAD_ERR_VALIDATE", 1, 28,
	    "require engine version 0.99.0, but engine version is 0.63.0" },
	{ "- required_engine_version: 1.0.0\n", "LOAD_ERR_VALIDATE", 1, 28, "1.0.0" },
	{ "- required_plugin_versions:\n  - name: container\n", "LOAD_ERR_YAML_VALIDATE", 2, 5,
	    "no mapping for key 'version'" },
	{ RULE("r", "evt.type=val(syscall.type)"), "LOAD_ERR_COMPILE_CONDITION", 3, 27,
	    "the event's type can only be compared with names" },
	{ "- macro: m\n  condition: not syscall.type=tolower(evt.type)\n" RULE(
	      "r", "evt.type=open and m"),
	    "LOAD_ERR_COMPILE_CONDITION", 2, 31,
	    "the event's type can only be compared with names" },
	{ RULE("r",
	      "evt.type=open") "  exceptions:\n  - name: e\n    fields: [proc.name, proc.pname]\n"
			       "    values:\n    - [a, null]\n",
	    "LOAD_ERR_VALIDATE", 10, 11, "an empty entry (null)" },
	{ RULE("r",
	      "evt.type=open") "  exceptions:\n  - name: e\n    fields: [proc.name, proc.pname]\n"
			       "    values:\n    - - a\n      -\n",
	    "LOAD_ERR_VALIDATE", 11, 8, "an empty entry (null)" },
	{ RULE("r", "evt.type=open") "  exceptions:\n  - name: e\n    fields: proc.name\n"
				     "    values: [a, ~]\n",
	    "LOAD_ERR_VALIDATE", 9, 17, "an empty entry (null)" },
	{ RULE("r", "evt.type=open") "  exceptions:\n  - name: e\n    fields: [proc.name,]\n"
				     "    comps: [null]\n    values: [[a]]\n",
	    "LOAD_ERR_VALIDATE", 9, 13, "an empty entry (null)" },
	{ "\xef\xbb\xbf- rule\n", "LOAD_ERR_YAML_VALIDATE", 1, 3, "associative array" },
	/* suggestions */
	{ RULE("r", "evt.type=opn"), "LOAD_ERR_COMPILE_CONDITION", 3, 23,
	    "unknown event type 'opn'; did you mean 'open'?" },
	{ RULE("r", "evt.type=open and proc.nmae=x"), "LOAD_ERR_COMPILE_CONDITION", 3, 32,
	    "unknown field 'proc.nmae'; did you mean 'proc.name'?" },
	{ "- rule: r\n  desc: d\n  condition: evt.type=open\n  output: '%proc.nmae'\n"
	  "  priority: INFO\n",
	    "LOAD_ERR_COMPILE_OUTPUT", 4, 12, "did you mean 'proc.name'?" },
	{ "- macro: shells\n  condition: proc.name=sh\n" RULE("r", "evt.type=open and shell"),
	    "LOAD_ERR_VALIDATE", 5, 32,
	    "Undefined macro 'shell' used in filter. Did you mean 'shells'?" },
	{ "- macro: a\n  condition: b\n- macro: b\n  condition: proc.name=sh\n",
	    "LOAD_ERR_VALIDATE", 2, 14,
	    "Undefined macro 'b' used in filter. It is defined later, in line 3" },
	{ "- list: shells\n  items: [sh]\n- list: shell\n  items: [a]\n  append: true\n",
	    "LOAD_ERR_VALIDATE", 3, 3,
	    "no list by that name already exists; did you mean 'shells'?" },
	{ "- macro: shells\n  condition: proc.name=a\n- macro: shell\n  condition: or a\n"
	  "  append: true\n",
	    "LOAD_ERR_VALIDATE", 3, 3,
	    "no macro by that name already exists; did you mean 'shells'?" },
	{ RULE("Some rule", "evt.type=open") "- rule: some rule\n  enabled: false\n",
	    "LOAD_ERR_VALIDATE", 6, 3,
	    "no rule by that name already exists; did you mean 'Some rule'?" },
	{ RULE("r", "evt.type=open") "  exceptions:\n  - name: e\n    fields: proc.nmae\n    "
				     "values: [a]\n",
	    "LOAD_ERR_VALIDATE", 8, 13,
	    "'proc.nmae' is not a supported filter field; did you mean 'proc.name'?" },
	/* appending and overriding */
	{ "- list: l\n  items: [a]\n  append: true\n", "LOAD_ERR_VALIDATE", 1, 3,
	    "no list by that name" },
	{ "- macro: m\n  condition: evt.type=open\n  override: {condition: append}\n",
	    "LOAD_ERR_VALIDATE", 1, 3, "no macro by that name" },
	{ "- rule: r\n  condition: and x\n  append: true\n", "LOAD_ERR_VALIDATE", 1, 3,
	    "no rule by that name" },
	{ "- rule: r\n  append: true\n", "LOAD_ERR_VALIDATE", 1, 3,
	    "must have exceptions or condition property" },
	{ "- rule: r\n  enabled: false\n", "LOAD_ERR_VALIDATE", 1, 3, "no rule by that name" },
	{ "- rule: r\n  desc: x\n  override: {desc: replace}\n", "LOAD_ERR_VALIDATE", 1, 3,
	    "no rule by that name" },
	{ "- rule: r\n  desc: x\n  append: true\n  override: {desc: append}\n",
	    "LOAD_ERR_YAML_VALIDATE", 3, 11, "cannot be used together" },
	{ RULE("r", "evt.type=open") "- rule: r\n  desc: x\n  override: {desc: merge}\n",
	    "LOAD_ERR_YAML_VALIDATE", 8, 20, "Invalid override operation" },
	{ RULE("r", "evt.type=open") "- rule: r\n  desc: x\n  override: {tags: append}\n",
	    "LOAD_ERR_YAML_VALIDATE", 8, 14, "An append override for 'tags' was specified" },
	{ RULE("r",
	      "evt.type=open") "- rule: r\n  desc: x\n  output: y\n  override: {desc: append}\n",
	    "LOAD_ERR_YAML_VALIDATE", 8, 11, "Unexpected key 'output'" },
	{ RULE(
	      "r", "evt.type=open") "- rule: r\n  priority: INFO\n  override: {priority: append}\n",
	    "LOAD_ERR_YAML_VALIDATE", 8, 24, "cannot be appended to, use 'replace'" },
	{ RULE("r", "evt.type=open") RULE("r", "evt.type=open") "  source: k8s_audit\n",
	    "LOAD_ERR_VALIDATE", 6, 3, "different source" },
	{ RULE("r", "evt.type=open") "- rule: r\n  condition: or a\n  append: true\n"
				     "  source: k8s_audit\n",
	    "LOAD_ERR_VALIDATE", 6, 3, "different source" },
	{ RULE("r", "evt.type=open") "  source: k8s_audit\n- rule: r\n  tags: [a]\n"
				     "  source: syscall\n  override: {tags: append}\n",
	    "LOAD_ERR_VALIDATE", 7, 3, "different source" },
	/* macros */
	{ RULE("r", "evt.type=open and nope"), "LOAD_ERR_VALIDATE", 3, 32,
	    "Undefined macro 'nope'" },
	{ "- macro: a\n  condition: a\n", "LOAD_ERR_VALIDATE", 2, 14, "Undefined macro 'a'" },
	{ "- macro: a\n  condition: b\n- macro: b\n  condition: evt.type=open\n",
	    "LOAD_ERR_VALIDATE", 2, 14, "Undefined macro 'b'" },
	{ "- macro: a\n  condition: evt.type=open\n- macro: b\n  condition: a\n- macro: a\n"
	  "  condition: b\n",
	    "LOAD_ERR_VALIDATE", 4, 14, "reference loop in macro 'a'" },
	/* conditions that end too early, or with unbalanced parentheses */
	{ RULE("r", "evt.type=open and"), "LOAD_ERR_COMPILE_CONDITION", 3, 31,
	    "expected blank or '(' after 'and'" },
	{ RULE("r", "evt.type=open and (") "  exceptions:\n  - name: e\n    fields: proc.name\n"
					   "    values: [a]\n",
	    "LOAD_ERR_COMPILE_CONDITION", 3, 33, "expected a '(' token" },
	{ RULE("r", "evt.type=open) or (evt.type=close"), "LOAD_ERR_COMPILE_CONDITION", 3, 27,
	    "unexpected token after 'open'" },
	/* conditions: each scalar style, and appended texts or lists */
	{ RULE("r", "evt.type=open and foo.bar=1"), "LOAD_ERR_COMPILE_CONDITION", 3, 32,
	    "foo.bar" },
	{ RULE("r", "\"evt.type=open and \\\"\""), "LOAD_ERR_COMPILE_CONDITION", 3, 33, "" },
	{ RULE("r", "'evt.type=open and fd.name=''a'' and foo.bar=1'"),
	    "LOAD_ERR_COMPILE_CONDITION", 3, 51, "foo.bar" },
	{ RULE("r", ">\n    evt.type=open\n    and foo.bar=1"), "LOAD_ERR_COMPILE_CONDITION", 5, 9,
	    "foo.bar" },
	{ RULE("r", "|\n    evt.type=open\n\n      and foo.bar=1"), "LOAD_ERR_COMPILE_CONDITION", 6,
	    11, "foo.bar" },
	{ RULE("r", "evt.type=open\n     and foo.bar=1"), "LOAD_ERR_COMPILE_CONDITION", 4, 10,
	    "foo.bar" },
	{ RULE("r", "fd.name=\xc3\xa4\xc3\xb6 and foo.bar=1"), "LOAD_ERR_COMPILE_CONDITION", 3, 29,
	    "foo.bar" },
	{ RULE("r", "evt.type=open") "- rule: r\n  condition: and foo.bar=1\n  append: true\n",
	    "LOAD_ERR_COMPILE_CONDITION", 7, 18, "foo.bar" },
	{ "- list: l\n  items: [open, close]\n" RULE("r", "evt.type in (l) and foo.bar=1"),
	    "LOAD_ERR_COMPILE_CONDITION", 5, 34, "foo.bar" },
	{ "- list: l\n  items: [open, clos]\n" RULE("r", "evt.type in (l)"),
	    "LOAD_ERR_COMPILE_CONDITION", 5, 27, "clos" },
	{ "- macro: m\n  condition: foo.bar=1\n" RULE("r", "evt.type=open and m"),
	    "LOAD_ERR_COMPILE_CONDITION", 2, 14, "foo.bar" },
	{ "- macro: m\n  condition: (evt.type=\n", "LOAD_ERR_COMPILE_CONDITION", 2, 24, "" },
	{ RULE("r", "evt.type=nope"), "LOAD_ERR_COMPILE_CONDITION", 3, 23, "unknown event type" },
	{ RULE("r", "evt.type=open and foo.bar=1") "  enabled: false\n",
	    "LOAD_ERR_COMPILE_CONDITION", 3, 32, "foo.bar" },
	/* outputs */
	{ "- rule: r\n  desc: d\n  condition: evt.type=open\n  output: 100%\n  priority: INFO\n",
	    "LOAD_ERR_COMPILE_OUTPUT", 4, 14, "a field must follow" },
	{ "- rule: r\n  desc: d\n  condition: evt.type=open\n  output: >\n    one\n    %foo.bar "
	  "two\n"
	  "  priority: INFO\n",
	    "LOAD_ERR_COMPILE_OUTPUT", 6, 5, "unknown filter: foo.bar" },
	/* exceptions */
	{ RULE("r", "evt.type=open") "  exceptions:\n  - name: e\n    comps: in\n",
	    "LOAD_ERR_YAML_VALIDATE", 7, 5, "no mapping for key 'fields'" },
	{ RULE("r", "evt.type=open") "  exceptions:\n  - name: e\n    fields: [proc.name]\n    "
				     "comps: [foo]\n",
	    "LOAD_ERR_VALIDATE", 9, 13, "'foo' is not a supported comparison operator" },
	{ RULE("r",
	      "evt.type=open") "  exceptions:\n  - name: e\n    fields: foo.bar\n    values: [a]\n",
	    "LOAD_ERR_VALIDATE", 8, 13, "'foo.bar' is not a supported filter field" },
	{ RULE("r",
	      "evt.type=open") "  exceptions:\n  - name: e\n    fields: proc.name\n    comps: =\n",
	    "LOAD_ERR_VALIDATE", 9, 12, "must use one of" },
	{ RULE("r", "evt.type=open") "  exceptions:\n  - name: e\n    fields: [proc.name, "
				     "fd.name]\n    values:\n    - [a]\n",
	    "LOAD_ERR_VALIDATE", 10, 7, "must have equal length" },
	{ RULE(
	      "r", "evt.type=open") "  exceptions:\n  - name: e\n    fields: proc.name\n    "
				    "values: [a]\n"
				    "- rule: r\n  exceptions:\n  - name: e\n    fields: proc.name\n"
				    "    values: [b]\n  override: {exceptions: append}\n",
	    "LOAD_ERR_VALIDATE", 12, 5, "Can not append exception fields" },
};

static void
test_errors(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		struct ruleset *s = NULL;
		struct rule_log l;
		const struct rule_msg *m;

		if (parse(errors[i].yaml, &s, &l) != -EINVAL || l.errors != 1)
			fail_msg("loads: %s", errors[i].yaml);
		m = &l.v[l.n - 1];
		if (strcmp(m->code->name, errors[i].code) != 0 || m->diag.line != errors[i].line ||
		    m->diag.col != errors[i].col || strstr(m->diag.msg, errors[i].msg) == NULL)
			fail_msg("%s\n%s:%u:%u %s %s\nexpected %u:%u %s %s", errors[i].yaml,
			    m->diag.file, m->diag.line, m->diag.col, m->code->name, m->diag.msg,
			    errors[i].line, errors[i].col, errors[i].code, errors[i].msg);
		assert_string_equal("r.yaml", m->diag.file);
		assert_null(s);
		rule_log_fini(&l);
	}
}

/* Every error of a text is reported once, without its consequences. */
static const char all_yaml[] =
    "- macro: broken\n  condition: evt.type = (\n"
    "- list: nolist\n"
    "- rule: uses it\n  desc: d\n  condition: broken and evt.type=open\n"
    "  output: x\n  priority: INFO\n"
    "- rule: twice\n  condition: evt.type=open\n  output: x\n"
    "  priority: LOUD\n"
    "- rule: both\n  desc: d\n  condition: evt.type=open and proc.nmae=x\n"
    "  output: x %fd.nmae\n  priority: INFO\n"
    "- rule: twice\n  condition: and evt.type=open\n"
    "  override: {condition: append}\n"
    "- list: nolist\n  items: [a]\n  override: {items: append}\n"
    "- text\n";
static const struct {
	unsigned line;
	const char *msg;
} all_errors[] = {
	{ 3, "Item has no mapping for key 'items'" },
	{ 9, "Item has no mapping for key 'desc'" },
	{ 12, "Invalid priority 'LOUD'" },
	{ 24, "Unexpected element type" },
	{ 2, "expected a string value" },
	{ 15, "unknown field 'proc.nmae'" },
	{ 16, "unknown field 'fd.nmae'" },
};

static void
test_all_errors(void **state)
{
	struct ruleset *s = NULL;
	struct rule_log l;
	size_t n = 0;

	(void) state;
	assert_int_equal(-EINVAL, parse(all_yaml, &s, &l));
	assert_null(s);
	for (size_t i = 0; i < l.n; i++) {
		if (!l.v[i].error)
			continue;
		if (n == ARRAY_SIZE(all_errors) || l.v[i].diag.line != all_errors[n].line ||
		    strstr(l.v[i].diag.msg, all_errors[n].msg) == NULL)
			fail_msg("error %zu: line %u: %s", n, l.v[i].diag.line, l.v[i].diag.msg);
		n++;
	}
	assert_int_equal(ARRAY_SIZE(all_errors), n);
	rule_log_fini(&l);
}

/* ---- valid files, and the resulting condition of the first rule ---- */

static const struct {
	const char *yaml, *resolved;
} loads[] = {
	{ RULE("r", "evt.type=open"), "evt.type = open" },
	{ "\xef\xbb\xbf" RULE("r", "evt.type=open"), "evt.type = open" },
	{ RULE("r",
	      "evt.type=open") "  exceptions:\n  - name: e\n    fields: [proc.name, proc.args]\n"
			       "    values:\n    - [a, \"\"]\n",
	    "(evt.type = open and not (proc.name = a and proc.args = ))" },
	{ "---\n" RULE("r", "evt.type=open") "---\n---\n- macro: m\n  condition: evt.type=close\n"
					     "...\n",
	    "evt.type = open" },
	{ "- required_engine_version: 0.10.0\n- required_engine_version: 5\n"
	  "- required_plugin_versions:\n  - name: container\n    version: 0.4.0\n    "
	  "alternatives:\n"
	  "    - name: other\n      version: 1.0.0\n-\n" RULE("r", "evt.type=open"),
	    "evt.type = open" },
	/* lists are text */
	{ "- list: l\n  items: [a, \"b c\", 'd', '\"e f\"', 5]\n" RULE("r", "proc.name in (l, x)"),
	    "proc.name in (a, \"b c\", d, \"e f\", 5, x)" },
	{ "- list: e\n  items: []\n" RULE("r", "proc.name in (a, e)"), "proc.name in (a)" },
	{ "- list: e\n  items: []\n" RULE("r", "proc.name in (e, a)"), "proc.name in (a)" },
	{ "- list: e\n  items: []\n" RULE("r", "proc.name in (a,e,b)"), "proc.name in (a, b)" },
	{ "- list: e\n  items: []\n" RULE("r", "proc.name in (e)"), "proc.name in ()" },
	{ "- list: f\n  items: [x, y]\n" RULE("r", "proc.cmdline contains \"a f b\""),
	    "proc.cmdline contains \"a x, y b\"" },
	{ "- list: f\n  items: [x]\n" RULE(
	      "r", "proc.name = f or proc.name = \"f\" or proc.name = ff"),
	    "(proc.name = x or proc.name = f or proc.name = ff)" },
	{ "- list: open\n  items: [creat]\n" RULE("r", "evt.type=open"), "evt.type = creat" },
	{ "- list: l\n  items: [a]\n- list: l\n  items: [b]\n  append: true\n"
	  "- list: l\n  items: [c]\n  override: {items: append}\n" RULE("r", "proc.name in (l)"),
	    "proc.name in (a, b, c)" },
	{ "- list: l\n  items: [a]\n- list: l\n  items: [b]\n" RULE("r", "proc.name in (l)"),
	    "proc.name in (b)" },
	{ "- list: a\n  items: [x]\n- list: b\n  items: [a, y]\n- list: c\n  items: [b, z]\n" RULE(
	      "r", "proc.name in (c)"),
	    "proc.name in (a, y, z)" },
	{ "- list: c\n  items: [b, z]\n- list: b\n  items: [a, y]\n- list: a\n  items: [x]\n" RULE(
	      "r", "proc.name in (c)"),
	    "proc.name in (x, y, z)" },
	/* macros are trees */
	{ "- macro: m\n  condition: proc.name=a or proc.name=b\n" RULE("r", "not m and fd.num>0"),
	    "(not (proc.name = a or proc.name = b) and fd.num > 0)" },
	{ RULE("r", "evt.type=open and m") "- macro: m\n  condition: proc.name=a\n",
	    "(evt.type = open and proc.name = a)" },
	{ "- macro: m\n  condition: proc.name=a\n- macro: n\n  condition: proc.name=b\n- macro: m\n"
	  "  condition: n or proc.name=c\n" RULE("r", "m"),
	    "(proc.name = b or proc.name = c)" },
	{ "- macro: n\n  condition: proc.name=a\n- macro: m\n  condition: n\n- macro: n\n"
	  "  condition: proc.name=b\n" RULE("r", "m"),
	    "proc.name = b" },
	{ "- macro: m\n  condition: proc.name=a or proc.name=b\n- macro: m\n  condition: and "
	  "fd.num>0\n"
	  "  append: true\n" RULE("r", "m"),
	    "(proc.name = a or (proc.name = b and fd.num > 0))" },
	/* redefined rules */
	{ RULE("r", "evt.type=open") RULE("r", "evt.type=close"), "evt.type = close" },
	{ RULE("r", "evt.type=open") "- rule: r\n  condition: and proc.name=a\n  append: true\n",
	    "(evt.type = open and proc.name = a)" },
	{ RULE("r", "evt.type=open") "- rule: r\n  condition: evt.type=close\n  desc: new\n"
				     "  override: {condition: replace, desc: replace}\n",
	    "evt.type = close" },
	/* exceptions */
	{ RULE("r", "evt.type=open or evt.type=close") "  exceptions:\n  - name: e\n    fields: "
						       "proc.name\n"
						       "    values: [a, b c]\n",
	    "((evt.type = open or evt.type = close) and not proc.name in (a, \"b c\"))" },
	{ RULE("r",
	      "evt.type=open") "  exceptions:\n  - name: e\n    fields: [proc.name, fd.name]\n"
			       "    comps: [in, startswith]\n    values:\n    - [[a, b], /etc]\n"
			       "    - [\"(c,d)\", /x]\n    - [e, /y z]\n",
	    "(evt.type = open and not ((proc.name in (a, b) and fd.name startswith /etc) or "
	    "(proc.name in (c, d) and fd.name startswith /x) or "
	    "(proc.name in (e) and fd.name startswith \"/y z\")))" },
	{ RULE("r", "evt.type=open") "  exceptions:\n  - name: e\n    fields: proc.name\n",
	    "evt.type = open" },
	{ RULE("r", "evt.type=open") "  exceptions:\n  - name: e\n    fields: [proc.pname, "
				     "proc.cmdline]\n"
				     "    values:\n    - [q, x 'y' z]\n",
	    "(evt.type = open and not (proc.pname = q and proc.cmdline = \"x 'y' z\"))" },
	{ "- list: l\n  items: [p, q]\n" RULE(
	      "r", "evt.type=open") "  exceptions:\n  - name: e\n    fields: proc.name\n    "
				    "values: [l, z]\n",
	    "(evt.type = open and not proc.name in (p, q, z))" },
	{ RULE("r", "evt.type=open") "  exceptions:\n  - name: e\n    fields: proc.name\n    "
				     "values: [a]\n"
				     "- rule: r\n  exceptions:\n  - name: e\n    values: [b]\n"
				     "  - name: f\n    fields: fd.name\n    values: [c]\n"
				     "  override: {exceptions: append}\n",
	    "(evt.type = open and not proc.name in (a, b) and not fd.name in (c))" },
	{ RULE("r", "evt.type=open") "  exceptions:\n  - name: e\n    fields: [proc.name]\n"
				     "    values: [[a]]\n- rule: r\n  exceptions:\n  - name: e\n"
				     "    fields: [proc.name]\n    values: [[b]]\n"
				     "  override: {exceptions: replace}\n",
	    "(evt.type = open and not proc.name = b)" },
	{ RULE("r",
	      "evt.type=open") "  exceptions:\n  - name: e\n    fields: [tolower( proc.name)]\n"
			       "    comps: ['  startswith   oneof ']\n    values: [[[a, b]]]\n",
	    "(evt.type = open and not tolower(proc.name) startswith oneof (a, b))" },
	/* the rest */
	{ RULE("s", "evt.type=open and foo.bar=1") "  skip-if-unknown-filter: true\n" RULE(
	      "r", "evt.type=open"),
	    "evt.type = open" },
	{ RULE("r", "jevt.value=1") "  source: k8s_audit\n", "" },
};

static void
test_loads(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		const struct rule *const *rules;
		struct ruleset *s = NULL;
		struct rule_log l;

		if (parse(loads[i].yaml, &s, &l) < 0)
			fail_msg("%s\n%s", loads[i].yaml, l.v[l.n - 1].diag.msg);
		assert_int_equal(1, ruleset_rules(s, &rules));
		assert_string_equal(loads[i].resolved, rules[0]->resolved);
		assert_string_equal("r", rules[0]->name);
		rule_log_fini(&l);
		ruleset_unref(s);
	}
}

/* ---- warnings ---- */

static const struct {
	const char *yaml, *code;
	unsigned line, col;
} warnings[] = {
	{ "- blah: 1\n", "LOAD_UNKNOWN_ITEM", 1, 3 },
	{ RULE("r", "evt.type=open") "  typo: 1\n", "LOAD_UNKNOWN_KEY", 6, 3 },
	{ "- required_engine_version: 5\n  typo: 1\n", "LOAD_UNKNOWN_KEY", 2, 3 },
	{ "- required_plugin_versions: []\n  typo: 1\n", "LOAD_UNKNOWN_KEY", 2, 3 },
	{ RULE("r", "evt.type=open") "  source: other\n", "LOAD_UNKNOWN_SOURCE", 1, 3 },
	{ RULE("r", "evt.type=open") "- rule: r\n  enabled: false\n", "LOAD_DEPRECATED_ITEM", 6,
	    3 },
	{ RULE("r", "evt.type=open") "- rule: r\n  condition: or fd.num>1\n  append: true\n",
	    "LOAD_DEPRECATED_ITEM", 8, 11 },
	{ RULE("r", "proc.name=a"), "LOAD_NO_EVTTYPE", 1, 3 },
	{ RULE("r", "evt.type=open and foo.bar=1") "  skip-if-unknown-filter: true\n",
	    "LOAD_UNKNOWN_FILTER", 3, 32 },
	{ "- macro: m\n  condition: evt.type=open\n", "LOAD_UNUSED_MACRO", 1, 10 },
	{ "- list: l\n  items: [a]\n", "LOAD_UNUSED_LIST", 1, 9 },
	{ "- macro: a-b\n  condition: evt.type=open\n", "LOAD_INVALID_MACRO_NAME", 1, 10 },
	{ "- list: a b\n  items: [c]\n", "LOAD_INVALID_LIST_NAME", 1, 9 },
	{ RULE("r", "evt.type=open") "  exceptions:\n  - name: e\n    fields: proc.name\n"
				     "  - name: e\n    fields: fd.name\n",
	    "LOAD_EXCEPTION_NAME_NOT_UNIQUE", 9, 5 },
	{ RULE("r", "evt.type=open") "  exceptions:\n  - name: e\n    fields: proc.name\n"
				     "- rule: r\n  exceptions:\n  - name: e\n"
				     "  override: {exceptions: append}\n",
	    "LOAD_APPEND_NO_VALUES", 11, 5 },
	{ RULE("r", "evt.type=open and proc.name=proc.pname"), "LOAD_COMPILE_CONDITION", 3, 42 },
	{ "- macro: m\n  condition: proc.name=proc.pname\n" RULE("r", "evt.type=open and m"),
	    "LOAD_COMPILE_CONDITION", 2, 24 },
	{ RULE("r", "evt.type=open and evt.dir=<"), "LOAD_DEPRECATED_ITEM", 1, 3 },
	{ "- rule: r\n  desc: d\n  condition: evt.type=open\n  output: '%evt.dir'\n  priority: "
	  "INFO\n",
	    "LOAD_DEPRECATED_ITEM", 1, 3 },
	{ "- rule: r\n  desc: d\n  condition: evt.type=open\n  output: a %container.info\n"
	  "  priority: INFO\n",
	    "LOAD_DEPRECATED_ITEM", 1, 3 },
};

static void
test_warnings(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(warnings); i++) {
		struct ruleset *s = NULL;
		struct rule_log l;

		assert_int_equal(0, parse(warnings[i].yaml, &s, &l));
		assert_int_equal(l.n, l.warnings);
		if (l.n == 0 || strcmp(warnings[i].code, l.v[0].code->name) != 0 ||
		    l.v[0].diag.line != warnings[i].line || l.v[0].diag.col != warnings[i].col)
			fail_msg("%s\n%u:%u %s", warnings[i].yaml, l.n == 0 ? 0 : l.v[0].diag.line,
			    l.n == 0 ? 0 : l.v[0].diag.col,
			    l.n == 0 ? "nothing" : l.v[0].code->name);
		assert_false(l.v[0].error);
		rule_log_fini(&l);
		ruleset_unref(s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_all_errors),
		cmocka_unit_test(test_loads),
		cmocka_unit_test(test_warnings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
