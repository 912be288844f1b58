/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/bpf_pin.h"
#include "common/log.h"
#include <bpf/bpf.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define HASH_CHARS 16
#define PATH_CHARS 4096

struct pin {
	char path[PATH_CHARS]; /* of the folder of this hash */
	char hash[HASH_CHARS + 1];
	int dir;       /* the folder above, locked */
	int failed;    /* -errno */
	unsigned have; /* objects pinned; as far as pin_whole() is concerned */
};

static const char *const kinds[] = { [PIN_MAP] = "map",
	[PIN_RING] = "ring",
	[PIN_PROG] = "prog",
	[PIN_LINK] = "link",
	[PIN_ENTRY] = "entry",
	[PIN_JOURNAL] = "journal" };

/* ---- the folder ---- */

static int
wrong(int r, const char *what, const char **why)
{
	*why = what;
	return r;
}

static int
check_folder(int dir, const char **why)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(dir, &fs) < 0 || fstat(dir, &st) < 0)
		return wrong(-errno, strerrordesc_np(errno), why);
	if (fs.f_type != BPF_FS_MAGIC)
		return wrong(-EINVAL,
		    "it is not on a BPF file system; choose a folder below /sys/fs/bpf (mount -t "
		    "bpf bpf /sys/fs/bpf, if there is none)",
		    why);
	if ((st.st_uid != geteuid() && geteuid() != 0) || (st.st_mode & 022) != 0)
		return wrong(-EPERM,
		    "it belongs to another user or may be changed by others; give it to the "
		    "sensor's user, with mode 0700",
		    why);
	if (flock(dir, LOCK_EX | LOCK_NB) < 0)
		return wrong(-EBUSY, "a sensor uses it; stop that, or give each its own", why);
	return 0;
}

/* Open and lock the folder. -errno, and *why. */
static int
folder_open(const char *folder, bool make, const char **why)
{
	bool made = make && mkdir(folder, 0700) == 0;
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (dir < 0)
		return wrong(-errno, strerrordesc_np(errno), why);
	r = check_folder(dir, why);
	if (r == 0)
		return dir;
	(void) close(dir);
	if (made)
		(void) rmdir(folder);
	return r;
}

int
pin_open(const char *folder, uint64_t hash, struct pin **ret)
{
	const char *why = NULL;
	struct pin *p;
	int dir = -ENAMETOOLONG;

	if (strlen(folder) > PATH_CHARS - 128)
		why = "the name is too long";
	else
		dir = folder_open(folder, true, &why);
	if (dir < 0) {
		log_warn(
		    "capture.pin: %s cannot be used: %s; until then capture pauses while the "
		    "sensor restarts",
		    folder, why);
		return dir;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL) {
		(void) close(dir);
		return -ENOMEM;
	}
	p->dir = dir;
	(void) snprintf(p->hash, sizeof(p->hash), "%016" PRIx64, hash);
	(void) snprintf(p->path, sizeof(p->path), "%s/%s", folder, p->hash);
	*ret = p;
	return 0;
}

void
pin_close(struct pin *p)
{
	if (p != NULL)
		(void) close(p->dir);
	free(p);
}

/* ---- objects ---- */

/* The path of an object. A BPF file system takes no dots. */
static void
path_of(const struct pin *p, enum pin_kind kind, const char *name, char out[PATH_CHARS])
{
	char *at;

	(void) snprintf(
	    out, PATH_CHARS, "%.*s/%s_%s", PATH_CHARS - 100, p->path, kinds[kind], name);
	for (at = strrchr(out, '/') + 1; *at != '\0'; at++) {
		if (!isalnum((unsigned char) *at))
			*at = '_';
	}
}

int
pin_begin(struct pin *p)
{
	p->failed = 0;
	return mkdirat(p->dir, p->hash, 0700) == 0 || errno == EEXIST ? 0 : -errno;
}

void
pin_put(struct pin *p, enum pin_kind kind, const char *name, int fd)
{
	char path[PATH_CHARS];
	int r;

	if (p == NULL || fd < 0)
		return;
	path_of(p, kind, name, path);
	r = bpf_obj_pin(fd, path);
	p->have += r == 0;
	if (r == 0 || p->failed != 0)
		return;
	p->failed = r;
	log_warn("capture.pin: cannot pin %s: %s: it is missing after the next crash of the sensor",
	    path, strerrordesc_np(-r));
}

int
pin_failed(const struct pin *p)
{
	return p == NULL ? 0 : p->failed;
}

