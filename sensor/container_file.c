/* SPDX-License-Identifier: Apache-2.0 */
/* container_file.c - files of runtimes, opened with suspicion; texts in them. */
#include "common/file.h"
#include "sensor/container_read.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define LAYERS_MAX     8192u /* bytes of the list of an overlay's layers */
#define LAYER_NAME_MAX 128u

static int
open_how(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags | O_CLOEXEC,
		.resolve = resolve | RESOLVE_NO_MAGICLINKS };
	long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int) fd;
}

static void
refuse(struct container_info *c, const char *folder, const char *name, const char *why)
{
	c->fault = CONTAINER_REFUSED;
	(void) snprintf(c->why, sizeof(c->why), "%.150s/%.40s %s", folder, name, why);
}

static bool
is_owner(const struct container_info *c, uid_t uid)
{
	uid_t owner = c->ask->owner;

	return owner != 0 ? uid == owner : uid == 0 || uid == geteuid();
}

/* Open a file: NULL, or why it is refused; *fd is negative if it is not there. */
static const char *
open_file(const struct container_info *c, const char *folder, const char *name, int *fd)
{
	int dir = open_how(c->host_root, folder, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT);
	struct stat st;

	*fd = dir;
	if (dir >= 0) {
		*fd = open_how(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY,
		    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
		(void) close(dir);
	}
	if (*fd == -ENOENT || *fd == -ENOTDIR)
		return NULL;
	if (*fd < 0)
		return *fd == -ELOOP || *fd == -EXDEV ? "is a link" : strerrordesc_np(-*fd);
	if (fstat(*fd, &st) < 0 || !S_ISREG(st.st_mode))
		return "is no regular file";
	if (!is_owner(c, st.st_uid))
		return c->ask->owner == 0 ? "does not belong to root"
					  : "does not belong to the container's user";
	return NULL;
}

int
container_open(struct container_info *c, const char *folder, const char *name)
{
	int fd;
	const char *why = open_file(c, folder, name, &fd);

	if (why == NULL || fd < 0)
		return fd;
	(void) close(fd);
	return -EPERM;
}

int
container_folder(const struct container_info *c, const char *folder)
{
	return open_how(c->host_root, folder, O_RDONLY | O_DIRECTORY, RESOLVE_IN_ROOT);
}

static bool
is_larger(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size > (off_t) CONTAINER_FILE_MAX;
}

const json_t *
container_keep(struct container_info *c, json_t *doc)
{
	if (doc == NULL || c->ndocs == CONTAINER_DOCS_MAX) {
		json_decref(doc);
		return NULL;
	}
	c->docs[c->ndocs++] = doc;
	return doc;
}

const json_t *
container_parse(struct container_info *c, struct slice text)
{
	return text.n == 0 ? NULL : container_keep(c, json_loadb(text.p, text.n, 0, NULL));
}

const json_t *
container_doc(struct container_info *c, const char *folder, const char *name)
{
	struct buf text = BUF_INIT;
	json_t *doc = NULL;
	json_error_t e;
	int fd;
	const char *why = open_file(c, folder, name, &fd);

	if (why == NULL && fd >= 0 && is_larger(fd))
		why = "is larger than 8 MiB";
	if (why == NULL && fd >= 0 && fd_read_all(fd, CONTAINER_FILE_MAX, &text) < 0)
		why = "cannot be read";
	if (why == NULL && fd >= 0) {
		doc = json_loadb(text.p == NULL ? "" : text.p, text.n, 0, &e);
		if (doc == NULL)
			why = "is no valid JSON";
		doc = (json_t *) container_keep(c, doc);
	}
	if (why != NULL)
		refuse(c, folder, name, why);
	if (fd >= 0)
		(void) close(fd);
	buf_fini(&text);
	return doc;
}

int
container_socket(struct container_info *c, const char *folder, const char *name)
{
	int dir = open_how(c->host_root, folder, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT), at, fd;
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct stat st;
	int r;

	if (dir < 0)
		return dir;
	at = open_how(dir, name, O_PATH, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	(void) close(dir);
	if (at < 0)
		return at;
	r = fstat(at, &st) < 0 || !S_ISSOCK(st.st_mode) || !is_owner(c, st.st_uid) ? -EPERM : 0;
	fd = r < 0 ? r : socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (r == 0 && fd < 0)
		r = -errno;
	/* the file that was looked at, whatever has its name by now */
	(void) snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d", at);
	if (r == 0 && connect(fd, (const struct sockaddr *) &to, sizeof(to)) < 0)
		r = -errno;
	(void) close(at);
	if (r < 0 && fd >= 0)
		(void) close(fd);
	return r < 0 ? r : fd;
}

/* Append a regular file below a folder. -ENOENT: there is no such folder or file. */
static int
file_below(const struct container_info *c, const char *folder, const char *name, size_t max,
    struct buf *out)
{
	int root = open_how(c->host_root, folder, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT), fd, r;
	struct stat st;

	if (root < 0)
		return root;
	fd = open_how(root, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, RESOLVE_IN_ROOT);
	(void) close(root);
	if (fd < 0)
		return fd;
	r = fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ? -EINVAL : fd_read_all(fd, max, out);
	(void) close(fd);
	return r;
}

int
container_host_file(const struct container_info *c, const char *folder, const char *name,
    size_t max, struct buf *out)
{
	return file_below(c, folder, name, max, out);
}

/* The same in the layers of an overlay, "STORE/ID/merged": the container's, "STORE/ID/diff", then
 * the image's, which the file "STORE/ID/lower" names: "l/NAME:l/NAME". */
static int
file_in_layers(
    struct container_info *c, const char *merged, const char *name, size_t max, struct buf *out)
{
	static const char end[] = "/merged";
	CLEANUP(buf_fini) struct buf lower = BUF_INIT;
	char folder[3 * CONTAINER_BUNDLE_MAX];
	int n = (int) strlen(merged) - (int) strlen(end), r, fd;
	const char *slash = n <= 0 ? NULL : memrchr(merged, '/', (size_t) n);
	struct slice rest, layer;

	if (slash == NULL || strcmp(merged + n, end) != 0)
		return -ENOENT;
	(void) snprintf(folder, sizeof(folder), "%.*s/diff", n, merged);
	r = file_below(c, folder, name, max, out);
	(void) snprintf(folder, sizeof(folder), "%.*s", n, merged);
	fd = r == -ENOENT ? container_open(c, folder, "lower") : -ENOENT;
	if (fd < 0)
		return r;
	n = fd_read_all(fd, LAYERS_MAX, &lower);
	(void) close(fd);
	buf_char(&lower, ':');
	rest = n == 0 && buf_ok(&lower) == 0 ? buf_get(&lower) : (struct slice){ NULL, 0 };
	while (r == -ENOENT && rest.n > 0) {
		layer = rest;
		layer.n = (size_t) ((const char *) memchr(rest.p, ':', rest.n) - rest.p);
		rest = (struct slice){ rest.p + layer.n + 1, rest.n - layer.n - 1 };
		if (layer.n == 0 || layer.n > LAYER_NAME_MAX)
			continue;
		(void) snprintf(folder, sizeof(folder), "%.*s/%.*s", (int) (slash - merged), merged,
		    SLICE_ARG(layer));
		r = file_below(c, folder, name, max, out);
	}
	return r;
}

int
container_own_file(struct container_info *c, const char *name, size_t max, struct buf *out)
{
	struct slice path = json_text(c->config, "root", "path", NULL);
	char folder[2 * CONTAINER_BUNDLE_MAX];
	int r;

	if (path.n == 0 || path.n >= CONTAINER_BUNDLE_MAX)
		return -ENOENT;
	(void) snprintf(folder, sizeof(folder), "%s%s%s", path.p[0] == '/' ? "" : c->bundle,
	    path.p[0] == '/' ? "" : "/", path.p);
	r = file_below(c, folder, name, max, out);
	return r == -ENOENT ? file_in_layers(c, folder, name, max, out) : r;
}

struct slice
json_text(const json_t *j, ...)
{
	const char *key;
	va_list ap;

	va_start(ap, j);
	while ((key = va_arg(ap, const char *)) != NULL)
		j = json_object_get(j, key);
	va_end(ap);
	return (struct slice){ json_string_value(j), json_string_length(j) };
}

struct slice
container_copy(struct container_info *c, struct slice s)
{
	const char *p = arena_strdup(&c->arena, s);

	return (struct slice){ p, p == NULL ? 0 : s.n };
}

bool
container_text_end(struct buf *out, size_t begin)
{
	buf_char(out, '\0');
	if (out->n <= EV_TEXT_MAX)
		return true;
	out->n = begin;
	return false;
}

struct slice
container_texts(struct container_info *c, struct buf *out)
{
	struct slice ret = { NULL, 0 };

	if (buf_ok(out) == 0)
		ret = container_copy(c, (struct slice){ out->p == NULL ? "" : out->p, out->n });
	buf_fini(out);
	return ret;
}

struct slice
container_words(struct container_info *c, const json_t *list, size_t max)
{
	struct buf out = BUF_INIT;
	size_t i;
	json_t *word;

	if (!json_is_array(list))
		return (struct slice){ NULL, 0 };
	json_array_foreach((json_t *) list, i, word)
	{
		if (!json_is_string(word) || out.n + json_string_length(word) >= max)
			break;
		buf_add(&out, json_string_value(word), json_string_length(word) + 1);
	}
	return container_texts(c, &out);
}

struct slice
container_labels(struct container_info *c, const json_t *object)
{
	struct buf out = BUF_INIT;
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return (struct slice){ NULL, 0 };
	json_object_foreach((json_t *) object, key, value)
	{
		size_t was = out.n;

		if (!json_is_string(value))
			continue;
		buf_str(&out, key);
		buf_char(&out, '=');
		buf_str(&out, json_string_value(value));
		if (!container_text_end(&out, was))
			break;
	}
	return container_texts(c, &out);
}

struct slice
container_pod_labels(struct container_info *c, const json_t *object)
{
	static const char *const of_kubelet[] = { "io.kubernetes.pod.name",
		"io.kubernetes.pod.namespace", "io.kubernetes.pod.uid",
		"io.kubernetes.container.name" };

	for (size_t i = 0; i < ARRAY_SIZE(of_kubelet); i++)
		(void) json_object_del((json_t *) object, of_kubelet[i]);
	return container_labels(c, object);
}

void
container_image(struct container_info *c, struct slice ref)
{
	struct slice rest = ref;
	const char *at = ref.n == 0 ? NULL : memchr(ref.p, '@', ref.n), *colon, *slash;

	if (ref.n == 0)
		return;
	c->v[EVP_CONTAINER_INFO_image] = ref;
	if (at != NULL) {
		c->v[EVP_CONTAINER_INFO_image_digest] =
		    (struct slice){ at + 1, ref.n - (size_t) (at + 1 - ref.p) };
		rest.n = (size_t) (at - ref.p);
	}
	colon = memrchr(rest.p, ':', rest.n);
	slash = memrchr(rest.p, '/', rest.n);
	if (colon != NULL && (slash == NULL || slash < colon)) {
		c->v[EVP_CONTAINER_INFO_image_tag] =
		    (struct slice){ colon + 1, rest.n - (size_t) (colon + 1 - rest.p) };
		rest.n = (size_t) (colon - rest.p);
	} else if (at == NULL) {
		c->v[EVP_CONTAINER_INFO_image_tag] = SLICE("latest");
	}
	c->v[EVP_CONTAINER_INFO_image_repository] = rest;
}
