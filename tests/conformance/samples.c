/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conform_samples FOLDER KNOWN: check single observations of fields and conditions.
 *
 * event_formatting_samples.txt: a line "EVENT :: name=raw(resolved) ..." describes an event of
 * thread 1; lines "     FIELD = [text]" or "(null)" follow. The events happen in order.
 * probe_results*.txt: lines "VAL FIELD = [text]", "NULL FIELD", "TRUE CONDITION", "FALSE", "THROW"
 * about one event, which the section "== NAME" selects.
 *
 * Prints the differences. KNOWN lists the known ones with reasons: a difference that is not listed
 * fails, and so does a listed one that does not occur.
 */
#include "collector/filter/filter.h"
#include "tests/conformance/sample_event.h"
#include "tests/conformance/world.h"
#include "tests/support/plan_says.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

struct run {
	struct world w;
	struct fscratch *fs;
	char *known;
	unsigned cases, bad, listed;
};

/* The events of the probes. */
static const struct {
	const char *section, *event, *params;
} probed[] = {
	{ "connect", "connect",
	    " res=0 tuple=172.40.111.222:54321->142.251.111.147:443 fd=4 "
	    "addr=142.251.111.147:443" },
	{ "open", "open", " fd=4 name=/home/file.txt flags=0 mode=0 dev=0 ino=0" },
	{ "exec", "execve",
	    " res=0 exe=/bin/MyExe args=NULL tid=1 pid=1 ptid=0 cwd= fdlimit=0 pgft_maj=0 "
	    "pgft_min=0 "
	    "vm_size=0 vm_rss=0 vm_swap=0 comm=MyExe cgroups=--x.hello world.-y. env=NULL tty=0 "
	    "vpgid=0 loginuid=0 flags=0 cap_inheritable=0 cap_permitted=0 cap_effective=0 "
	    "exe_ino=0 "
	    "exe_ino_ctime=0 exe_ino_mtime=0 uid=0 trusted_exepath=/usr/bin/MyExe pgid=0 gid=0 "
	    "filename=/bin/MyExe" },
};

static const uint64_t began = 1566230400000000000ULL;

static void
apply(struct run *r)
{
	uint64_t ts = began + ++r->w.num * 10000000;

	r->w.b.c.hdr.ts = 1 + ts - began; /* boot time; all processes began at 1 */
	world_apply(&r->w, "node", ts);
}

/* Add the process that existed before. */
static void
add_process(struct run *r)
{
	static const char argv[] = "/sbin/init\0context\0ls\0--format\0{{json .}}",
			  env[] = "TEST_ENV_PARENT_LINEAGE=secret\0HOME=/home/user/parent";

	evb_begin(&r->w.b, EV_TASK, 1, 1);
	evb_task(&r->w.b, 1, 1);
	evb_text(&r->w.b, "comm", "init");
	evb_text(&r->w.b, "cwd", "/root/");
	evb_bytes(&r->w.b, "argv", argv, sizeof(argv));
	evb_bytes(&r->w.b, "env", env, sizeof(env));
	evb_num(&r->w.b, "vpid", 1);
	evb_num(&r->w.b, "vtgid", 1);
	evb_num(&r->w.b, "euid", 0);
	evb_num(&r->w.b, "egid", 0);
	evb_num(&r->w.b, "fdlimit", 1024);
	evb_num(&r->w.b, "flags", 1);
	evb_num(&r->w.b, "start_time", (int64_t) began);
	world_snapshot(&r->w);
	evb_begin(&r->w.b, EV_TASK_FILE_REGULAR, 1, 1);
	evb_task(&r->w.b, 1, 1);
	evb_num(&r->w.b, "fd", 0);
	evb_text(&r->w.b, "path", "/dev/null");
	world_snapshot(&r->w);
}

static void
add_socket(struct run *r, int fd, int domain, int type)
{
	evb_begin(&r->w.b, EV_SOCKET, 1, 1);
	evb_task(&r->w.b, 1, 1);
	evb_num(&r->w.b, "fd", fd);
	evb_num(&r->w.b, "domain", domain);
	evb_num(&r->w.b, "type", type);
	apply(r);
	r->w.num--;
}

