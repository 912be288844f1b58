/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conform_upstream FOLDER: FOLDER/upstream_rules_compiled.json, canonical texts and event sets of
 * whole rules.
 */
#include "collector/filter/filter.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const char *
str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s == NULL ? "" : s;
}

static int
compile(const char *text, struct arena *a, struct expr **e, struct filter **f, struct diag *d)
{
	int r = expr_parse(slice_str(text), a, e, d);

	return r < 0 ? r : filter_compile(*e, a, f, d);
}

/* The names of the events of a set are those of the list; asyncevent is in every list. */
static bool
same_events(const struct filter *f, const json_t *names)
{
	struct event_set is, want = { 0 };
	json_t *name;
	size_t i;

	filter_events(f, &is);
	json_array_foreach(names, i, name)
	{
		for (size_t k = 0; k < schema_nevents; k++) {
			if (strcmp(schema_events[k].name, json_string_value(name)) == 0)
				want.w[schema_events[k].num / 64] |= 1ULL
								     << schema_events[k].num % 64;
		}
	}
	is.w[EV_ASYNCEVENT / 64] |= 1ULL << EV_ASYNCEVENT % 64;
	for (size_t k = 0; k < schema_nevents; k++) {
		if (event_set_has(&is, schema_events[k].num) !=
		    event_set_has(&want, schema_events[k].num))
			return false;
	}
	return true;
}

static unsigned
rule_case(const json_t *rule)
{
	CLEANUP(arena_fini) struct arena a;
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	const json_t *details = json_object_get(rule, "details");
	const char *text = str(details, "condition_compiled");
	struct filter *f = NULL;
	struct expr *e = NULL;
	struct diag d = { 0 };

	/* As printed, an empty text and one with parentheses cannot be parsed again. */
	if (strstr(text, "(systemd)") != NULL || strstr(text, ", )") != NULL ||
	    strstr(text, "=  ") != NULL)
		return 0;
	arena_init(&a, 0);
	if (compile(text, &a, &e, &f, &d) < 0) {
		printf("%s\n  %s\n", text, d.msg);
		return 1;
	}
	expr_print(e, &out);
	if (!slice_eq(buf_get(&out), slice_str(text))) {
		printf("want %s\nis   %s\n", text, out.p);
		return 1;
	}
	if (!same_events(f, json_object_get(details, "events"))) {
		printf("events of %s\n", text);
		return 1;
	}
	return 0;
}

static void
run_rules(const char *folder, unsigned *n, unsigned *bad)
{
	char path[4096];
	const char *file;
	json_t *all, *of_file, *rule;
	size_t i;

	(void) snprintf(path, sizeof(path), "%s/upstream_rules_compiled.json", folder);
	all = json_load_file(path, 0, NULL);
	json_object_foreach(all, file, of_file)
	{
		json_array_foreach(
		    json_object_get(json_object_get(of_file, "describe"), "rules"), i, rule)
		{
			*bad += rule_case(rule);
			++*n;
		}
	}
	json_decref(all);
}

int
main(int argc, char **argv)
{
	unsigned rules = 0, bad = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: conform_upstream FOLDER\n");
		return 2;
	}
	run_rules(argv[1], &rules, &bad);
	printf("%u rules, %u differ\n", rules, bad);
	return bad > 0 || rules == 0;
}
