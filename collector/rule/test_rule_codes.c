/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of an error that code reads: its code, its origin, its field. */
#include "collector/rule/rule.h"
#include "tests/support/test.h"
#include <errno.h>
#include <string.h>

#define RULE(name, condition) \
	"- rule: " name "\n  desc: d\n  condition: " condition "\n  output: x\n  priority: INFO\n"

static const struct {
	const char *text;
	enum diag_code code;
} conditions[] = {
	{ "proc.nmae=x", DIAG_UNKNOWN_FIELD },
	{ "evt.type=opn", DIAG_UNKNOWN_EVENT },
	{ "syscall.type=opn", DIAG_UNKNOWN_EVENT },
	{ "evt.type.is.opn=1", DIAG_UNKNOWN_EVENT },
	{ "nope", DIAG_UNKNOWN_MACRO },
	{ "evt.abspath.up=x", DIAG_OTHER },
	{ "evt.arg[-1]=x", DIAG_OTHER },
	{ "proc.pid=x", DIAG_OTHER },
}, outputs[] = {
	{ "%proc.nmae", DIAG_BAD_TOKEN },
	{ "%", DIAG_BAD_TOKEN },
	{ "%99999proc.name", DIAG_BAD_TOKEN },
};

static void
codes_of_conditions(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(conditions); i++) {
		CLEANUP(arena_fini) struct arena a;
		struct filter *f = NULL;
		struct expr *e = NULL;
		struct diag d = { .code = DIAG_NONE };

		arena_init(&a, 0);
		assert_int_equal(0, expr_parse(slice_str(conditions[i].text), &a, &e, &d));
		assert_int_equal(-EINVAL, filter_compile(e, &a, &f, &d));
		if (d.code != conditions[i].code)
			fail_msg("%s: code %d", conditions[i].text, d.code);
	}
}

static void
codes_of_outputs(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(outputs); i++) {
		CLEANUP(arena_fini) struct arena a;
		const struct format_options o = { .nextra = 0 };
		struct format *f = NULL;
		struct diag d = { .code = DIAG_NONE };

		arena_init(&a, 0);
		assert_int_equal(-EINVAL, format_compile(outputs[i].text, &o, &a, &f, &d));
		if (d.code != outputs[i].code)
			fail_msg("%s: code %d", outputs[i].text, d.code);
	}
}

/* Two texts with the same mistake at the same position: it is reported for each rule. */
static const char alike[] =
    "- macro: outer\n  condition: (foo.bar=1)\n"
    "- macro: m\n  condition: foo.bar=1\n"
    "- macro: deep\n  condition: proc.name=x and m\n" RULE("uses", "deep") RULE("own", "foo.bar=1");

static const struct {
	const char *item;
	unsigned line, col;
} places[] = { { "uses", 4, 14 }, { "own", 14, 14 } };

static void
origins(void **state)
{
	const struct rule_options all = { .min_priority = PRIO_DEBUG };
	struct ruleset *s = NULL;
	struct rule_log l;

	(void) state;
	assert_int_equal(-EINVAL, ruleset_parse("r.yaml", slice_str(alike), &all, &s, &l));
	assert_int_equal(ARRAY_SIZE(places), l.n);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		assert_string_equal("rule", l.v[i].item_type);
		assert_string_equal(places[i].item, l.v[i].item_name);
		assert_int_equal(places[i].line, l.v[i].diag.line);
		assert_int_equal(places[i].col, l.v[i].diag.col);
	}
	rule_log_fini(&l);
}

static void
deprecated_fields(void **state)
{
	static const char yaml[] =
	    RULE("r", "evt.type=open and evt.dir=<") RULE("q", "evt.type=open and evt.latency=0");
	const struct rule_options all = { .min_priority = PRIO_DEBUG };
	struct ruleset *s = NULL;
	struct rule_log l;

	(void) state;
	assert_int_equal(0, ruleset_parse("r.yaml", slice_str(yaml), &all, &s, &l));
	assert_int_equal(2, l.n);
	assert_string_equal("evt.dir", l.v[0].field->name);
	assert_string_equal("evt.latency", l.v[1].field->name);
	rule_log_fini(&l);
	ruleset_unref(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_of_conditions),
		cmocka_unit_test(codes_of_outputs),
		cmocka_unit_test(origins),
		cmocka_unit_test(deprecated_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
