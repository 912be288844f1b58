/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox_damaged.c - files that were set aside: PATH.damaged-TIME, with their -wal and -high.
 *
 * All readable rows are in the outbox again. The files are kept for further analysis, but only the
 * newest few, and they are the first to be deleted when room is needed.
 */
#include "collector/outbox/outbox_int.h"
#include "common/clock.h"
#include "common/log.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KEPT     3  /* sets */
#define TIME_LEN 19 /* "20261128T034217.123" */

void
outbox_path(const struct outbox *o, const char *suffix, char ret[PATH_MAX])
{
	(void) snprintf(ret, PATH_MAX, "%s%s", o->path, suffix);
}

/* Split the outbox's path into its folder and its name. */
static void
split(const struct outbox *o, char folder[PATH_MAX], const char **name)
{
	const char *slash = strrchr(o->path, '/');

	*name = slash == NULL ? o->path : slash + 1;
	(void) snprintf(folder, PATH_MAX, "%.*s", slash == NULL ? 1 : (int) (*name - o->path),
	    slash == NULL ? "." : o->path);
}

/* Return the time in the name of a file that was set aside, or NULL. */
static const char *
time_of(const char *file, const char *name)
{
	size_t n = strlen(name);
	static const char mark[] = ".damaged-";

	if (strncmp(file, name, n) != 0 || strncmp(file + n, mark, sizeof(mark) - 1) != 0)
		return NULL;
	file += n + sizeof(mark) - 1;
	return strlen(file) >= TIME_LEN ? file : NULL;
}

/* Walk the existing files: returns the number of sets; sums their bytes, finds the oldest time. If
 * 'drop' is a time, delete its files. */
static size_t
walk(struct outbox *o, const char *drop, char oldest[TIME_LEN + 1])
{
	char folder[PATH_MAX], seen[KEPT + 8][TIME_LEN + 1];
	const char *name, *at;
	struct dirent *e;
	struct stat sb;
	uint64_t bytes = 0;
	size_t sets = 0, i;
	DIR *dir;

	oldest[0] = '\0';
	split(o, folder, &name);
	dir = opendir(folder);
	while (dir != NULL && (e = readdir(dir)) != NULL) { /* NOLINT(concurrency-mt-unsafe) */
		at = time_of(e->d_name, name);
		if (at == NULL || fstatat(dirfd(dir), e->d_name, &sb, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(sb.st_mode))
			continue;
		if (drop != NULL && strncmp(at, drop, TIME_LEN) == 0 &&
		    unlinkat(dirfd(dir), e->d_name, 0) == 0)
			continue;
		bytes += (uint64_t) sb.st_size;
		if (oldest[0] == '\0' || strncmp(at, oldest, TIME_LEN) < 0)
			(void) snprintf(oldest, TIME_LEN + 1, "%.*s", TIME_LEN, at);
		for (i = 0; i < sets && strncmp(seen[i], at, TIME_LEN) != 0; i++)
			;
		if (i == sets && sets < ARRAY_SIZE(seen))
			(void) snprintf(seen[sets++], TIME_LEN + 1, "%.*s", TIME_LEN, at);
	}
	if (dir != NULL)
		(void) closedir(dir);
	o->damaged_bytes = bytes;
	return sets;
}

bool
outbox_damaged_drop(struct outbox *o)
{
	char goes[TIME_LEN + 1], rest[TIME_LEN + 1];
	uint64_t before;

	if (o->damaged_bytes == 0 || walk(o, NULL, goes) == 0)
		return false;
	before = o->damaged_bytes;
	(void) walk(o, goes, rest);
	log_warn(
	    "outbox: '%s.damaged-%s', which was set aside, is removed to make room", o->path, goes);
	return o->damaged_bytes < before;
}

void
outbox_damaged_count(struct outbox *o)
{
	char oldest[TIME_LEN + 1];

	while (walk(o, NULL, oldest) > KEPT) {
		if (!outbox_damaged_drop(o))
			break;
	}
}

void
outbox_damaged_name(const struct outbox *o, char ret[PATH_MAX])
{
	uint64_t now = clock_real();
	time_t s = (time_t) (now / NS_PER_S);
	struct tm tm = { .tm_sec = 0 };

	(void) gmtime_r(&s, &tm);
	(void) snprintf(ret, PATH_MAX, "%s.damaged-%04d%02d%02dT%02d%02d%02d.%03u", o->path,
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    (unsigned) (now / NS_PER_MS % 1000));
}

/* Rename a file of the outbox to one of those set aside; it may be missing. */
int
outbox_damaged_move(const struct outbox *o, const char *suffix, const char *to)
{
	char from[PATH_MAX], name[PATH_MAX];

	outbox_path(o, suffix, from);
	if (snprintf(name, sizeof(name), "%s%s", to, suffix) >= (int) sizeof(name))
		return -ENAMETOOLONG;
	return rename(from, name) < 0 && errno != ENOENT ? -errno : 0;
}
