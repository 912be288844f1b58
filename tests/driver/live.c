/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/driver/live.h"
#include "common/clock.h"
#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_NS (20 * NS_PER_S) /* for a trigger */
#define LIMIT_S     120             /* for a case, with all that it waits for */

/* For the signal handler: the sentence if the case never ends, and its trigger. */
static char late[256];
static size_t late_len;
static volatile pid_t late_child;

static void
end_late(int sig)
{
	(void) sig;
	(void) !write(STDOUT_FILENO, late, late_len);
	if (late_child > 0)
		(void) kill(late_child, SIGKILL);
	_exit(1);
}

void
live_begin_for(struct live *l, const char *name, unsigned seconds)
{
	int n = snprintf(late, sizeof(late),
	    "FAIL %s: it did not end within %u s; the cases after it did not run\n", name, seconds);

	late_len = n < 0 ? 0 : MIN((size_t) n, sizeof(late) - 1);
	late_child = 0;
	l->name = name;
	(void) signal(SIGALRM, end_late);
	(void) alarm(seconds);
}

void
live_begin(struct live *l, const char *name)
{
	live_begin_for(l, name, LIMIT_S);
}

void
live_fail(struct live *l, const char *fmt, ...)
{
	va_list ap;

	printf("FAIL %s: ", l->name);
	va_start(ap, fmt);
	(void) vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	l->failed++;
}

void *
live_open(const struct source_opts *o)
{
	void *st = calloc(1, source_bpf.state_size);
	struct diag d = { 0 };

	if (st == NULL || source_bpf.open(st, o, &d) < 0) {
		printf("cannot capture: %s\n", d.msg);
		exit(1);
	}
	return st;
}

static struct interest
all_events(void)
{
	static const uint16_t clones[] = { EV_CLONE, EV_CLONE3, EV_FORK, EV_VFORK };
	struct interest all = { .lean = { 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(clones); i++)
		all.lean[clones[i] / 64] |= 1ULL << (clones[i] % 64);
	for (size_t i = 0; i < schema_nevents; i++) {
		if (schema_events[i].capture == CAP_EXIT || schema_events[i].capture == CAP_TRACE)
			event_set_add(&all.events, schema_events[i].num);
	}
	return all;
}

void
live_all(void *st)
{
	struct interest all = all_events();

	(void) source_bpf.set_interest(st, &all);
}

void
live_all_and(void *st, unsigned call)
{
	struct interest all = all_events();

	event_set_add_call(&all.events, call);
	(void) source_bpf.set_interest(st, &all);
}

void
live_only(void *st, uint16_t event)
{
	struct interest only = { .lean = { 0 } };

	event_set_add(&only.events, event);
	(void) source_bpf.set_interest(st, &only);
}

void
live_close(void *st)
{
	source_bpf.close(st);
	free(st);
}

static bool
is_start(const struct ev_hdr *rec)
{
	return (rec->type == EV_CLONE || rec->type == EV_FORK || rec->type == EV_VFORK ||
		   rec->type == EV_CLONE3) &&
	       record_num(rec, schema_get(rec->type), EVP_CLONE_res) == 0; /* the child's side */
}

/* Is this a record of the child, or of a descendant? */
static bool
ours(const struct live *l, const struct ev_hdr *rec)
{
	int64_t ptid = 0;

	if (rec->pid == (uint32_t) l->child)
		return true;
	if (is_start(rec))
		ptid = record_num(rec, schema_get(rec->type), EVP_CLONE_ptid);
	if (ptid == getpid() && (record_num(rec, schema_get(rec->type), EVP_CLONE_flags) & 0x100))
		return true; /* CLONE_PARENT */
	for (size_t i = 0; i < l->nrecs; i++) {
		if (l->recs[i]->pid == rec->pid || (ptid != 0 && l->recs[i]->pid == ptid))
			return true;
	}
	return false;
}

static int
keep(void *arg, const struct ev_hdr *rec)
{
	struct live *l = arg;
	struct ev_hdr *copy;

	if (!ours(l, rec))
		return 0;
	if (l->nrecs == ARRAY_SIZE(l->recs)) {
		l->unkept++;
		return 0;
	}
	l->threads += is_start(rec);
	l->threads -= rec->type == EV_PROCEXIT;
	if (!l->begun && rec->tid == (uint32_t) l->child && !is_start(rec)) {
		l->begun = rec->type == EV_CLOSE_RANGE;
		return 0;
	}
	copy = malloc(rec->len);
	if (copy == NULL)
		abort();
	memcpy(copy, rec, rec->len);
	l->recs[l->nrecs++] = copy;
	if (rec->type == EV_PROCEXIT && rec->tid == (uint32_t) l->child)
		l->seen_exit = true;
	return 0;
}

/* Lock the program's own segments, which come first. */
static int
lock_segments(struct dl_phdr_info *info, size_t size, void *arg)
{
	const uintptr_t page = (uintptr_t) sysconf(_SC_PAGESIZE);

	(void) size;
	(void) arg;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		const uintptr_t at = info->dlpi_addr + p->p_vaddr, from = at & ~(page - 1);

		if (p->p_type == PT_LOAD && syscall(SYS_mlock, from, at + p->p_memsz - from) != 0)
			return -1;
	}
	return 1;
}