/* Add sockets that the samples assume. */
static void
add_sockets(struct run *r)
{
	add_socket(r, 40, AF_INET, SOCK_STREAM);
	add_socket(r, 41, AF_INET, SOCK_DGRAM);
	add_socket(r, 43, AF_INET, SOCK_STREAM);
	add_socket(r, 45, AF_INET6, SOCK_STREAM);
	add_socket(r, 46, AF_INET6, SOCK_STREAM);
	add_socket(r, 47, AF_UNIX, SOCK_STREAM);
}

static void
start(struct run *r)
{
	world_start(&r->w);
	add_process(r);
}

/* ---- cases ---- */

/* 'what' is the line's name in the list. */
static void
differs(struct run *r, const char *what, const char *is, size_t n, const char *want)
{
	char line[2048];

	(void) snprintf(line, sizeof(line), "\n%s\n", what);
	if (strstr(r->known, line) != NULL) {
		r->listed++;
		return;
	}
	r->bad++;
	printf("%s\n  is   %.*s\n  want %s\n", what, (int) n, is, want);
}

static void
check(struct run *r, const char *field, struct slice is, bool known, const char *want)
{
	bool null = want[0] != '[';
	struct slice text = slice_str(want);
	char what[128];

	r->cases++;
	if (!null)
		text = (struct slice){ want + 1, text.n - 2 };
	if (known != null && (null || slice_eq(is, text)))
		return;
	(void) snprintf(what, sizeof(what), "%s %s", r->w.view.ev->schema->name, field);
	differs(r, what, known ? is.p : "(null)", known ? is.n : 6, want);
}

static void
check_field(struct run *r, const char *field, const char *want)
{
	CLEANUP(arena_fini) struct arena a;
	struct field_ref ref;
	struct slice text = SLICE("");
	struct diag d = { 0 };
	size_t used;
	bool known = false;

	arena_init(&a, 0);
	if (field_lookup(slice_str(field), &a, &ref, &used, &d) == 0 && used == strlen(field))
		known = field_text(&ref, &r->w.view, r->fs, &text);
	else if (strncmp(want, "EXC", 3) != 0)
		printf("no field %s: %s\n", field, d.msg);
	check(r, field, text, known, want);
}

static void
play_event(struct run *r, const char *name, const char *params)
{
	const struct ev_schema *s = NULL, *k;

	for (size_t i = 0; (k = schema_by_name(slice_str(name), i)) != NULL; i++)
		s = k;
	evb_begin(&r->w.b, s == NULL ? EV_SYSCALL : s->num, 1, 1);
	evb_task(&r->w.b, 1, 1);
	if (s == NULL)
		evb_num(&r->w.b, "ID", 139);
	else
		sample_params(&r->w.b, s, params);
	apply(r);
}

static void
check_condition(struct run *r, const char *want, const char *text)
{
	CLEANUP(arena_fini) struct arena a;
	struct filter *f = NULL;
	struct expr *e = NULL;
	struct diag d = { 0 };
	const char *is = "THROW";
	int res;

	arena_init(&a, 0);
	r->cases++;
	res = expr_parse(slice_str(text), &a, &e, &d);
	if (res == 0)
		res = filter_compile(e, &a, &f, &d);
	if (res == 0)
		is = plan_says(f, &r->w.view, r->fs) ? "TRUE" : "FALSE";
	if (strcmp(is, want) != 0)
		differs(r, text, is, strlen(is), want);
}

static void
choose_event(struct run *r, const char *section)
{
	for (size_t i = 0; i < ARRAY_SIZE(probed); i++) {
		if (strcmp(probed[i].section, section) != 0)
			continue;
		world_stop(&r->w);
		start(r);
		add_socket(r, 4, AF_INET, SOCK_STREAM);
		play_event(r, probed[i].event, probed[i].params);
	}
}

