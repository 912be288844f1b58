/* SPDX-License-Identifier: Apache-2.0 */
/* container_bundle.c - where a container's config.json is. */
#include "sensor/container_read.h"
#include <stdio.h>
#include <string.h>

/* Where runtimes keep bundles unless they are configured otherwise; the whole id is between. */
static const struct {
	const char *before, *after;
} places[] = {
	{ "run/containerd/io.containerd.runtime.v2.task/moby/", "" },
	{ "run/containerd/io.containerd.runtime.v2.task/k8s.io/", "" },
	{ "run/containerd/io.containerd.runtime.v2.task/default/", "" },
	{ "run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby/", "" },
	{ "run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/", "" },
	{ "var/lib/containers/storage/overlay-containers/", "/userdata" },
	{ "run/containers/storage/overlay-containers/", "/userdata" },
	{ "var/lib/containers/storage/vfs-containers/", "/userdata" },
	{ "var/lib/containers/storage/btrfs-containers/", "/userdata" },
};

static bool
try(struct container_info *c, const char *folder)
{
	while (*folder == '/')
		folder++;
	c->config = *folder == '\0' ? NULL : container_doc(c, folder, "config.json");
	if (c->config == NULL)
		return false;
	(void) snprintf(c->bundle, sizeof(c->bundle), "%s", folder);
	c->fault = CONTAINER_FINE;
	return true;
}

/* An id in a path must not leave its folder. */
static bool
is_name(const char *id)
{
	return id[0] != '\0' && id[0] != '.' && strchr(id, '/') == NULL;
}

bool
container_bundle(struct container_info *c)
{
	char folder[CONTAINER_BUNDLE_MAX];

	c->fault = CONTAINER_MISSING;
	if (try(c, c->ask->bundle))
		return true;
	for (size_t i = 0; c->ask->owner == 0 && is_name(c->ask->full) && i < ARRAY_SIZE(places);
	     i++) {
		(void) snprintf(folder, sizeof(folder), "%s%s%s", places[i].before, c->ask->full,
		    places[i].after);
		if (try(c, folder))
			return true;
	}
	return false;
}
