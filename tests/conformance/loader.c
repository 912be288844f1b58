/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loader.c - "load": "yaml" a rule file, "ok" whether it loads, "result" its errors and warnings
 * with codes, "rules" the loaded rules: names, tags, compiled conditions and outputs.
 */
#include "collector/rule/rule.h"
#include "tests/conformance/conform.h"
#include <errno.h>
#include <stdlib.h>

/* Compare the errors, or the warnings: the same number, and each of theirs is among ours. */
static bool
same_messages(const struct rule_log *l, bool errors, const json_t *want, struct buf *why)
{
	size_t n = errors ? l->errors : l->warnings, i;
	bool same = n == json_array_size(want);
	json_t *w;

	json_array_foreach(want, i, w)
	{
		size_t k = 0;

		while (k < l->n && (l->v[k].error != errors ||
				       strcmp(l->v[k].code->name, str(w, "code")) != 0 ||
				       !same_message(l->v[k].diag.msg, str(w, "message"))))
			k++;
		same = same && k < l->n;
	}
	for (size_t k = 0; k < l->n; k++) {
		if (l->v[k].error == errors)
			buf_printf(why, " %s: %s", l->v[k].code->name, l->v[k].diag.msg);
	}
	return same;
}

static bool
same_rule(const struct rule *r, const json_t *want, struct buf *why)
{
	const json_t *tags = json_object_get(want, "tags");
	bool same = strcmp(r->name, str(want, "name")) == 0 &&
		    strcmp(r->resolved, str(want, "condition_compiled")) == 0 &&
		    r->enabled == is_true(want, "enabled") &&
		    strcmp(priority_name(r->priority), str(want, "priority")) == 0 &&
		    strcmp(r->output, str(want, "output_compiled")) == 0 &&
		    r->ntags == json_array_size(tags);

	for (size_t i = 0; same && i < r->ntags; i++) {
		const char *tag = json_string_value(json_array_get(tags, i));

		same = tag != NULL && strcmp(r->tags[i], tag) == 0;
	}
	if (!same) {
		buf_printf(why, "%s, %s, %s: %s | %s", r->name, r->enabled ? "on" : "off",
		    priority_name(r->priority), r->resolved, r->output);
		for (size_t i = 0; i < r->ntags; i++)
			buf_printf(why, " [%s]", r->tags[i]);
	}
	return same;
}

static bool
same_rules(const struct ruleset *s, const json_t *want, struct buf *why)
{
	const struct rule *const *rules;
	size_t n = ruleset_rules(s, &rules), i, k = 0;
	json_t *w;

	json_array_foreach(want, i, w)
	{
		while (k < n && rules[k]->filter == NULL) /* of an unknown source: not in theirs */
			k++;
		if (k == n || !same_rule(rules[k++], w, why))
			return false;
	}
	while (k < n && rules[k]->filter == NULL)
		k++;
	if (k < n)
		buf_printf(why, "there is a rule %s", rules[k]->name);
	return k == n;
}

/* Texts that the suite's tests append to outputs by configuration, which the lines do not
 * contain. */
static const struct {
	const char *test;
	struct rule_append append[3];
	size_t n;
} configured[] = {
	{ "test_falco_engine.extra_format_all", { { .output = "evt.type=%evt.type" } }, 1 },
	{ "test_falco_engine.extra_format_by_rule",
	    { { .output = "evt.type=%evt.type", .rule = "legit_rule" } }, 1 },
	{ "test_falco_engine.extra_format_by_tag_rule",
	    { { .output = "extra 1", .tags = { "tag1" }, .ntags = 1 },
		{ .output = "extra 2", .rule = "another_rule" },
		{ .output = "extra 3", .tags = { "tag1", "tag2" }, .ntags = 2 } },
	    3 },
};

static struct rule_options
options_of(const json_t *j)
{
	struct rule_options o = { .min_priority = PRIO_DEBUG };

	for (size_t i = 0; i < ARRAY_SIZE(configured); i++) {
		if (strcmp(configured[i].test, str(j, "t")) != 0)
			continue;
		o.append = configured[i].append;
		o.nappend = configured[i].n;
	}
	return o;
}

bool
load_case(const json_t *j, struct buf *why)
{
	const struct rule_options o = options_of(j);
	const json_t *result = json_object_get(j, "result");
	struct ruleset *s = NULL;
	struct rule_log l;
	int r = ruleset_parse(str(j, "file"), slice_str(str(j, "yaml")), &o, &s, &l);
	bool same = (r == 0) == is_true(j, "ok") && (r == 0) == is_true(result, "successful");

	if (r == -ENOMEM)
		abort();
	buf_str(why, r == 0 ? "loads" : "refused");
	for (size_t i = 0; i < l.files[0].nfindings; i++)
		buf_printf(why, " shape: %s", l.files[0].findings[i]);
	same = same && (l.files[0].schema == SCHEMA_VALID) == is_true(result, "schema_valid") &&
	       (l.files[0].nfindings > 0) ==
		   (json_array_size(json_object_get(result, "schema_warnings")) > 0);
	same = same_messages(&l, true, json_object_get(result, "errors"), why) && same;
	same = same_messages(&l, false, json_object_get(result, "warnings"), why) && same;
	if (r == 0)
		same = same_rules(s, json_object_get(j, "rules"), why) && same;
	rule_log_fini(&l);
	ruleset_unref(s);
	return same;
}
