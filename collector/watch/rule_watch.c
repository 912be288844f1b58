/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/watch/rule_watch.h"
#include "collector/rule/rule.h"
#include "common/slice.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EVENTS_SIZE = 4096 };

#define CHANGES                                                                                  \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | \
	    IN_MOVE_SELF)

struct watched {
	int wd; /* of the folder; -1: it does not exist */
	char *folder;
	const char *name; /* the file in it; NULL: all rule files */
};

struct rule_watch {
	int fd;
	size_t n;
	struct watched v[];
};

/* A folder that is missing (yet, or for a moment) is tried again at each look. */
static void
watch_folders(struct rule_watch *w)
{
	for (size_t i = 0; i < w->n; i++) {
		if (w->v[i].wd < 0)
			w->v[i].wd = inotify_add_watch(w->fd, w->v[i].folder, CHANGES | IN_ONLYDIR);
	}
}

static int
add_path(struct watched *w, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct stat st;

	w->wd = -1;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		w->folder = strdup(path);
	} else {
		w->name = slash == NULL ? path : slash + 1;
		w->folder = slash == NULL   ? strdup(".")
			    : slash == path ? strdup("/")
					    : strndup(path, (size_t) (slash - path));
	}
	return w->folder == NULL ? -ENOMEM : 0;
}

int
rule_watch_new(const char *const *paths, size_t n, struct rule_watch **ret)
{
	struct rule_watch *w = calloc(1, sizeof(*w) + n * sizeof(w->v[0]));
	int r = 0;

	if (w == NULL)
		return -ENOMEM;
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0)
		r = -errno;
	for (; r == 0 && w->n < n; w->n++)
		r = add_path(&w->v[w->n], paths[w->n]);
	if (r < 0) {
		rule_watch_free(w);
		return r;
	}
	watch_folders(w);
	*ret = w;
	return 0;
}

void
rule_watch_free(struct rule_watch *w)
{
	if (w == NULL)
		return;
	if (w->fd >= 0)
		(void) close(w->fd);
	for (size_t i = 0; i < w->n; i++)
		free(w->v[i].folder);
	free(w);
}

int
rule_watch_fd(const struct rule_watch *w)
{
	return w->fd;
}

/* A mounted ConfigMap changes by replacing the link "..data". */
static bool
is_watched(const struct watched *w, const struct inotify_event *e)
{
	struct slice name = slice_str(e->len == 0 ? "" : e->name);

	if (w->wd != e->wd)
		return false;
	if ((e->mask & (IN_IGNORED | IN_Q_OVERFLOW)) != 0 || slice_eq(name, SLICE("..data")))
		return true;
	if (w->name != NULL)
		return slice_eq(name, slice_str(w->name));
	return rule_name_loads(name.p);
}

static bool
take(struct rule_watch *w, const struct inotify_event *e)
{
	bool changed = (e->mask & IN_Q_OVERFLOW) != 0;

	for (size_t i = 0; i < w->n; i++) {
		changed = changed || is_watched(&w->v[i], e);
		if (w->v[i].wd == e->wd && (e->mask & (IN_IGNORED | IN_MOVE_SELF)) != 0)
			w->v[i].wd = -1;
	}
	return changed;
}

bool
rule_watch_look(struct rule_watch *w)
{
	_Alignas(struct inotify_event) char buf[EVENTS_SIZE];
	const struct inotify_event *e;
	bool changed = false;
	ssize_t n;

	while ((n = read(w->fd, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n; at += (ssize_t) (sizeof(*e) + e->len)) {
			e = (const struct inotify_event *) (const void *) (buf + at);
			changed = take(w, e) || changed;
		}
	}
	watch_folders(w);
	return changed;
}
