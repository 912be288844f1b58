/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/bundle_dir.h"
#include "common/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STORE    ".bundles"
#define MANIFEST "manifest"

enum { MANIFEST_MAX = 65536, PLACE = 256 };

static int
say(int r, const struct bundle_dir *b, const char *what, struct diag *d)
{
	if (r < 0)
		diag_set(d, 0, 0, "cannot change the bundles in %s: %s: %s", b->path, what,
		    strerrordesc_np(-r));
	return r;
}

static int
close_fd(int fd)
{
	return fd >= 0 && close(fd) < 0 ? -errno : 0;
}

/* ---- the folder ---- */

/* Make a folder that the collector can read, whatever the umask. A descriptor, or -errno. */
static int
make_folder(const struct bundle_dir *b, const char *place)
{
	int fd, r;

	if (mkdirat(b->fd, place, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(b->fd, place, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0 && fchmod(fd, 0755) == 0)
		return fd;
	r = -errno;
	(void) close_fd(fd);
	return r;
}

static int
make_store(struct bundle_dir *b, struct diag *d)
{
	struct stat st;
	int store;

	if (fstat(b->fd, &st) < 0)
		return say(-errno, b, "its owner", d);
	if (file_others_write(&st)) {
		diag_set(d, 0, 0, "others may change %s: chown root %s; chmod go-w %s", b->path,
		    b->path, b->path);
		return -EACCES;
	}
	store = make_folder(b, STORE);
	if (store < 0)
		return say(store, b, STORE, d);
	(void) close_fd(store);
	b->lock = openat(b->fd, STORE "/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (b->lock < 0 || flock(b->lock, LOCK_EX) < 0)
		return say(-errno, b, STORE "/lock", d);
	return 0;
}

int
bundle_dir_open(const char *path, bool change, struct bundle_dir *ret, struct diag *d)
{
	struct bundle_dir b = { .path = path, .fd = -1, .lock = -1 };
	int r = 0;

	b.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b.fd < 0) {
		r = -errno;
		diag_set(
		    d, 0, 0, "cannot open the folder of rules %s: %s", path, strerrordesc_np(-r));
		return r;
	}
	if (change)
		r = make_store(&b, d);
	if (r < 0)
		bundle_dir_close(&b);
	else
		*ret = b;
	return r;
}

void
bundle_dir_close(struct bundle_dir *b)
{
	(void) close_fd(b->lock);
	(void) close_fd(b->fd);
	b->lock = b->fd = -1;
}

static void
place_of(const char *name, const char *version, const char *file, char ret[PLACE])
{
	(void) snprintf(ret, PLACE, STORE "/%s%s%s%s%s", name, version == NULL ? "" : "/",
	    version == NULL ? "" : version, file == NULL ? "" : "/", file == NULL ? "" : file);
}

int
bundle_dir_current(
    const struct bundle_dir *b, const char *name, char ret[BUNDLE_VERSION], struct diag *d)
{
	char link[PLACE], to[PLACE], want[PLACE];
	ssize_t n;
	const char *version;

	(void) snprintf(link, sizeof(link), "%s.bundle", name);
	n = readlinkat(b->fd, link, to, sizeof(to) - 1);
	if (n < 0 && errno == ENOENT) {
		diag_set(d, 0, 0, "no bundle %s is installed", name);
		return -ENOENT;
	}
	to[n < 0 ? 0 : n] = '\0';
	version = strrchr(to, '/');
	if (version != NULL && bundle_version_ok(version + 1)) {
		place_of(name, version + 1, NULL, want);
		if (strcmp(want, to) == 0) {
			(void) snprintf(ret, BUNDLE_VERSION, "%s", version + 1);
			return 0;
		}
	}
	return diag_fail(
	    d, 0, 0, "%s/%s is not a link that mewsctl has made: remove it", b->path, link);
}

/* ---- lists ---- */

static int
by_name(const void *a, const void *b)
{
	const struct bundle_place *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
by_version(const void *a, const void *b)
{
	const struct bundle_place *x = a, *y = b;

	return -bundle_version_cmp(x->version, y->version);
}

/* Call add() for each name of a folder. -errno. */
static int
each_name(int dirfd, const char *path, int (*add)(void *arg, const char *name), void *arg)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (dir == NULL) {
		r = -errno;
		(void) close_fd(fd);
		return r;
	}
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
	while (r == 0 && (e = readdir(dir)) != NULL) {
		if (e->d_name[0] != '.')
			r = add(arg, e->d_name);
	}
	(void) closedir(dir);
	return r;
}

struct lister {
	const struct bundle_dir *b;
	struct bundle_dir_list *list;
	const char *name; /* whose versions; NULL: bundles */
	struct diag *d;
};

static int
add_place(struct bundle_dir_list *l, const char *name, const char *version)
{
	if (l->n == BUNDLES_MAX)
		return -E2BIG;
	(void) snprintf(l->v[l->n].name, sizeof(l->v[0].name), "%s", name);
	(void) snprintf(l->v[l->n++].version, sizeof(l->v[0].version), "%s", version);
	return 0;
}

static int
add_bundle(void *arg, const char *file)
{
	struct lister *l = arg;
	struct slice s = slice_str(file), end = SLICE(".bundle");
	char name[BUNDLE_NAME], version[BUNDLE_VERSION];
	int r;

	if (!slice_ends(s, end) || s.n - end.n >= sizeof(name))
		return 0;
	(void) snprintf(name, sizeof(name), "%.*s", (int) (s.n - end.n), file);
	r = bundle_dir_current(l->b, name, version, l->d);
	return r < 0 ? r : add_place(l->list, name, version);
}

int
bundle_dir_list(const struct bundle_dir *b, struct bundle_dir_list *ret, struct diag *d)
{
	struct lister l = { b, ret, NULL, d };
	int r;

	ret->n = 0;
	r = each_name(b->fd, ".", add_bundle, &l);
	if (r < 0 && d->code == DIAG_NONE)
		diag_set(d, 0, 0, "cannot list %s: %s", b->path, strerrordesc_np(-r));
	qsort(ret->v, ret->n, sizeof(ret->v[0]), by_name);
	return r;
}

static int
add_version(void *arg, const char *version)
{
	struct lister *l = arg;

	return bundle_version_ok(version) ? add_place(l->list, l->name, version) : 0;
}

int
bundle_dir_kept(
    const struct bundle_dir *b, const char *name, struct bundle_dir_list *ret, struct diag *d)
{
	struct lister l = { b, ret, name, d };
	char place[PLACE];
	int r;

	ret->n = 0;
	place_of(name, NULL, NULL, place);
	r = each_name(b->fd, place, add_version, &l);
	qsort(ret->v, ret->n, sizeof(ret->v[0]), by_version);
	return r == -ENOENT ? 0 : say(r, b, place, d);
}

/* ---- a version ---- */

static int
remove_name(void *arg, const char *name)
{
	int fd = *(const int *) arg;

	return unlinkat(fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* Remove a version's folder, which has only files. */
static void
remove_folder(const struct bundle_dir *b, const char *place)
{
	int fd = openat(b->fd, place, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return;
	(void) each_name(fd, ".", remove_name, &fd);
	(void) close_fd(fd);
	(void) unlinkat(b->fd, place, AT_REMOVEDIR);
}

void
bundle_dir_drop(const struct bundle_dir *b, const char *name, const char *version)
{
	char place[PLACE];

	place_of(name, version, NULL, place);
	remove_folder(b, place);
	place_of(name, NULL, NULL, place);
	(void) unlinkat(b->fd, place, AT_REMOVEDIR); /* if it was the last one */
}

static int
write_file(int dirfd, const char *name, struct slice text)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644), r,
	    e;

	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, text);
	if (r == 0 && (fchmod(fd, 0644) < 0 || fsync(fd) < 0))
		r = -errno;
	e = close_fd(fd);
	return r < 0 ? r : e;
}

static int
write_files(int fd, const struct bundle *bundle)
{
	int r = write_file(fd, MANIFEST, bundle->manifest);

	for (size_t i = 0; r == 0 && i < bundle->nfiles; i++)
		r = write_file(fd, bundle->file[i].name, bundle->file[i].text);
	return r == 0 && fsync(fd) < 0 ? -errno : r;
}

/* Write the files into a folder of another name, and rename that. */
static int
write_version(const struct bundle_dir *b, const struct bundle *bundle)
{
	char fresh[PLACE], place[PLACE];
	int of, fd, r;

	place_of(bundle->name, NULL, NULL, place);
	of = make_folder(b, place);
	if (of < 0)
		return of;
	place_of(bundle->name, bundle->version, NULL, place);
	place_of(bundle->name, "new", NULL, fresh);
	remove_folder(b, fresh); /* of one that was interrupted */
	fd = make_folder(b, fresh);
	r = fd < 0 ? fd : write_files(fd, bundle);
	(void) (fd < 0 ? 0 : close_fd(fd));
	if (r == 0 && (renameat(b->fd, fresh, b->fd, place) < 0 || fsync(of) < 0))
		r = -errno;
	if (r < 0)
		remove_folder(b, fresh);
	(void) close_fd(of);
	return r;
}

int
bundle_dir_put(const struct bundle_dir *b, const struct bundle *bundle, struct diag *d)
{
	CLEANUP(buf_fini) struct buf kept = BUF_INIT;
	struct bundle old;
	struct diag ignored = { 0 };
	int r = bundle_dir_read(b, bundle->name, bundle->version, &kept, &old, &ignored);

	if (r == 0 && slice_eq(old.manifest, bundle->manifest))
		return 0;
	if (r == 0) {
		diag_set(d, 0, 0,
		    "is another %s %s than the one that was installed before: whoever makes it "
		    "must "
		    "give it a new version",
		    bundle->name, bundle->version);
		return -EEXIST;
	}
	if (r != -ENOENT)
		bundle_dir_drop(b, bundle->name, bundle->version); /* changed, or damaged */
	return say(write_version(b, bundle), b, bundle->name, d);
}

static int
compare_file(const struct bundle_dir *b, const struct bundle *bundle, const struct bundle_file *f,
    struct diag *d)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	char place[PLACE];
	bool same = false;
	int r;

	place_of(bundle->name, bundle->version, f->name, place);
	r = file_read_at(b->fd, place, f->size, &text);
	if (r == 0)
		r = bundle_file_same(f, buf_get(&text), &same);
	if (r == 0 && same)
		return 0;
	diag_set(d, 0, 0, "%s/%s was changed after it was installed", b->path, place);
	return r == -ENOMEM ? r : -EBADMSG;
}

int
bundle_dir_read(const struct bundle_dir *b, const char *name, const char *version, struct buf *buf,
    struct bundle *ret, struct diag *d)
{
	char place[PLACE];
	int r;

	place_of(name, version, MANIFEST, place);
	buf_clear(buf);
	r = file_read_at(b->fd, place, MANIFEST_MAX, buf);
	if (r == 0 && bundle_parse_manifest(buf_get(buf), ret, d) < 0)
		r = -EBADMSG;
	if (r == 0 && (strcmp(ret->name, name) != 0 || strcmp(ret->version, version) != 0))
		r = -EBADMSG;
	if (r < 0) {
		diag_set(d, 0, 0, "cannot read %s/%s: %s", b->path, place, strerrordesc_np(-r));
		return r;
	}
	for (size_t i = 0; r == 0 && i < ret->nfiles; i++)
		r = compare_file(b, ret, &ret->file[i], d);
	return r;
}

/* ---- what is in force ---- */

int
bundle_dir_switch(const struct bundle_dir *b, const char *name, const char *version, struct diag *d)
{
	char link[PLACE], fresh[PLACE], to[PLACE];
	int r = 0;

	(void) snprintf(link, sizeof(link), "%s.bundle", name);
	(void) snprintf(fresh, sizeof(fresh), STORE "/%s.new", name);
	place_of(name, version, NULL, to);
	(void) unlinkat(b->fd, fresh, 0);
	if (version == NULL)
		r = unlinkat(b->fd, link, 0) < 0 ? -errno : 0;
	else if (symlinkat(to, b->fd, fresh) < 0 || renameat(b->fd, fresh, b->fd, link) < 0)
		r = -errno;
	if (r == 0 && fsync(b->fd) < 0)
		r = -errno;
	return say(r, b, link, d);
}

int
bundle_dir_prune(const struct bundle_dir *b, const char *name, const char *version, struct diag *d)
{
	struct bundle_dir_list l;
	size_t older = 0;
	int r = bundle_dir_kept(b, name, &l, d);

	for (size_t i = 0; r == 0 && i < l.n; i++) {
		if (version == NULL ||
		    (bundle_version_cmp(l.v[i].version, version) <= 0 && ++older > BUNDLE_KEPT))
			bundle_dir_drop(b, name, l.v[i].version);
	}
	return r;
}
