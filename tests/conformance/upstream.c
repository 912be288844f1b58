/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conform_upstream CASES RULES: load each rule file of CASES/upstream_rules_compiled.json, from the
 * folder RULES, alone: its description equals Falco's, value by value. Together: no error, no
 * warning, and each rule has its output and its events.
 */
#include "collector/rule/rule.h"
#include "tests/conformance/conform.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned bad;

/* Load files that must give no errors or warnings; returns their description. */
static json_t *
describe(const char *const *paths, size_t n)
{
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	const struct rule_options o = { .min_priority = PRIO_DEBUG, .describe = &out };
	struct ruleset *s = NULL;
	struct rule_log l;
	json_t *j = NULL;

	if (ruleset_load(paths, n, &o, &s, &l) < 0 || l.n > 0) {
		rule_log_print(stdout, &l);
		bad++;
	} else {
		j = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES, NULL);
		bad += j == NULL;
	}
	rule_log_fini(&l);
	ruleset_unref(s);
	return j;
}

static bool
holds(const json_t *array, const json_t *e)
{
	json_t *k;
	size_t i;

	json_array_foreach(array, i, k)
	{
		if (json_equal(k, e))
			return true;
	}
	return false;
}

/* Compare arrays as sets, except those whose order matters. */
static bool
same_array(const char *key, const json_t *want, const json_t *is)
{
	bool ordered = strstr(key, "items") != NULL || strcmp(key, "output_fields") == 0;
	json_t *e;
	size_t i;

	if (json_array_size(want) != json_array_size(is) || (ordered && !json_equal(want, is)))
		return false;
	json_array_foreach(want, i, e)
	{
		if (!holds(is, e))
			return false;
	}
	return true;
}

static bool
same(const char *key, const json_t *want, const json_t *is)
{
	return json_is_array(want) && json_is_array(is) ? same_array(key, want, is)
							: json_equal(want, is);
}

static const json_t *
named(const json_t *items, const char *name)
{
	json_t *e;
	size_t i;

	json_array_foreach(items, i, e)
	{
		if (strcmp(str(json_object_get(e, "info"), "name"), name) == 0)
			return e;
	}
	return NULL;
}

/* Compare "info" or "details" of one item; 'keys': NULL, or only these. */
static void
compare_part(const char *name, const json_t *want, const json_t *is, const char *const *keys)
{
	const char *key;
	json_t *v;

	if (!keys && json_object_size(want) != json_object_size(is)) {
		printf("%s has other keys\n", name);
		bad++;
	}
	json_object_foreach((json_t *) want, key, v)
	{
		size_t k = 0;

		while (keys != NULL && keys[k] != NULL && strcmp(keys[k], key) != 0)
			k++;
		if ((keys != NULL && keys[k] == NULL) || same(key, v, json_object_get(is, key)))
			continue;
		printf("%s: %s differs\n", name, key);
		bad++;
	}
}

static void
compare(const json_t *want, const json_t *is, const char *kind, const char *const *keys)
{
	const json_t *items = json_object_get(is, kind), *mine;
	const char *name;
	json_t *e;
	size_t i;

	json_array_foreach(json_object_get(want, kind), i, e)
	{
		name = str(json_object_get(e, "info"), "name");
		mine = named(items, name);
		if (mine == NULL) {
			printf("%s '%s' is not there\n", kind, name);
			bad++;
			continue;
		}
		if (keys == NULL)
			compare_part(
			    name, json_object_get(e, "info"), json_object_get(mine, "info"), NULL);
		compare_part(
		    name, json_object_get(e, "details"), json_object_get(mine, "details"), keys);
	}
}

static void
compare_whole(const json_t *want, const json_t *is)
{
	static const char *const kinds[] = { "rules", "macros", "lists" };
	const char *key;
	json_t *v;

	json_object_foreach((json_t *) want, key, v)
	{
		const json_t *mine = json_object_get(is, key);
		bool array = strcmp(key, "required_plugin_versions") != 0 && json_is_array(v);

		if (array ? json_array_size(v) == json_array_size(mine) : json_equal(v, mine))
			continue;
		printf("%s differs\n", key);
		bad++;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		compare(want, is, kinds[i], NULL);
}

int
main(int argc, char **argv)
{
	static const char *const own[] = { "output_compiled", "events", NULL };
	char path[2][4096], cases[4096];
	const char *paths[2] = { path[0], path[1] }, *file;
	json_t *all, *of_file, *is;
	size_t n = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: conform_upstream CASES RULES\n");
		return 2;
	}
	(void) snprintf(cases, sizeof(cases), "%s/upstream_rules_compiled.json", argv[1]);
	all = json_load_file(cases, 0, NULL);
	json_object_foreach(all, file, of_file)
	{
		if (n == ARRAY_SIZE(path))
			break;
		(void) snprintf(path[n], sizeof(path[n]), "%s/%s", argv[2], file);
		is = describe(&paths[n++], 1);
		compare_whole(json_object_get(of_file, "describe"), is);
		json_decref(is);
	}
	is = describe(paths, n);
	json_object_foreach(all, file, of_file)
	    compare(json_object_get(of_file, "describe"), is, "rules", own);
	json_decref(is);
	json_decref(all);
	printf("%zu files, %u differences\n", n, bad);
	return bad > 0 || n == 0;
}
