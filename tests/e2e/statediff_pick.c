/* SPDX-License-Identifier: Apache-2.0 */
/* statediff_pick.c - what a random action is about: descriptors, paths, processes, arguments. */
#include "tests/e2e/statediff_moves.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { RENAMES_MAX = 4096 };

bool
chance(struct who *w, unsigned percent)
{
	return roll(w->p, 100) < percent;
}

/* Copy bytes to where the actor can read them. */
long
put(struct who *w, const void *data, size_t n)
{
	char *at = &ARENA->slot[w->i].data[w->used];

	w->used += (n + 7) & ~(size_t) 7;
	if (w->used > DATA)
		die(w->p, "no room for arguments");
	memcpy(at, data, n);
	return (long) at;
}

long
put_text(struct who *w, const char *text)
{
	(void) fprintf(w->p->log, "   '%s'", text);
	return put(w, text, strlen(text) + 1);
}

/* ---- descriptors and paths ---- */

static int
by_number(const void *a, const void *b)
{
	return *(const int *) a - *(const int *) b;
}

/* The actor's open descriptors from 3 on, in order. */
size_t
fds_of(const struct who *w, int v[FD_MAX * 2])
{
	const struct dirent *e;
	char path[64];
	size_t n = 0;
	DIR *d;

	(void) snprintf(path, sizeof(path), "/proc/%d/task/%d/fd", w->a->pid, w->a->tid);
	d = opendir(path);
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
	while (d != NULL && n < FD_MAX * 2 && (e = readdir(d)) != NULL) {
		int fd = (int) strtol(e->d_name, NULL, 10);

		if (fd > 2)
			v[n++] = fd;
	}
	if (d != NULL)
		(void) closedir(d);
	qsort(v, n, sizeof(v[0]), by_number);
	return n;
}

/* A descriptor that is open, mostly. */
int
pick_fd(struct who *w)
{
	int v[FD_MAX * 2];
	size_t n = fds_of(w, v);

	return n == 0 || chance(w, 4) ? (int) (3 + roll(w->p, FD_MAX - 3)) : v[roll(w->p, n)];
}

static bool
link_of(const struct who *w, const char *what, char to[NAME])
{
	char path[96];
	ssize_t n;

	(void) snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", w->a->pid, w->a->tid, what);
	n = readlink(path, to, NAME - 1);
	to[n < 0 ? 0 : n] = '\0';
	return n > 0;
}

/* A descriptor of a folder of ours; -1: none. */
int
pick_dirfd(struct who *w)
{
	int v[FD_MAX * 2];
	size_t n = fds_of(w, v), from = n == 0 ? 0 : roll(w->p, n);

	for (size_t k = 0; k < n; k++) {
		const int fd = v[(from + k) % n];
		char what[32], link[NAME];
		size_t len;

		(void) snprintf(what, sizeof(what), "fd/%d", fd);
		len = link_of(w, what, link) ? strlen(link) : 0;
		if (len > 3 && link[len - 3] == '/' && link[len - 2] == 'd')
			return fd;
	}
	return -1;
}

const char *
root_of(const struct who *w)
{
	return w->a->jailed ? "" : w->p->dir;
}

const char *
pick_dir(struct who *w)
{
	static const char *const dirs[] = { "d0", "d1", "d2", "d3", "jail/d0", "jail/d1" };

	return dirs[roll(w->p, w->a->jailed ? 2 : ARRAY_SIZE(dirs))];
}

/* What files that were renamed were called before, by their path without a jail. */
static struct {
	char now[NAME], before[NAME];
} renamed[RENAMES_MAX];
static size_t nrenamed;

const char *
name_before(const char *name)
{
	for (size_t i = 0; i < nrenamed; i++) {
		if (strcmp(renamed[i].now, name) == 0)
			return renamed[i].before;
	}
	return NULL;
}

void
name_changed(const char *from, const char *to)
{
	if (nrenamed == RENAMES_MAX)
		abort();
	(void) snprintf(renamed[nrenamed].now, NAME, "%s", to);
	(void) snprintf(renamed[nrenamed++].before, NAME, "%s", from);
}

void
pick_name(struct who *w, char to[NAME])
{
	if (w->p->names > 0 && chance(w, 15))
		(void) snprintf(to, NAME, "r%lu", roll(w->p, w->p->names));
	else
		(void) snprintf(to, NAME, "f%lu", roll(w->p, 40));
}

/* A path in one of the ways in which a call can take it. */
long
pick_path(struct who *w, int *dirfd)
{
	char path[NAME], name[NAME];
	const char *dir = pick_dir(w);
	const char *last = strrchr(dir, '/') == NULL ? dir : strrchr(dir, '/') + 1;

	pick_name(w, name);
	*dirfd = chance(w, 30) ? pick_dirfd(w) : -1;
	if (*dirfd < 0)
		*dirfd = AT_FDCWD;
	if (*dirfd != AT_FDCWD || chance(w, 40))
		(void) snprintf(
		    path, sizeof(path), chance(w, 50) ? "../%s/%s" : "../%s/.//../%s", last, name);
	else
		(void) snprintf(path, sizeof(path), "%s/%s/%s", root_of(w), dir, name);
	return put_text(w, path);
}

long
cloexec(struct who *w)
{
	return chance(w, 50) ? O_CLOEXEC : 0;
}

pid_t
pick_pid(struct who *w)
{
	const struct play *p = w->p;
	int i;

	do
		i = (int) roll(w->p, SLOTS);
	while (!p->actor[i].alive);
	return p->actor[i].pid;
}
