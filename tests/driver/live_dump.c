/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_dump.c - write the records of a case as text that is equal in two runs of the same build.
 *
 * A line per record, each parameter with its name. Threads are in the order of their starts, the
 * records of a thread in the order of time, so the relative speed of threads does not matter. A
 * machine-dependent value is replaced by a word, with a number to distinguish several: ino1 is the
 * same inode throughout a case. Left out are the cpu and the times of the header, and what a thread
 * does while it waits for another: reading /proc, trying to open a FIFO that does not exist yet.
 */
#include "common/macros.h"
#include "tests/driver/live.h"
#include "tests/driver/live_procfs.h"
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RUN_MIN 32 /* so many equal bytes are written once, with a count */

/*
 * Cases whose threads open files at the same time, so that either may get the lower descriptor; the
 * first 32-bit program's paths are read at exit until the sensor has attached a hook. For them
 * descriptors and EVF_REREAD are left out. EVF_REREAD is also left out for every process but the
 * trigger's: after fork() it depends on the layout of this program.
 */
static const char *const races[] = {
	"a path that nobody could read in time",
	"a path changed during the call",
	"a crowd that waits in open",
	"a 32-bit program",
};

struct dump {
	FILE *to;
	bool races;
	const struct ev_hdr *recs[ARRAY_SIZE(((struct live *) NULL)->recs)]; /* sorted */
	uint32_t tids[4096]; /* thread i of the case */
	size_t ntids;
	struct {
		const char *word;
		uint64_t v;
	} seen[1024]; /* values with a number */
	size_t nseen;
	struct {
		const char *word;
		char p[FACT_TEXT];
		size_t n;
	} texts[8]; /* texts of this process, and folders, with a word */
	size_t ntexts;
	bool waiting[1024]; /* descriptors opened while waiting */
};

/* Machine-dependent numbers, by parameter name. A word in capitals gets no number. */
static const struct {
	const char *param, *word;
} chosen[] = {
	{ "ino", "ino" },
	{ "exe_ino", "ino" },
	{ "dev", "dev" },
	{ "exe_dev", "dev" },
	{ "cgroup_id", "cgroup" },
	{ "tty", "tty" },
	{ "start_time", "TIME" },
	{ "pidns_init_start_ts", "TIME" },
	{ "exe_ino_ctime", "TIME" },
	{ "exe_ino_mtime", "TIME" },
	{ "pgft_maj", "COUNT" },
	{ "pgft_min", "COUNT" },
	{ "vm_size", "COUNT" },
	{ "vm_rss", "COUNT" },
	{ "vm_swap", "COUNT" },
};

static int
by_thread_and_time(const void *a, const void *b)
{
	const struct ev_hdr *x = *(const struct ev_hdr *const *) a;
	const struct ev_hdr *y = *(const struct ev_hdr *const *) b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->ts < y->ts ? -1 : x->ts > y->ts;
}

static void
put_numbered(struct dump *d, const char *word, uint64_t v)
{
	unsigned number = 0;
	size_t i;

	for (i = 0; i < d->nseen; i++) {
		number += strcmp(d->seen[i].word, word) == 0;
		if (d->seen[i].v == v && strcmp(d->seen[i].word, word) == 0)
			break;
	}
	if (i == d->nseen && d->nseen < ARRAY_SIZE(d->seen)) {
		d->seen[d->nseen].word = word;
		d->seen[d->nseen++].v = v;
		number++;
	}
	(void) fprintf(d->to, "%s%u", word, number);
}

static void
put_thread(struct dump *d, const char *param, int64_t v)
{
	for (size_t i = 0; i < d->ntids; i++) {
		if (d->tids[i] == v) {
			(void) fprintf(d->to, "T%zu", i);
			return;
		}
	}
	if (strstr(param, "pgid") != NULL && v == getpgid(0))
		(void) fputs("PGID", d->to);
	else if (strcmp(param, "sid") == 0 && v == getsid(0))
		(void) fputs("SID", d->to);
	else if (v == getpid())
		(void) fputs("TESTER", d->to);
	else
		(void) fprintf(d->to, "%" PRId64, v);
}