/*
 * Every case starts with three descriptors, and with this program's constants resident, wherever
 * the linker has placed them: the sanitizers' mlockall() does nothing. keep() takes nothing before
 * the close_range().
 */
static void
run_trigger(struct live *l, const struct live_case *c)
{
	if (chdir(l->f->dir) != 0 || mlockall(MCL_CURRENT) != 0 ||
	    dl_iterate_phdr(lock_segments, NULL) < 0 || close_range(3, ~0U, 0) != 0)
		_exit(99);
	c->trigger(l->f);
	_exit(0);
}

void
live_forget(struct live *l)
{
	while (l->nrecs > 0)
		free(l->recs[--l->nrecs]);
}

/* Called in this process, whose calls are not captured: they would fill the rings before the next
 * case. */
static void
remove_tree(struct live *l, const char *dir)
{
	char path[256], *const paths[] = { path, NULL };
	const FTSENT *e;
	FTS *tree;

	(void) snprintf(path, sizeof(path), "%s", dir);
	tree = fts_open(paths, FTS_PHYSICAL, NULL);
	while (tree != NULL && (e = fts_read(tree)) != NULL) {
		if (e->fts_info == FTS_DP)
			(void) rmdir(e->fts_accpath);
		else if (e->fts_info != FTS_D)
			(void) unlink(e->fts_accpath);
	}
	if (tree != NULL)
		(void) fts_close(tree);
	if (access(dir, F_OK) == 0)
		live_fail(l, "cannot remove %s", dir);
}

static void
add_drop(void *arg, uint16_t type, uint16_t cause, uint64_t count)
{
	uint64_t *total = arg;

	(void) type;
	(void) cause;
	*total += count;
}

/* Lost records of any process: missing ones may be among them. */
static void
say_lost(struct live *l)
{
	uint64_t total = 0;

	source_bpf.drops(l->st, add_drop, &total);
	if (total > l->lost)
		printf("     (%" PRIu64 " records were lost)\n", total - l->lost);
	l->lost = total;
}

bool
live_gone(const struct live *l)
{
	siginfo_t i = { .si_pid = 0 };

	(void) waitid(P_PID, (id_t) l->child, &i, WEXITED | WNOHANG | WNOWAIT);
	return i.si_pid != 0 || clock_mono() > l->end;
}

void
live_run(struct live *l, const struct live_case *c)
{
	unsigned failed = l->failed;

	if (l->only != NULL && strstr(c->name, l->only) == NULL)
		return;
	live_forget(l);
	memset(l->f, 0, sizeof(*l->f));
	live_begin(l, c->name);
	l->begun = l->seen_exit = false;
	l->threads = 0;
	l->unkept = 0;
	l->end = clock_mono() + PATIENCE_NS;
	(void) snprintf(l->f->dir, sizeof(l->f->dir), "/tmp/mews-live-XXXXXX");
	if (mkdtemp(l->f->dir) == NULL)
		abort();
	(void) fflush(stdout);
	l->child = fork();
	if (l->child == 0)
		run_trigger(l, c);
	late_child = l->child;
	if (c->meanwhile != NULL)
		c->meanwhile(l);
	while ((!l->seen_exit || l->threads > 0) && clock_mono() < l->end)
		(void) source_bpf.poll(l->st, 200, 0, false, keep, l);
	if (!l->seen_exit)
		(void) kill(l->child, SIGKILL);
	if (!l->seen_exit || l->threads > 0)
		live_fail(l, "no end of the trigger or of %d of its threads was seen", l->threads);
	if (l->unkept > 0)
		live_fail(l, "%u records more than a case can keep", l->unkept);
	if (waitpid(l->child, &l->status, 0) != l->child)
		live_fail(l, "no trigger to wait for");
	else
		c->check(l);
	say_lost(l);
	if (l->dump != NULL)
		live_dump(l, l->dump);
	remove_tree(l, l->f->dir);
	printf("%s %s\n", l->failed == failed ? "ok  " : "BAD ", c->name);
}

