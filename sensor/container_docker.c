/* SPDX-License-Identifier: Apache-2.0 */
/* container_docker.c - docker's own files: its data root has containers/ID/config.v2.json. */
#include "proto/names.h"
#include "sensor/container_read.h"
#include <stdio.h>
#include <string.h>

#define DEFAULT_ROOT "var/lib/docker"

/* The folder of the container: docker mounts files from it. */
static bool
folder_of(const struct container_info *c, char *out, size_t size)
{
	char part[CONTAINER_ID_MAX + 16];
	size_t i;
	json_t *m;

	(void) snprintf(part, sizeof(part), "/containers/%s/", c->ask->full);
	json_array_foreach(json_object_get(c->config, "mounts"), i, m)
	{
		const char *source = json_string_value(json_object_get(m, "source"));
		const char *at = source == NULL ? NULL : strstr(source, part);

		if (at != NULL && *source == '/') {
			(void) snprintf(out, size, "%.*s",
			    (int) (at + strlen(part) - 1 - (source + 1)), source + 1);
			return true;
		}
	}
	(void) snprintf(out, size, DEFAULT_ROOT "/containers/%s", c->ask->full);
	return strstr(c->bundle, "/moby/") != NULL;
}

/* "repository:tag" and digest of an image that was named by its id, or has none in its name. */
static void
look_up(struct container_info *c, const char *folder, const char *driver)
{
	char images[CONTAINER_BUNDLE_MAX + 64];
	const char *end = strstr(folder, "/containers/");
	struct slice *v = c->v, id = v[EVP_CONTAINER_INFO_image_id], name = { NULL, 0 };
	const json_t *doc;
	const char *repository, *reference;
	json_t *references, *image;

	if (end == NULL || id.n == 0 || driver == NULL || strchr(driver, '/') != NULL)
		return;
	(void) snprintf(
	    images, sizeof(images), "%.*s/image/%s", (int) (end - folder), folder, driver);
	doc = container_doc(c, images, "repositories.json");
	json_object_foreach(json_object_get(doc, "Repositories"), repository, references)
	{
		json_object_foreach(references, reference, image)
		{
			const char *of = json_string_value(image), *at = strchr(reference, '@');
			size_t skip = of != NULL && strncmp(of, "sha256:", 7) == 0 ? 7 : 0;

			if (of == NULL || !slice_eq(slice_str(of + skip), id))
				continue;
			if (at != NULL)
				v[EVP_CONTAINER_INFO_image_digest] = slice_str(at + 1);
			else
				name = slice_str(reference);
		}
	}
	if (name.n > 0 && (v[EVP_CONTAINER_INFO_image].n == 0 ||
			      slice_starts(v[EVP_CONTAINER_INFO_image], SLICE("sha256:")) ||
			      slice_starts(id, v[EVP_CONTAINER_INFO_image])))
		container_image(c, name);
}

static struct slice
mounts(struct container_info *c, const json_t *points)
{
	struct buf out = BUF_INIT;
	const char *key;
	json_t *m;

	json_object_foreach((json_t *) points, key, m)
	{
		static const char *const members[] = { "Source", "Destination", "Relabel" };
		size_t was = out.n;

		for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
			buf_slice(&out, json_text(m, members[i], NULL));
			buf_char(&out, ':');
		}
		buf_printf(&out, "%s:", json_is_true(json_object_get(m, "RW")) ? "true" : "false");
		buf_slice(&out, json_text(m, "Propagation", NULL));
		if (!container_text_end(&out, was))
			break;
	}
	return container_texts(c, &out);
}

static struct slice
first_address(const json_t *networks)
{
	const char *key;
	json_t *n;

	json_object_foreach((json_t *) networks, key, n)
	{
		struct slice ip = json_text(n, "IPAddress", NULL);

		if (ip.n > 0)
			return ip;
	}
	return SLICE("");
}

bool
container_docker(struct container_info *c)
{
	char folder[CONTAINER_BUNDLE_MAX];
	const json_t *doc, *host, *config;
	struct slice *v = c->v;

	if (!folder_of(c, folder, sizeof(folder)))
		return false;
	doc = container_doc(c, folder, "config.v2.json");
	if (doc == NULL)
		return false;
	config = json_object_get(doc, "Config");
	v[EVP_CONTAINER_INFO_runtime] = SLICE("docker");
	v[EVP_CONTAINER_INFO_container_name] = json_text(doc, "Name", NULL);
	if (slice_starts(v[EVP_CONTAINER_INFO_container_name], SLICE("/"))) {
		v[EVP_CONTAINER_INFO_container_name].p++;
		v[EVP_CONTAINER_INFO_container_name].n--;
	}
	v[EVP_CONTAINER_INFO_image_id] = json_text(doc, "Image", NULL);
	if (slice_starts(v[EVP_CONTAINER_INFO_image_id], SLICE("sha256:"))) {
		v[EVP_CONTAINER_INFO_image_id].p += 7;
		v[EVP_CONTAINER_INFO_image_id].n -= 7;
	}
	container_image(c, json_text(config, "Image", NULL));
	look_up(c, folder, json_text(doc, "Driver", NULL).p);
	v[EVP_CONTAINER_INFO_labels] = container_labels(c, json_object_get(config, "Labels"));
	v[EVP_CONTAINER_INFO_mounts] = mounts(c, json_object_get(doc, "MountPoints"));
	v[EVP_CONTAINER_INFO_ip] =
	    first_address(json_object_get(json_object_get(doc, "NetworkSettings"), "Networks"));
	container_healthcheck(
	    c, json_object_get(config, "Healthcheck"), json_object_get(config, "Shell"));
	host = container_doc(c, folder, "hostconfig.json");
	if (host != NULL) {
		c->traits &= ~(int64_t) NV_container_traits_CONTAINER_PRIVILEGED;
		if (json_is_true(json_object_get(host, "Privileged")))
			c->traits |= NV_container_traits_CONTAINER_PRIVILEGED;
	}
	return true;
}