static void
put_number(struct dump *d, const struct ev_param *p, int64_t v)
{
	for (size_t i = 0; i < ARRAY_SIZE(chosen); i++) {
		if (strcmp(chosen[i].param, p->name) != 0)
			continue;
		if (strcmp(chosen[i].word, "COUNT") == 0)
			(void) fputs("COUNT", d->to);
		else if (v == 0)
			(void) fputs("0", d->to);
		else if (strcmp(chosen[i].word, "TIME") == 0)
			(void) fputs("TIME", d->to);
		else
			put_numbered(d, chosen[i].word, (uint64_t) v);
		return;
	}
	if (p->type == PT_PID)
		put_thread(d, p->name, v);
	else if (p->type == PT_FD && v > 2 && d->races)
		(void) fputs("FD", d->to);
	else if (strcmp(p->name, "arg") == 0 && v > UINT32_MAX)
		(void) fputs("ADDR", d->to);
	else if (p->fmt == PF_HEX)
		(void) fprintf(d->to, "0x%" PRIx64, (uint64_t) v);
	else if (p->fmt == PF_OCT)
		(void) fprintf(d->to, "%#" PRIo64, (uint64_t) v);
	else
		(void) fprintf(d->to, "%" PRId64, v);
}

static void
put_byte(struct dump *d, char c)
{
	if (c == '"' || c == '\\')
		(void) fprintf(d->to, "\\%c", c);
	else if (c < ' ' || c > '~')
		(void) fprintf(d->to, "\\%02x", (unsigned char) c);
	else
		(void) fputc(c, d->to);
}

/* Find the word for a prefix of this text, and the prefix's length; NULL: none. */
static const char *
word_at(const struct dump *d, struct slice t, size_t *n)
{
	for (size_t i = 0; i < d->ntexts; i++) {
		*n = d->texts[i].n;
		if (*n > 0 && t.n >= *n && memcmp(t.p, d->texts[i].p, *n) == 0)
			return d->texts[i].word;
	}
	return NULL;
}

static void
put_text(struct dump *d, struct slice t)
{
	(void) fputc('"', d->to);
	while (t.n > 0) {
		const char *word;
		size_t n, run = 1;

		while (run < t.n && t.p[run] == t.p[0])
			run++;
		word = word_at(d, t, &n);
		if (word != NULL) {
			(void) fprintf(d->to, "${%s}", word);
		} else if (run >= RUN_MIN) {
			n = run;
			put_byte(d, t.p[0]);
			(void) fprintf(d->to, "${x%zu}", run);
		} else {
			n = 1;
			put_byte(d, t.p[0]);
		}
		t.p += n;
		t.n -= n;
	}
	(void) fputc('"', d->to);
}

/* Write pids of all namespaces, 32 bits each. */
static void
put_pids(struct dump *d, struct slice t)
{
	for (size_t i = 0; i + 4 <= t.n; i += 4) {
		uint32_t pid;

		memcpy(&pid, t.p + i, sizeof(pid));
		(void) fputc(i == 0 ? '[' : ' ', d->to);
		put_thread(d, "", pid);
	}
	(void) fputc(']', d->to);
}

/* Write bits: the kernel may have room for more descriptors than the process uses. */
static void
put_bits(struct dump *d, struct slice t)
{
	while (t.n > 0 && t.p[t.n - 1] == 0)
		t.n--;
	for (size_t i = 0; i < t.n; i++)
		(void) fprintf(d->to, "%02x", (unsigned char) t.p[i]);
}

/* Write addresses with their ports, after the family: one of a SOCKADDR, two of a SOCKTUPLE. */
static void
put_address(struct dump *d, struct slice t, bool tuple)
{
	size_t n = t.n > 0 && t.p[0] == AF_INET ? 4 : 16, i = 1;
	uint64_t ends[2];
	uint16_t port;

	(void) fprintf(d->to, "%u:", t.n > 0 ? (unsigned char) t.p[0] : 0);
	if (t.n > 0 && t.p[0] == AF_UNIX) {
		if (tuple && t.n > sizeof(ends)) {
			memcpy(ends, t.p + 1, sizeof(ends));
			put_numbered(d, "sock", ends[0]);
			(void) fputc(' ', d->to);
			put_numbered(d, "sock", ends[1]);
			i += sizeof(ends);
		}
		put_text(d, (struct slice){ t.p + i, t.n - i });
		return;
	}
	for (; i + n + 2 <= t.n; i += n + 2) {
		if (i > 1)
			(void) fputc(' ', d->to);
		for (size_t k = 0; k < n; k++)
			(void) fprintf(d->to, "%02x", (unsigned char) t.p[i + k]);
		memcpy(&port, t.p + i + n, sizeof(port));
		(void) fputc(':', d->to);
		if (port < 32768) /* others are chosen by the kernel */
			(void) fprintf(d->to, "%u", port);
		else
			put_numbered(d, "port", port);
	}
	if (i < t.n)
		put_text(d, (struct slice){ t.p + i, t.n - i });
}