int
pin_get(struct pin *p, enum pin_kind kind, const char *name)
{
	char path[PATH_CHARS];
	int fd;

	if (p == NULL)
		return -ENOENT;
	path_of(p, kind, name, path);
	fd = bpf_obj_get(path);
	p->have += fd >= 0;
	return fd;
}

void
pin_drop(struct pin *p, enum pin_kind kind, const char *name)
{
	char path[PATH_CHARS];

	if (p == NULL)
		return;
	path_of(p, kind, name, path);
	if (unlink(path) == 0)
		p->have--;
}

/* ---- remove ---- */

static DIR *
dir_at(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d == NULL && fd >= 0)
		(void) close(fd);
	return d;
}

bool
pin_whole(struct pin *p)
{
	DIR *d = p == NULL ? NULL : opendir(p->path);
	const struct dirent *e;
	unsigned n = 0;

	/* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else reads this stream */
	while (d != NULL && (e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	if (d != NULL)
		(void) closedir(d);
	return p == NULL || n >= p->have;
}

/* Remove a folder of ours with the objects in it. Their number. */
static unsigned
remove_hash(int dir, const char *name)
{
	DIR *d = dir_at(dir, name);
	const struct dirent *e;
	unsigned n = 0;

	/* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else reads this stream */
	while (d != NULL && (e = readdir(d)) != NULL)
		n += e->d_name[0] != '.' && unlinkat(dirfd(d), e->d_name, 0) == 0;
	if (d != NULL)
		(void) closedir(d);
	(void) unlinkat(dir, name, AT_REMOVEDIR);
	return n;
}

static bool
is_hash(const char *name)
{
	return strlen(name) == HASH_CHARS && strspn(name, "0123456789abcdef") == HASH_CHARS;
}

/* Call fn for each folder of ours but 'spared'. */
static void
each_hash(int dir, const char *spared, void (*fn)(void *arg, const char *hash), void *arg)
{
	DIR *d = dir_at(dir, ".");
	const struct dirent *e;

	/* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else reads this stream */
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (is_hash(e->d_name) && strcmp(e->d_name, spared) != 0)
			fn(arg, e->d_name);
	}
	if (d != NULL)
		(void) closedir(d);
}

struct removal {
	int dir;
	unsigned n;
};

static void
remove_one(void *arg, const char *hash)
{
	struct removal *r = arg;

	r->n += remove_hash(r->dir, hash);
}

/* Remove all folders of ours but 'spared'. The number of objects. */
static unsigned
remove_all(int dir, const char *spared)
{
	struct removal r = { dir, 0 };

	each_hash(dir, spared, remove_one, &r);
	return r.n;
}

struct ring_walk {
	const struct pin *pin;
	void (*fn)(void *arg, int fd);
	void *arg;
};

static void
rings_of(void *arg, const char *hash)
{
	const struct ring_walk *w = arg;
	DIR *d = dir_at(w->pin->dir, hash);
	size_t above = strlen(w->pin->path) - HASH_CHARS;
	char path[PATH_CHARS];
	const struct dirent *e;

	/* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else reads this stream */
	while (d != NULL && (e = readdir(d)) != NULL) {
		int fd;

		if (strncmp(e->d_name, "ring_", 5) != 0)
			continue;
		(void) snprintf(
		    path, sizeof(path), "%.*s%s/%s", (int) above, w->pin->path, hash, e->d_name);
		fd = bpf_obj_get(path);
		if (fd < 0)
			continue;
		w->fn(w->arg, fd);
		(void) close(fd);
	}
	if (d != NULL)
		(void) closedir(d);
}

void
pin_rings_of_others(struct pin *p, void (*fn)(void *arg, int fd), void *arg)
{
	struct ring_walk w = { p, fn, arg };

	if (p != NULL)
		each_hash(p->dir, p->hash, rings_of, &w);
}

unsigned
pin_clear(struct pin *p)
{
	if (p == NULL)
		return 0;
	p->have = 0;
	return remove_hash(p->dir, p->hash);
}

unsigned
pin_clear_others(struct pin *p)
{
	return p == NULL ? 0 : remove_all(p->dir, p->hash);
}

int
pins_remove(const char *folder)
{
	const char *why = NULL;
	int dir = folder_open(folder, false, &why), n;

	if (dir == -ENOENT)
		return 0;
	if (dir < 0) {
		log_error("%s: nothing is unpinned: %s", folder, why);
		return dir;
	}
	n = (int) remove_all(dir, "");
	(void) close(dir);
	return n;
}
