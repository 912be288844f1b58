/* SPDX-License-Identifier: Apache-2.0 */
/* statediff_facts.c - lists of facts: filled from the collector's answer, and compared. */
#include "tests/e2e/statediff.h"
#include <stdarg.h>
#include <stdlib.h>

enum { SHOWN = 20, COLUMNS = 20 };

#define NOTHING "(nothing)"

void
fact_add(struct facts *f, pid_t tid, const char *key, const char *fmt, ...)
{
	struct fact *x;
	va_list ap;

	if (f->n == f->cap) {
		f->cap = f->cap == 0 ? 1024 : f->cap * 2;
		f->v = realloc(f->v, f->cap * sizeof(*f->v));
		if (f->v == NULL)
			abort();
	}
	x = &f->v[f->n++];
	x->tid = tid;
	(void) snprintf(x->key, sizeof(x->key), "%s", key);
	va_start(ap, fmt);
	if (vasprintf(&x->value, fmt, ap) < 0)
		abort();
	va_end(ap);
}

void
facts_clear(struct facts *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i].value);
	free(f->v);
	*f = (struct facts){ 0 };
}

static int
by_key(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;

	return x->tid != y->tid ? (x->tid < y->tid ? -1 : 1) : strcmp(x->key, y->key);
}

/* ---- what the collector knows ---- */

static bool
is_past(const struct play *p, pid_t pid)
{
	for (size_t i = 0; i < p->npast; i++) {
		if (p->past[i] == pid)
			return true;
	}
	return false;
}

static bool
is_actor(const struct play *p, pid_t pid)
{
	for (int i = 0; i < SLOTS; i++) {
		if (p->actor[i].alive && p->actor[i].pid == pid)
			return true;
	}
	return is_past(p, pid);
}

static size_t
split(char *line, char *v[COLUMNS])
{
	size_t n = 0;

	line[strcspn(line, "\n")] = '\0';
	while (n < COLUMNS && (v[n] = strsep(&line, "\t")) != NULL)
		n++;
	return n;
}

/* T pid tid, then the facts in this order. */
static const char *const thread_keys[] = { "threads", "ppid", "sid", "pgid", "uid", "gid",
	"loginuid", "capinh", "capprm", "capeff", "comm", "exe", "exepath", "args", "cwd", "root" };

static void
add_line(const struct play *p, struct facts *f, char *v[COLUMNS], size_t n)
{
	const pid_t tid = (pid_t) strtol(v[1], NULL, 10);

	if (strcmp(v[0], "T") == 0 && n == 3 + ARRAY_SIZE(thread_keys)) {
		f->init |= tid == 1;
		if (!is_actor(p, (pid_t) strtol(v[2], NULL, 10)))
			return;
		fact_add(f, tid, "pid", "%s", v[2]);
		for (size_t i = 0; i < ARRAY_SIZE(thread_keys); i++)
			fact_add(f, tid, thread_keys[i], "%s", v[3 + i]);
	} else if (strcmp(v[0], "F") == 0 && n == 6 && is_actor(p, tid)) {
		char key[24];

		(void) snprintf(key, sizeof(key), "fd %s", v[2]);
		fact_add(f, tid, key, "%s %s %s", v[3], v[4], v[5]);
	}
}

bool
facts_from_collector(const struct play *p, struct facts *f, const char *mark)
{
	char *line = NULL, *v[COLUMNS];
	bool marked = false;
	size_t cap = 0;
	FILE *out;

	facts_clear(f);
	out = popen(p->ps, "re"); /* NOLINT(cert-env33-c): the test's own command */
	if (out == NULL)
		die(p, "cannot run: %s", p->ps);
	while (getline(&line, &cap, out) > 0) {
		size_t n = split(line, v);

		if (n == 6 && strcmp(v[0], "F") == 0 && strcmp(v[5], mark) == 0)
			marked = true;
		if (n > 2)
			add_line(p, f, v, n);
	}
	(void) pclose(out);
	free(line);
	return marked;
}

/* ---- comparison ---- */

/* Is 'known' one of the values offered? '*' in the end of one stands for any text. */
static bool
accepts(const char *offered, const char *known)
{
	const size_t n = strlen(known);

	for (;;) {
		const char *end = strchrnul(offered, '\n');
		const size_t len = (size_t) (end - offered);

		if (len > 0 && end[-1] == '*' && strncmp(offered, known, len - 1) == 0)
			return true;
		if (len == n && memcmp(offered, known, n) == 0)
			return true;
		if (*end == '\0')
			return false;
		offered = end + 1;
	}
}

static void
show(size_t n, const struct fact *x, const char *proc, const char *known)
{
	if (n <= SHOWN)
		printf("  %d %s: /proc '%s', collector '%s'\n", x->tid, x->key, proc, known);
}

size_t
facts_compare(const struct play *p, struct facts *proc, struct facts *known)
{
	size_t i = 0, k = 0, n = 0;

	if (proc->n == 0)
		die(p, "nothing to compare");
	qsort(proc->v, proc->n, sizeof(struct fact), by_key);
	if (known->n > 0)
		qsort(known->v, known->n, sizeof(struct fact), by_key);
	while (i < proc->n || k < known->n) {
		const struct fact *a = i < proc->n ? &proc->v[i] : NULL;
		const struct fact *b = k < known->n ? &known->v[k] : NULL;
		int order = a == NULL ? 1 : b == NULL ? -1 : by_key(a, b);

		if (a != NULL && b != NULL && order == 0) {
			if (!accepts(a->value, b->value))
				show(++n, a, a->value, b->value);
		} else if (a != NULL && order < 0) {
			show(++n, a, a->value, NOTHING);
		} else if (b != NULL) {
			show(++n, b, NOTHING, b->value);
		}
		i += order <= 0;
		k += order >= 0;
	}
	if (n > 0)
		printf("seed %lu, after action %lu: %zu differences of %zu facts\n",
		    (unsigned long) p->seed, p->step, n, proc->n);
	return n;
}