static void
probe_line(struct run *r, char *line)
{
	char *text = line + strcspn(line, " "), *is = strstr(line, " = ["),
	     *why = strstr(line, "   ## ");

	if (why != NULL)
		*why = '\0';
	*text++ = '\0';
	text += strspn(text, " ");
	if (strcmp(line, "==") == 0) {
		choose_event(r, text);
	} else if (strcmp(line, "NULL") == 0) {
		check_field(r, text, "(null)");
	} else if (strcmp(line, "VAL") == 0 && strstr(text, "[THROW") == NULL) {
		*is = '\0';
		check_field(r, text, is + 3);
	} else if (strcmp(line, "TRUE") == 0 || strcmp(line, "FALSE") == 0 ||
		   (strcmp(line, "THROW") == 0 && strcmp(text, "container.id") != 0)) {
		check_condition(r, line, text);
	}
}

static void
sample_line(struct run *r, char *line)
{
	char *mark = strstr(line, " :: "), *is = strstr(line, " = "), want[1024];

	if (line[0] != ' ' && mark != NULL) {
		*mark = '\0';
		play_event(r, line, mark + 3);
		(void) snprintf(want, sizeof(want), "[%s]", mark + 4);
		check_field(r, "evt.args", want);
	} else if (strncmp(line, "     ", 5) == 0 && is != NULL) {
		*is = '\0';
		check_field(r, line + 5, is + 3);
	}
}

/* A text of the samples may contain a newline. */
static bool
next_line(FILE *f, char *line, size_t size)
{
	size_t n;

	if (fgets(line, (int) size, f) == NULL)
		return false;
	for (n = strlen(line);
	     n >= 3 && strcmp(line + n - 2, "a\n") == 0 && strchr("/[", line[n - 3]) != NULL;
	     n = strlen(line)) {
		if (fgets(line + n, (int) (size - n), f) == NULL)
			return false;
	}
	if (n > 0 && line[n - 1] == '\n')
		line[n - 1] = '\0';
	return true;
}

static void
run_file(struct run *r, const char *folder, const char *name)
{
	bool probes = strncmp(name, "probe", 5) == 0;
	char path[4096], line[8192];
	FILE *f;

	(void) snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "r");
	if (f == NULL) {
		perror(path);
		abort();
	}
	start(r);
	if (probes)
		choose_event(r, "open");
	else
		add_sockets(r);
	while (next_line(f, line, sizeof(line))) {
		fscratch_reset(r->fs);
		if (probes)
			probe_line(r, line);
		else
			sample_line(r, line);
	}
	(void) fclose(f);
	world_stop(&r->w);
}

/* Read the list of known misses, with a newline before and after each; returns their number. */
static unsigned
read_known(struct run *r, const char *path)
{
	size_t cap = 0;
	unsigned n = 0;
	FILE *f = fopen(path, "r");

	if (f == NULL || getdelim(&r->known, &cap, '\0', f) < 0) {
		perror(path);
		abort();
	}
	(void) fclose(f);
	for (const char *p = r->known; (p = strchr(p, '\n')) != NULL && p[1] != '\0'; p++)
		n += p[1] != '#' && p[1] != '\n';
	return n;
}

static int
is_ours(const struct dirent *e)
{
	return strcmp(e->d_name, "event_formatting_samples.txt") == 0 ||
	       strncmp(e->d_name, "probe_results", 13) == 0;
}

int
main(int argc, char **argv)
{
	struct dirent **names = NULL;
	struct run r = { .cases = 0 };
	unsigned known;
	int n;

	if (argc != 3) {
		fprintf(stderr, "usage: conform_samples FOLDER KNOWN\n");
		return 2;
	}
	known = read_known(&r, argv[2]);
	n = scandir(argv[1], &names, is_ours, alphasort);
	if (n <= 0 || fscratch_new(&r.fs) < 0) {
		fprintf(stderr, "%s: no samples found\n", argv[1]);
		return 2;
	}
	for (int i = 0; i < n; i++) {
		run_file(&r, argv[1], names[i]->d_name);
		free(names[i]);
	}
	free(names);
	free(r.known);
	fscratch_free(r.fs);
	printf("%u cases, %u differ, of %u known misses %u do\n", r.cases, r.bad, known, r.listed);
	return r.bad > 0 || r.listed != known;
}
