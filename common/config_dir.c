/* SPDX-License-Identifier: Apache-2.0 */
/* config_dir.c - cfg_open(): a file, and those of the folder beside it, each over what is before
 * it. */
#include "common/array.h"
#include "common/buf.h"
#include "common/config_int.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 256 };

/* Of "append_output.3.match": where "3" begins. NULL: the key is of no list of mappings. */
static const char *
number_in(const char *key)
{
	for (const char *p = strchr(key, '.'); p != NULL; p = strchr(p + 1, '.')) {
		if (p[1] >= '0' && p[1] <= '9' && p[1 + strspn(p + 1, "0123456789")] == '.')
			return p + 1;
	}
	return NULL;
}

static void
forget(struct cfg *c, const char *key)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(c->entry[i].key, key) != 0)
			c->entry[kept++] = c->entry[i];
	}
	c->n = kept;
}

/* The key of an entry in 'c': elements of a list of mappings come behind those of the first 'n'. */
static const char *
key_in(struct cfg *c, size_t n, const char *key)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	const char *number = number_in(key);
	struct cfg before = { .entry = c->entry, .n = n };
	char prefix[256], *rest;
	unsigned long i;

	if (number == NULL || (size_t) (number - key) > sizeof(prefix))
		return arena_strdup(&c->arena, slice_str(key));
	(void) snprintf(prefix, sizeof(prefix), "%.*s", (int) (number - key) - 1, key);
	i = strtoul(number, &rest, 10);
	buf_printf(&b, "%s.%zu%s", prefix, i + cfg_elements(&before, prefix), rest);
	return buf_ok(&b) < 0 ? NULL : arena_strdup(&c->arena, buf_get(&b));
}

/* Forget what the other configuration replaces. Returns how many entries are left. */
static size_t
make_room(struct cfg *c, const struct cfg *other)
{
	for (size_t i = 0; i < other->n; i++) {
		if (number_in(other->entry[i].key) == NULL)
			forget(c, other->entry[i].key);
	}
	return c->n;
}

static int
merge(struct cfg *c, const struct cfg *other)
{
	struct cfg_file *file = arena_alloc(&c->arena, sizeof(*file));
	size_t before = make_room(c, other);
	char *content = arena_strdup(&c->arena, other->content);

	if (file == NULL || content == NULL)
		return -ENOMEM;
	file->name = arena_strdup(&c->arena, slice_str(other->name));
	file->content = (struct slice){ content, other->content.n };
	if (file->name == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < other->n; i++) {
		struct cfg_entry e = other->entry[i];

		e.file = file;
		e.key = key_in(c, before, e.key);
		if (e.value != NULL)
			e.value = arena_strdup(&c->arena, slice_str(e.value));
		if (e.key == NULL || (e.value == NULL && other->entry[i].value != NULL))
			return -ENOMEM;
		if (cfg_add(c, e) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int
is_ours(const struct dirent *e)
{
	struct slice name = slice_str(e->d_name);

	return name.p[0] != '.' &&
	       (slice_ends(name, SLICE(".yaml")) || slice_ends(name, SLICE(".yml")));
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
add_file(struct cfg *c, const char *folder, const char *name, struct diag *d)
{
	CLEANUP(buf_fini) struct buf path = BUF_INIT;
	struct cfg *other = NULL;
	int r;

	buf_printf(&path, "%s/%s", folder, name);
	if (buf_ok(&path) < 0)
		return -ENOMEM;
	r = cfg_load(path.p, &other, d);
	if (r == 0)
		r = merge(c, other);
	cfg_free(other);
	return r;
}

/* The folder of a file: "/etc/mews/sensor.yaml" has "/etc/mews/sensor.d". false: it has none. */
static bool
folder_of(const char *path, char *ret, size_t size)
{
	struct slice p = slice_str(path);
	size_t end = slice_ends(p, SLICE(".yaml")) ? 5 : slice_ends(p, SLICE(".yml")) ? 4 : 0;

	return end > 0 && p.n - end + 3 <= size &&
	       snprintf(ret, size, "%.*s.d", (int) (p.n - end), path) > 0;
}

/* Add the files of the folder beside 'path', if there is one. -errno and *d. */
static int
add_folder(struct cfg *c, const char *path, struct diag *d)
{
	struct dirent **v = NULL;
	char folder[4096];
	int n, r = 0;

	if (!folder_of(path, folder, sizeof(folder)))
		return 0;
	n = scandir(folder, &v, is_ours, by_name);
	if (n < 0 && errno == ENOENT)
		return 0;
	if (n < 0 || n > FILES_MAX) {
		r = n < 0 ? -errno : -EINVAL;
		diag_set(d, 0, 0, n < 0 ? "cannot read it: %s" : "more than 256 files",
		    strerrordesc_np(-r));
		diag_place(d, folder, (struct slice){ NULL, 0 });
	}
	for (int i = 0; r == 0 && i < n; i++)
		r = add_file(c, folder, v[i]->d_name, d);
	for (int i = 0; i < n; i++)
		free(v[i]);
	free(v);
	return r;
}

int
cfg_open(const char *path, const char *usual, struct cfg **ret, struct diag *d)
{
	const char *file = path == NULL ? usual : path;
	struct cfg *c = NULL;
	int r = cfg_load(file, &c, d);

	if (r == -ENOENT && path == NULL) {
		*d = (struct diag){ 0 };
		r = cfg_new(&c);
	}
	if (r == 0)
		r = add_folder(c, file, d);
	if (r < 0)
		cfg_free(c);
	else
		*ret = c;
	return r;
}
