/* SPDX-License-Identifier: Apache-2.0 */
/* live_main.c - run every case and every row. */
#include "tests/driver/live_rows.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif

/* Two checks at least: a success and a failure, or two parameters. */
static void
report_one(struct live *l, const char *name, struct live_tally t)
{
	printf("%s %u/%u\n", name, t.passed, t.total);
	if (t.total < 2 && l->only == NULL)
		live_fail(l, "%s: %u checks are not enough", name, t.total);
}

/* Print passed and total checks of the parameters of each event, and of each call by name. */
static void
report(struct live *l)
{
	live_begin(l, "all cases");
	for (size_t i = 0; i < schema_nevents; i++) {
		const struct ev_schema *s = &schema_events[i];

		if (l->checks[s->num].total > 0 ||
		    (l->only == NULL && (s->capture == CAP_EXIT || s->capture == CAP_TRACE)))
			report_one(l, s->name, l->checks[s->num]);
	}
	for (size_t i = 0; i < l->ncalls; i++)
		report_one(l, l->calls[i].name, l->calls[i]);
	printf("%u passed, %u failed\n", l->passed, l->failed);
}

/* For the test of the time limit. */
static void
never_end(struct live *l)
{
	live_begin_for(l, "a case that waits for ever", 1);
	for (;;)
		(void) pause();
}

static void
parse_args(struct live *l, int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--never-end") == 0)
		never_end(l);
	if (argc == 3 && strcmp(argv[1], "--only") == 0)
		l->only = argv[2];
	if (argc == 3 && strcmp(argv[1], "--dump") == 0)
		l->dump = fopen(argv[2], "we");
	if (argc != 1 && l->dump == NULL && l->only == NULL) {
		printf(
		    "usage: test_live [--dump FILE | --only TEXT | --never-end]\n"
		    "  --dump FILE   write the records of every case to FILE as text\n"
		    "  --only TEXT   run the cases with that text in their names\n"
		    "  --never-end   show what is said of a case that never ends\n");
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	static const struct live_case *const tables[] = { compat_cases, file_cases, entry_cases,
		names_cases, net_cases, msg_cases, mmsg_cases, passed_cases, race_cases, proc_cases,
		args_cases, uring_cases, uring_net_cases, uring_io_cases };
	static const struct live_row *const rows[] = { file_rows, path_rows, fd_rows, self_rows,
		net_rows, msg_rows, query_rows, ipc_rows, memory_rows, mmsg_rows, admin_rows,
		wait_rows, option_rows, generic_rows };
	struct live *l = calloc(1, sizeof(*l));
	struct source_opts o = { .ring_bytes = 16 << 20 }; /* a busy machine may delay us */

	if (l == NULL)
		abort();
	parse_args(l, argc, argv);
	if (geteuid() != 0) {
		printf("skipped: needs root\n");
		free(l);
		return 77;
	}
	l->f = mmap(NULL, sizeof(*l->f), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (l->f == MAP_FAILED)
		abort();
	(void) clearenv(); /* programs started by cases inherit it */
	(void) setvbuf(stdout, NULL, _IOLBF, 0);
	l->st = live_open(&o);
	live_all(l->st);
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		for (const struct live_case *c = tables[t]; c->name != NULL; c++)
			live_run(l, c);
	}
	for (size_t t = 0; t < ARRAY_SIZE(rows); t++) {
		for (const struct live_row *r = rows[t]; r->name != NULL; r++)
			live_row_run(l, r);
	}
	live_uring_lean(l);
	if (l->only == NULL) {
		live_mechanics(l);
		live_canary(l);
	}
	if (l->only == NULL || strstr("news", l->only) != NULL)
		live_news(l);
	if (l->only == NULL || strstr("io_uring storm", l->only) != NULL)
		live_storm(l);
	live_close(l->st);
	live_forget(l);
	report(l);
	if (l->dump != NULL)
		(void) fclose(l->dump);
	(void) munmap(l->f, sizeof(*l->f));
	return l->failed != 0 ? (free(l), 1) : (free(l), 0);
}