static void
put_param(struct dump *d, const struct ev_hdr *r, const struct ev_schema *s, unsigned i)
{
	const struct ev_param *p = &s->params[i];
	struct slice t = record_text(r, s, i);

	(void) fprintf(d->to, " %s=", p->name);
	if (!(r->present >> i & 1))
		(void) fputc('-', d->to);
	else if (!ptype_is_text(p->type))
		put_number(d, p, record_num(r, s, i));
	else if (p->type == PT_SOCKADDR || p->type == PT_SOCKTUPLE)
		put_address(d, t, p->type == PT_SOCKTUPLE);
	else if (strcmp(p->name, "ns_pids") == 0)
		put_pids(d, t);
	else if (strcmp(p->name, "open_fds") == 0)
		put_bits(d, t);
	else
		put_text(d, t);
}

/* Does a thread do this while it waits for another? The number of repetitions varies. */
static bool
is_wait(struct dump *d, const struct ev_hdr *r, const struct ev_schema *s)
{
	bool opened = r->type == EV_OPENAT, is;
	struct slice name = record_text(r, s, EVP_OPENAT_name);
	int64_t res = record_num(r, s, EVP_OPENAT_fd), fd = opened ? res : -1;

	if (r->type == EV_CLOSE)
		fd = record_num(r, s, EVP_CLOSE_fd);
	else if (!opened)
		return false;
	fd = fd < 0 ? 0 : fd % (int64_t) ARRAY_SIZE(d->waiting); /* 0: a failed open */
	is = opened ? name.n > 6 && memcmp(name.p, "/proc/", 6) == 0 : d->waiting[fd];
	d->waiting[fd] = opened && is;
	return is || (opened && res == -ENOENT && slice_eq(name, SLICE("fifo")));
}

static void
put_record(struct dump *d, const struct ev_hdr *r)
{
	const struct ev_schema *s = schema_get(r->type);

	put_thread(d, "", r->tid);
	if (r->tid != r->pid) {
		(void) fputs(" of ", d->to);
		put_thread(d, "", r->pid);
	}
	(void) fprintf(d->to, " %s%s%s%s", s->name, r->flags & EVF_CUT ? " CUT" : "",
	    r->flags & EVF_REREAD && !d->races && r->pid == d->tids[0] ? " REREAD" : "",
	    r->flags & EVF_COMPAT ? " COMPAT" : "");
	for (unsigned i = 0; i < s->nparams; i++)
		put_param(d, r, s, i);
	(void) fputc('\n', d->to);
}

static void
add_word(struct dump *d, const char *word, const char *p, size_t n)
{
	if (n >= sizeof(d->texts[0].p) || d->ntexts == ARRAY_SIZE(d->texts))
		abort();
	d->texts[d->ntexts].word = word;
	memcpy(d->texts[d->ntexts].p, p, n);
	d->texts[d->ntexts++].n = n;
}

/* Longer ones first, since one may contain another. */
static void
find_words(struct dump *d, const char *dir)
{
	char text[FACT_TEXT];
	size_t n;

	add_word(d, "DIR", dir, strlen(dir));
	n = (size_t) readlink("/proc/self/exe", text, sizeof(text));
	add_word(d, "TESTER", text, n);
	n = read_proc(getpid(), "cmdline", text, sizeof(text));
	add_word(d, "TESTER", text, strlen(text));
	add_word(d, "ARGS", text + strlen(text) + 1, n - strlen(text) - 1);
	(void) snprintf(text, sizeof(text), "%s", MEWS_COMPAT32);
	add_word(d, "BUILD", text, strlen(dirname(text)));
	add_word(d, "CGROUPS", text, read_cgroups(getpid(), text, sizeof(text)));
	if (getcwd(text, sizeof(text)) != NULL && text[1] != '\0')
		add_word(d, "CWD", text, strlen(text));
}

void
live_dump(const struct live *l, FILE *to)
{
	struct dump *d = calloc(1, sizeof(*d));

	if (d == NULL)
		abort();
	d->to = to;
	for (size_t i = 0; i < ARRAY_SIZE(races); i++)
		d->races |= strcmp(races[i], l->name) == 0;
	find_words(d, l->f->dir);
	memcpy(d->recs, l->recs, l->nrecs * sizeof(d->recs[0]));
	qsort(d->recs, l->nrecs, sizeof(d->recs[0]), by_thread_and_time);
	for (size_t i = 0; i < l->nrecs; i++) {
		if ((i == 0 || d->recs[i]->start != d->recs[i - 1]->start) &&
		    d->ntids < ARRAY_SIZE(d->tids))
			d->tids[d->ntids++] = d->recs[i]->tid;
	}
	(void) fprintf(to, "\n== %s%s\n", l->name, d->races ? " (races)" : "");
	for (size_t i = 0; i < l->nrecs; i++) {
		if (!is_wait(d, d->recs[i], schema_get(d->recs[i]->type)))
			put_record(d, d->recs[i]);
	}
	(void) fflush(to);
	free(d);
}
