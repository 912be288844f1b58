/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conform_compiler FOLDER: the compiler against FOLDER/filter_compiler.jsonl (what compiles, with
 * how many warnings; "run_mock": what it says, with the mock fields put as constants) and
 * FOLDER/upstream_rules_compiled.json (canonical texts and event sets of whole rules).
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

/* The suite's mock fields are ours that have the same type; what they are equal to is a constant.
 */
static char *
without_mocks(const char *text)
{
	static const struct {
		const char *from, *to;
	} names[] = { { "c.true=1", "evt.source=syscall" }, { "c.false=1", "evt.source=no" },
		{ "c.true", "evt.source" }, { "c.buffer", "evt.buffer" },
		{ "c.singlequote", "tolower(\"hello 'quoted'\")" },
		{ "c.doublequote", "tolower('hello \"quoted\"')" } };
	struct buf out = BUF_INIT;
	size_t i;

	while (*text != '\0') {
		for (i = 0; i < ARRAY_SIZE(names); i++) {
			if (strncmp(text, names[i].from, strlen(names[i].from)) == 0)
				break;
		}
		if (i == ARRAY_SIZE(names)) {
			buf_char(&out, *text++);
			continue;
		}
		buf_str(&out, names[i].to);
		text += strlen(names[i].from);
	}
	buf_char(&out, '\0');
	return out.p;
}

static int
compile(const char *text, struct arena *a, struct expr **e, struct filter **f, struct diag *d)
{
	int r = expr_parse(slice_str(text), a, e, d);

	return r < 0 ? r : filter_compile(*e, a, f, d);
}

static void
count(void *arg, const struct diag *d)
{
	(void) d;
	++*(unsigned *) arg;
}

static bool
runs_true(const struct filter *f)
{
	const struct ev_schema *s = schema_get(EV_CLOSE);
	struct event ev = { .schema = s };
	struct view v = { .ev = &ev, .num = 1, .node = "" };
	struct fscratch *fs = NULL;
	bool hit;

	if (fscratch_new(&fs) < 0)
		abort();
	hit = filter_match(f, &v, fs);
	fscratch_free(fs);
	return hit;
}

static unsigned
compile_case(const json_t *j)
{
	CLEANUP(arena_fini) struct arena a;
	bool want = json_is_true(json_object_get(j, "r")),
	     mock = strcmp(str(j, "k"), "run_mock") == 0;
	unsigned warnings = 0,
		 expected = (unsigned) json_integer_value(json_object_get(j, "warnings"));
	char *text = without_mocks(str(j, "f"));
	struct filter *f = NULL;
	struct expr *e = NULL;
	struct diag d = { 0 };
	int r;

	arena_init(&a, 0);
	r = compile(text, &a, &e, &f, &d);
	if (r == 0)
		filter_warnings(f, count, &warnings);
	if (r == 0 && mock ? runs_true(f) == want : (r == 0) == want && warnings == expected) {
		free(text);
		return 0;
	}
	printf("%s\n  %d, %u warnings: %s\n", text, r, warnings, d.msg);
	free(text);
	return 1;
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
	char path[4096];
	unsigned n = 0, rules = 0, bad = 0;
	json_t *j;
	FILE *f;

	if (argc != 2) {
		fprintf(stderr, "usage: conform_compiler FOLDER\n");
		return 2;
	}
	(void) snprintf(path, sizeof(path), "%s/filter_compiler.jsonl", argv[1]);
	f = fopen(path, "r");
	if (f == NULL) {
		perror(path);
		return 2;
	}
	while ((j = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
		bad += compile_case(j);
		n++;
		json_decref(j);
	}
	(void) fclose(f);
	run_rules(argv[1], &rules, &bad);
	printf("%u cases, %u rules, %u differ\n", n, rules, bad);
	return bad > 0 || n == 0 || rules == 0;
}
