/* SPDX-License-Identifier: Apache-2.0 */
/* container_podman.c - podman's own files: the storage that its bundles are in lists containers and
 * images. */
#include "proto/names.h"
#include "sensor/container_bolt.h"
#include "sensor/container_read.h"
#include "sensor/container_sqlite.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The entry with this id in a list; NULL: none. */
static const json_t *
entry(const json_t *list, struct slice id)
{
	size_t i;
	json_t *e;

	json_array_foreach((json_t *) list, i, e)
	{
		if (slice_eq(json_text(e, "id", NULL), id))
			return e;
	}
	return NULL;
}

/* Split the bundle "ROOT/overlay-containers/ID/userdata" into its storage and driver. */
static bool
storage_of(const char *bundle, char *root, char *driver, size_t size)
{
	const char *end = strstr(bundle, "-containers/"), *slash = end;

	while (slash != NULL && slash > bundle && *slash != '/')
		slash--;
	if (slash == NULL || *slash != '/')
		return false;
	(void) snprintf(root, size, "%.*s", (int) (slash - bundle), bundle);
	(void) snprintf(driver, size, "%.*s", (int) (end - slash - 1), slash + 1);
	return true;
}

static const json_t *
container_entry(struct container_info *c, const char *folder)
{
	static const char *const lists[] = { "containers.json", "volatile-containers.json" };
	const json_t *e = NULL;

	for (size_t i = 0; e == NULL && i < ARRAY_SIZE(lists); i++)
		e = entry(container_doc(c, folder, lists[i]), slice_str(c->ask->full));
	return e;
}

static void
image_of(struct container_info *c, const char *root, const char *driver, struct slice id)
{
	char folder[2 * CONTAINER_BUNDLE_MAX];
	const json_t *image;
	struct slice digest;

	(void) snprintf(folder, sizeof(folder), "%s/%s-images", root, driver);
	image = entry(container_doc(c, folder, "images.json"), id);
	digest = json_text(image, "digest", NULL);
	if (digest.n > 0)
		c->v[EVP_CONTAINER_INFO_image_digest] = digest;
}

static int
from_bolt(struct slice id, int fd, struct buf *out)
{
	const struct slice keys[] = { SLICE("ctr"), id, SLICE("config") };

	return bolt_get(fd, keys, ARRAY_SIZE(keys), out);
}

static int
from_sqlite(struct slice id, int fd, struct buf *out)
{
	return sqlite_text(fd, "SELECT JSON FROM ContainerConfig WHERE ID = ?1", id, out);
}

/* podman keeps what it was told in a database: podman 5 in the storage's folder, or in that of
 * libpod if it was told where that is; podman 4 in the last one. */
static const json_t *
told(struct container_info *c, const char *root)
{
	static const struct {
		const char *folder, *name;
		int (*get)(struct slice id, int fd, struct buf *out);
	} databases[] = { { "", "db.sql", from_sqlite }, { "/libpod", "db.sql", from_sqlite },
		{ "/libpod", "bolt_state.db", from_bolt } };
	char folder[CONTAINER_BUNDLE_MAX + 8];
	struct buf text = BUF_INIT;
	const json_t *doc = NULL;

	for (size_t i = 0; doc == NULL && i < ARRAY_SIZE(databases); i++) {
		int fd;

		(void) snprintf(folder, sizeof(folder), "%s%s", root, databases[i].folder);
		fd = container_open(c, folder, databases[i].name);
		if (fd < 0)
			continue;
		buf_clear(&text);
		if (databases[i].get(slice_str(c->ask->full), fd, &text) == 0)
			doc = container_parse(c, buf_get(&text));
		(void) close(fd);
	}
	buf_fini(&text);
	return doc;
}

/* The image's own description: a file that is named after its digest, in base64. */
static const json_t *
image_config(struct container_info *c, const char *root, const char *driver, struct slice id)
{
	char folder[3 * CONTAINER_BUNDLE_MAX], digest[80], name[128] = "=";
	int n = snprintf(digest, sizeof(digest), "sha256:%.*s", SLICE_ARG(id));

	if (id.n != 64 || memchr(id.p, '/', id.n) != NULL)
		return NULL;
	(void) EVP_EncodeBlock((unsigned char *) name + 1, (const unsigned char *) digest, n);
	(void) snprintf(folder, sizeof(folder), "%s/%s-images/%.*s", root, driver, SLICE_ARG(id));
	return json_object_get(container_doc(c, folder, name), "config");
}

/* What podman was told: labels, and the health check, which may be the image's. Where that cannot
 * be read, the image's health check. */
static void
told_of(struct container_info *c, const char *root, const char *driver, struct slice image)
{
	const json_t *doc = told(c, root), *check = json_object_get(doc, "healthcheck");

	c->v[EVP_CONTAINER_INFO_labels] = container_labels(c, json_object_get(doc, "labels"));
	if (doc == NULL)
		check = json_object_get(image_config(c, root, driver, image), "Healthcheck");
	container_healthcheck(c, check, NULL);
}

bool
container_podman(struct container_info *c)
{
	const json_t *notes = json_object_get(c->config, "annotations"), *e, *name;
	char root[CONTAINER_BUNDLE_MAX], driver[CONTAINER_BUNDLE_MAX];
	char folder[2 * CONTAINER_BUNDLE_MAX];
	json_t *meta;

	if (!slice_eq(json_text(notes, "io.container.manager", NULL), SLICE("libpod")))
		return false;
	c->v[EVP_CONTAINER_INFO_runtime] = SLICE("podman");
	c->traits &= ~(int64_t) NV_container_traits_CONTAINER_PRIVILEGED;
	if (slice_eq(json_text(notes, "io.podman.annotations.privileged", NULL), SLICE("TRUE")))
		c->traits |= NV_container_traits_CONTAINER_PRIVILEGED;
	if (!storage_of(c->bundle, root, driver, sizeof(root)))
		return true;
	(void) snprintf(folder, sizeof(folder), "%s/%s-containers", root, driver);
	e = container_entry(c, folder);
	name = json_array_get(json_object_get(e, "names"), 0);
	if (json_is_string(name))
		c->v[EVP_CONTAINER_INFO_container_name] = slice_str(json_string_value(name));
	c->v[EVP_CONTAINER_INFO_image_id] = json_text(e, "image", NULL);
	meta = json_loads(
	    json_text(e, "metadata", NULL).p == NULL ? "" : json_text(e, "metadata", NULL).p, 0,
	    NULL);
	container_image(c, container_copy(c, json_text(meta, "image-name", NULL)));
	json_decref(meta);
	image_of(c, root, driver, c->v[EVP_CONTAINER_INFO_image_id]);
	told_of(c, root, driver, c->v[EVP_CONTAINER_INFO_image_id]);
	container_cni_kept(c, slice_str(c->ask->full));
	return true;
}
