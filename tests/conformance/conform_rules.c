/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conform_rules FOLDER [MAY_DIFFER]: rule files against FOLDER/falco_rule_loader.jsonl.
 *
 * A line: "yaml", "ok", "result" (errors and warnings, in order, with code and message), "rules"
 * (name, enabled, priority, tags, compiled condition). Prints what differs; exits 0 when no more
 * than MAY_DIFFER cases do.
 */
#include "collector/rule/rule.h"
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *
str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s == NULL ? "" : s;
}

/* The errors, or the warnings: each of theirs is among ours, and as many. */
static bool
same_messages(const struct rule_log *l, bool errors, const json_t *want)
{
	size_t n = errors ? l->errors : l->warnings, i;
	bool same = n == json_array_size(want);
	json_t *w;

	json_array_foreach(want, i, w)
	{
		size_t k = 0;

		while (k < l->n &&
		       (l->v[k].error != errors || strcmp(l->v[k].code, str(w, "code")) != 0 ||
			   (errors && strcmp(l->v[k].diag.msg, str(w, "message")) != 0)))
			k++;
		if (k == l->n) {
			printf("  want %s: %.160s\n", str(w, "code"), str(w, "message"));
			same = false;
		}
	}
	if (same)
		return true;
	for (size_t k = 0; k < l->n; k++) {
		if (l->v[k].error == errors)
			printf("  is   %s: %.160s\n", l->v[k].code, l->v[k].diag.msg);
	}
	return false;
}

static bool
same_rule(const struct rule *r, const json_t *want)
{
	const json_t *tags = json_object_get(want, "tags");
	bool same = strcmp(r->name, str(want, "name")) == 0 &&
		    strcmp(r->resolved, str(want, "condition_compiled")) == 0 &&
		    r->enabled == json_is_true(json_object_get(want, "enabled")) &&
		    strcmp(priority_name(r->priority), str(want, "priority")) == 0 &&
		    strcmp(r->output, str(want, "output_compiled")) == 0 &&
		    r->ntags == json_array_size(tags);

	for (size_t i = 0; same && i < r->ntags; i++)
		same = strcmp(r->tags[i], json_string_value(json_array_get(tags, i))) == 0;
	if (!same)
		printf("  is   %s: %s | %s\n  want %s: %s | %s\n", r->name, r->resolved, r->output,
		    str(want, "name"), str(want, "condition_compiled"),
		    str(want, "output_compiled"));
	return same;
}

static bool
same_rules(const struct ruleset *s, const json_t *want)
{
	const struct rule *const *rules;
	size_t n = ruleset_rules(s, &rules), i, k = 0;
	json_t *w;

	json_array_foreach(want, i, w)
	{
		while (k < n && rules[k]->filter == NULL) /* of an unknown source: not in theirs */
			k++;
		if (k == n || !same_rule(rules[k++], w))
			return false;
	}
	return true;
}

static bool
run_case(const json_t *j)
{
	const struct rule_options o = { .min_priority = PRIO_DEBUG };
	const json_t *result = json_object_get(j, "result");
	struct ruleset *s = NULL;
	struct rule_log l;
	bool same;
	int r = ruleset_parse("rules.yaml", slice_str(str(j, "yaml")), &o, &s, &l);

	same = (r == 0) == json_is_true(json_object_get(j, "ok"));
	same = same_messages(&l, true, json_object_get(result, "errors")) && same;
	same = same_messages(&l, false, json_object_get(result, "warnings")) && same;
	if (same && r == 0)
		same = same_rules(s, json_object_get(j, "rules"));
	if (!same)
		printf("differs: %s\n", str(j, "t"));
	rule_log_fini(&l);
	ruleset_unref(s);
	return same;
}

int
main(int argc, char **argv)
{
	unsigned n = 0, bad = 0, may = argc == 3 ? (unsigned) strtoul(argv[2], NULL, 10) : 0;
	char path[4096];
	json_t *j;
	FILE *f;

	if (argc != 2 && argc != 3) {
		fprintf(stderr, "usage: conform_rules FOLDER [MAY_DIFFER]\n");
		return 2;
	}
	(void) snprintf(path, sizeof(path), "%s/falco_rule_loader.jsonl", argv[1]);
	f = fopen(path, "r");
	if (f == NULL) {
		perror(path);
		return 2;
	}
	while ((j = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
		bad += !run_case(j);
		n++;
		json_decref(j);
	}
	(void) fclose(f);
	printf("%u cases, %u differ\n", n, bad);
	return bad > may || n == 0;
}
