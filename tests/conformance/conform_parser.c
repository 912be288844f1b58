/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conform_parser FOLDER: the parser against FOLDER/filter_parser.jsonl.
 *
 * A line: "in" the text, "r" is it accepted, "ast" its canonical text. Prints what differs; exits 0
 * when nothing does.
 */
#include "collector/filter/filter.h"
#include <errno.h>
#include <jansson.h>

static int
run_case(const char *in, bool accepted, const char *canonical)
{
	CLEANUP(arena_fini) struct arena a;
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	struct expr *e = NULL;
	struct diag d = { 0 };
	int r;

	arena_init(&a, 0);
	r = expr_parse(slice_str(in), &a, &e, &d);
	if (r == -EINVAL && accepted)
		printf("refused: %s\n  %u:%u: %s\n", in, d.line, d.col, d.msg);
	if ((r == 0) != accepted) {
		if (r == 0)
			printf("accepted: %s\n", in);
		return 1;
	}
	if (r < 0)
		return d.line == 0 || d.col == 0;
	expr_print(e, &out);
	if (canonical == NULL || slice_eq(buf_get(&out), slice_str(canonical)))
		return 0;
	printf("differs: %s\n  is   %s\n  want %s\n", in, out.p, canonical);
	return 1;
}

int
main(int argc, char **argv)
{
	char path[4096];
	unsigned n = 0, bad = 0;
	json_t *j;
	FILE *f;

	if (argc != 2) {
		fprintf(stderr, "usage: conform_parser FOLDER\n");
		return 2;
	}
	(void) snprintf(path, sizeof(path), "%s/filter_parser.jsonl", argv[1]);
	f = fopen(path, "r");
	if (f == NULL) {
		perror(path);
		return 2;
	}
	while ((j = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
		bad += (unsigned) run_case(json_string_value(json_object_get(j, "in")),
		    json_is_true(json_object_get(j, "r")),
		    json_string_value(json_object_get(j, "ast")));
		n++;
		json_decref(j);
	}
	(void) fclose(f);
	printf("%u cases, %u differ\n", n, bad);
	return bad > 0 || n == 0;
}