const struct ev_hdr *
live_rec(struct live *l, uint16_t type, unsigned k)
{
	for (size_t i = 0; i < l->nrecs; i++) {
		if (l->recs[i]->type == type && k-- == 0)
			return l->recs[i];
	}
	live_fail(l, "no such record of %s", schema_get(type)->name);
	return NULL;
}

const struct ev_hdr *
live_rec_of(struct live *l, uint16_t type, int64_t tid)
{
	for (size_t i = 0; i < l->nrecs; i++) {
		if (l->recs[i]->type == type && l->recs[i]->tid == tid)
			return l->recs[i];
	}
	live_fail(l, "no record of %s by thread %" PRId64, schema_get(type)->name, tid);
	return NULL;
}

unsigned
live_count(const struct live *l, uint16_t type)
{
	unsigned n = 0;

	for (size_t i = 0; i < l->nrecs; i++)
		n += l->recs[i]->type == type;
	return n;
}

/* Count one check of a parameter. */
static bool
checked(struct live *l, const struct ev_schema *s, bool ok)
{
	l->checks[s->num].total++;
	l->checks[s->num].passed += ok;
	l->passed += ok;
	return ok;
}

void
live_counted(struct live *l, const struct ev_schema *s)
{
	(void) checked(l, s, true);
}

void
live_by_name(struct live *l, const char *call, struct live_tally before)
{
	struct live_tally now = l->checks[EV_SYSCALL];

	if (l->ncalls == ARRAY_SIZE(l->calls))
		abort();
	l->calls[l->ncalls++] =
	    (struct live_tally){ call, now.passed - before.passed, now.total - before.total };
}

int
live_param(struct live *l, const struct ev_hdr *r, const char *param)
{
	const struct ev_schema *s = r == NULL ? NULL : schema_get(r->type);

	for (int i = 0; s != NULL && i < s->nparams; i++) {
		if (strcmp(s->params[i].name, param) == 0)
			return i;
	}
	if (s != NULL)
		live_fail(l, "%s has no parameter '%s': fix the test", s->name, param);
	return -1;
}

/* The index of a parameter that is present, and is a text or a number; -1 and a failure. */
static int
present(struct live *l, const struct ev_hdr *r, const char *param, bool text)
{
	int i = live_param(l, r, param);
	const struct ev_schema *s;

	if (i < 0)
		return -1;
	s = schema_get(r->type);
	if (checked(l, s, (r->present >> i & 1) && ptype_is_text(s->params[i].type) == text))
		return i;
	live_fail(
	    l, "%s: '%s' is not there, or is no %s", s->name, param, text ? "text" : "number");
	return -1;
}

void
live_range(struct live *l, const struct ev_hdr *r, const char *param, int64_t min, int64_t max)
{
	int i = present(l, r, param, false);
	const struct ev_schema *s;
	int64_t v;

	if (i < 0)
		return;
	s = schema_get(r->type);
	v = record_num(r, s, (unsigned) i);
	if (!checked(l, s, v >= min && v <= max))
		live_fail(l, "%s: '%s' is %" PRId64 ", not in %" PRId64 "..%" PRId64, s->name,
		    param, v, min, max);
}

void
live_num(struct live *l, const struct ev_hdr *r, const char *param, int64_t want)
{
	live_range(l, r, param, want, want);
}

void
live_bytes(struct live *l, const struct ev_hdr *r, const char *param, const void *want, size_t n)
{
	int i = present(l, r, param, true);
	const struct ev_schema *s;
	struct slice t;

	if (i < 0)
		return;
	s = schema_get(r->type);
	t = record_text(r, s, (unsigned) i);
	if (!checked(l, s, slice_eq(t, (struct slice){ want, n })))
		live_fail(l, "%s: '%s' is '%.*s' (%zu bytes), not '%.*s' (%zu bytes)", s->name,
		    param, SLICE_ARG(t), t.n, (int) n, (const char *) want, n);
}

void
live_text(struct live *l, const struct ev_hdr *r, const char *param, const char *want)
{
	live_bytes(l, r, param, want, strlen(want));
}

void
live_absent(struct live *l, const struct ev_hdr *r, const char *param)
{
	int i = live_param(l, r, param);

	if (i >= 0 && !checked(l, schema_get(r->type), !(r->present >> i & 1)))
		live_fail(l, "%s: '%s' is there", schema_get(r->type)->name, param);
}

void
live_that(struct live *l, bool ok, const char *what)
{
	l->passed += ok;
	if (!ok)
		live_fail(l, "not so: %s", what);
}

void *
live_cold(const void *p, size_t n)
{
	int fd = memfd_create("page", 0);
	void *ret = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	if (ret == MAP_FAILED || write(fd, p, n) != (ssize_t) n)
		_exit(1);
	return ret;
}
