/* SPDX-License-Identifier: Apache-2.0 */
/* container_cri.c - Kubernetes' containers, and others of containerd: annotations in config.json.
 */
#include "sensor/container_read.h"
#include <stdio.h>
#include <string.h>

/* What the plugin of containerd, and CRI-O, write into a bundle. A label cannot: labels are not
 * annotations there. */
static const struct {
	unsigned param;
	const char *containerd, *crio;
} notes[] = {
	{ EVP_CONTAINER_INFO_container_name, "io.kubernetes.cri.container-name",
	    "io.kubernetes.container.name" },
	{ EVP_CONTAINER_INFO_pod_sandbox, "io.kubernetes.cri.sandbox-id",
	    "io.kubernetes.cri-o.SandboxID" },
	{ EVP_CONTAINER_INFO_pod_name, "io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name" },
	{ EVP_CONTAINER_INFO_pod_namespace, "io.kubernetes.cri.sandbox-namespace",
	    "io.kubernetes.pod.namespace" },
	{ EVP_CONTAINER_INFO_pod_uid, "io.kubernetes.cri.sandbox-uid", "io.kubernetes.pod.uid" },
	{ EVP_CONTAINER_INFO_pod_ip, NULL, "io.kubernetes.cri-o.IP.0" },
};

/* CRI-O keeps what belongs to the pod in the bundle of the sandbox, beside the container's. */
static void
crio_sandbox(struct container_info *c)
{
	struct slice id = c->v[EVP_CONTAINER_INFO_pod_sandbox];
	const char *own = strstr(c->bundle, c->ask->full);
	char folder[2 * CONTAINER_BUNDLE_MAX];
	const json_t *a;

	if (own == NULL || id.n == 0 || id.p[0] == '.' || memchr(id.p, '/', id.n) != NULL)
		return;
	(void) snprintf(folder, sizeof(folder), "%.*s%.*s%s", (int) (own - c->bundle), c->bundle,
	    SLICE_ARG(id), own + strlen(c->ask->full));
	a = json_object_get(container_doc(c, folder, "config.json"), "annotations");
	c->v[EVP_CONTAINER_INFO_pod_labels] = container_pod_labels(
	    c, container_parse(c, json_text(a, "io.kubernetes.cri-o.Labels", NULL)));
	container_probes_applied(
	    c, json_text(container_parse(c, json_text(a, "io.kubernetes.cri-o.Annotations", NULL)),
		   CONTAINER_APPLIED, NULL));
	container_cni_answer(
	    c, container_parse(c, json_text(a, "io.kubernetes.cri-o.CNIResult", NULL)));
}

static void
crio_image(struct container_info *c, const json_t *a)
{
	container_image(c, json_text(a, "io.kubernetes.cri-o.ImageName", NULL));
	c->v[EVP_CONTAINER_INFO_image_id] = json_text(a, "io.kubernetes.cri-o.ImageRef", NULL);
}

bool
container_cri(struct container_info *c)
{
	const json_t *a = json_object_get(c->config, "annotations");
	bool cri = json_text(a, "io.kubernetes.cri.container-type", NULL).n > 0;
	bool crio = json_text(a, "io.kubernetes.cri-o.ContainerType", NULL).n > 0;

	if (!cri && !crio && strstr(c->bundle, "io.containerd.runtime") == NULL)
		return false;
	c->v[EVP_CONTAINER_INFO_runtime] = crio ? SLICE("cri-o") : SLICE("containerd");
	for (size_t i = 0; (cri || crio) && i < ARRAY_SIZE(notes); i++) {
		const char *key = crio ? notes[i].crio : notes[i].containerd;

		if (key != NULL)
			c->v[notes[i].param] = json_text(a, key, NULL);
	}
	if (cri) {
		container_image(c, json_text(a, "io.kubernetes.cri.image-name", NULL));
		container_containerd_pod(c);
	}
	if (crio) {
		crio_image(c, a);
		crio_sandbox(c);
	}
	if (!cri && !crio)
		container_containerd(c);
	container_cni_kept(
	    c, cri || crio ? c->v[EVP_CONTAINER_INFO_pod_sandbox] : slice_str(c->ask->full));
	return true;
}
