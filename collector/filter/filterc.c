/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filterc CONDITION: compile a condition and print its canonical text, its program and its events.
 * A tool to debug with; it is not installed.
 */
#include "collector/filter/filter.h"
#include <errno.h>
#include <stdio.h>

static void
print_warning(void *arg, const struct diag *d)
{
	(void) arg;
	diag_print(stderr, d, "warning");
}

static void
print_filter(const struct expr *e, const struct filter *f)
{
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	struct event_set events;
	unsigned n = 0;

	expr_print(e, &out);
	buf_str(&out, "\n");
	filter_dump(f, &out);
	printf("%s", out.p);
	filter_events(f, &events);
	for (size_t i = 0; i < schema_nevents; i++)
		n += event_set_has(&events, schema_events[i].num);
	printf("on %u of %zu events\n", n, schema_nevents);
	filter_warnings(f, print_warning, NULL);
}

int
main(int argc, char **argv)
{
	CLEANUP(arena_fini) struct arena a;
	struct filter *f = NULL;
	struct expr *e = NULL;
	struct diag d = { 0 };
	int r;

	arena_init(&a, 0);
	if (argc != 2) {
		fprintf(stderr, "usage: filterc CONDITION\n");
		return 2;
	}
	r = expr_parse(slice_str(argv[1]), &a, &e, &d);
	if (r == 0)
		r = filter_compile(e, &a, &f, &d);
	if (r == 0) {
		print_filter(e, f);
		return 0;
	}
	diag_place(&d, "", slice_str(argv[1]));
	if (r == -EINVAL)
		diag_print(stderr, &d, "error");
	else
		fprintf(stderr, "filterc: out of memory\n");
	return 1;
}
