/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conform [-v] [--altered] [--known LIST] FOLDER: run the cases of every FOLDER/NAME.jsonl against
 * the collector.
 *
 * Prints a line for each failing case, with the expected and the actual result (-v), and
 * "NAME.jsonl passed/total" for each file. Exits 0 if all pass; with LIST, if exactly the cases
 * that it names fail; with --altered, if no passing case also passes with another expectation.
 */
#include "tests/conformance/conform.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_SIZE = 4096 };

static struct {
	bool verbose, altered;
	json_t *known; /* name -> seen? NULL: no list */
	size_t surprises, alterations;
} run;

static const struct {
	const char *kind;
	case_fn *holds; /* NULL: it asserts nothing */
	void (*play)(const json_t *j);
} kinds[] = {
	{ "parse", parse_case, NULL },
	{ "compile", compile_case, NULL },
	{ "run_mock", compile_case, NULL },
	{ "load", load_case, NULL },
	{ "cgroup", cgroup_case, NULL },
	{ "thread", NULL, play_thread },
	{ "event", NULL, play_event },
	{ "open", NULL, NULL },
	{ "field", field_case, NULL },
	{ "has_value", field_case, NULL },
	{ "eval", condition_case, NULL },
	{ "compiles", condition_case, NULL },
};

/* Name a case independently of its place in the file: its kind, its test, its input, and a number
 * among equal ones. */
static void
name_case(const char *file, const json_t *j, json_t *seen, char name[NAME_SIZE])
{
	static const char *const inputs[] = { "f", "in", "cgroup", "file" };
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	json_int_t n;

	buf_printf(&b, "%s %s %s ", file, str(j, "k"),
	    str(j, json_object_get(j, "t") == NULL ? "name" : "t"));
	for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
		if (json_object_get(j, inputs[i]) != NULL) {
			buf_json(&b, slice_str(str(j, inputs[i])));
			break;
		}
	}
	n = json_integer_value(json_object_get(seen, b.p)) + 1;
	if (buf_ok(&b) < 0 || json_object_set_new(seen, b.p, json_integer(n)) < 0)
		abort();
	(void) snprintf(name, NAME_SIZE, n == 1 ? "%.3900s" : "%.3900s #%lld", b.p, (long long) n);
}

static void
failed(const char *name, size_t line, const json_t *j, const struct buf *why)
{
	const json_t *want = json_object_get(j, "r");
	char *text;

	if (run.known != NULL && json_object_get(run.known, name) != NULL)
		return;
	run.surprises++;
	printf("FAIL line %zu: %s\n", line, name);
	if (!run.verbose)
		return;
	text = json_dumps(want == NULL ? j : want, JSON_ENCODE_ANY);
	printf("  is   %s\n  want %s\n", why->n == 0 ? "" : why->p, text);
	free(text);
}

static void
check_altered(const char *name, const json_t *j, case_fn *holds)
{
	CLEANUP(buf_fini) struct buf unnoticed = BUF_INIT;

	run.alterations += alter_case(j, holds, &unnoticed);
	if (unnoticed.n == 0)
		return;
	run.surprises++;
	printf("PASSES with another expectation: %s:%s\n", name, unnoticed.p);
}

/* Run one line; count it if it asserts something. */
static void
run_line(
    const char *file, size_t line, const json_t *j, json_t *seen, size_t *passed, size_t *total)
{
	CLEANUP(buf_fini) struct buf why = BUF_INIT;
	char name[NAME_SIZE];
	size_t i = 0;
	bool holds;

	while (i < ARRAY_SIZE(kinds) && strcmp(kinds[i].kind, str(j, "k")) != 0)
		i++;
	if (i == ARRAY_SIZE(kinds)) {
		fprintf(stderr, "%s:%zu: unknown kind '%s'\n", file, line, str(j, "k"));
		exit(2);
	}
	if (kinds[i].play != NULL)
		kinds[i].play(j);
	if (kinds[i].holds == NULL)
		return;
	name_case(file, j, seen, name);
	holds = kinds[i].holds(j, &why);
	++*total;
	*passed += holds;
	if (!holds)
		failed(name, line, j, &why);
	else if (run.altered)
		check_altered(name, j, kinds[i].holds);
	if (run.known == NULL || json_object_get(run.known, name) == NULL)
		return;
	if (holds) {
		run.surprises++;
		printf("PASSES, though it is listed as a known miss: %s\n", name);
	}
	(void) json_object_set(run.known, name, json_true());
}

static void
run_file(const char *folder, const char *file)
{
	size_t passed = 0, total = 0, line = 0, cap = 0;
	json_t *seen = json_object(), *j;
	char path[4096], *text = NULL;
	json_error_t e;
	ssize_t n;
	FILE *f;

	(void) snprintf(path, sizeof(path), "%s/%s", folder, file);
	f = fopen(path, "r");
	if (f == NULL || seen == NULL) {
		perror(path);
		exit(2);
	}
	while ((n = getline(&text, &cap, f)) > 0) {
		line++;
		if (text[0] == '\n')
			continue;
		j = json_loadb(text, (size_t) n, JSON_ALLOW_NUL, &e);
		if (!json_is_object(j)) {
			fprintf(stderr, "%s:%zu: %s\n", path, line, e.text);
			exit(2);
		}
		run_line(file, line, j, seen, &passed, &total);
		json_decref(j);
	}
	free(text);
	(void) fclose(f);
	json_decref(seen);
	play_end();
	printf("%s %zu/%zu\n", file, passed, total);
}

/* Read a list of known misses: one name a line; "#" starts a comment. */
static void
read_known(const char *path)
{
	size_t cap = 0, n;
	char *line = NULL;
	FILE *f = fopen(path, "r");

	run.known = json_object();
	if (f == NULL || run.known == NULL) {
		perror(path);
		exit(2);
	}
	while (getline(&line, &cap, f) > 0) {
		n = strcspn(line, "\n");
		line[n] = '\0';
		if (n > 0 && line[0] != '#')
			(void) json_object_set(run.known, line, json_false());
	}
	free(line);
	(void) fclose(f);
}

/* Report listed names that no file contains. */
static void
report_missing(void)
{
	const char *name;
	json_t *seen;

	json_object_foreach(run.known, name, seen)
	{
		if (json_is_true(seen))
			continue;
		run.surprises++;
		printf("NOT THERE, though it is listed as a known miss: %s\n", name);
	}
}

static int
is_cases(const struct dirent *e)
{
	return slice_ends(slice_str(e->d_name), SLICE(".jsonl"));
}

int
main(int argc, char **argv)
{
	struct dirent **names = NULL;
	const char *folder;
	int n, i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "-v") == 0)
			run.verbose = true;
		else if (strcmp(argv[i], "--altered") == 0)
			run.altered = true;
		else if (strcmp(argv[i], "--known") == 0 && i + 1 < argc)
			read_known(argv[++i]);
		else
			break;
	}
	if (i + 1 != argc) {
		fprintf(stderr, "usage: conform [-v] [--altered] [--known LIST] FOLDER\n");
		return 2;
	}
	folder = argv[i];
	n = scandir(folder, &names, is_cases, alphasort);
	if (n <= 0) {
		fprintf(stderr, "%s: %s\n", folder,
		    n < 0 ? strerror(errno) : "no file of cases (*.jsonl) is here");
		return 2;
	}
	for (i = 0; i < n; i++) {
		run_file(folder, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	if (run.known != NULL)
		report_missing();
	if (run.altered)
		printf("%zu expectations were altered\n", run.alterations);
	json_decref(run.known);
	return run.surprises > 0 || (run.altered && run.alterations == 0);
}
